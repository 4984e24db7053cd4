"""Everything that happened about an incident, in order, in plain words of the page's language.

Messages are by far the most: they are read in windows. A window of messages covers a span of time, and
everything else of that span stands between them; so nothing is cut off, it is on the page before or after.
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from dutydesk.accounts.rules import Actor
from dutydesk.alerts import queries as alert_queries
from dutydesk.alerts.queries import Told
from dutydesk.audit.model import AuditEntry
from dutydesk.db import Session
from dutydesk.dutylog.model import LogEntry
from dutydesk.dutylog.queries import entries_of_incident
from dutydesk.incidents import lines, queries
from dutydesk.incidents.casualties import history
from dutydesk.incidents.lines import CHANGES, GROUPS, Line, Tongue, colon
from dutydesk.incidents.model import Incident
from dutydesk.incidents.papers import queries as paper_queries
from dutydesk.incidents.papers import rules as paper_rules
from dutydesk.incidents.reading import as_read, is_of_another_unit
from dutydesk.obligations import queries as owed_queries
from dutydesk.obligations.model import Obligation
from dutydesk.people.queries import people_by_id, units_by_id
from dutydesk.web import words
from dutydesk.web.languages import say
from dutydesk.web.site import Site

__all__ = ["CHANGES", "GROUPS", "Line", "Page", "Scene", "everything_after", "latest"]

MOST_ON_A_PAGE = 150
MOST_AT_ONCE = 2000
DECIDED = (
    "obligation.taken_over",
    "obligation.take_over_ended",
    "obligation.readdressed",
    "obligation.moved",
    "obligation.called_out",
)
_LOG_KINDS = {"call_in": "来电", "call_out": "去电", "instruction": "领导批示"}


@dataclass(frozen=True, slots=True)
class Scene:
    """What every source of lines may use. ``reader`` is the unit contact who looks on, None for the desk's people."""

    session: Session
    row: Incident
    merged: Sequence[Incident]
    obligations: dict[int, Obligation]
    tongue: Tongue
    reader: Actor | None

    @property
    def ids(self) -> list[int]:
        """The incident and, for the desk, those that were merged into it."""
        return [self.row.id or 0, *(one.id or 0 for one in self.merged)]

    @property
    def numbers(self) -> list[str]:
        """Their numbers."""
        return [self.row.number, *(one.number for one in self.merged)]

    def elsewhere(self, incident_id: int) -> str:
        """Return the number of the merged incident that something came to; nothing for this one."""
        return "" if incident_id == self.row.id else self.tongue.incidents.get(incident_id, "")

    def marked(self, found: Iterable[Line], incident_id: int) -> list[Line]:
        """Return lines with the number of the merged incident they came to in front."""
        number = self.elsewhere(incident_id)
        return [replace(line, text=f"{number} {line.text}") if number else line for line in found]


Source = Callable[[Scene], Awaitable[Iterable[Line]]]


@dataclass(frozen=True, slots=True)
class Page:
    """Some lines, oldest first; ``more`` is where to go on (0: nothing is left)."""

    lines: list[Line]
    more: int = 0


async def latest(
    session: Session, row: Incident, site: Site, actor: Actor, *, group: str = "", before: int = 0
) -> Page:
    """Return the newest lines (of one group), or those before the message with the id *before*."""
    scene = await _scene(session, row, site, actor)
    if scene.reader is not None or group not in ("", "told"):
        return Page(_in_order(one for one in await _quiet_lines(scene) if group in ("", one.group)))
    alerts = await queries.newest_alerts(session, scene.numbers, MOST_ON_A_PAGE + 1, before=before)
    more = len(alerts) > MOST_ON_A_PAGE
    window = alerts[-MOST_ON_A_PAGE:]
    ending = await alert_queries.alert(session, before) if before else None
    told = (
        await alert_queries.told(
            session, numbers=scene.numbers, after_id=(window[0].id or 1) - 1, limit=len(window)
        )
        if window
        else []
    )
    found = await _told_lines(scene, told)
    if not group:
        begins = window[0].created_at if more else None
        found += _within(await _quiet_lines(scene), begins, ending.created_at if ending else None)
    return Page(_in_order(found), (window[0].id or 0) if more else 0)


