"""A seat emptied by a late leave at night: the hole is owed at once, rung for, and ends when somebody sits there."""

from datetime import datetime, timedelta

from sqlmodel import col, select

from dutydesk.accounts.rules import Actor
from dutydesk.rosters.actions import stand_in
from dutydesk.rosters.leaves.actions import Report, Steps, decide, note_return, report
from dutydesk.rosters.model import Shift
from dutydesk.rosters.queries import look_for_holes
from tests.journeys.world import World


async def goes_on_leave(world: World, who: str, begins: datetime, hours: float) -> int:
    """A leave that was telephoned and approved at once, and written down at the same time."""
    now, site = world.clock.now(), world.wired.site
    keeper = Actor("系统管理", "administrator")
    asked = Report(
        person_id=world.ids[who],
        kind="leave",
        away="post",
        reason="急病",
        arrangement="工作由其他局领导代管",
        starts_at=begins,
        ends_at=begins + timedelta(hours=hours),
        urgent=True,
        phone_reported_at=now,
        phone_reported_to="值班室",
    )
    async with site.db.write() as session:
        row = await report(session, site, now, keeper, asked, Steps(written_at=now))
        await decide(session, site, now, keeper, row.id or 0, approve=True, decided_by="孙志强")
    return int(row.id or 0)


async def sits_in_for(world: World, who: str, absent: str, seat: str) -> None:
    now = world.clock.now()
    async with world.wired.site.db.write() as session:
        rows = await session.exec(
            select(Shift).where(
                col(Shift.person_id) == world.ids[absent],
                col(Shift.seat) == seat,
                col(Shift.starts_at) <= now,
                col(Shift.ends_at) > now,
            )
        )
        shift = rows.one()
        await stand_in(
            session,
            now,
            "值班室",
            shift_id=shift.id,
            person=world.ids[who],
            reason="代班",
            until_at=min(shift.ends_at, now + timedelta(hours=30)),
        )
        await look_for_holes(session, [world.ids["desk"]], now)


async def test_the_hole_of_a_late_leave_is_rung_for_at_once_and_ends_when_it_is_filled(opening):
    world: World = await opening()
    leave = await goes_on_leave(world, "leader", world.clock.now(), 6)
    await world.tick()
    world.expect_screen("gap_now", "局值班室 11月23日 带班空缺，现无人在岗")
    # Nobody sits on the leader's seat: whoever stands in for it is told, and answers.
    world.expect_sms("chief", "局值班室11月23日带班空缺，现无人在岗")
    await world.pick_up("chief", "带班空缺")
    world.expect_screen("gap", "带班领导 无人在岗")
    world.forget("operator", "director")
    owed = (await world.get("obligations?state=breached"))["items"]
    assert [one["rule"] for one in owed] == ["48.1"]
    await sits_in_for(world, "standby", "leader", "leader")
    await world.pass_time(seconds=1)
    assert (await world.get("obligations?state=breached"))["items"] == []
    ended = (await world.get("obligations?state=fulfilled"))["items"]
    assert [one["rule"] for one in ended] == ["48.1"]
    # And a report clock reaches whoever really sits there now.
    number = (await world.log())["number"]
    await world.pass_time(seconds=70)
    world.expect_sms("standby", "有突发事件")
    await world.pick_up("standby", "有突发事件")
    await world.withdraw(number)
    world.forget("operator")
    await world.until("08:10")
    site, now = world.wired.site, world.clock.now()
    async with site.db.write() as session:
        await note_return(session, site, now, Actor("系统管理", "administrator"), leave, now)


async def test_a_hole_a_week_ahead_wakes_nobody_at_night(opening):
    world: World = await opening()
    await goes_on_leave(world, "leader", world.clock.now() + timedelta(days=5), 3)
    await world.until("08:29:59")
    world.nothing_more()
    await world.until("08:30:30")
    world.expect_sms("director", "局值班室11月28日带班空缺，请及时补排并回值班室")
    world.expect_screen("gap_found", "带班空缺，已告知排班负责人")
