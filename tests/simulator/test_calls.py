"""Calls, made with Twilio's own SDK, and what people do with them."""

import pytest
from twilio.base import values

from dutydesk.errors import ConflictError
from tests.simulator.application import HERE, LI

PROMPT = "您有一件事项待报，确认请按1。"


async def test_a_call_is_answered_heard_confirmed_with_a_key_and_over(world):
    created = await world.call()
    assert created.status == "queued"
    li = world.exchange.handset(LI)
    await world.pass_time(4)
    assert li.call.status == "ringing"

    await li.answer()
    assert (li.heard, li.call.listening) == ([PROMPT], True)
    await world.pass_time(3)
    await li.press("1")

    assert li.heard == [PROMPT, "您按了1"]
    assert world.application.statuses() == ["initiated", "ringing", "in-progress", "completed"]
    last = world.application.posts[-1].form
    assert (last["CallDuration"], last["Duration"], last["SequenceNumber"]) == ("3", "1", "3")
    fetched = await world.twilio.calls(created.sid).fetch_async()
    assert (fetched.status, fetched.duration) == ("completed", "3")


async def test_the_key_goes_to_the_relative_action_address_with_a_valid_signature(world):
    await world.call()
    await world.pass_time(4)
    await world.exchange.handset(LI).answer()
    await world.exchange.handset(LI).press("9")

    [post] = [post for post in world.application.posts if post.path == "/key"]
    assert (post.form["Digits"], post.form["CallStatus"], post.form["FromCity"]) == ("9", "in-progress", "")


async def test_without_a_key_the_redirect_behind_the_gather_repeats_the_prompt(world):
    await world.call()
    await world.pass_time(4)
    li = world.exchange.handset(LI)
    await li.answer()

    await world.pass_time(10)
    assert li.heard == [PROMPT, PROMPT]
    await li.hang_up()
    assert li.call is None
    await world.pass_time(600)
    assert li.heard == [PROMPT, PROMPT]


async def test_an_empty_result_is_posted_when_the_document_asks_for_it(world):
    world.application.scripts["/script"] = (
        '<Response><Gather numDigits="1" timeout="5" action="/key" actionOnEmptyResult="true">'
        "<Say>请按键</Say><Pause length='2'/></Gather></Response>"
    )
    await world.call()
    await world.pass_time(4)
    li = world.exchange.handset(LI)
    await li.answer()

    await world.pass_time(6.9)
    assert li.heard == ["请按键"]
    await world.pass_time(0.1)
    assert li.heard == ["请按键", "您按了"]


async def test_several_digits_end_with_the_last_one_or_with_the_hash_key(world):
    world.application.scripts["/script"] = (
        '<Response><Gather numDigits="3" action="/key"><Say>输入</Say></Gather></Response>'
    )
    li = world.exchange.handset(LI)
    for keys, said in (("123", "您按了123"), ("12#", "您按了12")):
        await world.call()
        await world.pass_time(4)
        await li.answer()
        await li.press(keys)
        assert li.heard == ["输入", said]


async def test_a_call_that_nobody_answers_ends_after_its_ringing_time(world):
    created = await world.call(timeout=25)
    await world.pass_time(1)
    await world.pass_time(24)
    assert world.application.statuses() == ["initiated", "ringing"]

    await world.pass_time(1)

    assert world.application.statuses()[-1] == "no-answer"
    assert world.exchange.calls[created.sid].answered_at is None
    assert not [post for post in world.application.posts if post.path == "/script"]


async def test_a_rejected_call_is_busy(world):
    await world.call()
    await world.pass_time(4)

    await world.exchange.handset(LI).reject()

    assert world.application.statuses() == ["initiated", "ringing", "busy"]


@pytest.mark.parametrize(
    ("behaviour", "statuses"),
    [
        ("busy", ["initiated", "busy"]),
        ("off", ["initiated", "no-answer"]),
        ("ignore", ["initiated", "ringing", "no-answer"]),
        ("voicemail", ["initiated", "ringing", "in-progress", "completed"]),
        ("answer", ["initiated", "ringing", "in-progress", "completed"]),
    ],
)
async def test_a_phone_left_alone_does_what_it_was_told(world, behaviour, statuses):
    world.exchange.handset(LI).behave(behaviour)
    await world.call(timeout=20)
    await world.pass_time(120)

    assert world.application.statuses() == statuses


