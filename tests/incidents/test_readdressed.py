"""An incident that was given to another unit: the new one reads nothing that the former one reported."""

import pytest

from dutydesk.incidents.queries import incident_by_number, reports_of

SECRETS = ("李强", "13800000005", "138 0000 0005", "后厨明火", "录音第七段", "登记有误的原因")


@pytest.fixture
async def readdressed(desk):
    """A phone report of the canteen that was completed, checked and followed by a void one; now the motor pool's."""
    occurred = desk.clock.now()
    await desk.log(occurred_at=occurred)
    desk.clock.move(19 * 60)
    late = desk.phoned(reported_at=occurred, content="后厨明火", reporter="", reporter_phone="")
    report = await desk.post("incidents/2026-0001/reports", late, 201)
    who = {"reporter": "李强", "reporter_phone": "13800000005"}
    await desk.post(f"reports/{report['id']}/complete", who)
    await desk.post(f"reports/{report['id']}/check", {"reason": "录音第七段"}, role="administrator")
    written = {"kind": "written", "content": "后厨明火，书面", "reporter": "李强"}
    void = await desk.post("incidents/2026-0001/reports", written, 201, role="canteen")
    await desk.post(f"reports/{void['id']}/void", {"reason": "登记有误的原因"})
    await desk.post("incidents/2026-0001/correct", {"unit": "motor", "reason": "登错单位"})
    return "2026-0001"


async def reports(site):
    async with site.db.read() as session:
        return await reports_of(session, (await incident_by_number(session, "2026-0001")).id)


async def test_a_report_says_which_unit_brought_it(desk, bureau, site):
    canteen, motor = (unit.id for unit in (bureau.canteen, bureau.motor))
    await desk.log(reports=[desk.phoned()])
    await desk.post("incidents/2026-0001/reports", {"kind": "written", "content": "书面"}, 201, "canteen")
    await desk.post("incidents/2026-0001/correct", {"unit": "motor", "reason": "登错单位"})
    await desk.post("incidents/2026-0001/reports", desk.phoned(), 201)
    assert [one.unit_id for one in await reports(site)] == [canteen, canteen, motor]


async def test_the_new_unit_reads_on_no_page_what_the_former_one_said(readdressed, browser_of, bureau):
    contact = await browser_of("unit", unit="motor", name="周师傅")
    for path in ("", "/live", "/live?kind=report", "?kind=owed"):
        answer = await contact.get(f"/incidents/{readdressed}{path}")
        assert answer.status_code == 200
        for secret in SECRETS:
            assert secret not in answer.text, (path, secret)
    page = (await contact.get(f"/incidents/{readdressed}")).text
    # That something came in, and when, is told: its clocks depend on it.
    assert "首报（电话）" in page
    assert "其他单位的报告" in page


async def test_nor_does_the_api_tell_it(readdressed, desk):
    one = await desk.send("GET", f"incidents/{readdressed}", role="motor")
    lines = await desk.send("GET", f"incidents/{readdressed}/timeline", role="motor")
    listed = await desk.send("GET", "incidents", role="motor")
    owed = await desk.send("GET", "obligations", role="motor")
    for answer in (one, lines, listed, owed):
        assert answer.status_code == 200
        for secret in SECRETS:
            assert secret not in answer.text, secret
    phone, written = one.json()["reports"]
    assert (phone["kind"], phone["reporter"], phone["reporter_phone"], phone["content"]) == (
        "phone",
        "",
        "",
        "",
    )
    assert (written["voided_at"] is not None, written["void_reason"]) == (True, None)
    kinds = [line["kind"] for line in lines.json()["items"]]
    assert {"report.phone", "report.written"} <= set(kinds)
    assert "report.completed" not in kinds


async def test_it_reads_its_own_and_the_desk_reads_all(readdressed, desk, browser_of, bureau, site):
    filed = {
        "kind": "follow_up",
        "content": "车库已排查",
        "reporter": "周师傅",
        "reporter_phone": "13800000077",
    }
    await desk.post(f"incidents/{readdressed}/reports", filed, 201, role="motor")
    contact = await browser_of("unit", unit="motor", name="周师傅")
    page = (await contact.get(f"/incidents/{readdressed}")).text
    assert "车库已排查" in page
    assert "周师傅" in page
    seen = (await desk.get(f"incidents/{readdressed}", "motor"))["reports"]
    assert [one["content"] for one in seen] == ["", "", "车库已排查"]
    everything = (await (await browser_of("operator")).get(f"/incidents/{readdressed}")).text
    for shown in ("李强", "后厨明火", "录音第七段", "登记有误的原因", "车库已排查"):
        assert shown in everything, shown
    assert [one.reporter for one in await reports(site)] == ["李强", "李强", "周师傅"]


async def test_a_report_from_before_counts_as_the_incidents_unit(readdressed, desk, site):
    async with site.db.write() as session:
        for row in await reports_of(session, (await incident_by_number(session, readdressed)).id):
            row.unit_id = None
            session.add(row)
    assert (await desk.get(f"incidents/{readdressed}", "motor"))["reports"][0]["reporter"] == "李强"
