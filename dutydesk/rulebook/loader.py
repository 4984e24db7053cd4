"""Reads ``config/*.toml`` as a whole and names every mistake with its file and key."""

import hashlib
import re
import tomllib
from collections.abc import Iterator, Mapping
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from dutydesk.errors import RefusedToStartError
from dutydesk.rulebook.checks import (
    LADDERS,
    PROVIDERS,
    ROSTERS,
    RULES,
    ladder_faults,
    pace_faults,
    provider_faults,
    rule_faults,
    target_faults,
    wording_faults,
)
from dutydesk.rulebook.papers import PAPERS, paper_plan, tables
from dutydesk.rulebook.types import (
    Cap,
    LadderPlan,
    Pace,
    ProviderPlan,
    RosterPlan,
    Rule,
    Rulebook,
    RungPlan,
    Wording,
)

_DURATION = re.compile(r"(-?)(\d+) ?(s|min|h|d)")
_UNITS = {"s": "seconds", "min": "minutes", "h": "hours", "d": "days"}
_T = TypeVar("_T")


class _Faults:
    """Collects what is wrong, so that all of it is said at once."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def add(self, file: str, key: str, message: str) -> None:
        self.lines.append(f"{file}: {key}: {message}")


def load_rulebook(folder: Path, language: str) -> Rulebook:
    """Read and check every file of a config folder.

    Raises:
        RefusedToStartError: with one line for every mistake, each naming file and key.
    """
    faults = _Faults()
    rule_file = _read(folder / RULES, faults, {"rule"})
    ladder_file = _read(folder / LADDERS, faults, {"fallbacks", "pace", "ladder"})
    provider_file = _read(folder / PROVIDERS, faults, {"provider", "cap"})
    rules = _each(rule_file, "rule", Rule, RULES, faults)
    ladders = _ladders(ladder_file, faults)
    wording = _wording(folder / f"wording.{language}.toml", language, faults)
    fallbacks = _fallbacks(ladder_file, faults)
    pace = _one(Pace, ladder_file.get("pace", {}), LADDERS, "pace", faults) or Pace()
    providers = _each(provider_file, "provider", ProviderPlan, PROVIDERS, faults)
    caps = _each(provider_file, "cap", Cap, PROVIDERS, faults)
    rosters = _one(RosterPlan, _roster_file(folder, faults), ROSTERS, "file", faults) or RosterPlan()
    papers = paper_plan(_read(folder / PAPERS, faults, tables()), folder, faults.add)
    for fault in (
        *rule_faults(rules, set(_table(ladder_file, "ladder"))),
        *ladder_faults(ladders),
        *target_faults(ladders, fallbacks),
        *pace_faults(pace, caps),
        *provider_faults(providers),
        *wording_faults(wording, ladders),
    ):
        faults.add(*fault)
    if faults.lines:
        raise RefusedToStartError("\n".join(dict.fromkeys(faults.lines)))
    return Rulebook(
        rules,
        ladders,
        fallbacks,
        pace,
        caps,
        providers,
        wording,
        papers,
        rosters,
        str(folder),
        digest_of(folder),
    )


def _roster_file(folder: Path, faults: _Faults) -> dict[str, Any]:
    raw = _read(folder / ROSTERS, faults)
    if isinstance(raw.get("eligibility"), dict):
        raw["eligibility"] = _with_durations(raw["eligibility"], ROSTERS, "eligibility", faults)
    return raw


def digest_of(folder: Path) -> str:
    """Return the SHA-256 of every ``*.toml`` of a config folder with its name: another text, another digest."""
    said = hashlib.sha256()
    for path in sorted(folder.glob("*.toml")):
        said.update(f"{path.name}\0{hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return said.hexdigest()


def parse_duration(text: str) -> timedelta:
    """Read ``"20 min"``, ``"-5 min"``, ``"5 h"``, ``"30 s"`` or ``"2 d"``.

    Raises:
        ValueError: for anything else.
    """
    found = _DURATION.fullmatch(text.strip())
    if found is None:
        message = f"not a duration like '20 min', '-5 min', '5 h': {text!r}"
        raise ValueError(message)
    sign, count, unit = found.groups()
    length = timedelta(**{_UNITS[unit]: int(count)})
    return -length if sign else length


def _read(path: Path, faults: _Faults, known: set[str] | None = None) -> dict[str, Any]:
    """Return a file's contents; *known* are the tables it may have."""
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
        for key in sorted(found.keys() - (known or found.keys())):
            faults.add(path.name, key, "is no table of this file")
        return found
    except FileNotFoundError:
        faults.add(path.name, "file", "missing")
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        faults.add(path.name, "file", f"not valid TOML: {error}")
    return {}


def _table(raw: Mapping[str, Any], key: str) -> dict[str, Any]:
    """Return a table, or nothing where something else stands (which is named where it is read)."""
    found = raw.get(key, {})
    return found if isinstance(found, dict) else {}


