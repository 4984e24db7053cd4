"""What the rosters owe leads to the page on which it is mended."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from dutydesk.rosters.rules.places import place_of

SITE = ZoneInfo("Asia/Shanghai")
NOVEMBER = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("subject", "address"),
    [
        ("gap/3/leader/2026-12-01T00:30", "/rosters/canteen/2026-12"),
        # Half past midnight at the site is still the last of November in UTC.
        ("gap/3/leader/2026-11-30T16:30", "/rosters/canteen/2026-12"),
        ("gap/3/leader/2026-11-30T16:30:00+00:00", "/rosters/canteen/2026-12"),
        ("gap/3/leader/2026-12-01T00:30:00+08:00", "/rosters/canteen/2026-12"),
        ("roster/3/2027-01", "/rosters/canteen/2027-01"),
        ("roster/3/2027-01-01", "/rosters/canteen/2027-01"),
        ("filing/3/2026-12", "/rosters/canteen/2026-12"),
        ("reach/3/17/2026-12-01T00:30:00+00:00", "/directory/people/17"),
        ("sign-in/12", "/rosters/attendance"),
        ("leave/7/return", "/rosters/leaves/7"),
        ("shift/12", "/rosters/canteen/2026-11"),
        ("leave/7", "/rosters/leaves/7"),
        ("return/7", "/rosters/leaves/7"),
        ("delegate/7/2026-12-01", "/rosters/leaves/7"),
        ("contact/4", "/directory"),
        ("something/else-entirely/2026-99", "/rosters/canteen/2026-11"),
    ],
)
def test_each_leads_to_its_month_or_its_leave(subject, address):
    assert place_of(subject, "canteen", NOVEMBER, SITE) == address


def test_without_a_unit_it_leads_to_all_rosters():
    assert place_of("gap/3/leader/2026-12-01T00:30", "", NOVEMBER, SITE) == "/rosters"
