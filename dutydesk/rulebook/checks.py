"""What must hold between the files of ``config/``: each check yields (file, key, sentence)."""

import re
import string
from collections.abc import Iterator, Mapping
from dataclasses import fields
from datetime import timedelta

from dutydesk.rulebook.types import (
    TARGETS,
    Cap,
    LadderPlan,
    Pace,
    ProviderPlan,
    Rule,
    RungPlan,
    Wording,
)
from dutydesk.rulebook.wording import (
    PLACEHOLDERS,
    REQUIRED_TEXTS,
    SMS_UNITS,
    TITLE_UNITS,
    longest_sms,
    utf16_units,
)

RULES, LADDERS, PROVIDERS, ROSTERS = "rulebook.toml", "ladders.toml", "providers.toml", "rosters.toml"

Faults = Iterator[tuple[str, str, str]]

_POST = re.compile(r"post:[a-z_]+")
_PROVIDER = re.compile(r"[a-z][a-z0-9]*")
_NOTHING = timedelta(0)


def rule_faults(rules: tuple[Rule, ...], ladder_names: set[str]) -> Faults:
    """Check every rule by itself and against its other versions."""
    if not rules:
        yield RULES, "rule", "there is no usable rule"
    for index, rule in enumerate(rules):
        where = f"rule[{rule.id}]"
        for key, message in _one_rule(rule, ladder_names):
            yield RULES, f"{where}.{key}", message
        for other in rules[:index]:
            if other.id == rule.id and _overlap(other, rule):
                yield RULES, f"{where}.valid_from", "two versions are in force on the same day"


def _one_rule(rule: Rule, ladder_names: set[str]) -> Iterator[tuple[str, str]]:
    if rule.ladder not in ladder_names:
        yield "ladder", f"there is no ladder called {rule.ladder!r}"
    if utf16_units(rule.title) > TITLE_UNITS:
        yield "title", f"longer than {TITLE_UNITS} characters: an SMS must hold it"
    if not rule.bases and rule.opens_on != "matter":
        yield "bases", "must name at least one base"
    if any(limit is not None and limit <= _NOTHING for limit in (rule.limit, *rule.limits_by_grade.values())):
        yield "limit", "must be longer than nothing"
    if rule.valid_until is not None and rule.valid_until <= rule.valid_from:
        yield "valid_until", "must be after valid_from"


def _overlap(one: Rule, other: Rule) -> bool:
    one_ends = one.valid_until is None or other.valid_from < one.valid_until
    other_ends = other.valid_until is None or one.valid_from < other.valid_until
    return one_ends and other_ends


def ladder_faults(ladders: Mapping[str, LadderPlan]) -> Faults:
    """Check that every ladder can be climbed, and that it never simply ends."""
    for name, ladder in ladders.items():
        where = f"ladder.{name}.rung"
        if not ladder.rungs:
            yield LADDERS, where, "a ladder needs at least one rung"
            continue
        for key in _twice([rung.key for rung in ladder.rungs]):
            yield LADDERS, f"{where}[{key}].key", "used twice in one ladder"
        if ladder.rungs[-1].repeat_every is None:
            yield LADDERS, where, "the last rung must repeat: a ladder never simply ends"
        for rung in ladder.rungs:
            if rung.repeat_every is not None and rung.repeat_every <= _NOTHING:
                yield LADDERS, f"{where}[{rung.key}].repeat_every", "must be longer than nothing"


def _twice(names: list[str]) -> set[str]:
    return {name for name in names if names.count(name) > 1}


def target_faults(ladders: Mapping[str, LadderPlan], fallbacks: Mapping[str, tuple[str, ...]]) -> Faults:
    """Check that everybody who is named can be found."""
    for name, ladder in ladders.items():
        for rung in ladder.rungs:
            for message in _tell_faults(rung):
                yield LADDERS, f"ladder.{name}.rung[{rung.key}].tells", message
    for target, chain in fallbacks.items():
        for name in (target, *chain):
            if not _is_target(name):
                yield LADDERS, f"fallbacks.{target}", f"unknown target {name!r}"
        if target in chain:
            yield LADDERS, f"fallbacks.{target}", "names itself"


def _tell_faults(rung: RungPlan) -> Iterator[str]:
    if not rung.tells:
        yield "tells nobody"
    for tell in rung.tells:
        if not tell.targets or not tell.channels:
            yield "needs targets and channels"
        for target in tell.targets:
            if not _is_target(target):
                yield f"unknown target {target!r}"
        if "screen" in tell.channels and tell.targets != ("desk:operator",):
            yield "the screen is the desk's: its only target is desk:operator"


def _is_target(name: str) -> bool:
    return name in TARGETS or _POST.fullmatch(name) is not None


def pace_faults(pace: Pace, caps: tuple[Cap, ...]) -> Faults:
    """Check that nothing in the pace or the caps would keep a telephone from ringing."""
    for field in fields(pace):
        value = getattr(pace, field.name)
        if value <= (_NOTHING if isinstance(value, timedelta) else 0):
            yield LADDERS, f"pace.{field.name}", "must be more than nothing"
    for index, cap in enumerate(caps):
        if cap.count < 1:
            yield PROVIDERS, f"cap[{index}].count", "must be at least 1"
        if cap.window <= _NOTHING:
            yield PROVIDERS, f"cap[{index}].window", "must be longer than nothing"


def provider_faults(providers: tuple[ProviderPlan, ...]) -> Faults:
    """Check that there are providers, and that secrets can be given to each by its name."""
    if not providers:
        yield PROVIDERS, "provider", "there is no usable provider"
    for name in _twice([provider.name for provider in providers]):
        yield PROVIDERS, f"provider[{name}].name", "used twice"
    for provider in providers:
        if _PROVIDER.fullmatch(provider.name) is None:
            yield PROVIDERS, f"provider[{provider.name}].name", "must be lower-case letters and digits"
        if not provider.channels:
            yield PROVIDERS, f"provider[{provider.name}].channels", "is empty"


def wording_faults(wording: Wording, ladders: Mapping[str, LadderPlan]) -> Faults:
    """Check that nothing is left without words, and that every SMS fits."""
    file = f"wording.{wording.language}.toml"
    used = {rung.wording for ladder in ladders.values() for rung in ladder.rungs}
    needed = REQUIRED_TEXTS | {f"{part}.{name}" for part in ("sms", "voice", "screen") for name in used}
    for key in sorted(needed - wording.texts.keys()):
        yield file, key, "missing"
    for key, template in wording.texts.items():
        for message in _text_faults(wording, key, template):
            yield file, key, message


def _text_faults(wording: Wording, key: str, template: str) -> Iterator[str]:
    try:
        parsed = [part for part in string.Formatter().parse(template) if part[1] is not None]
    except ValueError as error:
        yield f"not a template: {error}"
        return
    names = {name for _, name, _, _ in parsed if name is not None}
    unknown = sorted(names - PLACEHOLDERS)
    if any(spec or conversion for _, _, spec, conversion in parsed):
        yield "a placeholder is written {name} and nothing else"
        return
    yield from (f"unknown placeholder {{{name}}}" for name in unknown)
    if key.startswith("sms.") and "signature" in wording.texts and not unknown:
        length = longest_sms(wording, key)
        if length > SMS_UNITS:
            yield f"can grow to {length} UTF-16 units; an SMS holds {SMS_UNITS}"
