"""``/api/v1/shift-changes`` as its callers see it."""

import pytest

from tests.rosters.duty import on_duty

PATH = "/api/v1/shift-changes"


@pytest.fixture
async def duty(site):
    return await on_duty(site)


@pytest.fixture
async def bearer(anyone, token_for):
    """Call as a role, each with one token."""
    tokens = {}

    async def call(role, method, path, unit=None, key=None, **more):
        if (role, unit) not in tokens:
            tokens[role, unit] = await token_for(role, unit)
        headers = {"Authorization": f"Bearer {tokens[role, unit]}"}
        if key is not None:
            headers["Idempotency-Key"] = key
        return await anyone.request(method, path, headers=headers, **more)

    return call


def body(duty, **more):
    return {
        "kind": "substitute",
        "shift": duty.shifts["leader", 24],
        "person": duty.people["孙丽"],
        "reason": "会议",
    } | more


async def test_a_substitute_is_asked_for_decided_and_taken_back(bearer, duty):
    made = await bearer("office", "POST", PATH, json=body(duty))
    assert made.status_code == 201
    change = made.json()
    assert change == {
        "id": change["id"],
        "kind": "substitute",
        "state": "requested",
        "unit": "desk",
        "shift": duty.shifts["leader", 24],
        "other_shift": None,
        "from_person": duty.people["赵建国"],
        "to_person": duty.people["孙丽"],
        "from": "2026-11-24T00:30:00Z",
        "until": "2026-11-25T00:30:00Z",
        "reason": "会议",
        "requested_at": "2026-11-23T06:00:00Z",
        "requested_by": "the office",
        "decided_at": None,
        "decided_by": "",
        "decision": "",
    }
    one = f"{PATH}/{change['id']}"
    own = await bearer("office", "POST", f"{one}/decide", json={"decision": "approve"})
    assert own.status_code == 403
    other = await bearer("administrator", "POST", f"{one}/decide", json={"decision": "approve"})
    assert other.json()["state"] == "approved"
    seats = await bearer("operator", "GET", "/api/v1/on-duty?at=2026-11-24T00:30:00Z")
    assert [one["person"]["name"] for one in seats.json()["seats"] if one["seat"] == "leader"] == ["孙丽"]
    again = await bearer("administrator", "POST", f"{one}/decide", json={"decision": "approve"})
    assert again.status_code == 409
    back = await bearer("office", "POST", f"{one}/cancel", json={"reason": "取消"})
    assert back.json()["state"] == "cancelled"


async def test_a_swap_and_a_part_of_a_shift(bearer, duty):
    swap = {
        "kind": "swap",
        "shift": duty.shifts["leader", 24],
        "other_shift": duty.shifts["leader", 25],
        "reason": "会议",
    }
    made = (await bearer("office", "POST", PATH, json=swap)).json()
    assert (made["from_person"], made["to_person"]) == (duty.people["赵建国"], duty.people["钱伟"])
    part = body(
        duty,
        shift=duty.shifts["operator_primary", 24],
        person=duty.people["周涛"],
        **{"from": "2026-11-24T12:00:00+08:00", "until": "2026-11-24T18:00:00+08:00"},
    )
    made = (await bearer("office", "POST", PATH, json=part)).json()
    assert (made["from"], made["until"]) == ("2026-11-24T04:00:00Z", "2026-11-24T10:00:00Z")


async def test_the_same_key_asks_once(bearer, duty):
    answers = [await bearer("office", "POST", PATH, key="k1", json=body(duty)) for _ in range(2)]
    assert [one.status_code for one in answers] == [201, 201]
    assert answers[0].json() == answers[1].json()


async def test_refusals_are_problems_with_the_field(bearer, duty):
    refused = await bearer("office", "POST", PATH, json=body(duty, person=duty.people["陈静"]))
    assert refused.status_code == 422
    assert "职务不够带班条件" in refused.text
    assert refused.json()["errors"][0]["field"] == "person"
    for broken in ({"kind": "gift"}, {"shift": 0}, {"reason": ""}, {"shift": 2**40}):
        answer = await bearer("office", "POST", PATH, json=body(duty, **broken))
        assert answer.status_code == 422, broken
    unknown = await bearer("office", "POST", PATH, json=body(duty, shift=9999))
    assert unknown.status_code == 404


async def test_the_list_is_narrowed_paged_and_a_unit_sees_its_own(bearer, duty):
    for day, person in ((24, "孙丽"), (25, "李明"), (29, "赵建国")):
        shift = {"shift": duty.shifts["leader", day], "person": duty.people[person]}
        made = await bearer("office", "POST", PATH, json=body(duty, **shift))
        if day == 29:
            assert made.status_code == 422
    found = (await bearer("operator", "GET", f"{PATH}?limit=1")).json()
    assert [one["shift"] for one in found["items"]] == [duty.shifts["leader", 25]]
    more = (await bearer("operator", "GET", f"{PATH}?before={found['next_cursor']}")).json()
    assert ([one["shift"] for one in more["items"]], more["next_cursor"]) == (
        [duty.shifts["leader", 24]],
        None,
    )
    assert (await bearer("operator", "GET", f"{PATH}?state=approved")).json()["items"] == []
    number = found["items"][0]["id"]
    assert (await bearer("unit", "GET", PATH, unit="canteen")).json()["items"] == []
    assert (await bearer("unit", "GET", f"{PATH}/{number}", unit="canteen")).status_code == 404
    refused = await bearer("unit", "POST", f"{PATH}/{number}/cancel", unit="canteen", json={})
    assert refused.status_code == 404
    assert (await bearer("inspector", "GET", PATH)).status_code == 403
