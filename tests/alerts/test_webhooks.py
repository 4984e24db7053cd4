"""What a provider calls back: believed when it is signed, acted on when it is news, harmless otherwise."""

import re
from datetime import timedelta

import pytest

from dutydesk.alerts.model import Alert
from dutydesk.simulator.callbacks import signature
from tests.alerts.conftest import HOOK, LI, PUBLIC, TOKEN, WANG

HOUR = timedelta(hours=1)


def said(answer) -> str:
    """Return what a document says, in order."""
    assert answer.headers["content-type"].startswith("application/xml")
    return "".join(re.findall(r"<Say[^>]*>([^<]*)</Say>", answer.text))


def keys_path(answer) -> str:
    """Return where a document sends the key."""
    action = re.search(r'action="([^"]*)"', answer.text)[1].replace("&amp;", "&")
    return action.removeprefix(f"{PUBLIC}{HOOK}/")


async def answered(line, attempt):
    """Fetch the words of a call, as the provider does when somebody picks up."""
    return await line.hook(
        f"voice/{attempt.token}", {"CallSid": attempt.reference, "CallStatus": "in-progress"}
    )


async def pressed(line, attempt, digits, **query):
    asked = "&".join(f"{name}={value}" for name, value in query.items())
    path = f"keys/{attempt.token}" + (f"?{asked}" if asked else "")
    return await line.hook(path, {"CallSid": attempt.reference, "Digits": digits})


# ── signatures ───────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("path", ["voice", "keys", "call-status", "sms-status"])
async def test_a_forged_callback_is_refused_and_recorded_and_changes_nothing(line, path):
    alert_id, attempt = await line.ringing()
    form = {"CallStatus": "completed", "MessageStatus": "failed", "Digits": "1", "From": LI}
    answer = await line.hook(f"{path}/{attempt.token}", form, token="not-the-secret")
    assert answer.status_code == 403
    (foreign,) = await line.foreign()
    assert (foreign.why, foreign.at) == ("signature", line.clock.now())
    assert foreign.path == f"{HOOK}/{path}/{attempt.token}"
    assert LI not in foreign.summary
    assert (await line.attempts(alert_id))[0] == attempt
    assert await line.acknowledgements() == []


async def test_a_callback_without_a_signature_or_with_somebody_elses_is_refused(line):
    _, attempt = await line.ringing()
    path = f"{HOOK}/keys/{attempt.token}"
    assert (await line.web.post(path, data={"Digits": "1"})).status_code == 403
    other = signature(TOKEN, PUBLIC + f"{HOOK}/keys/another", {"Digits": "1"})
    answer = await line.web.post(path, data={"Digits": "1"}, headers={"X-Twilio-Signature": other})
    assert answer.status_code == 403


async def test_a_callback_to_an_unknown_provider_is_refused(line):
    answer = await line.web.post("/webhooks/twilio/nobody/voice/x", data={})
    assert answer.status_code == 403


async def test_a_signature_over_other_fields_is_refused(line):
    _, attempt = await line.ringing()
    path = f"{HOOK}/keys/{attempt.token}"
    sign = signature(TOKEN, PUBLIC + path, {"Digits": "9"})
    answer = await line.web.post(path, data={"Digits": "1"}, headers={"X-Twilio-Signature": sign})
    assert answer.status_code == 403


async def test_blank_fields_are_part_of_what_was_signed(line):
    _, attempt = await line.ringing()
    answer = await line.hook(
        f"call-status/{attempt.token}", {"CallStatus": "ringing", "ErrorCode": "", "From": " "}
    )
    assert answer.status_code == 204


async def test_an_escaped_address_is_checked_as_it_was_called(line):
    """Starlette un-escapes the path; the provider signed what stands in the request line."""
    await line.ringing()
    answer = await line.hook("sms-status/a%20b%2Fc?x=%20y", {"MessageStatus": "sent"})
    assert answer.status_code in (204, 404)
    assert [one.why for one in await line.foreign()] in (["unknown"], [])
    again = await line.hook("sms-status/a%20b?x=%20y", {"MessageStatus": "sent"})
    assert again.status_code == 204