async def everything_after(session: Session, row: Incident, site: Site, actor: Actor, after: int = 0) -> Page:
    """Return lines oldest first, from behind the message with the id *after* on."""
    scene = await _scene(session, row, site, actor)
    quiet = await _quiet_lines(scene)
    if scene.reader is not None:
        return Page(_in_order(quiet))
    told = await alert_queries.told(session, numbers=scene.numbers, after_id=after, limit=MOST_AT_ONCE + 1)
    window, rest = told[:MOST_AT_ONCE], told[MOST_AT_ONCE:]
    begins = window[0].alert.created_at if after and window else None
    found = await _told_lines(scene, window)
    found += _within(quiet, begins, rest[0].alert.created_at if rest else None)
    return Page(_in_order(found), (window[-1].alert.id or 0) if rest else 0)


def _within(found: Iterable[Line], begins: datetime | None, ends: datetime | None) -> list[Line]:
    return [one for one in found if (begins is None or one.at >= begins) and (ends is None or one.at < ends)]


def _in_order(found: Iterable[Line]) -> list[Line]:
    return sorted(found, key=lambda line: line.at)


async def _scene(session: Session, row: Incident, site: Site, actor: Actor) -> Scene:
    reader = actor if actor.role == "unit" else None
    merged = [] if reader is not None else await queries.merged_into(session, row.id or 0)
    obligations = await owed_queries.obligations_of(session, row.id or 0)
    known = {one.id or 0: one.number for one in (row, *merged)}
    if row.merged_into_id is not None:
        known |= {row.merged_into_id: (await queries.incident(session, row.merged_into_id)).number}
    tongue = Tongue(
        zone=site.zone,
        texts=site.rulebook.wording.texts,
        units={},
        incidents=known,
        people={},
        reader=None if reader is None else reader.name,
    )
    shown = {one.id or 0: one for one in obligations if reader is None or one.binds == "unit"}
    return Scene(session, row, merged, shown, tongue, reader)


async def _quiet_lines(scene: Scene) -> list[Line]:
    """Return every line but those of messages."""
    sources = _FOR_UNITS if scene.reader is not None else SOURCES
    return [line for source in sources for line in await source(scene)]


async def _told_lines(scene: Scene, told: Sequence[Told]) -> list[Line]:
    named = {one.alert.person_id for one in told if one.alert.person_id is not None}
    names = {person.id: person.name for person in (await people_by_id(scene.session, named)).values()}
    tongue = replace(scene.tongue, people=names)
    ids = {one.number: one.id or 0 for one in (scene.row, *scene.merged)}
    seen: set[int] = set()
    return [
        line
        for one in told
        for line in scene.marked(lines.told_lines(one, tongue, seen), ids.get(one.alert.number, 0))
    ]


async def _changes(scene: Scene) -> Iterable[Line]:
    changes = await queries.changes_of(scene.session, *scene.ids)
    ids = {
        one
        for change in changes
        for one in (change.before.get("unit_id"), change.after.get("unit_id"))
        if one
    }
    units = {unit.id: unit.name for unit in (await units_by_id(scene.session, ids)).values()}
    into = {
        one
        for change in changes
        for one in (change.before.get("merged_into_id"), change.after.get("merged_into_id"))
        if one
    }
    numbers = {
        one.id or 0: one.number for one in (await queries.incidents_by_id(scene.session, into)).values()
    }
    tongue = replace(scene.tongue, units=units, incidents=numbers)
    return [
        line
        for change in changes
        for line in scene.marked(lines.change_lines(change, tongue), change.incident_id)
    ]


