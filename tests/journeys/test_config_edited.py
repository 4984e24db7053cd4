"""The rulebook is edited while a ladder is open: what is open keeps its copy, what comes takes the new one."""

import shutil
from pathlib import Path

from tests.journeys.world import World

CONFIG = Path(__file__).parents[2] / "config"


async def test_an_open_ladder_keeps_its_copy_and_a_new_incident_gets_the_new_one(
    world: World, tmp_path: Path
):
    written = {"kind": "written", "content": "书面材料"}
    first = (await world.log(reports=[written]))["number"]
    await world.called_out()

    edited = tmp_path / "config"
    shutil.copytree(CONFIG, edited)
    rules = edited / "rulebook.toml"
    rules.write_text(rules.read_text().replace('limit = "20 min"', 'limit = "30 min"'))
    ladders = edited / "ladders.toml"
    ladders.write_text(ladders.read_text().replace('after = "-5 min"', 'after = "-2 min"'))
    await world.restart(world.settings.model_copy(update={"config_dir": edited}))

    await world.until("02:05")
    second = (await world.log(title="配电室起火", reports=[written]))["number"]
    await world.called_out()
    assert world.told((await world.clocks(first))["49.1"]["due_at"]) == "02:20:00"
    assert world.told((await world.clocks(second))["49.1"]["due_at"]) == "02:35:00"

    await world.until("02:15")
    for who in ("unit operator", "operator"):
        world.expect_sms(who, f"{first}机关食堂首报（电话）02:20到期")
    await world.report(first, "phone")
    await world.until("02:32:59")
    world.nothing_more()
    await world.until("02:33")
    for who in ("unit operator", "operator"):
        world.expect_sms(who, f"{second}机关食堂首报（电话）02:35到期")
    await world.report(second, "phone")
    for number in (first, second):
        await world.withdraw(number)
