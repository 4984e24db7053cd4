"""Who is calling, and what a form may be filled with without asking."""

import pytest

from dutydesk.dutylog.rules.callers import Caller, Fill, certain, digits_of, ranked

LI = Caller("李强", "值班员", 1, "+8613800000005", "contact", exact=True)
DUTY = Caller("", "", 1, "+862223456701", "duty_phone", exact=True)
BEFORE = Caller("老李", "", 1, "+862223456701", "earlier", exact=True)


def test_a_persons_own_number_names_the_person():
    assert certain([LI, Caller("李师傅", "", 1, LI.number, "earlier", exact=True)]) == Fill(
        "李强", "值班员", 1
    )


def test_a_duty_phone_names_the_unit_and_nobody():
    assert certain([DUTY, BEFORE]) == Fill(unit_id=1)


def test_a_number_known_from_one_earlier_call_names_who_called_then():
    assert certain([BEFORE]) == Fill("老李", "", 1)
    assert certain([BEFORE, Caller("老王", "", 1, BEFORE.number, "earlier", exact=True)]) == Fill(unit_id=1)


def test_half_a_number_fills_nothing():
    assert certain([Caller("李强", "值班员", 1, LI.number, "contact")]) == Fill()


def test_a_number_of_two_units_names_neither():
    assert certain([LI, Caller("王敏", "", 2, LI.number, "contact", exact=True)]) == Fill()


def test_everybody_is_listed_once_the_whole_numbers_first():
    half = Caller("周涛", "", 2, "+8613800000055", "contact")
    again = Caller("李强", "值班员", 1, LI.number, "earlier", exact=True)
    assert [one.person for one in ranked([half, again, LI])] == ["李强", "周涛"]
    assert ranked([again, LI])[0].origin == "contact"


@pytest.mark.parametrize(
    ("typed", "digits"),
    [
        ("138 0000-0005", "13800000005"),
        ("+86 13800000005", "13800000005"),
        ("8001", "8001"),
        ("总机", ""),
        ("022-23456701", "02223456701"),
    ],
)
def test_the_digits_of_a_number_as_it_was_typed(typed, digits):
    assert digits_of(typed) == digits
