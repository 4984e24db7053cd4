"""Incidents, reports and obligations over the API: what it takes, what it refuses, what it answers."""

import asyncio

import pytest
from sqlalchemy import text

from dutydesk.alerts.wording import Matter, sms
from dutydesk.rulebook.wording import utf16_units


def fields(answer) -> set[str]:
    """Return which fields a problem document complains about."""
    assert answer.status_code == 422, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    return {one["field"] for one in answer.json()["errors"]}


# ── logging ──────────────────────────────────────────────────────────────────────────────────


async def test_an_incident_is_answered_with_its_number_and_its_clocks(desk):
    made = await desk.log()
    assert made["number"] == "2026-0001"
    assert made["state"] == "open"
    owed = {one["rule"]: one for one in made["obligations"]}
    assert {"49.1", "49.2", "49.3", "19", "17.1", "17.2"} == set(owed)
    assert [desk.told(owed[rule]["due_at"]) for rule in ("49.1", "49.2", "49.3")] == [
        "14:20:00",
        "14:50:00",
        "14:05:00",
    ]
    assert {one["state"] for one in owed.values()} == {"open"}
    # The rule book names no limit for the report upwards: it is owed, and no clock runs.
    assert owed["19"]["due_at"] is None
    assert (await desk.get(f"incidents/{made['number']}"))["obligations"] == made["obligations"]


async def test_the_reports_inside_the_body_are_judged_in_the_same_breath(desk):
    made = await desk.log(reports=[desk.phoned(), {"kind": "written", "content": "书面材料"}])
    states = {one["rule"]: one["state"] for one in made["obligations"]}
    assert (states["49.1"], states["49.2"], states["49.4"]) == ("fulfilled", "fulfilled", "open")
    assert [(one["kind"], one["reporter_phone"]) for one in made["reports"]] == [
        ("phone", "+8613800000005"),
        ("written", ""),
    ]


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"unit": "nowhere"}, "unit"),
        ({"grade": "terrible"}, "grade"),
        ({"category": "weather"}, "category"),
        ({"title": ""}, "title"),
        ({"title": "   "}, "title"),
        ({"title": "起" * 201}, "title"),
        ({"narrative": "火" * 20_001}, "narrative"),
        ({"place": "楼" * 101}, "place"),
        ({"title": "起火\u0007"}, "title"),
        ({"title": "起火\n二楼"}, "title"),
        ({"place": "二号楼\u202e"}, "place"),
        ({"narrative": "明火\u0000"}, "narrative"),
        ({"occurred_at": "2026-11-23T14:00:00"}, "occurred_at"),
        ({"occurred_at": "yesterday"}, "occurred_at"),
        ({"occurred_at": "2026-11-23T15:00:00+08:00"}, "occurred_at"),
        ({"received_at": "2026-11-23T15:00:00+08:00"}, "received_at"),
        ({"received_at": "2026-11-23T13:00:00+08:00"}, "received_at"),
        ({"occurred_at": "9999-12-31T23:59:59+00:00"}, "occurred_at"),
        ({"occurred_at": None}, "occurred_at"),
        ({"occurred_at_kind": "unknown"}, "occurred_at"),
        ({"reports": [{"kind": "rumour"}]}, "reports.0.kind"),
        (
            {"reports": [{"kind": "phone", "reported_at": "2026-11-23T13:59:59+08:00"}]},
            "reports.0.reported_at",
        ),
        (
            {"reports": [{"kind": "phone", "reported_at": "2026-11-23T14:00:01+08:00"}]},
            "reports.0.reported_at",
        ),
        ({"reports": [{"kind": "phone", "reporter_phone": "call me"}]}, "reporter_phone"),
    ],
)
async def test_what_cannot_be_is_refused_by_the_name_of_its_field_and_leaves_nothing(desk, wrong, field):
    answer = await desk.send("POST", "incidents", desk.incident(**wrong))
    assert field in fields(answer)
    assert (await desk.get("incidents"))["items"] == []
    # Nor does it take a number.
    assert (await desk.log())["number"] == "2026-0001"


