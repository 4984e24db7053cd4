"""Changing the calendar: what contradicts itself is refused whole, everything else is audited and looked over."""

from datetime import date, timedelta

import pytest
from sqlmodel import select

from dutydesk.audit.model import AuditEntry
from dutydesk.calendars.queries import calendar_for, laid_days, list_periods
from dutydesk.calendars.rules import Day
from dutydesk.calendars.rules.faults import Entry
from dutydesk.errors import ConflictError, InvalidInputError, NotFoundError
from dutydesk.people.model import Unit
from dutydesk.rosters.calendar import actions
from tests.builders import build_bureau

WUFANG = "吴芳"
TODAY = date(2026, 11, 23)
ONE = timedelta(days=1)
YEAR_2027 = [
    Entry(date(2027, 1, 1), "holiday", "元旦"),
    Entry(date(2027, 2, 6), "holiday", "春节"),
    Entry(date(2027, 4, 5), "holiday", "清明节"),
    Entry(date(2027, 5, 1), "holiday", "劳动节"),
    Entry(date(2027, 5, 8), "makeup", "劳动节"),
    Entry(date(2027, 6, 9), "holiday", "端午节"),
    Entry(date(2027, 9, 15), "holiday", "中秋节"),
    Entry(date(2027, 10, 1), "holiday", "国庆节"),
]
NOTICE = "国办发明电〔2026〕7号"


@pytest.fixture
async def bureau(site):
    """The bureau, whose rosters were looked at already."""
    made = await build_bureau(site.db, site.clock.now())
    async with site.db.write() as session:
        for unit in await session.exec(select(Unit)):
            unit.roster_check_at = None
    return made


async def looked_at(site):
    async with site.db.read() as session:
        rows = await session.exec(select(Unit).order_by(Unit.id))
        return [unit.code for unit in rows if unit.roster_check_at is not None]


async def trail(site):
    async with site.db.read() as session:
        rows = await session.exec(select(AuditEntry).order_by(AuditEntry.id))
        return [(row.action, row.subject, row.detail) for row in rows if row.actor == WUFANG]


async def day_of(site, day):
    async with site.db.read() as session:
        return (await calendar_for(session, day, day)).day(day)


async def do(site, action, *args, **more):
    async with site.db.write() as session:
        return await action(session, site.clock.now(), *args, **more)


async def test_a_day_that_is_laid_down_holds_until_it_is_taken_back(site, bureau):
    day = date(2026, 11, 24)
    await do(site, actions.lay_day, WUFANG, day, kind="rest", name="局庆", reason="局长批准")
    assert await day_of(site, day) == Day("rest", "局庆")
    assert await looked_at(site) == ["desk", "canteen", "motor"]
    await do(site, actions.take_back_day, WUFANG, day, reason="改期")
    assert await day_of(site, day) == Day("workday")
    (laid, _, detail), (back, _, _) = await trail(site)
    assert (laid, back) == ("calendar.day_laid", "calendar.day_taken_back")
    assert detail == {
        "before": {"kind": "workday", "name": ""},
        "after": {"kind": "rest", "name": "局庆"},
        "reason": "局长批准",
    }


async def test_a_makeup_day_in_the_middle_of_a_week_is_refused_and_nothing_is_written(site, bureau):
    with pytest.raises(InvalidInputError, match="不是周末"):
        await do(site, actions.lay_day, WUFANG, TODAY, kind="makeup", name="")
    assert await day_of(site, TODAY) == Day("workday")
    assert await trail(site) == []
    assert await looked_at(site) == []


async def test_the_day_that_would_make_sixty_days_off_in_a_row_is_refused(site, bureau):
    start = date(2026, 5, 18)
    entries = [Entry(start + n * ONE, "holiday", "长假") for n in range(60) if n not in {18, 39}]
    await do(site, actions.import_year, WUFANG, entries, 2026)
    await do(site, actions.lay_day, WUFANG, start + 18 * ONE, kind="holiday", name="长假")
    with pytest.raises(InvalidInputError, match="连续60天"):
        await do(site, actions.lay_day, WUFANG, start + 39 * ONE, kind="holiday", name="长假")


async def test_taking_back_what_nobody_laid_down_and_changing_nothing_are_refused(site, bureau):
    with pytest.raises(NotFoundError):
        await do(site, actions.take_back_day, WUFANG, TODAY)
    await do(site, actions.lay_day, WUFANG, TODAY, kind="rest", name="")
    with pytest.raises(ConflictError, match="没有改动"):
        await do(site, actions.lay_day, WUFANG, TODAY, kind="rest", name="")


