"""A paper that drafts itself from what was logged. Nothing is invented: what nobody logged is 待核实. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo

from dutydesk.incidents.papers.text import numeral
from dutydesk.incidents.rules import COUNTS, ELEMENTS, WRITTEN
from dutydesk.rulebook.papers import PaperPlan

# Told with the nature and the course of an event, before what was done about it.
_ABOUT = ("nature", "cause", "scope", "property")
_DONE = ("leaders", "measures", "trend", "next_steps", "requests", "on_site")
# Nobody has to ask for anything, so what is not asked for is nothing to verify.
_OPTIONAL = frozenset({"requests"})
_HARMED = frozenset({"dead", "missing", "trapped", "badly_injured", "slightly_injured"})
_ENDS = ("。", "；", "！", "？", "…", "：")
# What people write where they know nothing: no fact, so no sentence states it.
_NO_FACT = frozenset({"", "待核实", "待核", "不详", "不清楚", "未知", "无法核实"})


@dataclass(frozen=True, slots=True)
class Count:
    """How many people were harmed as known at one moment, by the names of ``rules.COUNTS``."""

    as_of: datetime
    people: Mapping[str, int]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Told:
    """What a report said."""

    at: datetime
    reporter: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What was logged about an incident, as far as a paper tells it.

    ``news`` are the reports since the last paper, ``issues`` the printed numbers of the signed ones.
    """

    title: str
    unit: str
    unit_short: str
    zone: tzinfo
    occurred_at: datetime | None
    occurred_kind: str
    received_at: datetime
    place: str = ""
    source: str = ""
    narrative: str = ""
    elements: Mapping[str, str]
    count: Count | None = None
    news: Sequence[Told] = ()
    issues: Sequence[str] = ()
    ended_at: datetime | None = None


def draft_title(facts: Facts, part: str, sequence: int, plan: PaperPlan) -> str:
    """Return what a paper is called: 关于…的报告（续报二）."""
    count = numeral(sequence, plan)
    return plan.say(f"titles.{part}", unit=facts.unit, title=_event(facts), count=count)


def draft_body(facts: Facts, part: str, plan: PaperPlan) -> str:
    """Return the text of a paper from the facts, a paragraph a line.

    A follow-up tells what is new and does not tell the beginning again (domain §2.3).
    """
    if part == "follow_up":
        lines = [_follow_up(facts, plan), *(_told(one, facts, plan) for one in facts.news)]
    else:
        lines = [_opening(facts, plan), *_known(facts.narrative).splitlines()]
    lines += [_casualties(facts, plan), *_elements(facts, _ABOUT, plan), *_elements(facts, _DONE, plan)]
    if facts.ended_at is not None:
        lines.append(plan.say("body.ended", at=_moment(facts.ended_at, facts, plan)))
    unknown = unverified(facts)
    if unknown:
        lines.append(plan.say("body.pending", names=plan.listed(unknown)))
    return "\n".join(line.strip() for line in lines if line.strip())


def unverified(facts: Facts) -> list[str]:
    """Return the words of every required element that is not known for certain."""
    known = {
        "received_at": True,
        "occurred_at": facts.occurred_at is not None and facts.occurred_kind == "exact",
        "source": bool(_known(facts.source)),
        "place": bool(_known(facts.place)),
        "narrative": bool(_known(facts.narrative)),
        "casualties": facts.count is not None,
    } | {name: bool(_known(facts.elements.get(name, ""))) for name in WRITTEN}
    return [label for name, label in ELEMENTS if not known[name] and name not in _OPTIONAL]


def _known(text: str) -> str:
    """Return a text, or nothing where it says that nothing is known."""
    plain = text.strip()
    return "" if plain.rstrip("。.！!") in _NO_FACT else plain


def _event(facts: Facts) -> str:
    """Return what happened, without the unit's name where the title begins with it."""
    title = facts.title.strip().rstrip("。")
    for name in (facts.unit, facts.unit_short):
        if name and title.startswith(name) and title != name:
            return title.removeprefix(name)
    return title


def _place(facts: Facts, plan: PaperPlan) -> str:
    return _known(facts.place) or plan.say("body.no_place")


def _opening(facts: Facts, plan: PaperPlan) -> str:
    named = {"unit": facts.unit, "place": _place(facts, plan), "title": _event(facts)}
    if facts.occurred_at is None:
        first = plan.say("body.opening_untimed", **named)
    else:
        occurred = _moment(facts.occurred_at, facts, plan)
        if facts.occurred_kind != "exact":
            occurred = plan.say("time.about", moment=occurred)
        first = plan.say("body.opening", occurred=occurred, **named)
    received = _later(facts.received_at, facts.occurred_at, facts, plan)
    source = _known(facts.source)
    key = "body.received" if source else "body.received_unsourced"
    return first + plan.say(key, received=received, issuer=plan.issuer, source=source)


def _follow_up(facts: Facts, plan: PaperPlan) -> str:
    named = {"unit": facts.unit, "place": _place(facts, plan), "title": _event(facts)}
    if not facts.issues:
        return plan.say("body.follow_up_unsigned", **named)
    return plan.say("body.follow_up", issues=plan.listed(facts.issues), **named)


def _told(one: Told, facts: Facts, plan: PaperPlan) -> str:
    text = _known(one.text)
    if not text:
        return ""
    at = _moment(one.at, facts, plan)
    key = "body.report" if one.reporter else "body.report_unnamed"
    return plan.say(key, at=at, reporter=one.reporter, text=_stopped(text, plan))


def _casualties(facts: Facts, plan: PaperPlan) -> str:
    """Return how many people were harmed; that nobody was is said only where somebody counted."""
    if facts.count is None:
        return plan.say("body.casualties_unknown")
    people = facts.count.people
    counts = [] if any(people.get(name) for name in _HARMED) else [plan.say("body.nobody")]
    counts += [
        plan.say("body.count", what=label, count=people[name]) for name, label in COUNTS if people.get(name)
    ]
    said = plan.listed(counts)
    if _known(facts.count.note):
        said = plan.say("body.note", text=said, note=facts.count.note.strip().rstrip("。"))
    return plan.say("body.casualties", at=_moment(facts.count.as_of, facts, plan), counts=said)


def _elements(facts: Facts, names: Sequence[str], plan: PaperPlan) -> list[str]:
    """Return a paragraph for each element that is known; several lines stay several paragraphs."""
    told = {name: _known(facts.elements.get(name, "")) for name in names}
    return [
        plan.say(f"elements.{name}", text=_stopped(f"\n{text}" if "\n" in text else text, plan))
        for name, text in told.items()
        if text
    ]


def _stopped(text: str, plan: PaperPlan) -> str:
    return text if text.endswith(_ENDS) else text + plan.say("body.stop")


def _moment(moment: datetime, facts: Facts, plan: PaperPlan) -> str:
    then = moment.astimezone(facts.zone)
    return plan.say(
        "time.moment",
        year=then.year,
        month=then.month,
        day=then.day,
        hour=f"{then.hour:02d}",
        minute=f"{then.minute:02d}",
    )


def _later(moment: datetime, beside: datetime | None, facts: Facts, plan: PaperPlan) -> str:
    """Return a time, without its day where that is the day of the time it stands beside."""
    then = moment.astimezone(facts.zone)
    if beside is None or beside.astimezone(facts.zone).date() != then.date():
        return _moment(moment, facts, plan)
    return plan.say("time.same_day", hour=f"{then.hour:02d}", minute=f"{then.minute:02d}")
