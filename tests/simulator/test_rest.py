"""The REST API's own promises: who may ask, what is refused and how, and lists."""

from datetime import timedelta

import pytest
from twilio.base.exceptions import TwilioRestException

from dutydesk.simulator.app import create_simulator
from tests.simulator.application import ACCOUNT, FROM, HERE, LI, TOKEN, WANG

MESSAGES = f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json"
CALLS = f"/2010-04-01/Accounts/{ACCOUNT}/Calls.json"
URL = f"{HERE}/script"


@pytest.mark.parametrize("auth", [None, (ACCOUNT, "wrong"), ("AC" + "0" * 32, TOKEN), ("", "")])
async def test_a_wrong_token_is_refused_with_20003(world, auth):
    answer = await world.http.post(MESSAGES, auth=auth, data={})

    assert answer.status_code == 401
    assert answer.json() == {
        "code": 20003,
        "message": "Authenticate",
        "more_info": "https://www.twilio.com/docs/errors/20003",
        "status": 401,
    }


@pytest.mark.parametrize(
    ("form", "code"),
    [
        ({"From": FROM, "Body": "值"}, 21604),
        ({"To": "12345", "From": FROM, "Body": "值"}, 21211),
        ({"To": LI, "Body": "值"}, 21603),
        ({"To": LI, "From": "desk", "Body": "值"}, 21212),
        ({"To": LI, "From": FROM}, 21602),
        ({"To": LI, "From": FROM, "Body": "值" * 1601}, 21617),
        ({"To": LI, "From": FROM, "Body": "值", "StatusCallback": "nowhere"}, 21609),
    ],
)
async def test_a_faulty_message_is_refused_with_twilios_code(world, form, code):
    answer = await world.http.post(MESSAGES, auth=(ACCOUNT, TOKEN), data=form)

    assert (answer.status_code, answer.json()["code"]) == (400, code)
    assert world.exchange.messages == {}


@pytest.mark.parametrize(
    ("form", "code"),
    [
        ({"From": FROM, "Url": URL}, 21201),
        ({"To": "+0", "From": FROM, "Url": URL}, 21211),
        ({"To": LI, "Url": URL}, 21213),
        ({"To": LI, "From": FROM}, 21205),
        ({"To": LI, "From": FROM, "Url": "ftp://duty.example"}, 21205),
        ({"To": LI, "From": FROM, "Url": URL, "Method": "PUT"}, 20001),
        ({"To": LI, "From": FROM, "Url": URL, "Timeout": "soon"}, 20001),
        ({"To": LI, "From": FROM, "Url": URL, "StatusCallbackEvent": "hung"}, 20001),
    ],
)
async def test_a_faulty_call_is_refused_with_twilios_code(world, form, code):
    answer = await world.http.post(CALLS, auth=(ACCOUNT, TOKEN), data=form)

    assert (answer.status_code, answer.json()["code"]) == (400, code)
    assert world.exchange.calls == {}


async def test_an_unknown_sender_is_refused_where_senders_are_listed(world):
    app = create_simulator(
        world.clock, accounts={ACCOUNT: TOKEN}, callback_client=world.http, from_numbers=[FROM]
    )
    world.http._transport.app = app

    with pytest.raises(TwilioRestException) as message:
        await world.twilio.messages.create_async(to=LI, from_=WANG, body="值")
    with pytest.raises(TwilioRestException) as call:
        await world.twilio.calls.create_async(to=LI, from_=WANG, url=URL)

    assert (message.value.code, call.value.code) == (21606, 21210)
    assert (await world.send()).status == "queued"


async def test_what_does_not_exist_is_20404(world):
    for fetch in (
        world.twilio.messages("SM" + "0" * 32).fetch_async,
        world.twilio.calls("CA" + "0" * 32).fetch_async,
        world.twilio.recordings("RE" + "0" * 32).fetch_async,
    ):
        with pytest.raises(TwilioRestException) as error:
            await fetch()
        assert (error.value.status, error.value.code) == (404, 20404)


async def test_a_call_that_is_over_cannot_be_changed(world):
    created = await world.call(timeout=5)
    await world.pass_time(60)

    with pytest.raises(TwilioRestException) as error:
        await world.twilio.calls(created.sid).update_async(status="completed")
    assert error.value.code == 21220


async def test_messages_are_listed_newest_first_by_recipient_with_their_creation_time(world):
    for body in ("一", "二"):
        await world.send(body=body)
        await world.pass_time(60)
    await world.send(WANG)

    listed = await world.twilio.messages.list_async(to=LI)

    assert [message.body for message in listed] == ["二", "一"]
    assert listed[0].date_created - listed[1].date_created == timedelta(seconds=60)


async def test_date_filters_include_their_border_and_skip_what_was_not_sent_yet(world):
    start = world.clock.now()
    await world.send(body="一")
    await world.pass_time(60)
    await world.send(body="二")
    await world.pass_time(60)
    await world.send(body="三")

    async def bodies(**filters):
        return [message.body for message in await world.twilio.messages.list_async(**filters)]

    assert await bodies(date_sent_after=start + timedelta(seconds=60)) == ["二"]
    assert await bodies(date_sent_before=start) == ["一"]
    assert await bodies(date_sent=start) == ["二", "一"]
    assert await bodies() == ["三", "二", "一"]


async def test_calls_are_listed_by_recipient_status_and_start(world):
    start = world.clock.now()
    await world.call(timeout=5)
    await world.pass_time(60)
    await world.call()
    await world.call(WANG)
    await world.pass_time(4)

    async def count(**filters):
        return len(await world.twilio.calls.list_async(**filters))

    assert await count(to=LI) == 2
    assert await count(status="ringing") == 2
    assert await count(to=LI, status="no-answer") == 1
    assert await count(to=LI, start_time_after=start + timedelta(seconds=30)) == 1
    assert await count(from_=WANG) == 0


async def test_a_long_list_comes_in_pages_and_the_sdk_finds_them_all(world):
    for number in range(7):
        await world.send(body=str(number))

    listed = await world.twilio.messages.list_async(to=LI, page_size=3)
    first = (await world.http.get(MESSAGES, params={"PageSize": 3}, auth=(ACCOUNT, TOKEN))).json()

    assert [message.body for message in listed] == list("6543210")
    assert (first["start"], first["end"], first["page_size"]) == (0, 2, 3)
    assert first["previous_page_uri"] is None
    assert "PageToken=PASM" in first["next_page_uri"]


@pytest.mark.parametrize("query", [{"DateSent>": "yesterday"}, {"PageSize": "many"}])
async def test_a_senseless_filter_is_refused(world, query):
    await world.send()
    await world.pass_time(2)

    answer = await world.http.get(MESSAGES, params=query, auth=(ACCOUNT, TOKEN))

    assert (answer.status_code, answer.json()["code"]) == (400, 20001)