async def test_emoji_and_rare_characters_are_kept_and_an_sms_stays_within_its_length(desk, site):
    title = "𠮷野家🔥起火👨‍👩‍👧‍👦"
    made = await desk.log(title=title, narrative="第一行\n第二行\t𰻝𰻝面馆", place="𡈽路1号")
    again = await desk.get(f"incidents/{made['number']}")
    assert (again["title"], again["place"]) == (title, "𡈽路1号")
    assert again["narrative"] == "第一行\n第二行\t𰻝𰻝面馆"
    for key in ("warning", "missed", "escalated", "call_out", "by_hand", "fixed", "last_resort"):
        matter = Matter(
            key, "演练-2026-1234", "𠮷🔥" * 10, "首报（电话）", "14:25", "𡈽👨‍👩‍👧‍👦" * 5, drill=True
        )
        said = sms(site.rulebook.wording, [matter], "AB12", resent=True)
        assert utf16_units(said) <= 70
        assert said.endswith(" AB12")
        said.encode("utf-16-le").decode("utf-16-le")


async def test_a_body_that_is_no_json_is_malformed_input(desk):
    answer = await desk.client.post(
        "/api/v1/incidents",
        content=b"{",
        headers={"Authorization": f"Bearer {desk.tokens['operator']}", "Content-Type": "application/json"},
    )
    assert answer.status_code == 422


# ── numbers ──────────────────────────────────────────────────────────────────────────────────


async def test_incidents_logged_at_once_get_numbers_without_gaps(desk):
    answers = await asyncio.gather(*(desk.send("POST", "incidents", desk.incident()) for _ in range(12)))
    assert sorted(one.json()["number"] for one in answers) == [f"2026-{count:04d}" for count in range(1, 13)]


async def test_refused_and_rolled_back_ones_leave_no_gap(desk):
    early = {"kind": "phone", "reported_at": "2026-11-23T01:00:00+08:00"}
    bodies = [desk.incident(reports=[early]) if count % 2 else desk.incident() for count in range(10)]
    answers = await asyncio.gather(*(desk.send("POST", "incidents", body) for body in bodies))
    assert sorted(one.status_code for one in answers) == [201] * 5 + [422] * 5
    numbers = [one["number"] for one in (await desk.get("incidents"))["items"]]
    assert sorted(numbers) == [f"2026-{count:04d}" for count in range(1, 6)]


async def test_the_year_of_a_number_is_that_of_the_receipt_in_site_time(desk):
    desk.clock.set(desk.at("14:00").replace(month=12, day=31, hour=23, minute=59))
    assert (await desk.log())["number"] == "2026-0001"
    desk.clock.move(120)
    assert (await desk.log())["number"] == "2027-0001"
    before = desk.clock.now().replace(month=12, day=31, year=2026, hour=15, minute=59)
    assert (await desk.log(occurred_at=before, received_at=before))["number"] == "2026-0002"


async def test_drills_are_numbered_apart(desk):
    assert (await desk.log(drill=True))["number"] == "演练-2026-1"
    assert (await desk.log())["number"] == "2026-0001"
    assert (await desk.get("incidents/演练-2026-1"))["drill"] is True


# ── once is once ─────────────────────────────────────────────────────────────────────────────


async def test_the_same_key_brings_the_same_answer_and_does_nothing_again(desk):
    body = desk.incident()
    first = await desk.send("POST", "incidents", body, Idempotency_Key="call-1")
    again = await desk.send("POST", "incidents", body, Idempotency_Key="call-1")
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert len((await desk.get("incidents"))["items"]) == 1


async def test_the_same_key_with_another_body_is_a_conflict(desk):
    await desk.send("POST", "incidents", desk.incident(), Idempotency_Key="call-1")
    other = await desk.send("POST", "incidents", desk.incident(title="别的事"), Idempotency_Key="call-1")
    assert (other.status_code, other.json()["code"]) == (409, "conflict")
    assert len((await desk.get("incidents"))["items"]) == 1


async def test_two_callers_may_use_the_same_key(desk):
    for role in ("operator", "administrator"):
        await desk.send("POST", "incidents", desk.incident(), role, Idempotency_Key="call-1")
    assert len((await desk.get("incidents"))["items"]) == 2


async def test_the_same_key_at_the_same_moment_logs_one_incident(desk):
    body = desk.incident()
    answers = await asyncio.gather(
        *(desk.send("POST", "incidents", body, Idempotency_Key="call-1") for _ in range(5))
    )
    assert {one.status_code for one in answers} <= {201, 409}
    assert len({one.text for one in answers if one.status_code == 201}) == 1
    assert len((await desk.get("incidents"))["items"]) == 1


