"""Units, people, posts and contact points on both databases."""

from datetime import timedelta

import pytest
from sqlmodel import col, select

from dutydesk.audit.model import AuditEntry
from dutydesk.errors import ConflictError, InvalidInputError, NotFoundError
from dutydesk.people import queries
from dutydesk.people.actions import NewContact, create_person, create_unit, disable_contact, give_post
from dutydesk.people.model import ContactPoint


async def desk(session, now, **changes):
    told = {"code": "DESK", "name": "局值班室", "kind": "desk", "duty_phone": "022-88880001"} | changes
    return await create_unit(session, now, "office", **told)


async def someone(session, now, **changes):
    told = {
        "name": "张三",
        "unit": "DESK",
        "title": "副局长",
        "contacts": [NewContact("mobile", "13800000001"), NewContact("landline", "022-88880002")],
    } | changes
    return await create_person(session, now, "office", **told)


async def test_a_unit_keeps_what_it_was_given(db, clock):
    async with db.write() as session:
        made = await desk(session, clock.now())
        await create_unit(
            session, clock.now(), "office", code="D1", name="办公室", kind="division", parent="DESK"
        )
    async with db.read() as session:
        assert await queries.unit_by_code(session, "DESK") == made
        assert made.duty_phone == "+862288880001"
        assert (await queries.unit_by_code(session, "D1")).parent_id == made.id
        assert await queries.desk_unit(session) == made


async def test_a_long_name_is_cut_for_an_sms_and_no_character_in_two(db, clock):
    async with db.write() as session:
        made = await desk(session, clock.now(), name="机关事务管理局值班𠮷室")
    assert made.short_name == "机关事务管理局值班"


async def test_a_short_name_that_does_not_fit_is_refused(db, clock):
    with pytest.raises(InvalidInputError, match="short_name"):
        async with db.write() as session:
            await desk(session, clock.now(), short_name="𠮷" * 6)


async def test_there_is_exactly_one_desk(db, clock):
    async with db.write() as session:
        await desk(session, clock.now())
    with pytest.raises(ConflictError, match="exactly one desk"):
        async with db.write() as session:
            await desk(session, clock.now(), code="DESK2")


async def test_a_code_names_one_unit(db, clock):
    async with db.write() as session:
        await desk(session, clock.now())
    with pytest.raises(ConflictError, match="DESK already"):
        async with db.write() as session:
            await desk(session, clock.now(), kind="division")


async def test_a_parent_must_exist_and_be_another_unit(db, clock):
    with pytest.raises(NotFoundError):
        async with db.write() as session:
            await desk(session, clock.now(), parent="NONE")
    with pytest.raises(InvalidInputError, match="another unit"):
        async with db.write() as session:
            await desk(session, clock.now(), parent="DESK")


@pytest.mark.parametrize("name", ["𠮷田", "李𬸦", "王👩‍🚒", "Ångström"])
async def test_rare_characters_in_a_name_survive(db, clock, name):
    async with db.write() as session:
        await desk(session, clock.now())
        made = await someone(session, clock.now(), name=name)
    async with db.read() as session:
        assert (await queries.person(session, made.id)).name == name


async def test_contacts_are_tried_in_the_order_they_were_given(db, clock):
    async with db.write() as session:
        await desk(session, clock.now())
        made = await someone(session, clock.now())
        # Entered later, to be tried first.
        session.add(ContactPoint(person_id=made.id, kind="mobile", address="+8613800000003", position=-1))
    async with db.read() as session:
        points = (await queries.usable_contacts(session, [made.id]))[made.id]
    assert [point.address for point in points] == ["+8613800000003", "+8613800000001", "+862288880002"]


async def test_a_bad_contact_leaves_no_person_behind(db, clock):
    async with db.write() as session:
        await desk(session, clock.now())
    wrong = [NewContact("mobile", "13800000001"), NewContact("mobile", "022-88880002")]
    with pytest.raises(InvalidInputError) as refused:
        async with db.write() as session:
            await someone(session, clock.now(), contacts=wrong)
    assert refused.value.faults[0].field == "contacts.1.address"
    async with db.read() as session:
        assert await queries.list_people(session) == []