async def test_an_address_that_is_not_ascii_is_refused_and_breaks_nothing(line):
    async def request(path: bytes) -> int:
        sent = []
        scope = {
            "type": "http",
            "method": "POST",
            "path": path.decode("latin-1"),
            "raw_path": path,
            "query_string": b"\xff",
            "headers": [(b"content-type", b"application/x-www-form-urlencoded")],
            "scheme": "http",
            "server": ("desk.test", 80),
            "client": ("127.0.0.1", 1),
            "http_version": "1.1",
            "root_path": "",
        }

        async def receive():
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message):
            sent.append(message)

        await line.app(scope, receive, send)
        return sent[0]["status"]

    assert await request(f"{HOOK}/voice/".encode() + b"\xe9\xff") == 403


async def test_an_unknown_token_is_answered_quietly(line):
    assert (await line.hook("call-status/unknown", {"CallStatus": "completed"})).status_code == 204
    assert (await line.hook("sms-status/unknown", {"MessageStatus": "sent"})).status_code == 204
    answer = await line.hook("voice/unknown", {"CallSid": "CA1"})
    assert "您无需操作" in said(answer)
    assert (await line.hook("keys/unknown", {"Digits": "1"})).status_code == 200
    assert {one.why for one in await line.foreign()} == {"unknown"}


async def test_a_status_nobody_knows_changes_nothing(line):
    alert_id, attempt = await line.ringing()
    assert (await line.hook(f"call-status/{attempt.token}", {"CallStatus": "levitating"})).status_code == 204
    assert (await line.attempts(alert_id))[0].state == attempt.state


# ── the words ────────────────────────────────────────────────────────────────────────────────


async def test_a_call_says_name_and_number_first_and_the_details_only_after_the_key(line):
    li = await line.person("李强", LI)
    await line.queue(None, "voice", recipient=f"person:{li}", person_id=li, wording="missed")
    await line.pass_time(2)
    (attempt,) = await line.attempts(1)
    first = await answered(line, attempt)
    assert "请李强接听" in said(first)
    assert "二零二六杠零零零一" in said(first)
    assert "尚未收到" not in said(first)
    after = await pressed(line, attempt, "1")
    assert said(after).startswith("已记录您确认收到")
    assert "尚未收到" in said(after)


async def test_every_sentence_is_spoken_in_chinese_and_one_key_is_waited_for(line):
    _, attempt = await line.ringing()
    answer = await answered(line, attempt)
    sentences = re.findall(r"<Say([^>]*)>", answer.text)
    assert sentences
    assert all('language="zh-CN"' in one and 'voice="Polly.Zhiyu"' in one for one in sentences)
    gather = re.search(r"<Gather([^>]*)>", answer.text)[1]
    for wanted in (
        'numDigits="1"',
        'timeout="10"',
        'input="dtmf"',
        'actionOnEmptyResult="true"',
        'method="POST"',
    ):
        assert wanted in gather


async def test_a_drill_says_so_first_and_a_real_matter_beside_it_makes_the_call_real(line):
    _, drill = await line.ringing(drill=True)
    assert said(await answered(line, drill)).startswith("演练，演练。")
    await line.queue(WANG, "voice", drill=True)
    await line.queue(WANG, "voice")
    await line.pass_time(2)
    (mixed,) = await line.attempts(3)
    answer = await answered(line, mixed)
    assert not said(answer).startswith("演练")
    told = said(await pressed(line, mixed, "1"))
    assert told.index("零零零三") < told.index("演练，演练。") < told.index("零零零二")


async def test_a_matter_whose_words_are_broken_says_its_number_and_its_key_counts(line):
    _, attempt = await line.ringing(wording="nothing-like-it")
    await answered(line, attempt)
    assert "有待办事项" in said(await pressed(line, attempt, "1"))
    assert len(await line.acknowledgements()) == 1


async def test_a_call_that_is_no_longer_wanted_says_so(line):
    alert_id, attempt = await line.ringing()
    await line.change(Alert, alert_id, state="cancelled")
    assert "您无需操作" in said(await answered(line, attempt))
    answer = await pressed(line, attempt, "1")
    assert answer.status_code == 200
    assert await line.acknowledgements() == []


# ── keys ─────────────────────────────────────────────────────────────────────────────────────


