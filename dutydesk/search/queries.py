"""The SQL of the search: which rows are meant, newest first, and everything a line of a list shows.

What a reader does not see is not looked into either: whoever may ask as often as they like would learn it by asking.
"""

from collections import defaultdict
from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from datetime import date, datetime, time, timedelta, tzinfo
from typing import Any

from sqlalchemy import ColumnElement, and_, func, literal, or_, union_all
from sqlmodel import col, select
from sqlmodel.sql.expression import SelectOfScalar

from dutydesk.accounts.model import SavedView
from dutydesk.db import Session
from dutydesk.dutylog.finding import any_has, number_has
from dutydesk.dutylog.model import LogEntry
from dutydesk.errors import NotFoundError
from dutydesk.incidents.model import Incident, Report
from dutydesk.incidents.queries import incidents_by_id
from dutydesk.obligations.model import Obligation
from dutydesk.people.model import ContactPoint, Person
from dutydesk.people.model import Unit as UnitRow
from dutydesk.people.queries import units_by_id
from dutydesk.search.found import Found, FoundEntry, FoundIncident, FoundNumber, FoundPerson
from dutydesk.search.rules import Filters, Kind, Scope, Term, terms

# Small, because a batch is read on the event loop, where the clocks run too.
BATCH = 100
_REPORT_EVIDENCE = ("phone", "written", "follow_up", "final")
_LATE = ("breached", "fulfilled_late")


async def one_state(session: Session) -> None:
    """Let everything this session reads from here on be of one moment, however long it takes.

    A read transaction of SQLite is that anyway, and never holds up a writer (WAL).
    """
    if session.get_bind().dialect.name == "postgresql":
        _ = await session.connection(execution_options={"isolation_level": "REPEATABLE READ"})


async def newest(
    session: Session, filters: Filters, scope: Scope, zone: tzinfo, *, limit: int, most: int
) -> tuple[list[Found], int]:
    """Return the newest *limit* rows that are meant, and how many there are (beyond *most*: one more than that)."""
    keys = list(await session.exec(_keys(filters, scope, zone).limit(most + 1)))
    return await _loaded(session, filters.kind, scope, keys[:limit]), len(keys)


async def older(
    session: Session, filters: Filters, scope: Scope, zone: tzinfo, *, before: int, limit: int
) -> list[Found]:
    """Return the newest *limit* rows that are meant, from the one behind *before* on."""
    keys = list(await session.exec(_keys(filters, scope, zone, before).limit(limit)))
    return await _loaded(session, filters.kind, scope, keys)


async def count(session: Session, filters: Filters, scope: Scope, zone: tzinfo, *, most: int) -> int:
    """Return how many rows are meant; beyond *most* the answer is one more than that."""
    counted = _keys(filters, scope, zone).order_by(None).limit(most + 1).subquery()
    return (await session.exec(select(func.count()).select_from(counted))).one()


async def batches(
    session: Session, filters: Filters, scope: Scope, zone: tzinfo
) -> AsyncGenerator[list[Found]]:
    """Yield every row that is meant, newest first, some at a time: memory does not grow with their number."""
    connection = await session.connection()
    stream = await connection.stream_scalars(_keys(filters, scope, zone))
    try:
        async for keys in stream.partitions(BATCH):
            yield await _loaded(session, filters.kind, scope, list(keys))
    finally:
        await stream.close()


# ---------------------------------------------------------------------------------------------------------------------
# Which rows


def _keys(filters: Filters, scope: Scope, zone: tzinfo, before: int | None = None) -> SelectOfScalar[Any]:
    make: dict[Kind, Callable[..., SelectOfScalar[Any]]] = {
        "incidents": _incident_keys,
        "log": _log_keys,
        "people": _people_keys,
    }
    return make[filters.kind](filters, scope, zone, before)


def _incident_keys(filters: Filters, scope: Scope, zone: tzinfo, before: int | None) -> SelectOfScalar[Any]:
    row = Incident
    happened = func.coalesce(col(row.occurred_at), col(row.received_at))
    wanted = _of_unit(col(row.unit_id), filters, scope)
    wanted += _between(happened, filters, zone)
    chosen = ((row.category, filters.category), (row.grade, filters.grade), (row.state, filters.state))
    wanted += [col(column) == value for column, value in chosen if value]
    if filters.drill:
        wanted.append(col(row.drill).is_(filters.drill == "drill"))
    if filters.late:
        wanted.append(col(row.id).in_(_late(scope)))
    wanted += [_in_incident(term, scope) for term in terms(filters.q)]
    if before is not None:
        wanted.append(col(row.id) < before)
    return select(col(row.id)).where(*wanted).order_by(col(row.id).desc())


def _late(scope: Scope) -> SelectOfScalar[Any]:
    """The incidents with a report that came late or is overdue; for a unit contact, one that its unit owed."""
    owed = Obligation
    found = select(col(owed.incident_id)).where(
        col(owed.state).in_(_LATE), col(owed.evidence).in_(_REPORT_EVIDENCE)
    )
    return found.where(col(owed.binds) == "unit") if scope.of_a_unit else found


