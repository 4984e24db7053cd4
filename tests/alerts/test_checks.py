"""A number is asked whether it is right: told as a conversation with the phone, through the real exchange."""

import re
from datetime import timedelta

import httpx2
import pytest
from sqlmodel import col, select

from dutydesk.accounts.rules import Actor
from dutydesk.alerts import checks
from dutydesk.alerts.check_queries import numbers_that_failed
from dutydesk.alerts.model import Alert
from dutydesk.audit.model import AuditEntry
from dutydesk.errors import ConflictError, InvalidInputError
from dutydesk.people.contacts import add_contact
from dutydesk.people.model import ContactCheck, ContactPoint
from dutydesk.people.queries import all_contacts
from tests.alerts.conftest import LI
from tests.builders import sign_in

OFFICE = Actor("吴芳", "office")
LANDLINE = "+862223456789"


@pytest.fixture
async def point(line):
    """A person with one mobile; the contact point of that."""
    person_id = await line.person("李强", LI)
    async with line.wired.site.db.read() as session:
        return (await all_contacts(session, [person_id]))[person_id][0]


async def landline(line, point):
    async with line.wired.site.db.write() as session:
        return await add_contact(session, line.clock.now(), "test", point.person_id, "landline", LANDLINE)


async def begin(line, point, method="keypad"):
    """Ask, as the office's page does, and return the check."""
    site = line.wired.site
    async with site.db.write() as session:
        return await checks.begin_check(session, site, line.clock.now(), OFFICE, point.id, method)


async def stored(line, point):
    async with line.wired.site.db.read() as session:
        return await session.get_one(ContactPoint, point.id)


async def check_of(line, row):
    async with line.wired.site.db.read() as session:
        return await session.get_one(ContactCheck, row.id)


async def trail(line):
    rows = await line.all(select(AuditEntry).order_by(col(AuditEntry.id)))
    return [(row.action, row.actor) for row in rows if row.action.startswith("contact.")]


def other(code):
    return "0000" if code != "0000" else "1111"


async def test_the_code_comes_by_sms_and_is_typed_in_the_call_that_follows(line, point):
    row = await begin(line, point)
    await line.pass_time(5)
    phone = line.exchange.handset(LI)
    code = re.search(r"验证码(\d{4})", phone.inbox[0].body)[1]
    assert code == row.code
    assert phone.calls == []

    await line.pass_time(20)
    await phone.answer()
    assert "请在电话上输入四位验证码" in "".join(phone.heard)
    assert code not in "".join(phone.heard)
    await phone.press(code)
    assert "号码核对完成" in "".join(phone.heard)

    now = await stored(line, point)
    assert (now.confirmed_at, now.confirmed_how, now.confirmed_by) == (line.clock.now(), "keypad", "吴芳")
    assert (await check_of(line, row)).result == "confirmed"
    assert await trail(line) == [("contact.asked", "吴芳"), ("contact.confirmed", "吴芳")]
    # Nobody is rung again about it, and nobody is told of a fault.
    await line.pass_time(1800)
    assert len(phone.calls) == 1
    assert await line.alarms() == []


async def test_a_wrong_code_is_asked_for_again_and_the_third_one_ends_it(line, point):
    row = await begin(line, point)
    await line.pass_time(25)
    phone = line.exchange.handset(LI)
    await phone.answer()
    await phone.press(other(row.code))
    assert "验证码不对" in "".join(phone.heard)
    await phone.press(other(row.code))
    await phone.press(other(row.code))
    assert "这次核对已经结束" in "".join(phone.heard)
    assert phone.call is None
    assert (await stored(line, point)).confirmed_at is None
    assert (await check_of(line, row)).result == "wrong"
    assert (await trail(line))[-1] == ("contact.not_confirmed", "吴芳")


async def test_silence_in_the_call_is_no_wrong_code(line, point):
    row = await begin(line, point)
    await line.pass_time(25)
    phone = line.exchange.handset(LI)
    await phone.answer()
    await line.pass_time(60)
    assert phone.call is None
    found = await check_of(line, row)
    assert (found.tries, found.result) == (0, None)


async def test_an_unanswered_check_is_rung_once_and_not_again(line, point):
    await begin(line, point)
    await line.pass_time(3600)
    phone = line.exchange.handset(LI)
    assert [call.status.value for call in phone.calls] == ["no-answer"]
    assert len(phone.inbox) == 1


async def test_whoever_answers_after_ten_minutes_hears_that_it_is_over(line, point):
    row = await begin(line, point)
    await line.pass_time(25)
    await line.change(ContactCheck, row.id, expires_at=line.clock.now())
    phone = line.exchange.handset(LI)
    await phone.answer()
    assert "此前的事项已经处理" in "".join(phone.heard)
    assert (await stored(line, point)).confirmed_at is None


async def test_a_code_typed_just_after_it_expired_confirms_nothing(line, point):
    row = await begin(line, point)
    await line.pass_time(25)
    phone = line.exchange.handset(LI)
    await phone.answer()
    await line.change(ContactCheck, row.id, expires_at=line.clock.now())
    await phone.press(row.code)
    assert "这次核对已经结束" in "".join(phone.heard)
    assert (await stored(line, point)).confirmed_at is None


async def test_the_code_of_a_replaced_check_is_worth_nothing(line, point):
    first = await begin(line, point, "read_back")
    await line.pass_time(120)
    second = await begin(line, point, "read_back")
    assert (await check_of(line, first)).result == "replaced"
    async with line.wired.site.db.write() as session:
        assert await checks.read_back(session, line.clock.now(), OFFICE, first.id, first.code) == "closed"
        assert await checks.read_back(session, line.clock.now(), OFFICE, second.id, second.code) == "right"
    assert (await stored(line, point)).confirmed_how == "read_back"