async def test_key_one_confirms_everything_spoken_and_nothing_else(line):
    ids = [await line.queue(LI, "voice"), await line.queue(LI, "voice")]
    await line.pass_time(2)
    (attempt,) = await line.attempts(ids[0])
    await answered(line, attempt)
    later = await line.queue(LI, "voice")
    await pressed(line, attempt, "1")
    proofs = await line.acknowledgements()
    assert [one.alert_id for one in proofs] == ids
    assert {(one.kind, one.at, one.attempt_id) for one in proofs} == {
        ("keypad", line.clock.now(), attempt.id)
    }
    assert (await line.alert(later)).acknowledged_at is None


async def test_a_key_pressed_twice_is_one_acknowledgement(line):
    _, attempt = await line.ringing()
    await answered(line, attempt)
    first = await pressed(line, attempt, "1")
    again = await pressed(line, attempt, "1")
    assert said(again) == said(first)
    assert len(await line.acknowledgements()) == 1


async def test_a_key_without_anything_spoken_confirms_nothing(line):
    alert_id, attempt = await line.ringing()
    await pressed(line, attempt, "1")
    assert await line.acknowledgements() == []
    assert (await line.attempts(alert_id))[0].outcome is None


async def test_key_two_says_it_again_as_often_as_wanted(line):
    _, attempt = await line.ringing()
    answer = first = await answered(line, attempt)
    for _ in range(4):
        answer = await line.hook(keys_path(answer), {"Digits": "2"})
        assert said(answer) == said(first)
    assert await line.acknowledgements() == []


async def test_key_two_after_the_confirmation_repeats_the_details(line):
    _, attempt = await line.ringing()
    await answered(line, attempt)
    told = await pressed(line, attempt, "1")
    again = await line.hook(keys_path(told), {"Digits": "2"})
    assert said(again) in said(told)
    assert "尚未收到" in said(again)


async def test_key_nine_is_no_acknowledgement_and_the_next_in_line_has_the_turn(line):
    alert_id, attempt = await line.ringing()
    await answered(line, attempt)
    assert "转下一位" in said(await pressed(line, attempt, "9"))
    row = await line.alert(alert_id)
    assert (row.state, row.exhausted_reason, row.acknowledged_at) == ("failed", "PASSED_ON", None)
    assert await line.acknowledgements() == []
    await line.hook(f"call-status/{attempt.token}", {"CallStatus": "completed", "CallSid": attempt.reference})
    assert (await line.attempts(alert_id))[0].outcome == "passed_on"
    calls = len(line.exchange.calls)
    await line.pass_time(600)
    assert len(line.exchange.calls) == calls


async def test_without_a_key_it_is_said_twice_and_then_ends(line):
    _, attempt = await line.ringing()
    first = await answered(line, attempt)
    second = await line.hook(keys_path(first), {"Digits": ""})
    assert said(second) == said(first)
    third = await line.hook(keys_path(second), {"Digits": ""})
    assert said(third) == "再见。"
    assert "<Gather" not in third.text


async def test_another_key_asks_again_and_never_confirms(line):
    _, attempt = await line.ringing()
    first = await answered(line, attempt)
    for digit in ("5", "0", "#"):
        assert said(await line.hook(keys_path(first), {"Digits": digit})) == said(first)
    assert await line.acknowledgements() == []


async def test_a_call_that_was_answered_without_a_key_is_tried_again(line):
    line.exchange.handset(LI).behave("voicemail")
    alert_id = await line.queue(LI, "voice")
    await line.pass_time(90)
    row, (attempt,) = await line.alert(alert_id), await line.attempts(alert_id)
    assert (attempt.outcome, attempt.state) == ("no_key", "completed")
    assert (row.state, row.exhausted_reason) == ("queued", "NO_KEY_PRESSED")


# ── too late, twice, out of order ────────────────────────────────────────────────────────────


async def test_a_key_long_after_the_calls_end_is_refused_and_recorded(line):
    alert_id, attempt = await line.ringing()
    await answered(line, attempt)
    await line.exchange.handset(LI).answer()
    await line.exchange.handset(LI).hang_up()
    line.clock.move(61)
    assert (await pressed(line, attempt, "1")).status_code == 403
    assert [one.why for one in await line.foreign()] == ["stale"]
    assert (await line.alert(alert_id)).acknowledged_at is None


