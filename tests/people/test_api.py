"""``/api/v1/units``, ``/people`` and ``/posts`` as their callers see them."""

from typing import Any

import pytest

from dutydesk.accounts.actions import create_token
from dutydesk.people import queries

DESK = {"code": "DESK", "name": "局值班室", "kind": "desk", "duty_phone": "022-88880001"}
UNIT = {
    "code": "U1",
    "name": "第一服务中心",
    "kind": "subordinate",
    "parent": "DESK",
    "duty_phone": "022-88880011",
}
ZHANG = {
    "name": "张三",
    "unit": "DESK",
    "title": "副局长",
    "contacts": [
        {"kind": "mobile", "address": "13800000001"},
        {"kind": "email", "address": "zhang@example.cn"},
    ],
}


@pytest.fixture
async def bureau(api):
    for body in (DESK, UNIT):
        assert (await api.post("/api/v1/units", json=body)).status_code == 201
    return api


async def bearer(site, role: str, unit: str | None = None) -> dict[str, str]:
    async with site.db.write() as session:
        unit_id = (await queries.unit_by_code(session, unit)).id if unit else None
        token = await create_token(session, site.clock.now(), role, role, unit_id)
    return {"Authorization": f"Bearer {token}"}


async def test_a_unit_is_answered_with_its_parents_code(bureau):
    made = (await bureau.get("/api/v1/units")).json()
    assert made["next_cursor"] is None
    assert made["items"][1] == {
        "code": "U1",
        "name": "第一服务中心",
        "short_name": "第一服务中心",
        "kind": "subordinate",
        "parent": "DESK",
        "duty_phone": "+862288880011",
        "duty_class": "sensitive",
        "retired_at": None,
    }


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"code": "DESK"}, 409),
        ({"code": "D2", "kind": "desk"}, 409),
        ({"code": "X", "parent": "NONE"}, 404),
        ({"code": "X", "duty_phone": "110"}, 422),
        ({"code": "X", "kind": "ministry"}, 422),
        ({"code": "has space"}, 422),
        ({"code": "X", "name": "  "}, 422),
        ({"code": "X", "short_name": "十一个字才会超过限制了"}, 422),
    ],
)
async def test_a_unit_that_cannot_be_is_refused(bureau, change, status):
    answer = await bureau.post("/api/v1/units", json=UNIT | change)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["detail"]


async def test_a_person_comes_back_with_numbers_as_they_are_dialled(bureau):
    answer = await bureau.post("/api/v1/people", json=ZHANG)
    assert answer.status_code == 201
    made = answer.json()
    assert made["name"] == "张三"
    assert made["unit"] == "DESK"
    assert [(c["kind"], c["address"], c["usable"]) for c in made["contacts"]] == [
        ("mobile", "+8613800000001", True),
        ("email", "zhang@example.cn", True),
    ]
    assert (await bureau.get("/api/v1/people")).json()["items"] == [made]


async def test_a_landline_entered_as_a_mobile_names_the_field(bureau):
    wrong = ZHANG | {"contacts": [{"kind": "mobile", "address": "022-88880002"}]}
    answer = await bureau.post("/api/v1/people", json=wrong)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "contacts.0.address"


async def test_numbers_are_masked_for_those_who_do_not_need_them(bureau, site):
    await bureau.post("/api/v1/people", json=ZHANG)
    shown = await bureau.get("/api/v1/people", headers=await bearer(site, "inspector"))
    addresses = [contact["address"] for contact in shown.json()["items"][0]["contacts"]]
    assert addresses == ["+86138******01", "z***@example.cn"]


async def test_a_unit_contact_sees_its_own_unit_only(bureau, site):
    await bureau.post("/api/v1/people", json=ZHANG)
    await bureau.post("/api/v1/people", json=ZHANG | {"name": "李四", "unit": "U1"})
    own = await bearer(site, "unit", "U1")
    units = (await bureau.get("/api/v1/units", headers=own)).json()["items"]
    people = (await bureau.get("/api/v1/people", headers=own)).json()["items"]
    assert [unit["code"] for unit in units] == ["U1"]
    assert [person["name"] for person in people] == ["李四"]
    for path in ("people", "posts"):
        assert (await bureau.get(f"/api/v1/{path}?unit=DESK", headers=own)).status_code == 403
        assert (await bureau.get(f"/api/v1/{path}?unit=U1", headers=own)).status_code == 200


async def test_reading_is_not_writing(bureau, site):
    reader = await bearer(site, "operator")
    for path, body in [("units", UNIT | {"code": "X"}), ("people", ZHANG)]:
        answer = await bureau.post(f"/api/v1/{path}", json=body, headers=reader)
        assert answer.status_code == 403


async def test_a_post_is_given_and_listed(bureau):
    person = (await bureau.post("/api/v1/people", json=ZHANG)).json()["id"]
    body = {"unit": "DESK", "post": "chief", "person": person, "from": "2026-11-01T00:00:00+08:00"}
    answer = await bureau.post("/api/v1/posts", json=body)
    assert answer.status_code == 201
    made = answer.json()
    assert made["from"] == "2026-10-31T16:00:00Z"
    assert made["until"] is None
    held = await bureau.get("/api/v1/posts", params={"at": "2026-11-23T14:00:00+08:00", "unit": "DESK"})
    assert held.json()["items"] == [made]
    before = await bureau.get("/api/v1/posts", params={"at": "2026-10-01T00:00:00+08:00"})
    assert before.json()["items"] == []


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"from": "2026-11-01T00:00:00"}, 422),
        ({"from": "0001-01-01T00:00:00+14:00"}, 422),
        ({"until": "2026-10-01T00:00:00+08:00"}, 422),
        ({"post": "Head"}, 422),
        ({"person": 99}, 404),
        ({"person": 2**40}, 422),
        ({"unit": "NONE"}, 404),
    ],
)
async def test_a_post_that_cannot_be_is_refused(bureau, change, status):
    person = (await bureau.post("/api/v1/people", json=ZHANG)).json()["id"]
    body: dict[str, Any] = {
        "unit": "DESK",
        "post": "chief",
        "person": person,
        "from": "2026-11-01T00:00:00+08:00",
    }
    assert (await bureau.post("/api/v1/posts", json=body | change)).status_code == status


async def test_a_list_is_read_page_by_page(bureau):
    for number in range(5):
        await bureau.post("/api/v1/people", json=ZHANG | {"name": f"人{number}"})
    seen, cursor = [], None
    for _ in range(3):
        query = {"limit": 2} | ({"cursor": cursor} if cursor else {})
        page = (await bureau.get("/api/v1/people", params=query)).json()
        seen += [person["name"] for person in page["items"]]
        cursor = page["next_cursor"]
    assert seen == ["人0", "人1", "人2", "人3", "人4"]
    assert cursor is None


@pytest.mark.parametrize("query", ["limit=501", "limit=0", "cursor=x", f"cursor={2**70}"])
async def test_a_malformed_page_is_refused(bureau, query):
    assert (await bureau.get(f"/api/v1/people?{query}")).status_code == 422


async def test_the_same_key_adds_one_person(bureau):
    key = {"Idempotency-Key": "zhang-1"}
    first = await bureau.post("/api/v1/people", json=ZHANG, headers=key)
    again = await bureau.post("/api/v1/people", json=ZHANG, headers=key)
    assert again.json() == first.json()
    assert len((await bureau.get("/api/v1/people")).json()["items"]) == 1
