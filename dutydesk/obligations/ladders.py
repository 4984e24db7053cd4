"""Ladders as they are copied onto an obligation: JSON in its row, the same frozen plan in memory."""

from datetime import timedelta
from typing import Any

from dutydesk.rulebook.types import LadderPlan, RungPlan, Tell


def ladder_to_json(ladder: LadderPlan) -> dict[str, Any]:
    """Return the copy that an obligation keeps; later edits of the file do not reach it."""
    return {
        "name": ladder.name,
        "lane": ladder.lane,
        "rungs": [
            {
                "key": rung.key,
                "anchor": rung.anchor,
                "offset": rung.offset.total_seconds(),
                "tells": [[list(tell.targets), list(tell.channels)] for tell in rung.tells],
                "until": rung.until,
                "wording": rung.wording,
                "repeat_every": None if rung.repeat_every is None else rung.repeat_every.total_seconds(),
            }
            for rung in ladder.rungs
        ],
    }


def ladder_from_json(kept: dict[str, Any]) -> LadderPlan:
    """Read an obligation's own copy.

    Raises:
        KeyError, TypeError, ValueError: when the copy is damaged; the row then fails by itself.
    """
    return LadderPlan(
        name=kept["name"],
        lane=kept["lane"],
        rungs=tuple(
            RungPlan(
                key=rung["key"],
                anchor=rung["anchor"],
                offset=timedelta(seconds=rung["offset"]),
                tells=tuple(Tell(tuple(targets), tuple(channels)) for targets, channels in rung["tells"]),
                until=rung["until"],
                wording=rung["wording"],
                repeat_every=(
                    None if rung["repeat_every"] is None else timedelta(seconds=rung["repeat_every"])
                ),
            )
            for rung in kept["rungs"]
        ),
    )
