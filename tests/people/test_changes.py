"""Changing and retiring units, people, posts and numbers, through the API as its callers see it."""

from datetime import timedelta

import pytest
from sqlmodel import col, select

from dutydesk.audit.model import AuditEntry
from dutydesk.people.model import ContactPoint, Unit
from tests.builders import build_bureau

DAY = timedelta(days=1)


@pytest.fixture
async def bureau(site):
    return await build_bureau(site.db, site.clock.now())


async def trail(site, subject):
    async with site.db.read() as session:
        rows = await session.exec(
            select(AuditEntry).where(AuditEntry.subject == subject).order_by(col(AuditEntry.id))
        )
        return [(row.action, row.actor, row.detail) for row in rows]


async def test_a_unit_changes_and_the_trail_has_what_it_was(api, site, bureau):
    body = {"name": "机关第一食堂", "duty_phone": "022-23456799", "duty_class": "always"}
    answer = await api.patch("/api/v1/units/canteen", json=body)
    assert answer.status_code == 200, answer.text
    changed = answer.json()
    assert (changed["name"], changed["duty_phone"], changed["duty_class"]) == (
        "机关第一食堂",
        "+862223456799",
        "always",
    )
    # What was not named stays.
    assert (changed["short_name"], changed["parent"]) == ("机关食堂", "desk")
    action, actor, detail = (await trail(site, "unit:canteen"))[-1]
    assert (action, actor) == ("unit.changed", "the administrator")
    assert detail["before"] == {
        "name": "机关食堂",
        "duty_phone": "+862223456701",
        "duty_class": "sensitive",
    }


async def test_a_change_that_changes_nothing_leaves_no_trace(api, site, bureau):
    before = await trail(site, "unit:canteen")
    assert (await api.patch("/api/v1/units/canteen", json={"name": "机关食堂"})).status_code == 200
    assert await trail(site, "unit:canteen") == before


@pytest.mark.parametrize(
    ("unit", "body"),
    [
        ("canteen", {"parent": "canteen"}),
        ("canteen", {"parent": "motor"}),
        ("desk", {"parent": "canteen"}),
        ("desk", {"duty_class": "reachable"}),
        ("canteen", {"duty_phone": "12"}),
        ("canteen", {"short_name": "机关第一食堂管理服务中心"}),
        ("canteen", {"name": None}),
        ("canteen", {"kind": "division"}),
    ],
)
async def test_a_circle_and_other_nonsense_are_refused_and_change_nothing(api, bureau, unit, body):
    await api.patch("/api/v1/units/motor", json={"parent": "canteen"})
    before = (await api.get(f"/api/v1/units/{unit}")).json()
    assert (await api.patch(f"/api/v1/units/{unit}", json=body)).status_code == 422
    assert (await api.get(f"/api/v1/units/{unit}")).json() == before


async def test_whoever_read_an_older_state_is_refused(api, bureau):
    tag = (await api.get("/api/v1/units/canteen")).headers["ETag"]
    headers = {"If-Match": tag}
    first = await api.patch("/api/v1/units/canteen", json={"name": "一食堂"}, headers=headers)
    assert first.status_code == 200
    second = await api.patch("/api/v1/units/canteen", json={"name": "二食堂"}, headers=headers)
    assert second.status_code == 409
    again = await api.patch(
        "/api/v1/units/canteen", json={"name": "二食堂"}, headers={"If-Match": first.headers["ETag"]}
    )
    assert again.json()["name"] == "二食堂"


async def test_a_unit_with_people_is_not_retired_until_they_are_gone(api, site, bureau):
    refused = await api.post("/api/v1/units/motor/retire", json={"reason": "机构调整"})
    assert (refused.status_code, "3名在职人员" in refused.json()["detail"]) == (409, True)
    for one in (bureau.motor_operator, bureau.motor_leader, bureau.motor_head):
        assert (await api.patch(f"/api/v1/people/{one.id}", json={"unit": "canteen"})).status_code == 200
    done = await api.post("/api/v1/units/motor/retire", json={"reason": "机构调整"})
    assert done.json()["retired_at"] is not None
    # Its posts end, nobody joins it, nothing about it changes any more; it can still be read.
    posts = (await api.get("/api/v1/posts", params={"unit": "motor"})).json()["items"]
    assert all(one["until"] is not None for one in posts)
    joined = await api.post("/api/v1/people", json={"name": "新人", "unit": "motor"})
    assert joined.status_code == 409
    assert (await api.patch("/api/v1/units/motor", json={"name": "新"})).status_code == 409
    below = {"code": "new", "name": "下级", "kind": "division", "parent": "motor"}
    assert (await api.post("/api/v1/units", json=below)).status_code == 409
    assert (await api.get("/api/v1/units/motor")).status_code == 200


async def test_the_desk_is_never_retired(api, bureau):
    assert (await api.post("/api/v1/units/desk/retire", json={"reason": "撤"})).status_code == 409


