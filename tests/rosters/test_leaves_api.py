"""``/api/v1/leaves`` as its callers see it."""

import pytest

from tests.rosters.duty import on_duty

PATH = "/api/v1/leaves"


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


def body(duty, name="赵建国", **more):
    return {
        "person": duty.people[name],
        "kind": "trip",
        "away": "city",
        "place": "北京",
        "from": "2026-12-04T09:00:00+08:00",
        "until": "2026-12-06T18:00:00+08:00",
        "reason": "参加会议",
    } | more


async def test_a_leave_from_the_report_to_the_return(bearer, duty, site):
    made = await bearer("office", "POST", PATH, json=body(duty))
    assert made.status_code == 201
    leave = made.json()
    assert (leave["state"], leave["unit"], leave["from"]) == ("requested", "desk", "2026-12-04T01:00:00Z")
    one = f"{PATH}/{leave['id']}"
    verdict = {"decision": "approve", "decided_by": "郑国栋"}
    assert (await bearer("office", "POST", f"{one}/decide", json=verdict)).status_code == 403
    assert (await bearer("administrator", "POST", f"{one}/decide", json=verdict)).json()[
        "state"
    ] == "approved"
    later = {"away": "city", "place": "上海", "reason": "改期"} | {
        "from": "2026-12-05T09:00:00+08:00",
        "until": "2026-12-07T18:00:00+08:00",
    }
    amended = (await bearer("office", "POST", f"{one}/amend", json=later)).json()
    assert (amended["place"], amended["amendment"]["place"]) == ("北京", "上海")
    decided = await bearer("administrator", "POST", f"{one}/amendment/decide", json=verdict)
    assert (decided.json()["place"], decided.json()["amendment"]) == ("上海", None)
    site.clock.set(duty.at(36))
    back = await bearer("office", "POST", f"{one}/return", json={})
    assert (back.json()["state"], back.json()["returned_at"]) == ("returned", "2026-12-06T00:30:00Z")


async def test_the_directors_steps_and_delegate(bearer, duty):
    made = await bearer("office", "POST", PATH, json=body(duty, "郑国栋"))
    one = f"{PATH}/{made.json()['id']}"
    noted = await bearer(
        "office",
        "POST",
        f"{one}/steps",
        json={"consent_by": "王副市长", "consent_at": "2026-11-23T10:00:00+08:00", "receipt": "12号"},
    )
    assert (noted.json()["consent_by"], noted.json()["receipt"]) == ("王副市长", "12号")
    verdict = {"decision": "approve", "decided_by": "王副市长"}
    assert (await bearer("administrator", "POST", f"{one}/decide", json=verdict)).status_code == 200
    named = await bearer("office", "POST", f"{one}/delegate", json={"person": duty.people["钱伟"]})
    assert named.json()["delegate"] == duty.people["钱伟"]
    wrong = await bearer("office", "POST", f"{one}/delegate", json={"person": duty.people["陈静"]})
    assert wrong.status_code == 422
    assert "第五条" in wrong.text


async def test_refusals_are_problems_with_every_field(bearer, duty):
    soon = body(duty, "郑国栋", place="", **{"from": "2026-11-25T09:00:00+08:00"})
    refused = await bearer("office", "POST", PATH, json=soon)
    assert refused.status_code == 422
    assert [one["field"] for one in refused.json()["errors"]] == ["starts_at", "place"]
    backwards = await bearer("office", "POST", PATH, json=body(duty, until="2026-12-01T00:00:00Z"))
    assert backwards.status_code == 422
    for broken in ({"from": "2026-12-04T09:00:00"}, {"away": "moon"}, {"person": -1}):
        assert (await bearer("office", "POST", PATH, json=body(duty, **broken))).status_code == 422, broken


async def test_the_same_key_reports_once(bearer, duty):
    answers = [await bearer("office", "POST", PATH, key="k1", json=body(duty)) for _ in range(2)]
    assert answers[0].json() == answers[1].json()


async def test_others_see_that_somebody_is_away_and_nothing_else(bearer, duty):
    made = (await bearer("office", "POST", PATH, json=body(duty))).json()
    one = f"{PATH}/{made['id']}"
    assert (await bearer("operator", "GET", PATH)).json()["items"] == []
    verdict = {"decision": "approve", "decided_by": "郑国栋"}
    await bearer("administrator", "POST", f"{one}/decide", json=verdict)
    [seen] = (await bearer("operator", "GET", PATH)).json()["items"]
    shown = {name for name, value in seen.items() if value is not None}
    assert shown == {"id", "person", "unit", "state", "from", "until"}
    assert (await bearer("operator", "GET", one)).status_code == 404
    [full] = (await bearer("leader", "GET", f"{PATH}?box=ahead&person={duty.people['赵建国']}")).json()[
        "items"
    ]
    assert full["reason"] == "参加会议"
    assert (await bearer("unit", "GET", PATH, unit="canteen")).json()["items"] == []
    assert (await bearer("unit", "GET", one, unit="canteen")).status_code == 404
    other = await bearer("unit", "POST", PATH, unit="canteen", json=body(duty))
    assert other.status_code == 404
    assert (await bearer("unit", "POST", PATH, unit="canteen", json=body(duty, "李强"))).status_code == 201
    assert (await bearer("operator", "POST", PATH, json=body(duty, "李强"))).status_code == 403
