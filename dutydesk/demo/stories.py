"""What happened lately in the demonstration: a swap, a substitute who waits, a leave that left a hole."""

from collections.abc import Awaitable, Callable
from datetime import datetime, time, timedelta
from itertools import pairwise

from dutydesk.accounts.rules import Actor
from dutydesk.alerts.actions import alert_row
from dutydesk.alerts.model import Acknowledgement
from dutydesk.alerts.queries import add_alerts
from dutydesk.db import Session
from dutydesk.demo import queries
from dutydesk.errors import DutydeskError
from dutydesk.people import queries as people
from dutydesk.people.rules import Person
from dutydesk.rosters.changes import actions as changes
from dutydesk.rosters.keeping.gaps import settle_gaps
from dutydesk.rosters.leaves import actions as leaves
from dutydesk.rosters.model import Shift
from dutydesk.rosters.notices import shift_notice
from dutydesk.web.site import Site

_A_DAY = timedelta(days=1)
_HOLE_IN = 5
# The unit whose operator goes on leave.
_LEAVING = "hotel"


async def tell(site: Site, now: datetime) -> None:
    """Let it have happened, once; each in a transaction of its own."""
    async with site.db.read() as session:
        if await queries.has_stories(session):
            return
    await _swap(site, now - timedelta(hours=26))
    await _ask_substitute(site, now - timedelta(hours=3))
    await _leave(site, now - timedelta(hours=22))
    async with site.db.write() as session:
        await _reminded(session, site, now)
        # Everybody was told of all this then: nothing of it is news at the start.
        await queries.deliver_queued(session)


async def _reminded(session: Session, site: Site, now: datetime) -> None:
    """Whoever serves next was reminded the afternoon before and has confirmed: nobody is rung for it at the start."""
    plan = site.rulebook.rosters
    rows = []
    for shift in await queries.shifts_beginning(session, now, now + _A_DAY):
        day = shift.starts_at.astimezone(site.zone).date() - _A_DAY
        at = datetime.combine(day, plan.day_before_at, site.zone).astimezone(now.tzinfo)
        if at <= now:
            rows.append(shift_notice(at, shift, shift.person_id, "tomorrow", site.zone))
    await add_alerts(session, rows)
    # So did those whose shifts were changed.
    for alert in await queries.shift_alerts(session):
        alert.acknowledged_at = min(alert.created_at + timedelta(minutes=4), now)
        session.add(alert)
        session.add(
            Acknowledgement(
                alert_id=alert.id or 0,
                person_id=alert.person_id,
                kind="page",
                at=alert.acknowledged_at,
                who=alert.recipient,
                how="本人点击收到",
                recorded_at=alert.acknowledged_at,
                recorded_by="demo",
            )
        )


async def _ahead(session: Session, unit_id: int, seat: str, now: datetime, limit: int) -> list[Shift]:
    return await queries.shifts_after(session, unit_id, seat, now + _A_DAY, limit)


async def _somebody(session: Session, name: str) -> Person:
    return next(one for one in await people.list_people(session) if one.name == name)


async def _swap(site: Site, now: datetime) -> None:
    """Two of the desk's leaders trade days, by the director's office; the first pair that may."""
    async with site.db.read() as session:
        desk = await people.desk_unit(session)
        office = await _somebody(session, "吴芳")
        shifts = [] if desk is None else await _ahead(session, desk.id, "leader", now + 3 * _A_DAY, 9)
    asker = Actor("吴芳", "office", person_id=office.id)
    approver = Actor("系统管理", "administrator")
    for mine, other in pairwise(shifts):

        async def trade(session: Session, mine: int = mine.id or 0, other: int = other.id or 0) -> None:
            row = await changes.ask(
                session,
                site,
                now,
                asker,
                kind="swap",
                shift_id=mine,
                other_shift_id=other,
                reason="当日参加市里会议",
            )
            await changes.decide(
                session, site, now + timedelta(hours=1), approver, row.id or 0, approve=True, opinion="同意"
            )

        if await _tried(site, trade):
            return


async def _ask_substitute(site: Site, now: datetime) -> None:
    """Somebody asks another operator to stand in; whoever leads has not decided yet."""
    async with site.db.read() as session:
        desk = await people.desk_unit(session)
        shifts = (
            [] if desk is None else await _ahead(session, desk.id, "operator_primary", now + 2 * _A_DAY, 8)
        )
        names = {one.id: one for one in await people.list_people(session)}
    for mine in shifts:
        asker = Actor(names[mine.person_id].name, "operator", person_id=mine.person_id)
        for person_id in dict.fromkeys(one.person_id for one in shifts):

            async def ask(
                session: Session, mine: Shift = mine, person_id: int = person_id, asker: Actor = asker
            ) -> None:
                await changes.ask(
                    session,
                    site,
                    now,
                    asker,
                    kind="substitute",
                    shift_id=mine.id or 0,
                    person_id=person_id,
                    reason="家中有事",
                )

            if person_id != mine.person_id and await _tried(site, ask):
                return


async def _leave(site: Site, now: datetime) -> None:
    """An operator of a unit goes on leave in five days, and nobody has been planned instead yet."""
    async with site.db.read() as session:
        unit = await people.unit_by_code(session, _LEAVING)
        day = (site.clock.now() + _HOLE_IN * _A_DAY).astimezone(site.zone).date()
        shifts = await _ahead(session, unit.id, "operator_primary", now, 10)
        struck = next(one for one in shifts if one.starts_at.astimezone(site.zone).date() == day)
        person = (await people.people_by_id(session, [struck.person_id]))[struck.person_id]
    starts = datetime.combine(day, time(8), site.zone)

    async def go(session: Session) -> None:
        row = await leaves.report(
            session,
            site,
            now,
            Actor("吴芳", "office"),
            leaves.Report(
                person_id=person.id,
                kind="leave",
                away="city",
                reason="探亲",
                place="河北省石家庄市",
                transport="高铁",
                starts_at=starts,
                ends_at=starts + timedelta(hours=34),
            ),
        )
        await leaves.decide(
            session,
            site,
            now,
            Actor("系统管理", "administrator"),
            row.id or 0,
            approve=True,
            decided_by="罗建平",
        )
        await settle_gaps(session, site, now, unit.id)
        await _found(session, now, unit.id)

    await site.db.run(go)


async def _found(session: Session, now: datetime, unit_id: int) -> None:
    """The hole was found yesterday: the first rung has fired, the desk has seen it, nothing rings for it at the start."""
    for row in await queries.open_in(session, f"gap/{unit_id}"):
        first, *others = await queries.rungs_of(session, row.id)
        first.state, first.fired_at, first.reason = "ended", now, "FIRST_RUNG"
        row.next_action_at = min(rung.at for rung in others)
        keepers = (await people.post_holders(session, [unit_id], now)).get((unit_id, "roster"), [])
        await add_alerts(
            session,
            [
                alert_row(
                    now,
                    unique_key=f"demo/{row.id}/{person_id}",
                    lane="reminder",
                    cause="rung",
                    target="unit:roster",
                    recipient=f"person:{person_id}",
                    channel="sms",
                    reason="FIRST_RUNG",
                    wording="gap_found",
                    person_id=person_id,
                    obligation_id=row.id,
                    due_version=row.due_version,
                    rung_id=first.id,
                    number=row.number,
                    subject=row.subject,
                    unit_id=unit_id,
                )
                for person_id in keepers
            ],
        )


async def _tried(site: Site, work: Callable[[Session], Awaitable[None]]) -> bool:
    try:
        await site.db.run(work)
    except DutydeskError:
        return False
    return True