def _in_incident(term: Term, scope: Scope) -> ColumnElement[bool]:
    """A word may stand in the incident, in the name of its unit, or in one of its reports."""
    row, report = Incident, Report
    # A unit contact does not see what the desk wrote about the incident.
    own = (row.title, row.place) if scope.of_a_unit else (row.title, row.place, row.source, row.narrative)

    def one(word: str) -> ColumnElement[bool]:
        said = any_has(word, report.reporter, report.content, masked=not scope.numbers)
        reported = select(col(report.incident_id)).where(said, *_shown_reports(scope))
        return or_(
            any_has(word, *own, masked=not scope.numbers),
            any_has(word, row.number),
            _named_unit(word, col(row.unit_id)),
            col(row.id).in_(reported),
        )

    spoken = _all(one(word) for word in term.words)
    if not (term.digits and scope.numbers):
        return spoken
    called = select(col(report.incident_id)).where(number_has(report.reporter_phone, term.digits))
    return or_(spoken, col(row.id).in_(called))


def _shown_reports(scope: Scope) -> list[ColumnElement[bool]]:
    """The reports whose texts are shown: to a unit contact not those that another unit brought."""
    if scope.unit_id is None:
        return []
    brought = col(Report.unit_id)
    return [or_(brought.is_(None), brought == scope.unit_id)]


def _log_keys(filters: Filters, scope: Scope, zone: tzinfo, before: int | None) -> SelectOfScalar[Any]:
    row = LogEntry
    wanted = _of_unit(col(row.unit_id), filters, scope) + _between(col(row.at), filters, zone)
    wanted += [_in_entry(term, scope) for term in terms(filters.q)]
    if before is not None:
        at = select(col(row.at)).where(col(row.id) == before).scalar_subquery()
        wanted.append(or_(col(row.at) < at, and_(col(row.at) == at, col(row.id) < before)))
    return select(col(row.id)).where(*wanted).order_by(col(row.at).desc(), col(row.id).desc())


def _in_entry(term: Term, scope: Scope) -> ColumnElement[bool]:
    row = LogEntry
    own = (row.person, row.title, row.content, row.handling, row.conveyed_to)

    def one(word: str) -> ColumnElement[bool]:
        about = select(col(Incident.id)).where(any_has(word, Incident.number))
        return or_(
            any_has(word, *own, masked=not scope.numbers),
            _named_unit(word, col(row.unit_id)),
            col(row.incident_id).in_(about),
        )

    spoken = _all(one(word) for word in term.words)
    return or_(spoken, number_has(row.number, term.digits)) if term.digits and scope.numbers else spoken


def _people_keys(filters: Filters, scope: Scope, _zone: tzinfo, before: int | None) -> SelectOfScalar[Any]:
    """Persons and the units' own telephones in one list: a person's key is even, a unit's is odd."""
    asked = terms(filters.q)
    persons = select((col(Person.id) * 2).label("key")).where(
        *_of_unit(col(Person.unit_id), filters, scope), *(_in_person(term, scope) for term in asked)
    )
    units = select((col(UnitRow.id) * 2 + 1).label("key")).where(
        col(UnitRow.duty_phone).is_not(None),
        *_of_unit(col(UnitRow.id), filters, scope),
        *(_in_unit(term, scope) for term in asked),
    )
    both = union_all(persons, units).subquery()
    wanted = [] if before is None else [both.c.key < before]
    return select(both.c.key).where(*wanted).order_by(both.c.key.desc())


def _in_person(term: Term, scope: Scope) -> ColumnElement[bool]:
    row, point = Person, ContactPoint

    def one(word: str) -> ColumnElement[bool]:
        return or_(
            any_has(word, row.name, row.title, masked=not scope.numbers), _named_unit(word, col(row.unit_id))
        )

    spoken = _all(one(word) for word in term.words)
    if not scope.numbers:
        return spoken
    told = _all(any_has(word, point.address) for word in term.words)
    if term.digits:
        told = or_(told, number_has(point.address, term.digits))
    return or_(spoken, col(row.id).in_(select(col(point.person_id)).where(told)))


def _in_unit(term: Term, scope: Scope) -> ColumnElement[bool]:
    row = UnitRow
    spoken = _all(any_has(word, row.name, row.short_name) for word in term.words)
    return or_(spoken, number_has(row.duty_phone, term.digits)) if term.digits and scope.numbers else spoken


def _of_unit(unit: Any, filters: Filters, scope: Scope) -> list[ColumnElement[bool]]:
    """The unit that was chosen, and never another one than the scope's."""
    wanted: list[ColumnElement[bool]] = [] if scope.unit_id is None else [unit == scope.unit_id]
    if filters.unit:
        wanted.append(unit.in_(select(col(UnitRow.id)).where(col(UnitRow.code) == filters.unit)))
    return wanted


def _named_unit(word: str, unit: Any) -> ColumnElement[bool]:
    meant: ColumnElement[bool] = unit.in_(
        select(col(UnitRow.id)).where(any_has(word, UnitRow.name, UnitRow.short_name))
    )
    return meant


