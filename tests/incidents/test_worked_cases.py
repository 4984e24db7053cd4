"""The nine clock cases that everybody on duty can work out by hand."""

import pytest


@pytest.mark.parametrize(
    ("told_at", "value", "seconds"),
    [("14:25:00", "on_time", 0), ("14:25:01", "late", 1), ("14:26:00", "late", 60)],
)
async def test_case_1_phone_is_due_at_1425_to_the_second_and_written_at_1455(desk, told_at, value, seconds):
    await desk.clock_at("14:05")
    number = (await desk.log())["number"]
    clocks = await desk.clocks(number)
    assert [desk.told(clocks[rule]["due_at"]) for rule in ("49.1", "49.2")] == ["14:25:00", "14:55:00"]
    await desk.clock_at(told_at)
    await desk.post(f"incidents/{number}/reports", desk.phoned(), 201)
    verdict = (await desk.clocks(number))["49.1"]["verdict"]
    assert (verdict["value"], verdict["late_seconds"], verdict["provisional"]) == (value, seconds, False)


async def test_case_1_one_second_late_is_shown_as_one_minute(desk):
    await desk.clock_at("14:05")
    number = (await desk.log())["number"]
    await desk.clock_at("14:25:01")
    await desk.post(f"incidents/{number}/reports", desk.phoned(), 201)
    lines = (await desk.get(f"incidents/{number}/timeline"))["items"]
    assert "首报（电话）：迟报 1分钟" in [line["text"] for line in lines]


async def test_case_2_an_unknown_occurrence_counts_from_the_learning_and_stays_provisional(desk):
    await desk.clock_at("14:30")
    made = await desk.log(
        occurred_at=None, occurred_at_kind="unknown", learned_at=desk.at("14:20"), reports=[desk.phoned()]
    )
    clock = (await desk.clocks(made["number"]))["49.1"]
    assert (clock["base"], desk.told(clock["due_at"])) == ("learned_at", "14:40:00")
    assert (clock["verdict"]["value"], clock["verdict"]["provisional"]) == ("on_time", True)
    # Judged for good once the occurrence is known.
    body = {"reason": "监控核实", "occurred_at": desk.at("14:05"), "occurred_at_kind": "exact"}
    await desk.post(f"incidents/{made['number']}/correct", body)
    clock = (await desk.clocks(made["number"]))["49.1"]
    verdict = clock["verdict"]
    assert (clock["base"], verdict["value"], verdict["late_seconds"]) == ("occurred_at", "late", 300)
    assert verdict["provisional"] is False


async def test_case_2_an_estimated_occurrence_comes_before_the_learning(desk):
    await desk.clock_at("14:30")
    made = await desk.log(
        occurred_at=desk.at("14:15"),
        occurred_at_kind="estimated",
        learned_at=desk.at("14:20"),
        reports=[desk.phoned()],
    )
    clock = (await desk.clocks(made["number"]))["49.1"]
    assert (clock["base"], clock["base_certain"]) == ("occurred_at", False)
    assert (desk.told(clock["due_at"]), clock["verdict"]["provisional"]) == ("14:35:00", True)


async def test_case_3_a_corrected_occurrence_is_judged_again_and_both_versions_are_kept(desk):
    await desk.clock_at("14:30")
    made = await desk.log(occurred_at=desk.at("14:15"), reports=[desk.phoned()])
    number = made["number"]
    assert (await desk.clocks(number))["49.1"]["verdict"]["value"] == "on_time"
    await desk.post(
        f"incidents/{number}/correct", {"reason": "续报更正事发时间", "occurred_at": desk.at("13:50")}
    )
    clock = (await desk.clocks(number))["49.1"]
    assert desk.told(clock["due_at"]) == "14:10:00"
    assert (clock["verdict"]["version"], clock["verdict"]["late_seconds"]) == (2, 1200)
    lines = (await desk.get(f"incidents/{number}/timeline"))["items"]
    verdicts = [(line["text"], line["detail"][:3]) for line in lines if line["kind"] == "verdict"]
    assert ("首报（电话）：按时", "第1版") in verdicts
    assert ("首报（电话）：迟报 20分钟", "第2版") in verdicts
    corrected = next(line for line in lines if line["kind"] == "incident.corrected")
    assert "the operator" in corrected["text"]
    assert "续报更正事发时间" in corrected["text"]


