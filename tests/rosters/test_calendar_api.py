"""``/api/v1/calendar``: days, working days, years and sensitive periods."""

import httpx2
import pytest

from tests.builders import build_bureau
from tests.conftest import HERE

DAYS = "/api/v1/calendar"


@pytest.fixture(autouse=True)
async def bureau(site):
    return await build_bureau(site.db, site.clock.now())


@pytest.fixture
async def caller_of(app, token_for):
    def open_one(token):
        return httpx2.AsyncClient(
            transport=httpx2.ASGITransport(app), base_url=HERE, headers={"Authorization": f"Bearer {token}"}
        )

    async def caller(role, unit=None):
        return open_one(await token_for(role, unit))

    return caller


async def test_days_have_class_names_lunar_date_and_where_they_come_from(api):
    found = (await api.get(DAYS, params={"from": "2026-09-30", "until": "2026-10-01"})).json()
    assert found["next_cursor"] is None
    assert found["items"] == [
        {
            "day": "2026-09-30",
            "day_class": "workday",
            "kind": "workday",
            "works": True,
            "name": "",
            "festival": "",
            "lunar": "八月二十",
            "provisional": False,
            "source": "library",
            "period": None,
        },
        {
            "day": "2026-10-01",
            "day_class": "holiday",
            "kind": "holiday",
            "works": False,
            "name": "国庆节",
            "festival": "国庆节",
            "lunar": "八月廿一",
            "provisional": False,
            "source": "library",
            "period": None,
        },
    ]
    (ahead,) = (await api.get(DAYS, params={"from": "2027-10-01", "until": "2027-10-01"})).json()["items"]
    assert (ahead["provisional"], ahead["source"]) == (True, "weekday")


@pytest.mark.parametrize(
    ("first", "last"),
    [("2026-10-02", "2026-10-01"), ("2026-01-01", "2027-06-01"), ("1999-12-31", "2000-01-01"), ("x", "y")],
)
async def test_an_impossible_span_is_refused(api, first, last):
    assert (await api.get(DAYS, params={"from": first, "until": last})).status_code == 422


async def test_a_day_is_laid_down_and_taken_back(api):
    body = {"kind": "rest", "name": "局庆", "reason": "局长批准"}
    laid = (await api.put(f"{DAYS}/2026-11-24", json=body)).json()
    assert (laid["kind"], laid["name"], laid["source"]) == ("rest", "局庆", "table")
    assert (await api.put(f"{DAYS}/2026-11-24", json=body)).status_code == 409
    back = (await api.delete(f"{DAYS}/2026-11-24")).json()
    assert (back["kind"], back["source"]) == ("workday", "library")
    assert (await api.delete(f"{DAYS}/2026-11-24")).status_code == 404


async def test_a_day_that_contradicts_its_weekday_is_a_problem_with_its_field(api):
    problem = await api.put(f"{DAYS}/2026-11-24", json={"kind": "makeup"})
    assert problem.status_code == 422
    assert problem.json()["errors"][0]["field"] == "kind"
    assert (await api.put(f"{DAYS}/2026-11-24", json={"kind": "rest", "name": "\0"})).status_code == 422
    assert (await api.put(f"{DAYS}/2150-01-01", json={"kind": "rest"})).status_code == 422


async def test_working_days_are_counted_on_and_back(api):
    async def counted(count, day="2026-09-30"):
        return (await api.get(f"{DAYS}/working-days", params={"from": day, "count": count})).json()

    assert await counted(1) == {"day": "2026-10-08", "count": 1, "provisional": False}
    assert (await counted(-1, "2026-10-08"))["day"] == "2026-09-30"
    assert (await counted(5, "2026-12-30"))["provisional"]
    assert (await counted(2500))["day"] > "2036-01-01"
    too_many = await api.get(f"{DAYS}/working-days", params={"from": "2026-09-30", "count": 10**9})
    assert too_many.status_code == 422