async def test_a_landline_is_told_the_code_in_the_call_and_reads_it_back(line, point):
    fixed = await landline(line, point)
    row = await begin(line, fixed, "read_back")
    await line.pass_time(2)
    phone = line.exchange.handset(LANDLINE)
    await phone.answer()
    spoken = "".join("零一二三四五六七八九"[int(digit)] for digit in row.code)
    assert f"验证码是{spoken}" in "".join(phone.heard)
    assert phone.messages == []
    async with line.wired.site.db.write() as session:
        assert await checks.read_back(session, line.clock.now(), OFFICE, row.id, row.code) == "right"
    await line.pass_time(1800)
    assert len(phone.calls) == 1


async def test_what_is_owed_is_told_before_a_number_is_asked(line, point):
    """A clock that falls due while the check rings takes the call over: one key must not confirm both."""
    await begin(line, point)
    await line.pass_time(17)
    more = {"recipient": f"person:{point.person_id}", "person_id": point.person_id}
    owed = await line.queue(None, "voice", **more)
    await line.pass_time(2)
    phone = line.exchange.handset(LI)
    await phone.answer()
    assert "确认收到请按1" in "".join(phone.heard)
    await phone.press("1")
    assert (await line.alert(owed)).acknowledged_at is not None
    assert (await stored(line, point)).confirmed_at is None
    (call,) = await line.all(select(Alert).where(col(Alert.cause) == "check", col(Alert.channel) == "voice"))
    assert call.acknowledged_at is None


async def test_an_sms_with_a_code_is_never_merged_with_others(line, point):
    await begin(line, point, "read_back")
    await line.queue(None, "sms", recipient=f"person:{point.person_id}", person_id=point.person_id)
    await line.pass_time(5)
    bodies = [message.body for message in line.exchange.handset(LI).inbox]
    assert len(bodies) == 2
    assert sum(re.search(r"验证码\d{4}", body) is not None for body in bodies) == 1


async def test_an_email_a_disabled_number_and_too_soon_are_refused(line, point):
    async with line.wired.site.db.write() as session:
        mail = await add_contact(session, line.clock.now(), "t", point.person_id, "email", "li@example.cn")
    with pytest.raises(InvalidInputError, match="邮箱"):
        await begin(line, mail)
    await begin(line, point, "read_back")
    with pytest.raises(ConflictError, match="分钟后再核对"):
        await begin(line, point, "read_back")
    await line.change(ContactPoint, point.id, disabled_reason="停机")
    with pytest.raises(ConflictError, match="停用"):
        await begin(line, point)


async def test_a_number_that_takes_no_sms_is_listed_as_failed_for_a_month(line, point):
    line.exchange.handset(LI).behave("landline")
    await begin(line, point, "read_back")
    await line.pass_time(30)
    async with line.wired.site.db.read() as session:
        failed = await numbers_that_failed(session, line.clock.now())
        later = await numbers_that_failed(session, line.clock.now() + timedelta(days=31))
    assert failed[LI].outcome == "contact_fault"
    assert later == {}
    assert await line.alarm_words() == ["number_unusable"]


async def test_a_number_that_does_not_exist_is_disabled_by_what_became_of_its_check(line, point):
    await begin(line, point, "read_back")
    (job,) = await line.claim()
    await line.send(job)
    (alert,) = await line.all(select(Alert))
    (attempt,) = await line.attempts(alert.id)
    form = {"MessageSid": attempt.reference, "MessageStatus": "undelivered", "ErrorCode": "30005"}
    await line.hook(f"sms-status/{attempt.token}", form)
    assert (await stored(line, point)).disabled_reason.startswith("30005")


# ── the page ─────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
async def office(line):
    cookie = await sign_in(line.wired.site.db, line.clock.now(), "office", name="吴芳")
    async with httpx2.AsyncClient(
        transport=httpx2.ASGITransport(line.app),
        base_url="http://desk.test",
        headers={"Sec-Fetch-Site": "same-origin"},
        cookies={"dutydesk": cookie},
    ) as client:
        yield client


async def test_the_office_types_what_is_read_back_and_a_slip_says_so(line, point, office):
    where = f"/directory/contacts/{point.id}/check"
    assert (await office.post(where, data={"method": "read_back"})).headers["location"] == where
    shown = (await office.get(where)).text
    (row,) = await line.all(select(ContactCheck))
    assert row.code not in shown
    wrong = await office.post(f"/directory/checks/{row.id}/read-back", data={"code": other(row.code)})
    assert (wrong.status_code, "验证码不对" in wrong.text) == (422, True)
    assert "还可输入2次" in wrong.text
    right = await office.post(f"/directory/checks/{row.id}/read-back", data={"code": row.code})
    assert right.status_code == 303
    assert "已确认" in (await office.get(where)).text


async def test_the_code_for_a_landlines_keypad_is_shown_to_the_office_and_no_other(line, point, office):
    fixed = await landline(line, point)
    await office.post(f"/directory/contacts/{fixed.id}/check", data={"method": "keypad"})
    await office.post(f"/directory/contacts/{point.id}/check", data={"method": "keypad"})
    first, second = await line.all(select(ContactCheck).order_by(col(ContactCheck.id)))
    assert f">{first.code}<" in (await office.get(f"/directory/contacts/{fixed.id}/check")).text
    assert second.code not in (await office.get(f"/directory/contacts/{point.id}/check")).text
    # A code that is to be typed on the telephone cannot be typed into the page.
    typed = await office.post(f"/directory/checks/{second.id}/read-back", data={"code": second.code})
    assert (typed.status_code, "按键输入" in typed.text) == (409, True)
