"""What a unit contact sees and does: its own unit's, and nothing of the desk or of another unit."""

import re

import pytest

from dutydesk.incidents.queries import attachments_of, incident_by_number, reports_of
from tests.builders import build_bureau
from tests.incidents.conftest import seen

FIRE = {
    "title": "后厨配电室起火",
    "unit": "canteen",
    "occurred_at": "2026-11-23T13:50:00",
    "occurred_at_kind": "exact",
    "place": "二号楼",
    "grade": "major",
    "category": "accident",
    "received_at": "2026-11-23T13:58:00",
    "source": "市民热线转来的匿名来电",
    "narrative": "据传已发生半小时",
}
CRASH = FIRE | {"title": "公车追尾", "unit": "motor"}
PDF = b"%PDF-1.7\n"


@pytest.fixture
def settings(settings, tmp_path):
    return settings.model_copy(update={"files_dir": tmp_path / "files"})


@pytest.fixture
async def bureau(site):
    return await build_bureau(site.db, site.clock.now())


@pytest.fixture
async def desk(browser_of, bureau):
    return await browser_of("operator", name="陈晓")


@pytest.fixture
async def contact(browser_of, bureau):
    return await browser_of("unit", unit="canteen", name="王小明")


@pytest.fixture
async def both(desk):
    """One incident of the contact's unit, and one of another's."""
    own = (await desk.post("/incidents", data=FIRE)).headers["location"]
    return own, (await desk.post("/incidents", data=CRASH)).headers["location"]


async def test_the_list_has_its_own_incidents_only(contact, both):
    page = (await contact.get("/incidents")).text
    assert "后厨配电室起火" in page
    assert "公车追尾" not in page
    assert "公务用车中心" not in page
    assert 'href="/incidents/new"' not in page


async def test_every_address_of_another_units_incident_is_not_found(contact, desk, both, site):
    _, other = both
    await desk.post(f"{other}/attachments", files={"file": ("a.pdf", PDF)})
    for path in ("", "/live", "/reports", "/attachments", "/attachments/1", "/attachments/1/void"):
        assert (await contact.get(other + path)).status_code == 404, path
    report = {"kind": "written", "content": "冒名"}
    assert (await contact.post(f"{other}/reports", data=report)).status_code == 404
    assert (await contact.post(f"{other}/attachments", files={"file": ("a.pdf", PDF)})).status_code == 404
    assert (await contact.post(f"{other}/attachments/1/void", data={"reason": "x"})).status_code == 404


async def test_its_page_shows_clocks_reports_and_files_and_nothing_of_the_desk(
    contact, desk, both, bureau, site
):
    own, _ = both
    await desk.post(f"{own}/attachments", files={"file": ("领导批示.pdf", PDF + b"desk")})
    await contact.post(f"{own}/attachments", files={"file": ("情况说明.pdf", PDF)})
    await desk.post(
        f"{own}/reports",
        data={
            "kind": "phone",
            "reported_at": "2026-11-23T14:00:00",
            "reporter": "李强",
            "reporter_phone": "13800000005",
            "content": "明火已控制",
        },
    )
    base = re.search(r'name="base" value="(\d+)"', (await desk.get(f"{own}/regrade")).text)[1]
    await desk.post(
        f"{own}/regrade",
        data={"grade": "ordinary", "leader": "赵建国", "reason": "现场核实", "base": base},
    )
    for path in ("", "/live", "/live?kind=told", "/live?kind=log", "?kind=incident", "?kind=casualties"):
        page = (await contact.get(own + path)).text
        for hidden in (
            "赵建国",
            "陈晓",
            "叫应带班领导",
            "领导批示",
            "请示报告",
            "匿名来电",
            "据传",
            "13800000005",
            "138 0000 0005",
            "短信告知",
            "批示与通话",
            "人工接管",
            '/void">作废</a></td>',
            *(person.name for person in bureau.people if person.name not in ("李强", "王小明")),
        ):
            assert hidden not in page, (path, hidden)
    page = (await contact.get(own)).text
    for shown in (
        "首报（电话）",
        "首报（书面）",
        "第四十九条",
        "情况说明.pdf",
        "明火已控制",
        "后厨配电室起火",
    ):
        assert shown in page, shown


