"""Seats that change hands: whether those concerned may sit there, giving a seat back, and telling everybody."""

from collections.abc import Collection
from dataclasses import replace
from datetime import date, datetime, time

from dutydesk.alerts.queries import add_alerts
from dutydesk.db import Session
from dutydesk.errors import ConflictError, FieldFault, InvalidInputError
from dutydesk.people import queries as people
from dutydesk.rosters.changes import queries
from dutydesk.rosters.model import SeatHolder, ShiftChange
from dutydesk.rosters.notices import change_notice, shift_notice
from dutydesk.rosters.planning import actions as planning
from dutydesk.rosters.queries import look_for_holes
from dutydesk.rosters.rules.changes import Asked, Given
from dutydesk.rosters.rules.pieces import Refusal
from dutydesk.web import words
from dutydesk.web.languages import say
from dutydesk.web.site import Site

# A seat that comes back to somebody who sits elsewhere or is away would be empty or held twice.
_BARS_RETURN = frozenset({"LEFT", "AWAY", "DOUBLE"})


def shifts_of(row: ShiftChange) -> list[int]:
    """Return the shifts a change is about."""
    return [one for one in (row.shift_id, row.other_shift_id) if one is not None]


def persons_of(row: ShiftChange) -> list[int]:
    """Return those whose seats change hands."""
    return [one for one in (row.from_person_id, row.to_person_id) if one is not None]


def said(refused: Refusal) -> str:
    """Return a refusal as a sentence in the reader's language."""
    return say(refused.text, **{name: _written_out(value) for name, value in refused.values.items()})


def _written_out(value: str | date | tuple[str, ...]) -> str:
    if isinstance(value, tuple):
        return words.listed(value)
    return words.day(datetime.combine(value, time())) if isinstance(value, date) else value


def refuse(refused: Refusal | None) -> None:
    """Refuse what a rule refuses.

    Raises:
        InvalidInputError: with the sentence beside its field.
    """
    if refused is not None:
        message = said(refused)
        raise InvalidInputError(message, (FieldFault(refused.field, message),))


async def refuse_unfit(session: Session, site: Site, now: datetime, asked: Asked) -> None:
    """Refuse what would put somebody where they may not sit; the shift they give up does not count."""
    for given, person_id, field in takers(asked):
        names = await _faults(session, site, now, asked, given, person_id)
        if names:
            one = await people.person(session, person_id)
            message = say(
                "{name}不能值{seat}：{faults}",
                name=one.name,
                seat=say(words.SEATS[given.shift.seat]),
                faults=words.listed(say(words.FAULTS[name]) for name in names),
            )
            raise InvalidInputError(message, (FieldFault(field, message),))


def takers(asked: Asked) -> list[tuple[Given, int, str]]:
    """Return who is to sit on which shift, and the field that named them."""
    if asked.other is None:
        return [(asked.mine, asked.to_id, "person")]
    return [(asked.mine, asked.to_id, "other_shift"), (asked.other, asked.from_id or 0, "other_shift")]


async def _faults(
    session: Session, site: Site, now: datetime, asked: Asked, given: Given, person_id: int
) -> list[str]:
    shift = (await queries.shifts_by_id(session, [given.shift.id]))[0]
    place = await planning.place_of(session, site, shift)
    if asked.other is None:
        place = replace(place, starts_at=asked.from_at, ends_at=asked.until_at)
    given_up = [] if asked.other is None else [asked.mine.shift.id, asked.other.shift.id]
    found = await planning.faults_for(session, site, now, place, [person_id], given_up)
    return list(found.get(person_id, ()))


async def give_back(session: Session, site: Site, now: datetime, row: ShiftChange, reason: str) -> None:
    given = await queries.given_shifts(session, shifts_of(row), lock=True)
    rows = await queries.rows_by_change(session, row.id or 0)
    later = await queries.facts_of(session, shifts_of(row))
    for mine in rows:
        for other in later.get(mine.instead_of_shift_id or 0, ()):
            overlaps = other.from_at < (mine.until_at or row.until_at) and (
                other.until_at is None or other.until_at > mine.from_at
            )
            if other.id > (mine.id or 0) and overlaps:
                raise ConflictError(say("此后该班次另有调整，请先撤销后面的调整"))
    for mine in rows:
        shift = given[mine.instead_of_shift_id or 0].shift
        back = row.from_person_id if shift.id == row.shift_id else row.to_person_id
        if back is not None:
            await _refuse_return(session, site, now, row, mine, back)
        mine.voided_at, mine.voided_reason = now, reason or "撤销调班"
        session.add(mine)
    await announce(session, site, now, shifts_of(row), told_of(row, back=True))


async def _refuse_return(
    session: Session, site: Site, now: datetime, row: ShiftChange, mine: SeatHolder, person_id: int
) -> None:
    shift = (await queries.shifts_by_id(session, [mine.instead_of_shift_id or 0]))[0]
    place = replace(
        await planning.place_of(session, site, shift),
        starts_at=mine.from_at,
        ends_at=mine.until_at or shift.ends_at,
    )
    found = await planning.faults_for(session, site, now, place, [person_id], shifts_of(row))
    bars = [name for name in found.get(person_id, ()) if name in _BARS_RETURN]
    if bars:
        one = await people.person(session, person_id)
        faults = words.listed(say(words.FAULTS[name]) for name in bars)
        raise ConflictError(
            say("班次退不回{name}（{faults}），请改为另行申请代班", name=one.name, faults=faults)
        )


async def announce(
    session: Session,
    site: Site,
    now: datetime,
    shift_ids: Collection[int],
    told: Collection[tuple[int, int]] = (),
) -> None:
    """Note that the seats of published shifts changed hands, for calendars and watchers, and tell people of it.

    *told* are (shift, person). Each person gets one message: what is merged with others says no day.
    """
    shifts = {shift.id: shift for shift in await queries.shifts_by_id(session, shift_ids)}
    for shift in shifts.values():
        shift.sequence += 1
        shift.changed_at = now
        session.add(shift)
    await session.flush()
    rows = [shift_notice(now, shifts[number], one, "changed", site.zone) for number, one in told]
    await add_alerts(session, rows)
    await look_for_holes(session, {shift.unit_id for shift in shifts.values()}, now)


def told_of(row: ShiftChange, *, back: bool = False) -> list[tuple[int, int]]:
    """Return whom a change is told to, and about which shift: of a swap each about the turn that is theirs then."""
    giver, taker = row.from_person_id, row.to_person_id
    if row.other_shift_id is None or giver is None:
        return [(row.shift_id, one) for one in persons_of(row)]
    first, second = (giver, taker) if back else (taker, giver)
    return [(row.shift_id, first), (row.other_shift_id, second)]


async def tell_refused(session: Session, site: Site, now: datetime, row: ShiftChange) -> None:
    """Whoever asked, and those concerned, must know that the shift stays as it is."""
    shift = (await queries.shifts_by_id(session, [row.shift_id]))[0]
    told = {*persons_of(row), *([row.asker_id] if row.asker_id is not None else [])}
    await add_alerts(
        session,
        [change_notice(now, shift, one, row.id or 0, site.zone) for one in sorted(told)],
    )