async def _reports(scene: Scene) -> Iterable[Line]:
    subjects = [f"incident:{number}" for number in scene.numbers]
    audited = await queries.audited(scene.session, subjects, ("report.checked", "report.completed"))
    reports = await queries.reports_of(scene.session, *scene.ids)
    if scene.reader is not None:
        withheld = {one.id for one in reports if is_of_another_unit(one, scene.row, scene.reader)}
        audited = [entry for entry in audited if entry.detail.get("report") not in withheld]
        reports = as_read(reports, scene.row, scene.reader)
    why = {
        entry.detail.get("report"): str(entry.detail.get("reason", ""))
        for entry in audited
        if entry.action == "report.checked"
    }
    found = [
        line
        for report in reports
        for line in lines.report_lines(
            report, why.get(report.id, ""), scene.elsewhere(report.incident_id), scene.tongue
        )
    ]
    names = {report.id: words.report(report.kind, report.sequence) for report in reports}
    return found + [
        _completed(entry, names[entry.detail["report"]], scene.tongue)
        for entry in audited
        if entry.action == "report.completed" and entry.detail.get("report") in names
    ]


def _completed(entry: AuditEntry, report: str, tongue: Tongue) -> Line:
    text = say("{report}补全报告人（{who}）", report=report, who=tongue.who(entry.actor))
    before, after = entry.detail.get("before", {}), entry.detail.get("after", {})
    names = {"reporter": "报告人", "reporter_phone": "来电号码"}
    detail = say("；").join(
        colon(names[name], f"{before.get(name) or say('空')} → {after.get(name) or say('空')}")
        for name in names
        if before.get(name) != after.get(name)
    )
    return Line(entry.at, "report.completed", text, detail)


async def _owed(scene: Scene) -> Iterable[Line]:
    rows = scene.obligations
    found = [lines.opened_line(one, scene.tongue) for one in rows.values()]
    found += [
        lines.no_report_line(fact, rows[fact.obligation_id], scene.tongue)
        for fact in await owed_queries.no_reports_of(scene.session, rows.keys())
    ]
    found += [
        lines.verdict_line(verdict, rows[verdict.obligation_id], scene.tongue)
        for verdict in await owed_queries.verdicts_of(scene.session, rows.keys())
    ]
    return found


async def _decided(scene: Scene) -> Iterable[Line]:
    """Lines of what the audit trail alone keeps: who took over, until when, and due times that moved."""
    rows = {f"obligation:{key}": row for key, row in scene.obligations.items()}
    shown = DECIDED if scene.reader is None else ("obligation.moved",)
    entries = await queries.audited(scene.session, rows.keys(), shown)
    ids = {entry.detail.get(name) for entry in entries for name in ("unit_before", "unit_id")}
    units = await units_by_id(scene.session, {one for one in ids if isinstance(one, int)})
    tongue = replace(scene.tongue, units={unit.id: unit.name for unit in units.values()})
    return [
        line
        for entry in entries
        if (line := decision_line(entry, words.duty(rows[entry.subject].title), tongue)) is not None
    ]


def decision_line(entry: AuditEntry, duty: str, tongue: Tongue) -> Line | None:
    """Return what somebody decided about a duty, or None for a due time that did not move."""
    said, by = entry.detail, tongue.who(entry.actor)
    match entry.action:
        case "obligation.taken_over":
            text = say("{duty}由{who}接管（登记人 {by}）", duty=duty, who=said.get("who"), by=by)
            until = tongue.time(datetime.fromisoformat(str(said["next_check_at"])))
            return Line(
                entry.at, entry.action, text, say("{why}；{at}复核", why=said.get("reason"), at=until)
            )
        case "obligation.take_over_ended":
            text = say("{duty}的接管到复核时间，恢复提醒", duty=duty)
            return Line(entry.at, entry.action, text, say("接管人 {who}", who=said.get("who") or ""))
        case "obligation.readdressed":
            units = [tongue.value("unit_id", said.get(name)) for name in ("unit_before", "unit_id")]
            text = say("{duty}改由{unit}承担（{by}）", duty=duty, unit=units[1], by=by)
            return Line(entry.at, entry.action, text, colon("单位", " → ".join(units)))
        case "obligation.called_out":
            return Line(entry.at, entry.action, say("{duty}立即叫应（{by}）", duty=duty, by=by))
        case _:
            due = [said.get(name) for name in ("due_before", "due_after")]
            if due[0] == due[1]:
                return None
            shown = [tongue.time(datetime.fromisoformat(one)) if one else say("不计时") for one in due]
            return Line(
                entry.at, entry.action, say("{duty}到期时间变动", duty=duty), colon("到期", " → ".join(shown))
            )