async def test_it_files_written_follow_up_final_and_verification_but_never_the_phone_report(
    contact, both, site
):
    own, _ = both
    form = (await contact.get(f"{own}/reports?kind=follow_up")).text
    assert re.findall(r'<option value="(\w+)"', form) == ["written", "follow_up", "final", "verification"]
    assert 'name="reported_at"' not in form
    phone = await contact.post(f"{own}/reports", data={"kind": "phone", "content": "已报"})
    assert (phone.status_code, "已报" in phone.text) == (422, True)
    empty = await contact.post(f"{own}/reports", data={"kind": "written", "content": " "})
    assert (empty.status_code, "请填写" in empty.text) == (422, True)
    sent = {"kind": "written", "content": "书面报告正文", "reported_at": "2026-11-23T13:51:00"}
    assert (await contact.post(f"{own}/reports", data=sent)).status_code == 303
    async with site.db.read() as session:
        [report] = await reports_of(session, (await incident_by_number(session, "2026-0001")).id)
    # It counts at the server's receipt, whatever is sent.
    assert report.reported_at == site.clock.now()
    assert (report.kind, report.logged_by) == ("written", "王小明")


async def test_its_own_files_only_and_its_own_to_void(contact, desk, both, site):
    own, _ = both
    await desk.post(f"{own}/attachments", files={"file": ("内部.pdf", PDF + b"desk")})
    await contact.post(f"{own}/attachments", files={"file": ("说明.pdf", PDF)})
    async with site.db.read() as session:
        of_desk, of_unit = await attachments_of(
            session, [(await incident_by_number(session, "2026-0001")).id]
        )
    assert (await contact.get(f"{own}/attachments/{of_desk.id}")).status_code == 404
    assert (await contact.get(f"{own}/attachments/{of_unit.id}")).content == PDF
    refused = await contact.post(f"{own}/attachments/{of_desk.id}/void", data={"reason": "x"})
    assert refused.status_code == 404
    assert (
        await contact.post(f"{own}/attachments/{of_unit.id}/void", data={"reason": "x"})
    ).status_code == 303
    assert (await desk.get(f"{own}/attachments/{of_unit.id}")).content == PDF


async def test_it_changes_nothing_but_by_filing(contact, both):
    own, _ = both
    for path in ("correct", "elements", "merge", "withdraw", "regrade", "casualties", "end"):
        assert (await contact.get(f"{own}/{path}")).status_code == 403, path
        assert (await contact.post(f"{own}/{path}", data={"reason": "x"})).status_code == 403, path
    for address in ("/obligations/1/waive", "/obligations/1/take-over", "/reports/1/void", "/clock/confirm"):
        assert (await contact.get(address)).status_code == 403, address


async def test_a_merge_does_not_tell_it_the_other_units_number(contact, desk, both):
    own, _ = both
    merged = await desk.post(
        f"{own}/merge", data=await seen(desk, f"{own}/merge") | {"into": "2026-0002", "reason": "同一起"}
    )
    assert merged.status_code == 303
    page = (await contact.get(own)).text
    assert "已归并" in page
    assert "2026-0002" not in page
    assert "公务用车中心" not in page


async def test_the_api_tells_it_no_more_than_the_page(app, desk, both, token_for, anyone):
    own = both[0].rpartition("/")[2]
    asks = {"Authorization": f"Bearer {await token_for('unit', 'canteen')}"}
    await desk.post(f"{both[0]}/casualties", data={"as_of": "2026-11-23T14:00:00", "dead": "1"})
    one = (await anyone.get(f"/api/v1/incidents/{own}", headers=asks)).json()
    assert {rule["rule"] for rule in one["obligations"]} == {"49.1", "49.2"}
    assert (one["source"], one["narrative"], one["elements"], one["casualties"], one["logged_by"]) == (
        "",
        "",
        {},
        [],
        "",
    )
    listed = (await anyone.get("/api/v1/incidents", headers=asks)).json()["items"]
    assert [item["number"] for item in listed] == [own]
    lines = (await anyone.get(f"/api/v1/incidents/{own}/timeline", headers=asks)).json()["items"]
    assert {line["kind"].partition(".")[0] for line in lines} <= {
        "report",
        "obligation",
        "verdict",
        "attachment",
    }
    assert not any("陈晓" in line["text"] + line["detail"] for line in lines)
    assert (await anyone.get("/api/v1/incidents/2026-0002", headers=asks)).status_code == 404
    assert (await anyone.get("/api/v1/incidents/2026-0002/timeline", headers=asks)).status_code == 404
