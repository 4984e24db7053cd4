"""What is pushed to open boards: once, only what changed, to those who may see it, for as long as they may."""

import asyncio
import json
from contextlib import aclosing
from datetime import timedelta

import pytest
from sqlmodel import select

from dutydesk.accounts.model import Account, SignIn
from dutydesk.accounts.queries import end_sign_ins
from dutydesk.accounts.rules import Actor
from dutydesk.desk.boards import Boards
from dutydesk.desk.drawing import variant_of
from dutydesk.incidents.actions import NewIncident, log_incident
from tests.builders import sign_in

OPERATOR = Actor("desk", "operator")


@pytest.fixture
def boards(app):
    return app.state.boards


@pytest.fixture
async def operator(site):
    return await actor_of(site, "operator")


async def actor_of(site, role):
    await sign_in(site.db, site.clock.now(), role)
    async with site.db.read() as session:
        row, account = (
            await session.exec(select(SignIn, Account).join(Account).order_by(SignIn.id.desc()))
        ).first()
    return Actor(account.name, account.role, account_id=account.id, sign_in_id=row.id)


async def log(site, bureau, title="后厨配电室起火"):
    now = site.clock.now()
    new = NewIncident(
        title=title,
        category="accident",
        grade="ungraded",
        unit_id=bureau.canteen.id,
        occurred_at=now - timedelta(minutes=10),
        occurred_at_kind="exact",
    )
    async with site.db.write() as session:
        return await log_incident(session, site, now, OPERATOR, new)


def events(chunk):
    """Return (name, body) of everything in a chunk."""
    found = []
    for block in chunk.decode().split("\r\n\r\n"):
        lines = dict(line.split(": ", 1) for line in block.split("\r\n") if line)
        if lines:
            found.append((lines["event"], json.loads(lines["data"])))
    return found


async def until(stream, name):
    """Read on until such an event comes."""
    async with asyncio.timeout(20):
        while True:
            for said, body in events(await anext(stream)):
                if said == name:
                    return body


async def test_a_board_gets_everything_at_first_and_then_only_what_changed(site, bureau, boards, operator):
    async with aclosing(boards.listen(variant_of("board", operator), operator)) as stream:
        first = await until(stream, "board")
        assert {"alarms", "head", "duty", "count", "feed", "soon"} <= set(first["regions"])
        fire = await log(site, bureau)
        change = await until(stream, "board")
        assert change["from"] == first["at"]
        assert change["order"] == [fire.id]
        assert "后厨配电室起火" in change["regions"][f"incident-{fire.id}"]
        assert "head" not in change["regions"]
        assert "duty" not in change["regions"]


async def test_of_two_incidents_only_the_one_that_changed_is_sent(site, bureau, boards, operator):
    old = await log(site, bureau, "先前的")
    async with aclosing(boards.listen(variant_of("board", operator), operator)) as stream:
        first = await until(stream, "board")
        assert f"incident-{old.id}" in first["regions"]
        new = await log(site, bureau, "新来的")
        change = await until(stream, "board")
        assert f"incident-{new.id}" in change["regions"]
        assert f"incident-{old.id}" not in change["regions"]
        assert set(change["order"]) == {old.id, new.id}


async def test_a_page_that_has_everything_is_sent_nothing_twice(site, bureau, boards, operator):
    variant = variant_of("board", operator)
    have = (await boards.picture(variant)).version
    async with aclosing(boards.listen(variant, operator, have)) as stream:
        assert [name for name, _ in events(await anext(stream))] == ["beat"]


async def test_every_listener_of_a_kind_gets_the_same_bytes(site, bureau, boards, operator):
    variant = variant_of("board", operator)
    async with (
        aclosing(boards.listen(variant, operator)) as one,
        aclosing(boards.listen(variant, operator)) as other,
    ):
        for stream in (one, other):
            await until(stream, "board")
        await log(site, bureau)
        found = [await until(stream, "board") for stream in (one, other)]
        assert found[0] == found[1]


async def test_what_one_may_not_see_is_not_pushed(site, bureau, boards):
    inspector = await actor_of(site, "inspector")
    async with aclosing(boards.listen(variant_of("board", inspector), inspector)) as stream:
        text = json.dumps(await until(stream, "board"), ensure_ascii=False)
        assert "赵建国" in text
        assert "138 0000 0003" not in text
        assert "<form" not in text


async def test_other_pages_are_told_that_something_changed_and_nothing_else(site, bureau, boards, operator):
    async with aclosing(boards.listen("ring", operator)) as stream:
        await until(stream, "beat")
        await log(site, bureau)
        assert set(await until(stream, "ring")) == {"now"}


async def test_a_unit_contacts_stream_only_beats(site, bureau, boards, operator):
    unit = await actor_of(site, "unit")
    async with (
        aclosing(boards.listen("beat", unit)) as stream,
        aclosing(boards.listen("ring", operator)) as other,
    ):
        await log(site, bureau)
        await until(other, "ring")
        await boards.turn(rung=True)
        said = [name for _ in range(2) for name, _body in events(await anext(stream))]
        assert set(said) == {"beat"}


async def test_a_beat_names_the_version_a_board_should_have(site, bureau, boards, operator):
    variant = variant_of("board", operator)
    async with aclosing(boards.listen(variant, operator)) as stream:
        first = await until(stream, "board")
        assert (await until(stream, "beat"))["at"] == first["at"]
        assert (await until(stream, "beat"))["now"] == int(site.clock.now().timestamp() * 1000)


