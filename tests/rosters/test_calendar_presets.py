"""Sensitive periods that are offered ready-made, and what ``dutydesk check`` says of the calendar."""

from datetime import date

import pytest
from pydantic import TypeAdapter, ValidationError

from dutydesk.calendars.rules import Period
from dutydesk.checks import findings
from dutydesk.rosters.rules.presets import Preset, presets_of
from dutydesk.rulebook.types import PeriodPreset

TODAY = date(2026, 11, 23)
FLOOD = PeriodPreset(name="汛期", starts="06-15", ends="09-15")
HEATING = PeriodPreset(name="供暖季", starts="11-15", ends="03-15")


@pytest.mark.parametrize(
    ("plan", "today", "starts_on", "ends_on"),
    [
        (FLOOD, date(2026, 9, 15), date(2026, 6, 15), date(2026, 9, 15)),
        (FLOOD, date(2026, 9, 16), date(2027, 6, 15), date(2027, 9, 15)),
        (HEATING, TODAY, date(2026, 11, 15), date(2027, 3, 15)),
        (HEATING, date(2027, 3, 15), date(2026, 11, 15), date(2027, 3, 15)),
        (HEATING, date(2027, 3, 16), date(2027, 11, 15), date(2028, 3, 15)),
        (
            PeriodPreset(name="闰日", starts="02-29", ends="03-01"),
            date(2027, 1, 1),
            date(2027, 2, 28),
            date(2027, 3, 1),
        ),
    ],
)
def test_a_season_is_offered_as_it_runs_or_comes_next(plan, today, starts_on, ends_on):
    assert presets_of([plan], [], today) == [Preset(plan.name, starts_on, ends_on)]


def test_holidays_that_are_over_are_not_offered_and_a_preset_without_days_leaves_them_open():
    holidays = [
        Period(0, "国庆节", date(2026, 10, 1), date(2026, 10, 7)),
        Period(0, "元旦", date(2027, 1, 1), date(2027, 1, 3)),
    ]
    offered = presets_of([PeriodPreset(name="市两会")], holidays, TODAY)
    assert offered == [Preset("元旦", date(2027, 1, 1), date(2027, 1, 3)), Preset("市两会")]


@pytest.mark.parametrize("starts", ["6-15", "13-01", "02-30", "0615", "夏至"])
def test_a_preset_with_no_day_of_a_year_is_a_mistake_in_the_configuration(starts):
    with pytest.raises(ValidationError):
        TypeAdapter(PeriodPreset).validate_python({"name": "汛期", "starts": starts, "ends": "09-15"})


def test_the_shipped_presets_are_offered(rulebook):
    names = {one.name for one in rulebook.rosters.period}
    assert {"市两会", "全国两会", "汛期", "供暖季"} <= names


async def test_check_says_which_year_is_provisional_and_does_not_fail_for_it(site):
    async def said():
        return next(one for one in await findings(site) if one.about == "calendar")

    found = await said()
    assert (found.ok, "2027 is provisional" in found.text) == (True, True)
    site.clock.move(-60 * 86400)
    assert "2026 known" in (await said()).text