async def test_a_refused_request_does_not_use_its_key_up(desk):
    assert (
        await desk.send("POST", "incidents", desk.incident(unit="nowhere"), Idempotency_Key="call-1")
    ).status_code == 422
    assert (
        await desk.send("POST", "incidents", desk.incident(), Idempotency_Key="call-1")
    ).status_code == 201


# ── who may what ─────────────────────────────────────────────────────────────────────────────


async def test_a_unit_sees_its_own_incidents_and_no_others(desk):
    own = (await desk.log())["number"]
    others = (await desk.log(unit="motor"))["number"]
    assert [one["number"] for one in (await desk.get("incidents", "canteen"))["items"]] == [own]
    assert [one["number"] for one in (await desk.get("incidents?unit=motor", "canteen"))["items"]] == [own]
    await desk.get(f"incidents/{others}", "canteen", 404)
    await desk.get(f"incidents/{others}/timeline", "canteen", 404)
    await desk.post(f"incidents/{others}/reports", {"kind": "written"}, 404, "canteen")
    owed = (await desk.get("obligations?limit=500", "canteen"))["items"]
    assert {one["incident"] for one in owed} == {own}


async def test_a_unit_files_but_neither_logs_nor_phones_nor_decides(desk):
    number = (await desk.log())["number"]
    await desk.post("incidents", desk.incident(), 403, "canteen")
    await desk.post(f"incidents/{number}/reports", desk.phoned(), 403, "canteen")
    await desk.post(f"incidents/{number}/withdraw", {"reason": "误报"}, 403, "canteen")
    owed = (await desk.clocks(number))["49.1"]["id"]
    await desk.post(f"obligations/{owed}/waive", {"reason": "免"}, 403, "canteen")
    await desk.post(f"incidents/{number}/reports", {"kind": "follow_up", "content": "续报"}, 201, "canteen")


async def test_what_a_unit_files_counts_when_it_is_received(desk):
    number = (await desk.log())["number"]
    await desk.clock_at("14:55")
    body = {"kind": "written", "reported_at": desk.at("14:10"), "content": "书面材料"}
    report = await desk.post(f"incidents/{number}/reports", body, 201, "canteen")
    assert (desk.told(report["reported_at"]), report["late_entry"]) == ("14:55:00", False)
    assert (await desk.clocks(number))["49.2"]["verdict"]["late_seconds"] == 300


async def test_an_inspector_reads_and_changes_nothing(desk):
    number = (await desk.log())["number"]
    await desk.get(f"incidents/{number}", "inspector")
    for path in ("withdraw", "end", "reinstate"):
        await desk.post(f"incidents/{number}/{path}", {"reason": "看看"}, 403, "inspector")


async def test_without_a_token_nothing_is_answered(desk):
    assert (await desk.client.get("/api/v1/incidents")).status_code == 401


# ── reports ──────────────────────────────────────────────────────────────────────────────────


async def test_a_call_without_a_caller_owes_the_caller_within_a_quarter_of_an_hour(desk):
    number = (await desk.log())["number"]
    report = await desk.post(f"incidents/{number}/reports", {"kind": "phone", "content": "起火"}, 201)
    clocks = await desk.clocks(number)
    assert clocks["49.1"]["state"] == "fulfilled"
    assert desk.told(clocks["49.1-source"]["due_at"]) == "14:15:00"
    body = {"reporter": "李强", "reporter_phone": "13800000005"}
    await desk.post(f"reports/{report['id']}/complete", body)
    assert (await desk.clocks(number))["49.1-source"]["state"] == "fulfilled"
    await desk.post(f"reports/{report['id']}/complete", {**body, "reporter": "张三"}, 409)


async def test_a_report_to_nothing_is_not_found_and_one_to_a_withdrawn_incident_a_conflict(desk):
    await desk.post("incidents/2026-0404/reports", desk.phoned(), 404)
    number = (await desk.log())["number"]
    await desk.post(f"incidents/{number}/withdraw", {"reason": "误报"})
    await desk.post(f"incidents/{number}/reports", desk.phoned(), 409)


async def test_a_report_before_what_happened_or_of_the_future_is_refused(desk):
    number = (await desk.log())["number"]
    for moment in ("13:59", "14:01"):
        body = desk.phoned(reported_at=desk.at(moment))
        answer = await desk.send("POST", f"incidents/{number}/reports", body)
        assert fields(answer) == {"reported_at"}