async def test_a_change_of_shift_is_drawn_although_nobody_commits(site, bureau, boards, operator, clock):
    variant = variant_of("board", operator)
    async with aclosing(boards.listen(variant, operator)) as stream:
        await until(stream, "board")
        clock.move(60 * 86400)  # the last shift of the plan is over
        await boards.turn(rung=False)
        change = await until(stream, "board")
        assert "空岗" in change["regions"]["duty"]


async def test_signed_out_means_cut_off_soon(site, bureau, boards, operator, clock):
    async with aclosing(boards.listen(variant_of("board", operator), operator)) as stream:
        await until(stream, "board")
        await boards.turn(rung=False)
        async with site.db.write() as session:
            await end_sign_ins(session, operator.account_id, site.clock.now(), "管理员")
        clock.move(25)
        await boards.turn(rung=False)
        await until(stream, "ended")
        with pytest.raises(StopAsyncIteration):
            await anext(stream)


async def test_signed_out_by_a_commit_means_cut_off_at_once(site, bureau, boards, operator, clock):
    async with aclosing(boards.listen("ring", operator)) as stream:
        await until(stream, "beat")
        await boards.turn(rung=False)
        clock.move(2)  # the regular check is far away
        async with site.db.write() as session:
            await end_sign_ins(session, operator.account_id, site.clock.now(), "管理员")
        async with asyncio.timeout(3):
            await until(stream, "ended")


async def test_what_was_committed_within_a_second_of_a_check_is_looked_at_after_that_second(
    site, bureau, boards, operator, clock
):
    async with aclosing(boards.listen("ring", operator)) as stream:
        await until(stream, "beat")
        await boards.turn(rung=False)
        async with site.db.write() as session:
            await end_sign_ins(session, operator.account_id, site.clock.now(), "管理员")
        await boards.turn(rung=True)
        clock.move(1)
        await boards.turn(rung=False)
        await until(stream, "ended")


async def test_noting_that_a_board_is_in_use_rings_nobody(site, bureau, boards, operator, clock):
    async with aclosing(boards.listen(variant_of("wall", operator), operator)) as stream:
        await until(stream, "beat")
        await boards.turn(rung=False)
        before = site.bell.count
        clock.move(1800)
        await boards.turn(rung=False)
        async with site.db.read() as session:
            assert (await session.get(SignIn, operator.sign_in_id)).seen_at == site.clock.now()
        assert site.bell.count == before


@pytest.mark.parametrize("change", [{"role": "inspector"}, {"must_change": True}, {"disabled": True}])
async def test_another_role_or_a_closed_account_ends_the_stream_too(
    site, bureau, boards, operator, clock, change
):
    async with aclosing(boards.listen("ring", operator)) as stream:
        await until(stream, "beat")
        await boards.turn(rung=False)
        async with site.db.write() as session:
            row = await session.get(Account, operator.account_id)
            row.role = change.get("role", row.role)
            row.must_change = change.get("must_change", False)
            row.disabled_at = site.clock.now() if change.get("disabled") else None
            session.add(row)
        clock.move(25)
        await boards.turn(rung=False)
        await until(stream, "ended")


async def test_whoever_joins_while_the_sign_ins_are_read_is_not_cut_off(
    site, bureau, boards, operator, clock
):
    async with (
        aclosing(boards.listen("ring", operator)) as one,
        aclosing(boards.listen("ring", await actor_of(site, "operator"))) as other,
    ):
        await until(one, "beat")
        await boards.turn(rung=False)
        clock.move(25)
        checking = asyncio.ensure_future(boards.check_sign_ins())
        await asyncio.sleep(0)  # it has begun to read
        await until(other, "beat")
        await checking
        assert not any(listener.over for listener in boards._listeners)


async def test_an_open_board_does_not_sign_itself_out_in_the_night(site, bureau, boards, operator, clock):
    async with aclosing(boards.listen(variant_of("wall", operator), operator)) as stream:
        for _ in range(40):  # twenty hours; without use a sign-in ends after twelve
            clock.move(1800)
            await boards.turn(rung=False)
            await until(stream, "beat")


async def test_a_page_that_takes_nothing_is_cut_off_instead_of_growing(site, bureau, boards, operator):
    async with aclosing(boards.listen("ring", operator)) as stream:
        await until(stream, "beat")
        for _ in range(200):
            await boards.turn(rung=True)
        async with asyncio.timeout(5):
            count = sum([len(events(chunk)) async for chunk in stream])
        assert count < 100


async def test_when_the_process_ends_every_stream_ends(site, bureau, boards, operator):
    async with aclosing(boards.listen("ring", operator)) as stream:
        await until(stream, "beat")
        site.bell.close()
        async with asyncio.timeout(20):
            told = [chunk async for chunk in stream]
        assert len(told) <= 1


async def test_nothing_runs_when_nobody_looks_on(site, bureau, boards, operator):
    async with aclosing(boards.listen("ring", operator)) as stream:
        await until(stream, "beat")
        task = boards._task
        assert not task.done()
    assert boards._task is None
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_board_that_cannot_be_drawn_does_not_beat(site, bureau, wired, operator):
    class Broken:
        last_failed = False

        def age(self, now):
            raise RuntimeError("broken on purpose")

    boards = Boards(site, [], Broken())
    with pytest.raises(RuntimeError):
        await boards.picture(variant_of("board", operator))


async def test_the_site_answers_its_time_to_whoever_is_signed_in_only(browser, anyone, site):
    assert (await browser.get("/desk/time")).json() == {"now": int(site.clock.now().timestamp() * 1000)}
    assert (await anyone.get("/desk/time")).status_code == 401
    assert (await anyone.get("/desk/events")).status_code == 401