async def test_the_same_number_twice_is_refused(db, clock):
    async with db.write() as session:
        await desk(session, clock.now())
    twice = [NewContact("mobile", "13800000001"), NewContact("mobile", "+86 138 0000 0001")]
    with pytest.raises(InvalidInputError, match="twice"):
        async with db.write() as session:
            await someone(session, clock.now(), contacts=twice)


async def test_a_disabled_contact_is_kept_with_its_first_reason_and_not_used(db, clock):
    async with db.write() as session:
        await desk(session, clock.now())
        made = await someone(session, clock.now())
        first = (await queries.usable_contacts(session, [made.id]))[made.id][0]
        await disable_contact(session, clock.now(), "worker", first.id, "空号")
        await disable_contact(session, clock.now(), "worker", first.id, "停机")
    async with db.read() as session:
        usable = (await queries.usable_contacts(session, [made.id]))[made.id]
        kept = (await queries.all_contacts(session, [made.id]))[made.id]
        told = await session.exec(select(AuditEntry).where(col(AuditEntry.action) == "contact.disabled"))
        assert len(told.all()) == 1
    assert [point.address for point in usable] == ["+862288880002"]
    assert kept[0].disabled_reason == "空号"


async def test_a_person_without_usable_contacts_is_left_out(db, clock):
    async with db.write() as session:
        await desk(session, clock.now())
        made = await someone(session, clock.now(), contacts=[])
        assert await queries.usable_contacts(session, [made.id]) == {}
        with pytest.raises(NotFoundError):
            await disable_contact(session, clock.now(), "worker", 99, "空号")


async def test_a_post_is_held_from_its_beginning_until_just_before_its_end(db, clock):
    now = clock.now()
    begins, ends = now, now + timedelta(days=30)
    async with db.write() as session:
        unit = await desk(session, now)
        made = await someone(session, now)
        await give_post(
            session, now, "office", unit="DESK", post="chief", person=made.id, from_at=begins, until_at=ends
        )
    async with db.read() as session:
        for moment, held in [
            (begins - timedelta(seconds=1), False),
            (begins, True),
            (ends - timedelta(seconds=1), True),
            (ends, False),
        ]:
            found = await queries.post_holders(session, [unit.id], moment)
            assert found == ({(unit.id, "chief"): [made.id]} if held else {})
            assert await queries.bureau_post_holders(session, moment) == (
                {"chief": [made.id]} if held else {}
            )


async def test_several_may_hold_a_post_and_the_longest_serving_comes_first(db, clock):
    now = clock.now()
    async with db.write() as session:
        unit = await desk(session, now)
        new = await someone(session, now, name="新")
        old = await someone(session, now, name="旧")
        for person, days in [(new, 1), (old, 300)]:
            await give_post(
                session,
                now,
                "office",
                unit="DESK",
                post="head",
                person=person.id,
                from_at=now - timedelta(days=days),
            )
        assert (await queries.post_holders(session, [unit.id], now))[unit.id, "head"] == [old.id, new.id]


async def test_a_person_holds_a_post_once_at_a_time(db, clock):
    now = clock.now()
    day = timedelta(days=1)
    async with db.write() as session:
        await desk(session, now)
        made = await someone(session, now)
        told = {"unit": "DESK", "post": "head", "person": made.id}
        await give_post(session, now, "office", **told, from_at=now, until_at=now + day)
        await give_post(session, now, "office", **told, from_at=now + day)
        with pytest.raises(ConflictError):
            await give_post(session, now, "office", **told, from_at=now + 5 * day)
        with pytest.raises(ConflictError):
            await give_post(session, now, "office", **told, from_at=now - day, until_at=now + day / 2)


async def test_a_post_must_end_after_it_begins(db, clock):
    now = clock.now()
    with pytest.raises(InvalidInputError, match="until"):
        async with db.write() as session:
            await give_post(
                session, now, "office", unit="DESK", post="head", person=1, from_at=now, until_at=now
            )


async def test_every_change_leaves_a_trace(db, clock):
    now = clock.now()
    async with db.write() as session:
        await desk(session, now)
        made = await someone(session, now)
        await give_post(session, now, "office", unit="DESK", post="head", person=made.id, from_at=now)
    async with db.read() as session:
        rows = (await session.exec(select(AuditEntry).order_by(col(AuditEntry.id)))).all()
    assert [(row.actor, row.action) for row in rows] == [
        ("office", "unit.created"),
        ("office", "person.created"),
        ("office", "post.given"),
    ]
