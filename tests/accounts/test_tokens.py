"""API tokens on both databases."""

import hashlib
from datetime import timedelta

import pytest
from sqlmodel import col, select

from dutydesk.accounts.actions import actor_for_token, create_token, revoke_token
from dutydesk.accounts.model import ApiToken
from dutydesk.accounts.rules import Actor
from dutydesk.audit.model import AuditEntry
from dutydesk.errors import InvalidInputError, NotFoundError
from dutydesk.people.actions import create_unit


async def only_token(session) -> ApiToken:
    return (await session.exec(select(ApiToken))).one()


async def test_a_token_is_stored_only_as_its_hash(db, clock):
    async with db.write() as session:
        plain = await create_token(session, clock.now(), "board", "operator")
    async with db.read() as session:
        token = await only_token(session)
        entries = (await session.exec(select(AuditEntry))).all()
    assert plain.startswith("dd_")
    assert len(plain) >= 43
    assert token.token_hash == hashlib.sha256(plain.encode()).hexdigest()
    assert plain not in str([token, entries])


async def test_a_token_tells_who_calls(db, clock):
    async with db.write() as session:
        unit = await create_unit(session, clock.now(), "office", code="U1", name="中心", kind="subordinate")
        plain = await create_token(session, clock.now(), "u1", "unit", unit.id)
        assert await actor_for_token(session, plain, clock.now()) == Actor("u1", "unit", unit.id, 1)
        assert await actor_for_token(session, plain + "x", clock.now()) is None
        assert await actor_for_token(session, "", clock.now()) is None


async def test_an_expired_token_tells_nothing(db, clock):
    ends = clock.now() + timedelta(hours=1)
    async with db.write() as session:
        plain = await create_token(session, clock.now(), "board", "operator", expires_at=ends)
    clock.move(3599)
    async with db.read() as session:
        assert await actor_for_token(session, plain, clock.now()) is not None
    clock.move(1)
    async with db.read() as session:
        assert await actor_for_token(session, plain, clock.now()) is None


async def test_a_revoked_token_tells_nothing_and_is_revoked_once(db, clock):
    async with db.write() as session:
        plain = await create_token(session, clock.now(), "board", "operator")
        token_id = (await only_token(session)).id
        await revoke_token(session, clock.now(), token_id, by="office")
        await revoke_token(session, clock.now(), token_id, by="office")
    async with db.read() as session:
        assert await actor_for_token(session, plain, clock.now()) is None
        told = await session.exec(select(AuditEntry).where(col(AuditEntry.action) == "token.revoked"))
        assert len(told.all()) == 1
        with pytest.raises(NotFoundError):
            await revoke_token(session, clock.now(), 99, by="office")


async def test_a_unit_contact_needs_a_unit(db, clock):
    with pytest.raises(InvalidInputError, match="needs a unit"):
        async with db.write() as session:
            await create_token(session, clock.now(), "u1", "unit")


async def test_two_tokens_are_never_alike(db, clock):
    async with db.write() as session:
        made = {await create_token(session, clock.now(), "board", "operator") for _ in range(20)}
    assert len(made) == 20