async def test_a_voided_report_is_kept_and_what_it_fulfilled_is_owed_again(desk):
    made = await desk.log(reports=[desk.phoned()])
    report = made["reports"][0]["id"]
    shown = await desk.post(f"reports/{report}/void", {"reason": "登错事件"})
    assert (shown["reports"][0]["void_reason"], len(shown["reports"])) == ("登错事件", 1)
    clocks = await desk.clocks(made["number"])
    assert (clocks["49.1"]["state"], desk.told(clocks["49.1"]["due_at"])) == ("open", "14:20:00")
    await desk.post(f"reports/{report}/void", {"reason": "再一次"}, 409)


# ── what becomes of an incident ──────────────────────────────────────────────────────────────


async def test_merging_keeps_the_earliest_base_and_both_reports(desk):
    await desk.clock_at("14:10")
    first = (await desk.log(occurred_at=desk.at("14:00"), received_at=desk.at("14:08")))["number"]
    second = (await desk.log(occurred_at=desk.at("14:05"), reports=[desk.phoned()]))["number"]
    survivor = await desk.post(f"incidents/{first}/merge", {"into": second, "reason": "同一起火"})
    assert survivor["number"] == second
    clocks = await desk.clocks(second)
    assert [desk.told(clocks[rule]["due_at"]) for rule in ("49.1", "49.2", "49.3")] == [
        "14:20:00",
        "14:50:00",
        "14:13:00",
    ]
    assert clocks["49.1"]["verdict"]["value"] == "on_time"
    gone = await desk.get(f"incidents/{first}")
    assert (gone["state"], gone["merged_into"]) == ("merged", second)
    assert {one["state"] for one in gone["obligations"]} == {"withdrawn"}


async def test_a_report_to_the_merged_one_counts_for_the_survivor(desk):
    first = (await desk.log(reports=[desk.phoned()]))["number"]
    second = (await desk.log())["number"]
    await desk.post(f"incidents/{first}/merge", {"into": second, "reason": "同一起火"})
    assert (await desk.clocks(second))["49.1"]["state"] == "fulfilled"
    # Undone, each stands for itself again.
    await desk.post(f"incidents/{first}/reinstate", {"reason": "并非同一起"})
    assert (await desk.clocks(second))["49.1"]["state"] == "open"
    assert (await desk.clocks(first))["49.1"]["state"] == "fulfilled"


async def test_what_cannot_be_merged_is_a_conflict(desk):
    real = (await desk.log())["number"]
    drill = (await desk.log(drill=True))["number"]
    for into in (real, drill):
        await desk.post(f"incidents/{real}/merge", {"into": into, "reason": "同一起"}, 409)
    await desk.post(f"incidents/{real}/merge", {"into": "2026-0404", "reason": "同一起"}, 404)


async def test_a_duty_is_waived_with_a_reason_and_stays_waived(desk):
    number = (await desk.log())["number"]
    owed = (await desk.clocks(number))["49.2"]["id"]
    assert "reason" in fields(await desk.send("POST", f"obligations/{owed}/waive", {"reason": " "}, "leader"))
    shown = await desk.post(f"obligations/{owed}/waive", {"reason": "市里另有要求"}, role="leader")
    assert (shown["state"], shown["verdict"]["value"]) == ("waived", "waived")
    await desk.post(f"obligations/{owed}/waive", {"reason": "再一次"}, 409, "leader")
    await desk.post(f"incidents/{number}/reports", {"kind": "written"}, 201)
    assert (await desk.clocks(number))["49.2"]["state"] == "waived"


async def test_a_duty_is_taken_over_by_a_name_until_a_time_ahead(desk):
    number = (await desk.log())["number"]
    owed = (await desk.clocks(number))["49.1"]["id"]
    body = {"who": "赵建国", "reason": "本人在现场", "next_check_at": desk.at("14:40")}
    await desk.post(f"obligations/{owed}/take-over", {**body, "next_check_at": desk.at("13:59")}, 409)
    shown = await desk.post(f"obligations/{owed}/take-over", body)
    assert (shown["taken_over_by"], desk.told(shown["next_check_at"])) == ("赵建国", "14:40:00")
    assert shown["state"] == "open"


