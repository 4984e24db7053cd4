"""The sealer and the verification on both databases."""

import asyncio

import pytest
from sqlalchemy import delete, update
from sqlalchemy.exc import IntegrityError
from sqlmodel import col, select

from dutydesk.audit import queries
from dutydesk.audit.actions import record
from dutydesk.audit.model import AuditEntry
from dutydesk.audit.ticks import seal
from dutydesk.db import Database
from dutydesk.errors import InvalidInputError


async def append(db, clock, count: int, start: int = 0) -> None:
    async with db.write() as session:
        for number in range(start, start + count):
            record(
                session,
                clock.now(),
                "值班员",
                "tried",
                f"thing:{number}",
                number=number,
                words="𠮷",
                ratio=0.1,
            )


async def verified(db, head: str | None = None) -> queries.VerifyResult:
    async with db.read() as session:
        return await queries.verify(session, head)


async def head_of(db) -> str:
    async with db.read() as session:
        return await queries.head(session)


async def change(db, statement) -> None:
    async with db.write() as session:
        await session.exec(statement)


@pytest.fixture
async def sealed(db, clock):
    """Twelve entries in three batches of sealing."""
    for start in (0, 4, 8):
        await append(db, clock, 4, start)
        await seal(db, clock.now())
    return db


async def test_an_empty_trail_holds(db):
    assert await head_of(db) == "0:" + "0" * 64
    found = await verified(db, "0:" + "0" * 64)
    assert (found.entries, found.broken) == (0, None)


async def test_appended_rows_are_chained_in_order_and_once(db, clock):
    await append(db, clock, 3)
    assert (await verified(db)).unsealed == 3
    assert await seal(db, clock.now()) == 3
    assert await seal(db, clock.now()) == 0
    async with db.read() as session:
        rows = (await session.exec(select(AuditEntry).order_by(col(AuditEntry.id)))).all()
    assert [row.seal_number for row in rows] == [1, 2, 3]
    assert rows[0].previous_hash == "0" * 64
    assert [row.previous_hash for row in rows[1:]] == [row.hash for row in rows[:-1]]
    found = await verified(db)
    assert (found.entries, found.broken, found.unsealed) == (3, None, 0)
    assert found.head == await head_of(db) == f"3:{rows[2].hash}"


async def test_a_sealer_with_nothing_to_do_writes_nothing(db, clock):
    """A commit pokes the timer, and the timer calls the sealer: they must not keep each other awake."""
    await append(db, clock, 1)
    await seal(db, clock.now())
    pokes = []
    db.on_commit(lambda: pokes.append(1))
    await seal(db, clock.now())
    assert pokes == []


async def test_many_rows_are_sealed_and_verified_in_batches(db, clock):
    await append(db, clock, 2 * queries.BATCH + 1)
    pokes = []
    db.on_commit(lambda: pokes.append(1))
    assert await seal(db, clock.now()) == 2 * queries.BATCH + 1
    assert len(pokes) == 2 * queries.BATCH // queries.SEAL_BATCH + 1
    found = await verified(db)
    assert (found.entries, found.broken) == (2 * queries.BATCH + 1, None)


async def test_two_sealers_make_one_chain(db, clock):
    other = Database(db.url)
    try:
        for start in range(0, 60, 20):
            await append(db, clock, 20, start)
            await asyncio.gather(*(seal(one, clock.now()) for one in (db, other, db, other)))
    finally:
        await other.dispose()
    found = await verified(db)
    assert (found.entries, found.broken, found.unsealed) == (60, None, 0)


@pytest.mark.parametrize(
    "values",
    [
        {"actor": "somebody else"},
        {"action": "nothing"},
        {"subject": "thing:99"},
        {"detail": {"number": 4, "words": "𠮷", "ratio": 0.2}},
        {"hash": "0" * 64},
        {"previous_hash": "0" * 64},
    ],
)
async def test_an_edit_is_found_where_it_was_made(sealed, values):
    await change(sealed, update(AuditEntry).where(col(AuditEntry.seal_number) == 5).values(**values))
    found = await verified(sealed)
    assert found.broken is not None
    assert found.broken.seal_number == 5
    assert found.entries == 4


async def test_a_time_moved_by_a_second_is_found(sealed, clock):
    clock.move(1)
    await change(sealed, update(AuditEntry).where(col(AuditEntry.seal_number) == 7).values(at=clock.now()))
    assert (await verified(sealed)).broken.seal_number == 7


async def test_a_deleted_entry_is_found(sealed):
    await change(sealed, delete(AuditEntry).where(col(AuditEntry.seal_number) == 6))
    found = await verified(sealed)
    assert (found.broken.kind, found.broken.seal_number) == ("gap", 6)


async def test_an_entry_put_before_the_beginning_is_found(sealed, clock):
    async with sealed.write() as session:
        session.add(
            AuditEntry(at=clock.now(), actor="x", action="x", subject="x", seal_number=0, hash="0" * 64)
        )
    assert (await verified(sealed)).broken is not None


async def test_two_entries_that_changed_places_are_found(sealed):
    for old, new in ((5, -1), (6, 5), (-1, 6)):
        await change(
            sealed, update(AuditEntry).where(col(AuditEntry.seal_number) == old).values(seal_number=new)
        )
    assert (await verified(sealed)).broken.seal_number == 5


async def test_a_cut_tail_is_found_with_the_printed_head(sealed):
    printed = await head_of(sealed)
    assert (await verified(sealed, printed)).broken is None
    await change(sealed, delete(AuditEntry).where(col(AuditEntry.seal_number) > 9))
    assert (await verified(sealed)).broken is None
    found = await verified(sealed, printed)
    assert (found.broken.kind, found.broken.seal_number) == ("cut", 10)


async def test_an_earlier_head_still_holds_when_the_trail_has_grown(sealed, clock):
    printed = await head_of(sealed)
    await append(sealed, clock, 5)
    await seal(sealed, clock.now())
    assert (await verified(sealed, printed)).broken is None


async def test_a_trail_that_was_edited_and_sealed_anew_is_found_with_the_printed_head(sealed, clock):
    printed = await head_of(sealed)
    anew = update(AuditEntry).where(col(AuditEntry.seal_number) >= 5)
    await change(sealed, anew.values(actor="x", seal_number=None, previous_hash=None, hash=None))
    await seal(sealed, clock.now())
    assert (await verified(sealed)).broken is None
    assert (await verified(sealed, printed)).broken is not None


async def test_a_malformed_head_is_refused(db):
    with pytest.raises(InvalidInputError):
        await verified(db, "12")


async def test_a_row_with_odd_text_does_not_stop_the_sealer(db, clock):
    async with db.write() as session:
        record(
            session,
            clock.now(),
            "x",
            "x",
            "x",
            text="\u2028 'quotes\" \\ \U0001f692",
            nested={"b": [1, None]},
        )
    assert await seal(db, clock.now()) == 1
    assert (await verified(db)).broken is None


async def test_the_database_refuses_a_second_chain(sealed, clock):
    with pytest.raises(IntegrityError):
        async with sealed.write() as session:
            session.add(AuditEntry(at=clock.now(), actor="x", action="x", subject="x", seal_number=12))