def _between(moment: Any, filters: Filters, zone: tzinfo) -> list[ColumnElement[bool]]:
    """The site's days as instants: from the first one's midnight to the midnight after the last one."""
    wanted: list[ColumnElement[bool]] = []
    if filters.from_day is not None:
        wanted.append(moment >= _midnight(filters.from_day, zone))
    if filters.until_day is not None:
        wanted.append(moment < _midnight(filters.until_day + timedelta(days=1), zone))
    return wanted


def _midnight(day: date, zone: tzinfo) -> Any:
    return literal(datetime.combine(day, time(), zone), type_=Incident.__table__.c.received_at.type)  # type: ignore[attr-defined]


def _all(conditions: Iterable[ColumnElement[bool]]) -> ColumnElement[bool]:
    return and_(*conditions)


# ---------------------------------------------------------------------------------------------------------------------
# What a line shows


async def found_entries(session: Session, keys: Sequence[int]) -> list[Found]:
    """Return these entries of the duty log, with all that a line of a list shows, in this order."""
    found = await _entries(session, None, keys)
    return [found[key] for key in keys]


async def _loaded(session: Session, kind: Kind, scope: Scope, keys: Sequence[int]) -> list[Found]:
    load: dict[Kind, Callable[..., Any]] = {"incidents": _incidents, "log": _entries, "people": _people}
    found: dict[int, Found] = await load[kind](session, scope, keys)
    return [found[key] for key in keys if key in found]


async def _incidents(session: Session, scope: Scope, keys: Sequence[int]) -> dict[int, Found]:
    rows = list(await session.exec(select(Incident).where(col(Incident.id).in_(keys))))
    units = await units_by_id(session, {row.unit_id for row in rows})
    reports: dict[int, list[Report]] = defaultdict(list)
    told = select(Report).where(col(Report.incident_id).in_(keys)).order_by(col(Report.id))
    for report in await session.exec(told):
        reports[report.incident_id].append(report)
    late = set(await session.exec(_late(scope).where(col(Obligation.incident_id).in_(keys))))
    return {
        row.id or 0: FoundIncident(
            row, units[row.unit_id], reports[row.id or 0], row.id in late, own_unit=scope.unit_id
        )
        for row in rows
    }


async def _entries(session: Session, _scope: Scope | None, keys: Sequence[int]) -> dict[int, Found]:
    rows = list(await session.exec(select(LogEntry).where(col(LogEntry.id).in_(keys))))
    units = await units_by_id(session, {row.unit_id for row in rows if row.unit_id is not None})
    about = {row.incident_id for row in rows if row.incident_id is not None}
    incidents = await incidents_by_id(session, about)
    numbers = {incident_id: incident.number for incident_id, incident in incidents.items()}
    later = set(
        await session.exec(select(col(LogEntry.corrects_id)).where(col(LogEntry.corrects_id).in_(keys)))
    )
    return {
        row.id or 0: FoundEntry(
            row, units.get(row.unit_id or 0), numbers.get(row.incident_id or 0, ""), row.id in later
        )
        for row in rows
    }


async def _people(session: Session, _scope: Scope, keys: Sequence[int]) -> dict[int, Found]:
    persons = [key // 2 for key in keys if key % 2 == 0]
    telephones = [key // 2 for key in keys if key % 2]
    rows = list(await session.exec(select(Person).where(col(Person.id).in_(persons))))
    units = await units_by_id(session, {row.unit_id for row in rows} | set(telephones))
    numbers: dict[int, list[FoundNumber]] = defaultdict(list)
    points = (
        select(ContactPoint)
        .where(col(ContactPoint.person_id).in_(persons))
        .order_by(col(ContactPoint.position), col(ContactPoint.id))
    )
    for point in await session.exec(points):
        numbers[point.person_id].append(FoundNumber(point.address, point.kind, point.disabled_reason is None))
    found: dict[int, Found] = {}
    for row in rows:
        key = (row.id or 0) * 2
        retired = row.retired_at is not None
        found[key] = FoundPerson(
            key, row.name, row.title, units[row.unit_id], retired=retired, numbers=numbers[row.id or 0]
        )
    for one in (units[unit_id] for unit_id in telephones if unit_id in units):
        key = one.id * 2 + 1
        duty = [FoundNumber(one.duty_phone or "", "landline")]
        found[key] = FoundPerson(key, one.name, "", one, is_unit=True, numbers=duty)
    return found


# ---------------------------------------------------------------------------------------------------------------------
# Saved views


async def views_of(session: Session, account_id: int, where: str) -> list[SavedView]:
    """Return the views this account has kept of a page, by name."""
    view = SavedView
    wanted = select(view).where(col(view.account_id) == account_id, col(view.page) == where)
    return list(await session.exec(wanted.order_by(col(view.name), col(view.id))))


async def view(session: Session, account_id: int, view_id: int) -> SavedView:
    """Return one of the account's own views.

    Raises:
        NotFoundError: there is none with this id, or it is somebody else's.
    """
    found = await session.get(SavedView, view_id)
    if found is None or found.account_id != account_id:
        raise NotFoundError("没有这个常用查询")
    return found