async def test_a_voicemail_hears_the_prompt_and_presses_nothing(world):
    world.exchange.handset(LI).behave("voicemail")
    created = await world.call(machine_detection="Enable")
    await world.pass_time(120)

    call = world.exchange.calls[created.sid]
    assert (call.said, call.pressed) == ([PROMPT] * 3, [])
    assert call.seconds == 30
    assert (await world.twilio.calls(created.sid).fetch_async()).answered_by == "machine_start"


async def test_somebody_who_answers_by_himself_presses_his_key(world):
    world.exchange.handset(LI).behave("answer", key="9")
    created = await world.call()
    await world.pass_time(60)

    assert world.exchange.calls[created.sid].said == [PROMPT, "您按了9"]


async def test_a_second_call_to_a_phone_in_use_is_busy(world):
    await world.call()
    await world.pass_time(4)
    second = await world.call()
    await world.pass_time(4)

    assert world.exchange.calls[second.sid].status == "busy"
    assert world.exchange.handset(LI).call.status == "ringing"


async def test_a_ringing_call_can_be_cancelled(world):
    created = await world.call()
    await world.pass_time(4)

    answer = await world.twilio.calls(created.sid).update_async(status="canceled")

    assert answer.status == "canceled"
    assert world.application.statuses() == ["initiated", "ringing"]
    await world.pass_time(0)
    assert world.application.statuses() == ["initiated", "ringing", "canceled"]
    with pytest.raises(ConflictError):
        await world.exchange.handset(LI).answer()


async def test_cancelling_leaves_an_answered_call_alone_but_completing_ends_it(world):
    created = await world.call()
    await world.pass_time(4)
    await world.exchange.handset(LI).answer()

    assert (await world.twilio.calls(created.sid).update_async(status="canceled")).status == "in-progress"
    assert (await world.twilio.calls(created.sid).update_async(status="completed")).status == "completed"
    await world.pass_time(0)
    assert world.application.statuses()[-1] == "completed"


async def test_only_the_completed_event_is_reported_unless_others_are_asked_for(world):
    await world.twilio.calls.create_async(
        to=LI, from_="+15005550006", url=f"{HERE}/script", status_callback=f"{HERE}/status", timeout=10
    )
    await world.pass_time(60)

    assert world.application.statuses() == ["no-answer"]
    assert world.application.posts[-1].form["SequenceNumber"] == "0"


async def test_a_document_given_with_the_call_needs_no_address(world):
    await world.call(url=values.unset, twiml="<Response><Say>你好</Say><Hangup/></Response>")
    await world.pass_time(4)
    li = world.exchange.handset(LI)
    await li.answer()

    assert (li.heard, li.call) == (["你好"], None)


@pytest.mark.parametrize("script", [500, "这不是XML", "<Wrong/>", "<!DOCTYPE a><Response/>"])
async def test_a_document_that_cannot_be_had_ends_the_call_with_an_apology(world, script):
    world.application.scripts["/script"] = script
    created = await world.call()
    await world.pass_time(4)
    await world.exchange.handset(LI).answer()

    call = world.exchange.calls[created.sid]
    assert (call.said, call.status) == (["应用程序错误"], "completed")


async def test_the_fallback_address_is_asked_when_the_first_one_fails(world):
    world.application.scripts |= {"/script": 503, "/again": "<Response><Say>后备</Say></Response>"}
    await world.call(fallback_url=f"{HERE}/again")
    await world.pass_time(4)
    await world.exchange.handset(LI).answer()

    assert world.exchange.handset(LI).heard == ["后备"]
    [post] = [post for post in world.application.posts if post.path == "/again"]
    assert (post.form["ErrorCode"], post.form["ErrorUrl"]) == ("11200", f"{HERE}/script")


async def test_a_document_that_redirects_to_itself_without_end_is_cut_off(world):
    world.application.scripts["/script"] = "<Response><Redirect>/script</Redirect></Response>"
    created = await world.call()
    await world.pass_time(4)
    await world.exchange.handset(LI).answer()

    assert world.exchange.calls[created.sid].said == ["应用程序错误"]


async def test_buttons_that_make_no_sense_now_are_refused(world):
    li = world.exchange.handset(LI)
    for button in (li.answer(), li.reject(), li.hang_up(), li.press("1")):
        with pytest.raises(ConflictError):
            await button