async def test_a_year_is_taken_over_whole_and_replaced_whole(site, bureau):
    await do(site, actions.import_year, WUFANG, YEAR_2027, 2027)
    shorter = [one for one in YEAR_2027 if one.kind == "holiday"]
    await do(site, actions.import_year, WUFANG, shorter, 2027)
    async with site.db.read() as session:
        kept = [row.day for row in await laid_days(session, 2027)]
    assert kept == [one.day for one in shorter]
    assert await day_of(site, date(2027, 5, 8)) == Day("rest", known=False)
    first, second = await trail(site)
    assert len(first[2]["days"]) == len(YEAR_2027)
    assert second[2] == {"days": {}, "taken_back": ["2027-05-08"]}
    with pytest.raises(ConflictError, match="没有改动"):
        await do(site, actions.import_year, WUFANG, shorter, 2027)


async def test_an_import_with_one_bad_day_changes_nothing_at_all(site, bureau):
    bad = [
        *YEAR_2027,
        Entry(date(2027, 3, 3), "makeup", "", "A10"),
        Entry(date(2031, 1, 1), "holiday", "", "A11"),
    ]
    with pytest.raises(InvalidInputError) as refused:
        await do(site, actions.import_year, WUFANG, bad, 2027, notice=NOTICE)
    assert [fault.message.split("：")[0] for fault in refused.value.faults] == ["A10", "A11"]
    async with site.db.read() as session:
        assert await laid_days(session, 2027) == []
    assert await trail(site) == []


async def test_a_year_stays_provisional_until_its_notice_is_entered(site, bureau):
    await do(site, actions.import_year, WUFANG, YEAR_2027, 2027)
    assert not (await day_of(site, date(2027, 10, 1))).known
    await do(site, actions.confirm_year, WUFANG, 2027, notice=NOTICE)
    assert await day_of(site, date(2027, 10, 1)) == Day("holiday", "国庆节")
    await do(site, actions.revoke_year, WUFANG, 2027)
    assert not (await day_of(site, date(2027, 10, 1))).known
    assert [one[0] for one in await trail(site)][1:] == ["calendar.year_confirmed", "calendar.year_revoked"]


async def test_a_year_that_lacks_a_holiday_cannot_be_confirmed(site, bureau):
    without = [one for one in YEAR_2027 if one.name != "端午节"]
    await do(site, actions.import_year, WUFANG, without, 2027)
    with pytest.raises(InvalidInputError, match="端午节"):
        await do(site, actions.confirm_year, WUFANG, 2027, notice=NOTICE)
    with pytest.raises(InvalidInputError) as refused:
        await do(site, actions.import_year, WUFANG, without, 2027, notice=NOTICE)
    assert "端午节" in refused.value.faults[0].message


async def new_period(site, name="市两会", days=3, **more):
    return await do(
        site, actions.create_period, WUFANG, name=name, starts_on=TODAY, ends_on=TODAY + days * ONE, **more
    )


async def test_a_period_for_one_unit_has_only_that_units_roster_looked_at(site, bureau):
    await new_period(site, unit_id=bureau.canteen.id)
    assert await looked_at(site) == ["canteen"]
    async with site.db.read() as session:
        calendar = await calendar_for(session, TODAY, TODAY)
    assert calendar.day_class(TODAY, bureau.canteen.id) == "sensitive"
    assert calendar.day_class(TODAY, bureau.motor.id) == "workday"


async def test_a_period_ends_earlier_or_later_and_every_change_is_on_record(site, bureau):
    row = await new_period(site)
    for ends_on in (TODAY + 10 * ONE, TODAY - ONE):
        await do(
            site,
            actions.change_period,
            site.zone,
            WUFANG,
            row.id,
            name="市两会",
            starts_on=TODAY - ONE,
            ends_on=ends_on,
            reason="会期变动",
        )
    async with site.db.read() as session:
        assert (await calendar_for(session, TODAY, TODAY)).day_class(TODAY) == "workday"
    changes = [detail for action, _, detail in await trail(site) if action == "period.changed"]
    assert [one["after"]["ends_on"] for one in changes] == ["2026-12-03", "2026-11-22"]


async def test_a_period_that_is_over_or_cancelled_is_not_changed_any_more(site, bureau):
    over, wrong = await new_period(site, days=0), await new_period(site, name="汛期")
    await do(site, actions.cancel_period, site.zone, WUFANG, wrong.id, reason="登记有误")
    site.clock.move(86400)
    for row in (over, wrong):
        with pytest.raises(ConflictError, match="不能再改动"):
            await do(site, actions.cancel_period, site.zone, WUFANG, row.id, reason="又取消")
    async with site.db.read() as session:
        assert [row.cancelled_at is not None for row in await list_periods(session)] == [False, True]
        assert (await calendar_for(session, TODAY, TODAY)).period(TODAY).name == "市两会"


async def test_an_overlapping_period_of_the_same_name_is_refused(site, bureau):
    await new_period(site)
    with pytest.raises(InvalidInputError, match="同名"):
        await new_period(site, unit_id=bureau.motor.id)
    await new_period(site, name="全国两会")
