"""A pasted notice, in the State Council's own words or one day a line."""

from datetime import date

import pytest

from dutydesk.calendars.days import library_year
from dutydesk.calendars.rules.notice import lines_of, read_notice
from dutydesk.calendars.telling import told, where

NOTICE_2026 = """国务院办公厅关于2026年部分节假日安排的通知
国办发明电〔2025〕7号
经国务院批准，现将2026年元旦、春节、清明节、劳动节、端午节、中秋节和国庆节放假调休日期的具体安排通知如下。
一、元旦：1月1日（周四）至3日（周六）放假调休，共3天。1月4日（周日）上班。
二、春节：2月15日（农历腊月二十八、周日）至23日（农历正月初七、周一）放假调休，共9天。2月14日（周六）、2月28日（周六）上班。
三、清明节：4月4日（周六）至6日（周一）放假，共3天。
四、劳动节：5月1日（周五）至5日（周二）放假调休，共5天。5月9日（周六）上班。
五、端午节：6月19日（周五）至21日（周日）放假，共3天。
六、中秋节：9月25日（周五）至27日（周日）放假，共3天。
七、国庆节：10月1日（周四）至7日（周三）放假调休，共7天。9月20日（周日）、10月10日（周六）上班。
节假日期间，各地区、各部门要妥善安排好值班和安全、保卫等工作，遇有重大突发事件，要按规定及时报告并妥善处置。
"""


def laid(entries):
    return {one.day: (one.kind, one.name) for one in entries}


def test_the_notice_of_2026_as_it_was_issued_is_what_the_library_has():
    entries, faults = read_notice(NOTICE_2026, 2026)
    special = {
        day: (kind.kind, kind.name)
        for day, kind in library_year(2026).items()
        if kind.kind in {"holiday", "makeup"}
    }
    assert faults == []
    assert laid(entries) == special


def test_a_holiday_may_begin_in_the_december_before():
    entries, faults = read_notice("一、元旦：12月31日（周六）至1月2日（周一）放假调休，共3天。", 2023)
    assert faults == []
    assert [one.day for one in entries] == [date(2022, 12, 31), date(2023, 1, 1), date(2023, 1, 2)]
    named, _ = read_notice("元旦：2022年12月31日至2023年1月2日放假调休，共3天。", 2023)
    assert laid(named) == laid(entries)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("元旦：1月1日（周四）至3日放假，共3天。", "2027年1月1日是周五"),
        ("元旦：1月1日（周五）至3日放假，共4天。", "读到3天"),
        ("元旦：2月30日放假。", "没有这一天"),
        ("国庆节：10月7日至1日放假。", "起止日期不对"),
        ("2027-02-30 法定节假日 元旦", "没有这一天"),
        ("2027-01-01 节日 元旦", "日类应为"),
        ("请各单位安排好值班。", "没有读到"),
    ],
)
def test_what_cannot_be_right_is_said_with_its_line(text, said):
    _, faults = read_notice(text, 2027)
    assert {where(fault.place) for fault in faults} <= {"第1行", ""}
    assert any(said in told(fault) for fault in faults)


def test_days_one_a_line_are_read_and_written_alike():
    entries, faults = read_notice(NOTICE_2026, 2026)
    again, more = read_notice(lines_of(entries), 2026)
    assert (laid(again), faults, more) == (laid(entries), [], [])
