"""Times as they are typed with a receiver at the ear."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dutydesk.dutylog.rules.times import is_late, read_time, shown_time

ZONE = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 11, 23, 14, 5, 12, tzinfo=ZONE)

# Within some ten years, to the second.
moments = st.integers(1_577_836_800, 1_893_456_000).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))


def meant(text, now=NOW):
    said = read_time(text, now, ZONE)
    return said and said.at and f"{said.at.astimezone(ZONE):%Y-%m-%d %H:%M:%S}"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1405", "2026-11-23 14:05:00"),
        ("905", "2026-11-23 09:05:00"),
        ("140510", "2026-11-23 14:05:10"),
        ("14:05", "2026-11-23 14:05:00"),
        ("14：05", "2026-11-23 14:05:00"),
        ("１４０５", "2026-11-23 14:05:00"),
        ("14:05:10", "2026-11-23 14:05:10"),
        ("14时05分", "2026-11-23 14:05:00"),
        ("14点", "2026-11-23 14:00:00"),
        ("下午两点", "2026-11-23 14:00:00"),
        ("下午1点半", "2026-11-23 13:30:00"),
        ("十三点五分", "2026-11-23 13:05:00"),
        ("中午12点", "2026-11-23 12:00:00"),
        ("凌晨2点", "2026-11-23 02:00:00"),
        ("刚才", "2026-11-23 14:05:12"),
        ("now", "2026-11-23 14:05:12"),
        ("10分钟前", "2026-11-23 13:55:12"),
        ("十五分钟前", "2026-11-23 13:50:12"),
        ("半小时前", "2026-11-23 13:35:12"),
        ("一刻钟前", "2026-11-23 13:50:12"),
        ("昨天23:50", "2026-11-22 23:50:00"),
        ("昨晚11点半", "2026-11-22 23:30:00"),
        ("昨晚12点", "2026-11-23 00:00:00"),
        ("昨晚1点", "2026-11-23 01:00:00"),
        ("22日23:50", "2026-11-22 23:50:00"),
        ("30日8:00", "2026-10-30 08:00:00"),
        ("11月22日23时50分", "2026-11-22 23:50:00"),
        ("12月30日8点", "2025-12-30 08:00:00"),
        ("11-22 23:50", "2026-11-22 23:50:00"),
        ("2026-11-22 23:50", "2026-11-22 23:50:00"),
        ("2026-11-22T23:50:10", "2026-11-22 23:50:10"),
        ("2025年11月22日8点", "2025-11-22 08:00:00"),
    ],
)
def test_a_time_is_read_as_people_say_it(text, expected):
    assert meant(text) == expected


def test_a_time_of_day_that_has_not_come_was_yesterdays():
    after_midnight = datetime(2026, 11, 24, 0, 10, tzinfo=ZONE)
    assert meant("2350", after_midnight) == "2026-11-23 23:50:00"
    assert meant("0005", after_midnight) == "2026-11-24 00:05:00"


def test_a_slip_of_some_minutes_stays_in_the_future_so_that_the_form_can_say_so():
    assert meant("1410") == "2026-11-23 14:10:00"


@pytest.mark.parametrize(
    "text", ["25:00", "1465", "哈", "22日", "2月30日8:00", "24:00", "8", "99999999999", "-5"]
)
def test_what_no_clock_shows_is_not_guessed(text):
    assert read_time(text, NOW, ZONE) is None


@pytest.mark.parametrize("text", ["", "  ", "不详", "待核实", "？"])
def test_nothing_and_unknown_are_unknown(text):
    said = read_time(text, NOW, ZONE)
    assert (said.at, said.certainty) == (None, "unknown")


@pytest.mark.parametrize(
    ("text", "certainty"),
    [
        ("14:00", "exact"),
        ("约14:00", "estimated"),
        ("14:00左右", "estimated"),
        ("大约14点", "estimated"),
        ("刚才", "estimated"),
        ("10分钟前", "estimated"),
    ],
)
def test_what_is_only_about_is_an_estimate(text, certainty):
    assert read_time(text, NOW, ZONE).certainty == certainty


@given(st.text(max_size=40))
def test_no_text_breaks_the_reading(text):
    said = read_time(text, NOW, ZONE)
    assert said is None or said.at is None or said.at.tzinfo is not None


@given(
    moments,
    st.timedeltas(timedelta(0), timedelta(days=400)),
)
def test_what_a_form_shows_is_read_back_to_the_second(at, later):
    now = at + later
    assert read_time(shown_time(at, now, ZONE), now, ZONE).at == at


def test_an_entry_is_late_after_ten_minutes_or_when_no_form_stamped_it():
    allowed = timedelta(minutes=10)
    assert not is_late(NOW, NOW + allowed, allowed, stamped=True)
    assert is_late(NOW, NOW + allowed + timedelta(seconds=1), allowed, stamped=True)
    assert is_late(NOW, NOW, allowed, stamped=False)