async def test_what_is_done_by_hand_is_entered_with_its_time_and_how(desk):
    number = (await desk.log())["number"]
    clocks = await desk.clocks(number)
    await desk.post(
        f"obligations/{clocks['49.1']['id']}/fulfil", {"at": desk.at("14:00"), "reason": "x"}, 409
    )
    body = {"at": desk.at("14:00"), "reason": "已向市政府总值班室电话报告"}
    await desk.post(f"obligations/{clocks['19']['id']}/fulfil", {**body, "at": desk.at("14:01")}, 422)
    shown = await desk.post(f"obligations/{clocks['19']['id']}/fulfil", body)
    assert shown["state"] == "fulfilled"


async def test_an_ended_incident_owes_its_final_report_and_cannot_end_twice(desk):
    number = (await desk.log(reports=[desk.phoned()]))["number"]
    await desk.post(f"incidents/{number}/end", {"reason": "处置完毕"})
    clocks = await desk.clocks(number)
    assert (clocks["49.4#1"]["state"], clocks["49.4-final"]["state"]) == ("withdrawn", "open")
    await desk.post(f"incidents/{number}/end", {"reason": "再一次"}, 409)


async def test_a_stopped_clock_needs_the_name_of_the_leader_who_decided(desk):
    number = (await desk.log())["number"]
    body = {"grade": "ordinary", "reason": "研判"}
    assert fields(await desk.send("POST", f"incidents/{number}/regrade", body)) == {"leader"}
    assert (await desk.get(f"incidents/{number}"))["grade"] == "major"
    await desk.post(f"incidents/{number}/regrade", {**body, "leader": "赵建国"})
    lines = (await desk.get(f"incidents/{number}/timeline"))["items"]
    assert any("决定人:赵建国" in line["text"] for line in lines)


async def test_another_unit_answers_for_a_corrected_incident(desk):
    number = (await desk.log())["number"]
    await desk.post(f"incidents/{number}/correct", {"reason": "登错单位", "unit": "motor"})
    assert [one["number"] for one in (await desk.get("incidents", "motor"))["items"]] == [number]
    assert (await desk.get("incidents", "canteen"))["items"] == []


async def test_a_correction_that_contradicts_itself_is_refused_whole(desk):
    number = (await desk.log())["number"]
    body = {"reason": "核实", "title": "新标题", "occurred_at": desk.at("14:30")}
    assert "occurred_at" in fields(await desk.send("POST", f"incidents/{number}/correct", body))
    assert (await desk.get(f"incidents/{number}"))["title"] == "配电室起火"


# ── lists and the timeline ───────────────────────────────────────────────────────────────────


async def test_lists_come_in_pages(desk):
    for _ in range(5):
        await desk.log(grade="ordinary")
    first = await desk.get("incidents?limit=2")
    rest = await desk.get(f"incidents?limit=500&cursor={first['next_cursor']}")
    numbers = [one["number"] for one in first["items"] + rest["items"]]
    assert numbers == [f"2026-{count:04d}" for count in range(1, 6)]
    assert rest["next_cursor"] is None
    await desk.get("incidents?limit=501", status=422)


async def test_obligations_are_found_by_state_and_by_when_they_are_due(desk):
    await desk.log()
    soon = (await desk.get("obligations?due_before=2026-11-23T14:10:00%2B08:00"))["items"]
    assert [one["rule"] for one in soon] == ["49.3"]
    assert (await desk.get("obligations?state=breached"))["items"] == []
    await desk.get("obligations?state=forgotten", status=422)
    await desk.get("obligations?due_before=2026-11-23T14:10:00", status=422)


async def test_the_timeline_tells_everything_in_order(desk):
    number = (await desk.log())["number"]
    await desk.clock_at("14:10")
    await desk.post(f"incidents/{number}/reports", desk.phoned(), 201)
    await desk.clock_at("14:20")
    await desk.post(f"incidents/{number}/end", {"reason": "处置完毕"})
    lines = (await desk.get(f"incidents/{number}/timeline"))["items"]
    assert [line["at"] for line in lines] == sorted(line["at"] for line in lines)
    kinds = [line["kind"] for line in lines]
    order = [kinds.index(kind) for kind in ("incident.logged", "report.phone", "incident.ended")]
    assert order == sorted(order)


async def test_a_damaged_row_spoils_no_list(desk, site):
    number = (await desk.log())["number"]
    spoilt = '{"name": "half' if site.db.is_sqlite else '"half"'
    async with site.db.write() as session:
        await session.exec(text("UPDATE obligation SET ladder = :spoilt"), params={"spoilt": spoilt})
    assert (await desk.get("incidents"))["items"][0]["number"] == number
    assert len((await desk.get("obligations"))["items"]) == 6
