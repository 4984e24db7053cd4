"""A test SMS to oneself, through the same queue and providers as an alarm."""

from datetime import datetime

from dutydesk.accounts.rules import Actor
from dutydesk.alerts.actions import alert_row
from dutydesk.alerts.queries import add_alerts, recent_tries
from dutydesk.alerts.rules import longest_window, own_test_refused
from dutydesk.audit.actions import record
from dutydesk.db import Session
from dutydesk.errors import ConflictError
from dutydesk.escalation.queries import own_tests
from dutydesk.people.queries import usable_contacts
from dutydesk.web.site import Site

REFUSALS = {
    "TOO_SOON": "一分钟内只能发一条测试短信，请稍候",
    "BUDGET": "本号码近期短信已用去额度的三分之一，其余留给时限告知，暂不能测试",
}


def recipient_of(person_id: int) -> str:
    """Return under which name a test is queued: not the person's own, so that no alarm is joined with it."""
    return f"test:{person_id}"


async def own_mobile(session: Session, actor: Actor) -> str | None:
    """Return the first mobile of the person that the account is linked with."""
    if actor.person_id is None:
        return None
    points = (await usable_contacts(session, [actor.person_id])).get(actor.person_id, [])
    return next((point.address for point in points if point.kind == "mobile"), None)


async def send_own_test(session: Session, site: Site, now: datetime, actor: Actor) -> None:
    """Queue one SMS to whoever asks.

    Raises:
        ConflictError: when nothing would leave, when it is not known where to, or when it is too much.
    """
    if site.sending == "console":
        raise ConflictError("未启用真实发送，测试短信不会发出")
    if actor.person_id is None:
        raise ConflictError("本账号没有关联人员，请管理员在账号里关联")
    number = await own_mobile(session, actor)
    if number is None:
        raise ConflictError("通讯录里没有本人可用的手机号码")
    caps = site.rulebook.caps
    earlier = await own_tests(session, recipient_of(actor.person_id))
    recent = await recent_tries(session, [number], now - longest_window(caps))
    refused = own_test_refused(
        earlier[0].created_at if earlier else None, recent.get(("sms", number), []), caps, now
    )
    if refused is not None:
        raise ConflictError(REFUSALS[refused])
    row = alert_row(
        now,
        # Two clicks at once are one message.
        unique_key=f"test/{actor.person_id}/{int(now.timestamp()) // 60}",
        lane="digest",
        cause="test",
        target="self",
        recipient=recipient_of(actor.person_id),
        channel="sms",
        reason="OWN_TEST",
        wording="test",
        person_id=actor.person_id,
    )
    await add_alerts(session, [row])
    record(session, now, actor.name, "test.sent", f"person:{actor.person_id}", kind="sms")