# Keys whose texts are durations, and what two of them are called in memory.
_DURATION_KEYS = {
    "limit",
    "after",
    "repeat_every",
    "window",
    "redial_after",
    "stale_after",
    "late_entry_after",
    "no_screen_after",
    "rest",
    "hour_before",
    "sign_in_early",
}
_IN_MEMORY = {"from": "anchor", "after": "offset"}
_IN_FILE = {name: key for key, name in _IN_MEMORY.items()}


def _with_durations(value: Any, file: str, where: str, faults: _Faults) -> Any:
    """Return *value* with every duration text parsed."""
    if not isinstance(value, dict):
        return value
    read: dict[str, Any] = {}
    for key, item in value.items():
        if key == "limits_by_grade" and isinstance(item, dict):
            read[key] = {
                grade: _duration(text, file, f"{where}.{key}.{grade}", faults) for grade, text in item.items()
            }
        elif key in _DURATION_KEYS:
            read[key] = _duration(item, file, f"{where}.{key}", faults)
        else:
            read[key] = item
    return {_IN_MEMORY.get(key, key): item for key, item in read.items()}


def _duration(text: Any, file: str, where: str, faults: _Faults) -> timedelta:
    try:
        return parse_duration(str(text))
    except ValueError as error:
        faults.add(file, where, str(error))
        return timedelta(0)


@cache
def _adapter(kind: type[Any]) -> TypeAdapter[Any]:
    """Return what validates a *kind*; made once, for that takes far longer than to use it."""
    return TypeAdapter(kind)


def _one(kind: type[_T], raw: Any, file: str, where: str, faults: _Faults) -> _T | None:
    try:
        made: _T = _adapter(kind).validate_python(  # type: ignore[arg-type] # a class is hashable, mypy 2 doubts it
            _with_durations(raw, file, where, faults)
        )
        return made
    except ValidationError as error:
        for fault in error.errors():
            key = ".".join([where, *(_IN_FILE.get(str(part), str(part)) for part in fault["loc"])])
            faults.add(file, key, fault["msg"])
        return None


def _each(raw: Mapping[str, Any], name: str, kind: type[_T], file: str, faults: _Faults) -> tuple[_T, ...]:
    """Validate every entry of an array of tables; broken ones are named and left out."""
    entries = raw.get(name, [])
    if not isinstance(entries, list):
        faults.add(file, name, f"must be [[{name}]] tables")
        return ()
    made = (
        _one(kind, entry, file, f"{name}[{_name_of(entry, index)}]", faults)
        for index, entry in enumerate(entries)
    )
    return tuple(entry for entry in made if entry is not None)


def _name_of(entry: Any, index: int) -> str:
    if isinstance(entry, dict):
        return str(entry.get("id") or entry.get("name") or entry.get("key") or index)
    return str(index)


def _ladders(raw: Mapping[str, Any], faults: _Faults) -> dict[str, LadderPlan]:
    if not isinstance(raw.get("ladder", {}), dict):
        faults.add(LADDERS, "ladder", "must be [ladder.<name>] tables")
    made: dict[str, LadderPlan] = {}
    for name, entry in _table(raw, "ladder").items():
        where = f"ladder.{name}"
        if not isinstance(entry, dict):
            faults.add(LADDERS, where, "must be a table")
            continue
        rungs = _each(entry, "rung", RungPlan, LADDERS, _Scoped(faults, where))
        rest = {key: value for key, value in entry.items() if key != "rung"}
        plan = _one(LadderPlan, {**rest, "name": name, "rungs": rungs}, LADDERS, where, faults)
        if plan is not None:
            made[name] = plan
    return made


def _fallbacks(raw: Mapping[str, Any], faults: _Faults) -> dict[str, tuple[str, ...]]:
    if not isinstance(raw.get("fallbacks", {}), dict):
        faults.add(LADDERS, "fallbacks", "must be a table")
    made: dict[str, tuple[str, ...]] = {}
    for target, chain in _table(raw, "fallbacks").items():
        if isinstance(chain, list) and all(isinstance(name, str) for name in chain):
            made[target] = tuple(chain)
        else:
            faults.add(LADDERS, f"fallbacks.{target}", "must be a list of targets")
    return made


class _Scoped(_Faults):
    """Faults inside one ladder: their keys begin with the ladder's name."""

    def __init__(self, outer: _Faults, scope: str) -> None:
        self._outer, self._scope = outer, scope

    def add(self, file: str, key: str, message: str) -> None:
        self._outer.add(file, f"{self._scope}.{key}", message)


def _wording(path: Path, language: str, faults: _Faults) -> Wording:
    texts: dict[str, str] = {}
    for key, value in _flatten(_read(path, faults)):
        if isinstance(value, str):
            texts[key] = value
        else:
            faults.add(path.name, key, "must be text")
    return Wording(language=language, texts=texts)


def _flatten(raw: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in raw.items():
        if isinstance(value, dict):
            yield from _flatten(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value