async def test_case_4_an_upgrade_counts_from_the_upgrade_and_shows_what_the_occurrence_asked(desk):
    await desk.clock_at("14:30")
    number = (await desk.log(grade="considerable", occurred_at=desk.at("14:05")))["number"]
    await desk.clock_at("15:00")
    await desk.post(f"incidents/{number}/regrade", {"grade": "major", "reason": "伤亡扩大"})
    clocks = await desk.clocks(number)
    shown = [(desk.told(clocks[rule]["due_at"]), clocks[rule]["label"]) for rule in ("49.1", "49.2")]
    assert shown == [("15:20:00", "升级补判"), ("15:50:00", "升级补判")]
    overrun = [desk.told(clocks[rule]["occurrence_due_at"]) for rule in ("49.1", "49.2")]
    assert overrun == ["14:25:00", "14:55:00"]
    # Not late by itself: the report after the upgrade is judged by the upgrade.
    await desk.clock_at("15:10")
    await desk.post(f"incidents/{number}/reports", desk.phoned(), 201)
    assert (await desk.clocks(number))["49.1"]["verdict"]["value"] == "on_time"


async def test_case_5_a_clock_open_at_the_change_of_shift_goes_on_and_keeps_its_due_time(desk):
    await desk.clock_at("08:20")
    number = (await desk.log())["number"]
    await desk.clock_at("08:31")
    clock = (await desk.clocks(number))["49.1"]
    assert (clock["state"], desk.told(clock["due_at"])) == ("open", "08:40:00")


async def test_case_6_a_clock_over_midnight_is_due_the_next_day(desk):
    await desk.clock_at("23:50")
    number = (await desk.log())["number"]
    due = (await desk.clocks(number))["49.1"]["due_at"]
    assert desk.told(due) == "00:10:00"
    await desk.clock_at("23:59")
    desk.clock.move(11 * 60)
    await desk.post(f"incidents/{number}/reports", desk.phoned(), 201)
    assert (await desk.clocks(number))["49.1"]["verdict"]["value"] == "on_time"


async def test_case_7_a_written_report_before_the_phone_call_leaves_the_phone_clock_open(desk):
    await desk.clock_at("14:05")
    number = (await desk.log())["number"]
    await desk.clock_at("14:15")
    await desk.post(f"incidents/{number}/reports", {"kind": "written", "content": "书面报告"}, 201, "canteen")
    clocks = await desk.clocks(number)
    assert (clocks["49.2"]["state"], clocks["49.1"]["state"]) == ("fulfilled", "open")


async def test_case_8_a_call_entered_late_keeps_both_times_and_waits_for_a_second_person(desk):
    await desk.clock_at("14:05")
    number = (await desk.log())["number"]
    await desk.clock_at("14:40")
    report = await desk.post(f"incidents/{number}/reports", desk.phoned(reported_at=desk.at("14:20")), 201)
    assert (desk.told(report["reported_at"]), desk.told(report["logged_at"])) == ("14:20:00", "14:40:00")
    assert report["late_entry"] is True
    verdict = (await desk.clocks(number))["49.1"]["verdict"]
    assert (verdict["value"], verdict["provisional"]) == ("on_time", True)
    await desk.post(f"reports/{report['id']}/check", {"reason": "听取录音"}, 409)
    await desk.post(f"reports/{report['id']}/check", {"reason": "听取录音"}, role="administrator")
    verdict = (await desk.clocks(number))["49.1"]["verdict"]
    assert (verdict["value"], verdict["provisional"]) == ("on_time", False)


@pytest.mark.parametrize(("logged_at", "late"), [("14:30", False), ("14:30:01", True)])
async def test_case_8_ten_minutes_between_call_and_entry_are_no_late_entry_yet(desk, logged_at, late):
    await desk.clock_at("14:05")
    number = (await desk.log())["number"]
    await desk.clock_at(logged_at)
    report = await desk.post(f"incidents/{number}/reports", desk.phoned(reported_at=desk.at("14:20")), 201)
    assert report["late_entry"] is late


async def test_case_9_a_false_alarm_stops_its_clocks_and_keeps_its_history(desk):
    await desk.clock_at("14:05")
    number = (await desk.log())["number"]
    await desk.clock_at("14:15")
    shown = await desk.post(f"incidents/{number}/withdraw", {"reason": "误报，系演练烟雾"})
    assert shown["state"] == "withdrawn"
    clocks = await desk.clocks(number)
    assert {one["state"] for one in clocks.values()} == {"withdrawn"}
    assert clocks["49.1"]["verdict"]["value"] == "withdrawn"
    lines = [line["kind"] for line in (await desk.get(f"incidents/{number}/timeline"))["items"]]
    assert lines[0] == "incident.logged"
    assert "incident.withdrawn" in lines
