"""One damaged row delays only itself: its neighbours are on time, and it says at least its number."""

from sqlalchemy import text

from tests.journeys.world import World


async def damage(world: World, number: str, rule: str) -> None:
    """Spoil an obligation's copy of its ladder, as a half-written page or a wrong hand would."""
    db = world.wired.site.db
    # PostgreSQL refuses what is no JSON at all; SQLite keeps whatever it is given.
    spoilt = '{"name": "phone_rep' if db.is_sqlite else '"phone_rep"'
    async with db.write() as session:
        await session.exec(
            text("UPDATE obligation SET ladder = :spoilt WHERE number = :number AND rule_id = :rule"),
            params={"spoilt": spoilt, "number": number, "rule": rule},
        )


async def test_neighbours_are_on_time_and_the_broken_row_sends_its_number_the_second_time(world: World):
    first = (await world.log(reports=[{"kind": "written", "content": "书面材料"}]))["number"]
    second = (await world.log(title="配电室起火", reports=[{"kind": "written", "content": "书面材料"}]))[
        "number"
    ]
    await world.until("02:01")
    world.expect_sms("leader", f"{first}、{second}有2项")
    await world.pick_up("leader")
    await damage(world, first, "49.1")

    await world.until("02:15")
    for who in ("unit operator", "operator"):
        world.expect_sms(who, f"{second}机关食堂首报（电话）02:20到期")
    world.expect_screen("fixed", f"{first} 有一项处理出错，请人工核对")
    world.nothing_more()

    await world.until("02:15:30")
    for who in ("operator", "leader"):
        world.expect_sms(who, f"{first}有待办事项，请看值班台")
        await world.pick_up(who, "二零二六杠零零零一，有待办事项")
    await world.until("02:20")
    for who in ("unit operator", "unit leader"):
        world.expect_sms(who, f"{second}机关食堂首报（电话）02:20已到期")
    await world.pick_up("unit operator")
    world.expect_call("unit leader", "canceled")
    for number in (first, second):
        await world.withdraw(number)
