"""A board with too much on it, or with something damaged on it, still shows what matters."""

from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from dutydesk.accounts.rules import Actor
from dutydesk.alerts.actions import alarm_desk
from dutydesk.alerts.model import Alert
from dutydesk.alerts.queries import screen_alerts
from dutydesk.desk.queries import latest_told
from dutydesk.escalation.actions import alert_of
from dutydesk.escalation.rules import Recipient, Tell
from dutydesk.incidents.actions import NewIncident, log_incident
from dutydesk.obligations.model import Obligation
from dutydesk.obligations.queries import obligations_of

OPERATOR = Actor("desk", "operator")


@pytest.fixture
def log(site, bureau):
    """Log many incidents in one transaction."""

    async def logged(*titles, minutes=10, **more):
        now = site.clock.now()
        made = []
        async with site.db.write() as session:
            for title in titles:
                new = NewIncident(
                    title=title,
                    category="accident",
                    grade="ungraded",
                    unit_id=bureau.canteen.id,
                    occurred_at=now - timedelta(minutes=minutes),
                    occurred_at_kind="exact",
                    **more,
                )
                made.append(await log_incident(session, site, now, OPERATOR, new))
        return made

    return logged


async def owed(site, incident, rule="49.1"):
    async with site.db.read() as session:
        return next(one for one in await obligations_of(session, incident.id) if one.rule_id == rule)


# ── more than a board shows ──────────────────────────────────────────────────────────────────


async def test_of_seventy_incidents_those_with_the_nearest_clocks_are_shown(
    browser, log, site, bureau, clock
):
    await log("最早登记的", minutes=18)
    await log(*(f"演练{number}" for number in range(8)), minutes=19, drill=True)
    await log(*(f"后来的{number}" for number in range(61)), minutes=1)
    page = (await browser.get("/desk/board")).text
    assert page.count('class="incident"') == 60
    assert "最早登记的" in page
    shown = page[page.index('id="r-incidents"') : page.index('class="board-side"')]
    assert "演练0" not in shown
    assert "只显示60件" in page


async def test_what_is_overdue_is_counted_also_where_it_is_not_shown(browser, log, site, clock, work):
    await log(*(f"第{number}起" for number in range(62)))
    async with site.db.write() as session:
        for incident_id in range(1, 63):
            row = next(one for one in await obligations_of(session, incident_id) if one.rule_id == "49.1")
            row.state = "breached"
            session.add(row)
    assert "62项已超时" in (await browser.get("/desk/board")).text


async def test_no_clock_loses_its_lines_to_another(log, site, bureau):
    first, second = await log("电话很多的", "电话很少的")
    few, many = await owed(site, second), await owed(site, first)
    now = site.clock.now()
    async with site.db.write() as session:
        for row, count in ((few, 2), (many, 40)):
            for number in range(count):
                tell = Tell(None, "unit:operator", 0, Recipient("phone:1"), "voice", "REPEATED", "missed")
                session.add(Alert(**alert_of(now, row, tell) | {"unique_key": f"{row.id}/{number}"}))
    async with site.db.read() as session:
        told = await latest_told(session, [few.id, many.id], 5)
    assert [one.alert.id for one in told] == sorted(one.alert.id for one in told)
    lines = [one.alert.obligation_id for one in told]
    assert (lines.count(few.id), lines.count(many.id)) == (2, 5)


async def test_an_open_call_out_is_not_hidden_by_what_came_later(browser_of, log, site, bureau, clock):
    leader = await browser_of("leader", name="赵建国", person_id=bureau.desk_leader.id)
    fires = await log("最先叫应的", *(f"后来的{number}" for number in range(25)))
    now = site.clock.now()
    person = Recipient(f"person:{bureau.desk_leader.id}", person_id=bureau.desk_leader.id)
    async with site.db.write() as session:
        for number, fire in enumerate([*fires, *fires[1:]] * 5):
            row = next(one for one in await obligations_of(session, fire.id) if one.rule_id == "49.3")
            again = number >= len(fires) and fire is fires[0]
            if again:
                continue
            tell = Tell(None, "desk:leader", 0, person, "sms", "FIRST_RUNG", "call_out")
            session.add(Alert(**alert_of(now, row, tell) | {"unique_key": f"{row.id}/{number}"}))
    page = (await leader.get("/my")).text
    assert "最先叫应的" in page
    assert page.count(">收到</button>") == 26


# ── something damaged ────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "damage", [{"wording": "no such words"}, {"params": ["not", "a", "mapping"]}, {"params": None}]
)
async def test_one_alarm_that_cannot_be_read_leaves_its_neighbours(browser, log, site, damage):
    await log("后厨配电室起火")
    now = site.clock.now()
    async with site.db.write() as session:
        for wording in ("stuck", "provider_fault"):
            await alarm_desk(
                session, now, about=wording, wording=wording, reason="STUCK", params={"count": 1}
            )
        await session.flush()
        bad = (await screen_alerts(session))[-1]
        bad.number = "2026-0001"
        for name, value in damage.items():
            setattr(bad, name, value)
        session.add(bad)
    for address in ("/desk", "/wall", "/desk/alarms"):
        with capture_logs() as logged:
            answer = await browser.get(address)
        assert "an alarm has no words" in [one["event"] for one in logged], address
        assert answer.status_code == 200, address
        assert "编号2026-0001，请见事件页" in answer.text, address
        assert "短信或电话通道故障" in answer.text, address


async def test_one_incident_that_cannot_be_drawn_leaves_its_neighbours(browser, log, site):
    first, _second = await log("坏了的", "完好的")
    async with site.db.write() as session:
        row = await session.get(Obligation, (await owed(site, first)).id)
        row.state = "no such state"
        session.add(row)
    for address in ("/desk", "/wall"):
        answer = await browser.get(address)
        assert answer.status_code == 200, address
        assert f"编号{first.number}，请见事件页" in answer.text, address
        assert "完好的" in answer.text, address


async def test_a_title_with_the_marks_of_a_clock_is_text(browser, log):
    await log("标题\ue0000,1,,text\ue001之后")
    page = (await browser.get("/desk")).text
    assert "0,1,,text" in page
    assert "已超 20" not in page


# ── writing only where something changes ─────────────────────────────────────────────────────


async def test_saying_again_what_was_drawn_writes_nothing_and_wakes_nobody(browser, log, site, work):
    await log("后厨配电室起火")
    await work()
    async with site.db.read() as session:
        ids = [row.id for row in await screen_alerts(session)]
    commits = []
    site.db.on_commit(lambda: commits.append(1))
    before = site.bell.count
    for _ in range(2):
        await browser.post("/desk/drawn", json={"alerts": ids, "sound": True})
    assert (commits, site.bell.count) == ([], before)
    async with site.db.read() as session:
        assert {row.state for row in await screen_alerts(session)} == {"delivered"}
        row = (await session.get(Alert, ids[0])).model_copy()
    await browser.post("/desk/drawn", json={"alerts": [*ids, 99999], "sound": True})
    async with site.db.read() as session:
        assert (await session.get(Alert, ids[0])) == row
        assert {one.state for one in await screen_alerts(session)} == {"delivered"}
