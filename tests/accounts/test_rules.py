"""Roles, tokens and units, without a database."""

from datetime import UTC, datetime, timedelta

import pytest

from dutydesk.accounts.rules import ROLES, Actor, is_valid_token, token_faults

NOW = datetime(2026, 11, 23, 6, tzinfo=UTC)
SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("name", "role", "unit_id", "expires_at", "faults"),
    [
        ("desk", "operator", None, None, 0),
        ("u1", "unit", 1, NOW + SECOND, 0),
        ("u1", "unit", None, None, 1),
        ("desk", "operator", 1, None, 1),
        ("", "operator", None, None, 1),
        ("desk", "king", 1, None, 1),
        ("desk", "operator", None, NOW, 1),
        (" ", "king", None, NOW - SECOND, 3),
    ],
)
def test_everything_wrong_with_a_token_is_said_at_once(name, role, unit_id, expires_at, faults):
    assert len(token_faults(NOW, name, role, unit_id, expires_at)) == faults


def test_a_token_is_valid_until_just_before_its_end():
    assert is_valid_token(None, None, NOW)
    assert is_valid_token(NOW + SECOND, None, NOW)
    assert not is_valid_token(NOW, None, NOW)
    assert not is_valid_token(None, NOW - SECOND, NOW)


def test_only_a_unit_contact_is_kept_to_its_unit():
    assert Actor("u1", "unit", 1).sees_unit(1)
    assert not Actor("u1", "unit", 1).sees_unit(2)
    for role in ROLES:
        assert role == "unit" or Actor("x", role).sees_unit(2)
