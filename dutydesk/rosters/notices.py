"""Telling people their shifts: one SMS (or, an hour before, one call) to one person about one shift, or a whole month."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal
from zoneinfo import ZoneInfo

from dutydesk.alerts.actions import alert_row
from dutydesk.people.rules import Person
from dutydesk.rosters.model import Roster, Shift
from dutydesk.rosters.rules import Seat
from dutydesk.rosters.rules.holes import day_word
from dutydesk.rulebook.types import Channel

# What each says is ``sms.shift_<kind>`` and ``voice.shift_<kind>`` of the wording.
Kind = Literal["changed", "tomorrow", "soon"]

# As an SMS and a call name the seats.
SEAT_WORDS: dict[Seat, str] = {
    "leader": "带班领导",
    "supervisor": "值班主任",
    "operator_primary": "主班",
    "operator_secondary": "副班",
    "standby": "备班",
}


def subject_of(shift_id: int) -> str:
    """Return what alerts about a shift are found by (``Alert.subject``)."""
    return f"shift/{shift_id}"


def shift_notice(
    now: datetime, shift: Shift, person_id: int, kind: Kind, zone: ZoneInfo, channel: Channel = "sms"
) -> dict[str, Any]:
    """Return the alert that tells a person about a shift, for ``alerts.queries.add_alerts``.

    The same notice about the same state of the plan (``Shift.sequence``) is never given twice.
    """
    key = f"shift/{shift.id}/{shift.sequence}/{kind}/{person_id}/{channel}"
    return _about_a_shift(now, shift, person_id, key, f"shift_{kind}", zone, channel)


def change_notice(
    now: datetime, shift: Shift, person_id: int, change_id: int, zone: ZoneInfo
) -> dict[str, Any]:
    """Return the SMS that tells a person that a shift stays as planned: a change was refused, or not approved in time."""
    key = f"change/{change_id}/refused/{person_id}"
    return _about_a_shift(now, shift, person_id, key, "change_refused", zone, "sms")


def _about_a_shift(
    now: datetime, shift: Shift, person_id: int, key: str, wording: str, zone: ZoneInfo, channel: Channel
) -> dict[str, Any]:
    local = shift.starts_at.astimezone(zone)
    return alert_row(
        now,
        unique_key=key,
        lane="reminder",
        cause="shift",
        target="person",
        recipient=f"person:{person_id}",
        channel=channel,
        reason="SHIFT_REMINDER",
        wording=wording,
        person_id=person_id,
        unit_id=shift.unit_id,
        subject=subject_of(shift.id or 0),
        params={
            "day": f"{local.month}月{local.day}日",
            "time": f"{local:%H:%M}",
            "seat": SEAT_WORDS[shift.seat],
        },
    )


def published_notices(
    now: datetime, zone: ZoneInfo, roster: Roster, shifts: Sequence[Shift], persons: Mapping[int, Person]
) -> list[dict[str, Any]]:
    """Return one SMS for each person, however many turns; who has none ahead any more is left in peace."""
    ahead: dict[int, list[Shift]] = {}
    for shift in sorted(shifts, key=lambda one: one.starts_at):
        if shift.starts_at > now and shift.person_id in persons:
            ahead.setdefault(shift.person_id, []).append(shift)
    return [
        alert_row(
            now,
            unique_key=f"roster/{roster.id}/{roster.version}/{person_id}",
            lane="digest",
            cause="shift",
            target="person",
            recipient=f"person:{person_id}",
            channel="sms",
            reason="SHIFT_REMINDER",
            wording="shift_published",
            person_id=person_id,
            unit_id=roster.unit_id,
            subject=f"roster/{roster.unit_id}/{roster.month:%Y-%m}",
            params={
                "title": f"{roster.month.month}月值班{len(mine)}班",
                "day": day_word(mine[0].starts_at, zone),
                "time": f"{mine[0].starts_at.astimezone(zone):%H:%M}",
            },
        )
        for person_id, mine in ahead.items()
    ]