async def test_a_person_changes_and_the_rosters_are_looked_at_again(api, site, bureau):
    async with site.db.write() as session:
        row = await session.get_one(Unit, bureau.canteen.id)
        row.roster_check_at = None
    body = {"title": "班长", "rank": "unit_deputy", "employment": "contract", "joined_on": "2026-10-01"}
    answer = await api.patch(f"/api/v1/people/{bureau.canteen_operator.id}", json=body)
    assert {key: answer.json()[key] for key in body} == body
    async with site.db.read() as session:
        assert (await session.get_one(Unit, bureau.canteen.id)).roster_check_at == site.clock.now()
    cleared = await api.patch(f"/api/v1/people/{bureau.canteen_operator.id}", json={"joined_on": None})
    assert cleared.json()["joined_on"] is None


async def test_a_new_person_has_rank_employment_and_days(api, bureau):
    body = {
        "name": "新人",
        "unit": "canteen",
        "rank": "unit_head",
        "employment": "external",
        "joined_on": "2026-11-01",
        "trained_on": "2026-11-20",
    }
    made = (await api.post("/api/v1/people", json=body)).json()
    assert {key: made[key] for key in body} == body
    assert (await api.get(f"/api/v1/people/{made['id']}")).json() == made


async def test_a_post_ends_but_not_before_it_began_and_not_twice(api, site, bureau):
    (head,) = (await api.get("/api/v1/posts", params={"unit": "canteen"})).json()["items"]
    early = {"until": (site.clock.now() - 2 * DAY).isoformat()}
    assert (await api.patch(f"/api/v1/posts/{head['id']}", json=early)).status_code == 422
    now = {"until": site.clock.now().isoformat()}
    assert (await api.patch(f"/api/v1/posts/{head['id']}", json=now)).json()["until"] is not None
    assert (await api.patch(f"/api/v1/posts/{head['id']}", json=now)).status_code == 409


# ── numbers ──────────────────────────────────────────────────────────────────────────────────


async def add(api, person, kind, address):
    return await api.post(f"/api/v1/people/{person.id}/contacts", json={"kind": kind, "address": address})


async def test_numbers_are_added_and_put_in_order(api, bureau):
    who = bureau.canteen_operator
    second = (await add(api, who, "mobile", "13900000001")).json()
    third = (await add(api, who, "landline", "022-23456777")).json()
    moved = await api.patch(f"/api/v1/contacts/{third['id']}", json={"position": 1})
    assert moved.status_code == 200
    numbers = [one["address"] for one in (await api.get(f"/api/v1/people/{who.id}")).json()["contacts"]]
    assert numbers == ["+862223456777", who.mobile, "+8613900000001"]
    last = await api.patch(f"/api/v1/contacts/{third['id']}", json={"position": 10})
    assert last.status_code == 200
    assert second["confirmed_at"] is None


@pytest.mark.parametrize(
    ("kind", "address", "status"),
    [
        ("mobile", "022-23456777", 422),
        ("landline", "13900000001", 422),
        ("mobile", "138", 422),
        ("mobile", "13800000009", 409),
        ("email", "nobody", 422),
    ],
)
async def test_a_landline_as_mobile_and_a_number_twice_are_refused(api, bureau, kind, address, status):
    who = bureau.desk_operator
    assert (await add(api, who, "mobile", "13800000009")).status_code == 201
    assert (await add(api, who, kind, address)).status_code == status


async def test_a_disabled_number_keeps_its_reason_and_comes_back_unconfirmed(api, site, bureau):
    who = bureau.canteen_operator
    (point,) = (await api.get(f"/api/v1/people/{who.id}")).json()["contacts"]
    async with site.db.write() as session:
        (await session.get_one(ContactPoint, point["id"])).confirmed_at = site.clock.now()
    where = f"/api/v1/contacts/{point['id']}"
    assert (await api.patch(where, json={"usable": False})).status_code == 422
    off = (await api.patch(where, json={"usable": False, "reason": "停机"})).json()
    assert (off["usable"], off["disabled_reason"]) == (False, "停机")
    on = (await api.patch(where, json={"usable": True, "reason": "已恢复"})).json()
    assert (on["usable"], on["confirmed"], on["confirmed_at"]) == (True, False, None)
    actions = [action for action, _, _ in await trail(site, f"person:{who.id}")]
    assert actions[-2:] == ["contact.disabled", "contact.enabled"]


async def test_no_number_stands_in_the_trail_in_full(api, site, bureau):
    await add(api, bureau.canteen_operator, "mobile", "13900000001")
    said = str(await trail(site, f"person:{bureau.canteen_operator.id}"))
    assert "13900000001" not in said


async def test_a_unit_contact_reads_its_own_unit_masked_and_changes_nothing(api, anyone, token_for, bureau):
    headers = {"Authorization": f"Bearer {await token_for('unit', 'canteen')}"}
    own = await anyone.get(f"/api/v1/people/{bureau.canteen_operator.id}", headers=headers)
    assert bureau.canteen_operator.mobile not in own.text
    for path in (
        f"people/{bureau.motor_operator.id}",
        "units/motor",
        "contacts/8",
    ):
        assert (await anyone.get(f"/api/v1/{path}", headers=headers)).status_code == 404, path
    change = await anyone.patch("/api/v1/units/canteen", json={"name": "我"}, headers=headers)
    assert change.status_code == 403