async def _clock(scene: Scene) -> Iterable[Line]:
    """Lines of the machine's clock: while it is in doubt, verdicts are provisional."""
    steps = await queries.clock_steps_since(scene.session, scene.row.logged_at)
    closing = max((one.closed_at for one in scene.obligations.values() if one.closed_at), default=None)
    owed = any(one.closed_at is None for one in scene.obligations.values())
    why = {
        entry.at: str(entry.detail.get("reason", ""))
        for entry in await queries.audited(scene.session, ["clock"], ("clock.confirmed",))
    }
    found = []
    for step in steps:
        if not owed and closing is not None and step.noticed_at > closing:
            continue
        text = say("时钟跳变{seconds}秒，判定暂为待核", seconds=f"{step.seconds:+.1f}")
        found.append(Line(step.noticed_at, "clock.stepped", text))
        if step.confirmed_at is not None:
            text = words.bracketed(say("时钟已核对确认"), words.actor(step.confirmed_by or ""))
            found.append(Line(step.confirmed_at, "clock.confirmed", text, why.get(step.confirmed_at, "")))
    return found


async def _counted(scene: Scene) -> Iterable[Line]:
    rows = await queries.casualties_of(scene.session, *scene.ids)
    return [
        line
        for one in history(rows)
        for line in scene.marked([lines.counted_line(one, scene.tongue)], one.row.incident_id)
    ]


async def _attached(scene: Scene) -> Iterable[Line]:
    own = None if scene.reader is None else scene.reader.unit_id
    rows = await queries.attachments_of(scene.session, scene.ids, unit_id=own)
    return [
        line
        for row in rows
        for line in scene.marked(lines.attachment_lines(row, scene.tongue), row.incident_id)
    ]


async def _logged(scene: Scene) -> Iterable[Line]:
    return [
        line
        for one in await entries_of_incident(scene.session, *scene.ids)
        for line in scene.marked([_entry(one, scene.tongue)], one.incident_id or 0)
    ]


def _entry(one: LogEntry, tongue: Tongue) -> Line:
    who = " ".join(part for part in (one.person, one.title) if part)
    kind = say(_LOG_KINDS[one.kind])
    text = colon(f"{kind} {who}".strip(), one.content)
    conveyed = ""
    if one.conveyed_to:
        conveyed = say("已传达 {who} {at}", who=one.conveyed_to, at=tongue.time(one.conveyed_at))
    corrects = say("更正第{id}条：{reason}", id=one.corrects_id, reason=one.reason) if one.corrects_id else ""
    late = say("补录") if one.late_entry else ""
    parts = (
        one.number,
        one.handling,
        conveyed,
        corrects,
        late,
        say("登记人 {who}", who=tongue.who(one.logged_by)),
    )
    return Line(one.at, f"log.{one.kind}", text, " ".join(part for part in parts if part))


async def _papers(scene: Scene) -> Iterable[Line]:
    return [
        line
        for moved in await paper_queries.steps_of_incident(scene.session, *scene.ids)
        for line in scene.marked([_paper(moved, scene.tongue)], moved.paper.incident_id)
    ]


def _paper(moved: paper_queries.Moved, tongue: Tongue) -> Line:
    paper, step = moved
    kind = say(paper_rules.KINDS[paper.kind])
    named = say("{kind}《{title}》", kind=kind, title=paper.title)
    done = say(paper_rules.step_word(step.before, step.after, step.version))
    text = words.bracketed(colon(named, done), tongue.who(step.actor))
    states = [say(paper_rules.STATES[state]) for state in (step.before, step.after)]
    became = " → ".join(states) if step.before != step.after else states[1]
    return Line(
        step.at, f"paper.{step.after}", text, " ".join(part for part in (became, step.reason) if part)
    )


# Whoever adds a kind of thing that happens adds where its lines come from here.
SOURCES: tuple[Source, ...] = (
    _changes,
    _reports,
    _owed,
    _decided,
    _clock,
    _counted,
    _attached,
    _logged,
    _papers,
)
# A unit contact sees its own clocks, reports, verdicts and files, and nothing of what the desk does besides.
_FOR_UNITS: tuple[Source, ...] = (_reports, _owed, _decided, _attached)
