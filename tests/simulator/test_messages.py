"""Text messages, sent with Twilio's own SDK."""

from tests.simulator.application import LI, WANG


async def test_a_message_is_queued_then_sent_then_delivered_and_each_step_is_reported(world):
    created = await world.send()

    assert created.status == "queued"
    assert world.application.statuses() == []
    await world.pass_time(2)
    assert world.application.statuses() == ["sent", "delivered"]
    fetched = await world.twilio.messages(created.sid).fetch_async()
    assert (fetched.status, fetched.date_sent) == ("delivered", world.clock.now().replace(second=0))


async def test_the_text_arrives_exactly_as_it_was_written(world):
    text = "【演练】𠮷野家🚨 50%&+=#?\n第二行  两个空格 "

    await world.send(body=text)
    await world.pass_time(2)

    assert [message.body for message in world.exchange.handset(LI).inbox] == [text]


async def test_segments_are_counted_in_utf16_units_when_one_character_is_chinese(world):
    assert (await world.send(body="值" * 70)).num_segments == "1"
    assert (await world.send(body="值" * 71)).num_segments == "2"
    assert (await world.send(body="𠮷" * 35)).num_segments == "1"
    assert (await world.send(body="𠮷" * 36)).num_segments == "2"
    assert (await world.send(body="a" * 160)).num_segments == "1"
    assert (await world.send(body="[" * 81)).num_segments == "2"


async def test_a_phone_that_is_off_leaves_the_message_undelivered_with_30003(world):
    world.exchange.handset(LI).behave("off")

    created = await world.send()
    await world.pass_time(2)

    assert world.application.statuses() == ["sent", "undelivered"]
    assert world.application.posts[-1].form["ErrorCode"] == "30003"
    assert (await world.twilio.messages(created.sid).fetch_async()).error_code == 30003
    assert world.exchange.handset(LI).inbox == []


async def test_a_landline_leaves_the_message_undelivered_with_30006(world):
    world.exchange.handset(LI).behave("landline")

    await world.send()
    await world.pass_time(2)

    assert world.application.posts[-1].form["ErrorCode"] == "30006"


async def test_messages_are_numbered_in_order_so_that_a_reader_can_take_the_unseen_ones(world):
    await world.send(body="一")
    await world.call(WANG)
    await world.send(WANG, body="二")

    records = [*world.exchange.messages.values(), *world.exchange.calls.values()]

    assert sorted(record.sequence for record in records) == [1, 2, 3]
    assert [message.body for message in world.exchange.messages.values()] == ["一", "二"]


async def test_a_callback_that_fails_is_written_down_and_the_message_goes_on(world):
    world.application.scripts["/status"] = 500

    created = await world.send()
    await world.pass_time(2)

    record = world.exchange.messages[created.sid]
    assert record.status == "delivered"
    assert [line.text for line in record.log if "被答复 500" in line.text] != []


async def test_moving_the_clock_in_one_go_tells_the_same_story(world):
    await world.send()
    world.clock.move(3600)
    await world.exchange.run_due(world.clock.now())

    assert world.application.statuses() == ["sent", "delivered"]
    [message] = world.exchange.handset(LI).inbox
    assert (message.delivered_at - message.created_at).total_seconds() == 1
