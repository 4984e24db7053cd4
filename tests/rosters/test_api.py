"""``/api/v1/shifts`` and ``/on-duty`` as their callers see them."""

import pytest

from dutydesk.accounts.actions import create_token
from dutydesk.people import queries
from dutydesk.people.actions import disable_contact

NOON = {"starts_at": "2026-11-23T12:00:00+08:00", "ends_at": "2026-11-24T12:00:00+08:00"}


@pytest.fixture
async def desk(api):
    """The desk and one unit with a person each: the ids of the two persons."""
    ids = []
    for number, (code, kind) in enumerate((("DESK", "desk"), ("U1", "subordinate"))):
        unit = {"code": code, "name": f"单位{number}", "kind": kind, "duty_phone": "022-88880001"}
        assert (await api.post("/api/v1/units", json=unit)).status_code == 201
        contacts = [{"kind": "mobile", "address": f"1380000000{number}"}]
        person = {"name": f"人{number}", "unit": code, "title": "副局长", "contacts": contacts}
        ids.append((await api.post("/api/v1/people", json=person)).json()["id"])
    return ids


def shift(person: int, **changes) -> dict[str, object]:
    return {"unit": "DESK", "seat": "leader", "person": person, "mode": "on_post"} | NOON | changes


async def bearer(site, role: str, unit: str | None = None) -> dict[str, str]:
    async with site.db.write() as session:
        unit_id = (await queries.unit_by_code(session, unit)).id if unit else None
        token = await create_token(session, site.clock.now(), role, role, unit_id)
    return {"Authorization": f"Bearer {token}"}


async def test_who_is_on_duty_is_answered_with_reachability_and_gaps(api, desk):
    made = await api.post("/api/v1/shifts", json=shift(desk[0]))
    assert made.status_code == 201
    answer = await api.get("/api/v1/on-duty", params={"unit": "DESK", "at": "2026-11-23T14:00:00+08:00"})
    assert answer.json() == {
        "at": "2026-11-23T06:00:00Z",
        "unit": "DESK",
        "seats": [
            {
                "seat": "leader",
                "mode": "on_post",
                "person": {"id": desk[0], "name": "人0", "title": "副局长"},
                "contacts": [{"kind": "mobile", "address": "+8613800000000", "usable": True}],
                "reachable": True,
                "planned": True,
                "since": "2026-11-23T04:00:00Z",
                "until": "2026-11-24T04:00:00Z",
            }
        ],
        "empty": ["operator_primary"],
    }


async def test_without_a_unit_and_a_time_the_desk_is_meant_now(api, desk):
    await api.post("/api/v1/shifts", json=shift(desk[0]))
    found = (await api.get("/api/v1/on-duty")).json()
    assert (found["unit"], found["at"]) == ("DESK", "2026-11-23T06:00:00Z")
    assert [seat["person"]["id"] for seat in found["seats"]] == [desk[0]]


async def test_a_person_whose_only_number_is_bad_is_not_reachable(api, desk, site):
    await api.post("/api/v1/shifts", json=shift(desk[0]))
    async with site.db.write() as session:
        points = await queries.usable_contacts(session, [desk[0]])
        await disable_contact(session, site.clock.now(), "worker", points[desk[0]][0].id, "空号")
    (seat,) = (await api.get("/api/v1/on-duty")).json()["seats"]
    assert seat["reachable"] is False
    assert [contact["usable"] for contact in seat["contacts"]] == [False]


async def test_the_real_holder_is_shown_instead_of_the_one_planned(api, desk):
    made = (await api.post("/api/v1/shifts", json=shift(desk[0]))).json()
    answer = await api.post(f"/api/v1/shifts/{made['id']}/holder", json={"person": desk[1], "reason": "生病"})
    assert answer.status_code == 201
    assert answer.json()["from"] == "2026-11-23T06:00:00Z"
    assert answer.json()["until"] == "2026-11-24T04:00:00Z"
    (seat,) = (await api.get("/api/v1/on-duty")).json()["seats"]
    assert (seat["person"]["id"], seat["planned"]) == (desk[1], False)


async def test_numbers_on_duty_are_masked_for_those_who_do_not_need_them(api, desk, site):
    await api.post("/api/v1/shifts", json=shift(desk[0]))
    found = await api.get("/api/v1/on-duty", headers=await bearer(site, "inspector"))
    assert found.json()["seats"][0]["contacts"][0]["address"] == "+86138******00"


async def test_a_unit_contact_sees_its_own_roster_only(api, desk, site):
    await api.post("/api/v1/shifts", json=shift(desk[0]))
    await api.post("/api/v1/shifts", json=shift(desk[1], unit="U1"))
    own = await bearer(site, "unit", "U1")
    assert (await api.get("/api/v1/on-duty", headers=own)).json()["unit"] == "U1"
    shifts = (await api.get("/api/v1/shifts", headers=own)).json()["items"]
    assert [one["unit"] for one in shifts] == ["U1"]
    for path in ("on-duty", "shifts"):
        assert (await api.get(f"/api/v1/{path}?unit=DESK", headers=own)).status_code == 403
    assert (await api.post("/api/v1/shifts", json=shift(desk[1], unit="U1"), headers=own)).status_code == 403


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"ends_at": "2026-11-23T12:00:00+08:00"}, 422),
        ({"ends_at": "2026-12-24T12:00:00+08:00"}, 422),
        ({"starts_at": "2026-11-23T12:00:00"}, 422),
        ({"ends_at": "9999-12-31T23:59:59-12:00"}, 422),
        ({"seat": "cook"}, 422),
        ({"mode": "asleep"}, 422),
        ({"unit": "NONE"}, 404),
        ({"person": 99}, 404),
        ({}, 409),
    ],
)
async def test_a_shift_that_cannot_be_is_refused(api, desk, change, status):
    await api.post("/api/v1/shifts", json=shift(desk[0]))
    assert (await api.post("/api/v1/shifts", json=shift(desk[0]) | change)).status_code == status


async def test_shifts_are_listed_by_the_time_they_touch(api, desk):
    first = (await api.post("/api/v1/shifts", json=shift(desk[0]))).json()
    later = {"starts_at": "2026-11-24T12:00:00+08:00", "ends_at": "2026-11-25T12:00:00+08:00"}
    await api.post("/api/v1/shifts", json=shift(desk[0], **later))
    query = {"from": "2026-11-23T00:00:00+08:00", "until": "2026-11-24T12:00:00+08:00"}
    assert (await api.get("/api/v1/shifts", params=query)).json()["items"] == [first]
    page = (await api.get("/api/v1/shifts", params={"limit": 1})).json()
    assert page["next_cursor"] is not None
    rest = (await api.get("/api/v1/shifts", params={"cursor": page["next_cursor"]})).json()
    assert [one["id"] for one in page["items"] + rest["items"]] == [first["id"], first["id"] + 1]


async def test_a_naive_or_impossible_time_is_refused(api, desk):
    for at in ("2026-11-23T14:00:00", "9999-12-31T23:59:59+00:00", "yesterday"):
        assert (await api.get("/api/v1/on-duty", params={"at": at})).status_code == 422


async def test_a_shift_that_does_not_exist_has_no_holder(api, desk):
    body = {"person": desk[0], "reason": "生病"}
    assert (await api.post("/api/v1/shifts/999/holder", json=body)).status_code == 404
    assert (await api.post(f"/api/v1/shifts/{2**70}/holder", json=body)).status_code == 422