async def test_a_period_is_laid_down_once_changed_and_cancelled(api):
    body = {"name": "市两会", "starts_on": "2026-11-23", "ends_on": "2026-11-25"}
    headers = {"Idempotency-Key": "period-1"}
    made = await api.post(f"{DAYS}/periods", json=body, headers=headers)
    again = await api.post(f"{DAYS}/periods", json=body, headers=headers)
    assert (made.status_code, made.json()) == (201, again.json())
    address = f"{DAYS}/periods/{made.json()['id']}"
    (day,) = (await api.get(DAYS, params={"from": "2026-11-25", "until": "2026-11-25"})).json()["items"]
    assert (day["day_class"], day["kind"], day["period"]["name"]) == ("sensitive", "workday", "市两会")
    changed = await api.put(address, json=body | {"ends_on": "2026-11-24", "reason": "提前闭幕"})
    assert changed.json()["ends_on"] == "2026-11-24"
    cancelled = await api.post(f"{address}/cancel", json={"reason": "登记有误"})
    assert cancelled.json()["cancelled"]
    assert (await api.post(f"{address}/cancel", json={"reason": "又取消"})).status_code == 409
    assert (await api.post(f"{DAYS}/periods/99/cancel", json={"reason": "没有"})).status_code == 404


@pytest.mark.parametrize(
    "changed",
    [{"ends_on": "2026-11-22"}, {"starts_on": "1990-01-01"}, {"name": " "}, {"ends_on": "2029-01-01"}],
)
async def test_an_impossible_period_is_a_problem(api, changed):
    body = {"name": "市两会", "starts_on": "2026-11-23", "ends_on": "2026-11-25"} | changed
    assert (await api.post(f"{DAYS}/periods", json=body)).status_code == 422


async def test_a_year_is_provisional_until_it_is_confirmed_with_all_of_its_holidays(api):
    assert (await api.get(f"{DAYS}/years/2027")).json() == {"year": 2027, "provisional": True, "notice": None}
    confirm = f"{DAYS}/years/2027/confirm"
    assert (await api.post(confirm, json={"notice": "国办发明电〔2026〕7号"})).status_code == 422
    days = {
        "元旦": "01-01",
        "春节": "02-06",
        "清明节": "04-05",
        "劳动节": "05-01",
        "端午节": "06-09",
        "中秋节": "09-15",
        "国庆节": "10-01",
    }
    for name, day in days.items():
        assert (
            await api.put(f"{DAYS}/2027-{day}", json={"kind": "holiday", "name": name})
        ).status_code == 200
    confirmed = (await api.post(confirm, json={"notice": "国办发明电〔2026〕7号"})).json()
    assert confirmed == {"year": 2027, "provisional": False, "notice": "国办发明电〔2026〕7号"}


async def test_only_office_and_administrator_change_the_calendar(caller_of):
    for role, status in (("operator", 403), ("leader", 403), ("inspector", 403), ("office", 200)):
        async with await caller_of(role) as caller:
            assert (await caller.put(f"{DAYS}/2026-11-24", json={"kind": "rest"})).status_code == status


async def test_a_unit_contact_sees_its_own_periods_only(api, caller_of):
    for name, unit in (("市两会", None), ("食堂检修", "canteen"), ("车队检修", "motor")):
        body = {"name": name, "starts_on": "2026-11-23", "ends_on": "2026-11-25", "unit": unit}
        assert (await api.post(f"{DAYS}/periods", json=body)).status_code == 201
    async with await caller_of("unit", "canteen") as contact:
        seen = (await contact.get(f"{DAYS}/periods")).json()["items"]
        assert [one["name"] for one in seen] == ["市两会", "食堂检修"]
        asked = {"from": "2026-11-23", "until": "2026-11-23", "unit": "motor"}
        assert (await contact.get(DAYS, params=asked)).status_code == 403