async def test_a_key_that_overtakes_the_end_of_its_call_counts(line):
    _, attempt = await line.ringing()
    await line.exchange.handset(LI).answer()
    await line.exchange.handset(LI).hang_up()
    line.clock.move(10)
    assert (await pressed(line, attempt, "1")).status_code == 200
    assert len(await line.acknowledgements()) == 1


async def test_words_are_not_said_for_an_attempt_of_long_ago(line):
    _, attempt = await line.ringing()
    line.clock.move(HOUR.total_seconds())
    assert (await answered(line, attempt)).status_code == 403
    assert (await pressed(line, attempt, "1")).status_code == 403
    assert [one.why for one in await line.foreign()] == ["stale", "stale"]


async def test_a_fetch_repeated_after_the_call_takes_nothing_along(line):
    """Whoever repeats an old request must not bind what waits to a call that is over: nobody would look at it."""
    _, attempt = await line.ringing()
    await line.exchange.handset(LI).answer()
    await line.exchange.handset(LI).press("1")
    await line.exchange.handset(LI).hang_up()
    later = await line.queue(LI, "voice")
    await answered(line, attempt)
    row = await line.alert(later)
    assert (row.state, row.next_try_at) == ("queued", line.clock.now())
    assert await line.attempts(later) == []


async def test_a_call_that_was_given_up_as_unknown_and_rings_after_all_is_heard(line):
    """Somebody presses a key: that proves a human, whatever we thought of the attempt."""
    alert_id, attempt = await line.ringing()
    await line.change(
        type(attempt), attempt.id, state="failed", outcome="unknown", ended_at=line.clock.now(), live=False
    )
    line.clock.move(90)
    await answered(line, attempt)
    assert (await pressed(line, attempt, "1")).status_code == 200
    assert (await line.alert(alert_id)).acknowledged_at == line.clock.now()


async def test_statuses_that_come_twice_or_out_of_order_change_nothing(line):
    alert_id = await line.queue(LI, "sms")
    await line.go()
    (attempt,) = await line.attempts(alert_id)

    async def tell(status):
        await line.hook(
            f"sms-status/{attempt.token}", {"MessageStatus": status, "MessageSid": attempt.reference}
        )
        (now,) = await line.attempts(alert_id)
        return now.state

    assert [await tell(one) for one in ("sent", "queued", "sent")] == ["sent"] * 3
    for status in ("delivered", "sent", "delivered", "failed", "undelivered"):
        assert await tell(status) == "delivered"
    assert (await line.alert(alert_id)).state == "delivered"


async def test_a_completed_call_does_not_ring_again_because_of_a_late_callback(line):
    alert_id, attempt = await line.ringing()
    for status in ("completed", "ringing", "in-progress", "initiated", "completed"):
        await line.hook(f"call-status/{attempt.token}", {"CallStatus": status, "CallSid": attempt.reference})
        (now,) = [one for one in await line.attempts(alert_id) if one.id == attempt.id]
        assert (now.state, now.outcome, now.live) == ("completed", "no_key", False)


async def test_a_callback_that_is_quicker_than_the_answer_is_the_proof(line):
    alert_id = await line.queue(LI, "voice")
    await line.claim()
    (attempt,) = await line.attempts(alert_id)
    await line.hook(f"call-status/{attempt.token}", {"CallStatus": "ringing", "CallSid": "CA123"})
    (now,) = await line.attempts(alert_id)
    assert (now.state, now.reference) == ("ringing", "CA123")
    assert (await line.alert(alert_id)).state == "accepted"
    assert now.outcome_due_at > line.clock.now()


async def test_a_carriers_code_for_a_bad_number_marks_it(line):
    alert_id = await line.queue(LI, "sms")
    await line.go()
    (attempt,) = await line.attempts(alert_id)
    form = {"MessageStatus": "undelivered", "ErrorCode": "30005", "MessageSid": attempt.reference}
    await line.hook(f"sms-status/{attempt.token}", form)
    (now,) = await line.attempts(alert_id)
    assert (now.outcome, now.error_code) == ("contact_fault", "30005")
    assert "number_unusable" in await line.alarm_words()
