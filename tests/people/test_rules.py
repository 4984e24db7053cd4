"""Numbers and names, without a database."""

import pytest

from dutydesk.errors import InvalidInputError
from dutydesk.people.numbers import parse_address, parse_number, shown_address
from dutydesk.people.rules import ContactKind, ContactPoint, is_email, is_post_name


@pytest.mark.parametrize(
    ("written", "stored"),
    [
        ("13800000001", "+8613800000001"),
        ("+86 138 0000 0001", "+8613800000001"),
        ("138-0000-0001", "+8613800000001"),
        ("１３８００００００１", None),
        ("１３８００００００００", "+8613800000000"),
        ("022-88880001", "+862288880001"),
        ("(022) 8888 0001", "+862288880001"),
        ("+1 202 555 0123", "+12025550123"),
        ("110", None),
        ("hello", None),
        ("", None),
        ("+861380000000112345", None),
    ],
)
def test_a_number_is_stored_in_e164_or_refused(written, stored):
    if stored is None:
        with pytest.raises(InvalidInputError):
            parse_number(written)
    else:
        assert parse_number(written) == stored


@pytest.mark.parametrize(
    ("kind", "text", "stored"),
    [
        ("mobile", "13800000001", "+8613800000001"),
        ("mobile", "+12025550123", "+12025550123"),
        ("mobile", "022-88880001", None),
        ("landline", "022-88880001", "+862288880001"),
        ("landline", "400-820-8820", "+864008208820"),
        ("landline", "13800000001", None),
        ("landline", "022-88880001 ext. 801", None),
        ("email", " wang@example.gov.cn ", "wang@example.gov.cn"),
        ("email", "wang", None),
        ("email", "wang@localhost", None),
        ("email", "a@b@example.cn", None),
        ("email", "wang\x00@example.cn", None),
    ],
)
def test_an_address_must_be_of_the_kind_it_is_entered_as(kind, text, stored):
    if stored is None:
        with pytest.raises(InvalidInputError) as refused:
            parse_address(kind, text, "contacts.0.address")
        assert refused.value.faults[0].field == "contacts.0.address"
    else:
        assert parse_address(kind, text) == stored


def test_an_extension_is_refused_with_its_reason():
    with pytest.raises(InvalidInputError, match="extension"):
        parse_address("landline", "022-88880001 ext. 801")


def test_a_post_is_named_in_small_letters():
    assert is_post_name("office_director")
    assert not is_post_name("Head")
    assert not is_post_name("_head")
    assert not is_post_name("")


def test_an_email_address_has_a_limit():
    assert not is_email("a" * 250 + "@example.cn")


def point(kind: ContactKind, address: str, reason: str | None = None) -> ContactPoint:
    return ContactPoint(1, 1, kind, address, 0, reason)


def test_masked_addresses_keep_only_their_ends():
    assert shown_address(point("mobile", "+8613800000001"), masked=True) == "+86138******01"
    assert shown_address(point("email", "wang@example.cn"), masked=True) == "w***@example.cn"
    assert shown_address(point("mobile", "+8613800000001"), masked=False) == "+8613800000001"


def test_only_a_usable_number_rings():
    assert point("mobile", "+8613800000001").rings
    assert not point("email", "wang@example.cn").rings
    assert not point("mobile", "+8613800000001", "停机").rings
