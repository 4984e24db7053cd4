"""The office plans a month at the table: by keyboard alone, and by dragging a name onto another day."""

from datetime import date, datetime, time, timedelta

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import expect

from dutydesk.people.model import Person
from dutydesk.rosters.months import month_of, next_month
from dutydesk.rosters.planning import actions as planning
from dutydesk.rosters.view_queries import shifts_between
from tests.builders import build_bureau

pytestmark = pytest.mark.browser

DAY = timedelta(days=1)


@pytest.fixture
def database_url(request, tmp_path):
    """Looks do not depend on the database."""
    return request.getfixturevalue("sqlite_template").copy_to(tmp_path)


class Scene:
    """A bureau and the month after next, in which nobody is planned yet."""

    def __init__(self, site, bureau, month):
        self.site, self.bureau, self.month = site, bureau, month
        self.path = f"/rosters/desk/{month:%Y-%m}"

    def cell(self, day, seat="leader"):
        return f'[data-cell="{self.month.replace(day=day).isoformat()}/{seat}"]'

    async def draft(self, day, person):
        async with self.site.db.write() as session:
            await planning.add_shift(
                session,
                self.site,
                self.site.clock.now(),
                "办公室",
                unit_id=self.bureau.desk.id,
                seat="leader",
                day=self.month.replace(day=day),
                person_id=person.id,
                reason="预排",
            )

    async def planned(self, day, seat="leader"):
        """Return (person, locked) of every shift of the seat that begins on that day."""
        begins = datetime.combine(self.month.replace(day=day), time(), self.site.zone)
        async with self.site.db.read() as session:
            rows = await shifts_between(session, [self.bureau.desk.id], begins, begins + DAY)
        return [(row.person_id, row.locked) for row in rows if row.seat == seat and row.starts_at >= begins]


@pytest.fixture
async def scene(service):
    site = service.site
    now = site.clock.now()
    bureau = await build_bureau(site.db, now, until=now + 20 * DAY)
    async with site.db.write() as session:
        for one in (bureau.desk_leader, bureau.chief):
            row = await session.get(Person, one.id)
            row.rank = "bureau_deputy"
            session.add(row)
    today: date = now.astimezone(site.zone).date()
    return Scene(site, bureau, next_month(next_month(month_of(today))))


async def focused(page):
    return await page.evaluate("document.activeElement.closest('td')?.dataset.cell")


def at(scene, day, seat="leader"):
    return f"{scene.month.replace(day=day).isoformat()}/{seat}"


async def test_a_month_is_planned_by_keyboard_alone(scene, window_of):
    window = await window_of("office", name="吴芳")
    page = await window.new_page()
    await page.goto(scene.path)
    keys = page.keyboard

    # One stop of the Tab key for the whole table; arrows move within it.
    stops = page.locator("[data-grid] [data-turn][tabindex='0']")
    await expect(stops).to_have_count(1)
    await stops.focus()
    assert await focused(page) == at(scene, 1)
    for key, place in (
        ("ArrowDown", at(scene, 2)),
        ("ArrowRight", at(scene, 2, "operator_primary")),
        ("ArrowLeft", at(scene, 2)),
        ("PageDown", at(scene, 9)),
        ("ArrowUp", at(scene, 8)),
    ):
        await keys.press(key)
        assert await focused(page) == place, key
    await expect(stops).to_have_count(1)

    # Enter opens the chooser, an arrow chooses, Enter saves; the table is drawn anew, the focus is where it was.
    await keys.press("Enter")
    dialog = page.get_by_role("dialog", name="选择值班人员")
    await expect(dialog).to_be_visible()
    found = (await Axe().run(page, "#chooser-dialog")).response["violations"]
    assert [(one["id"], one["nodes"][0]["html"][:120]) for one in found] == []
    await keys.press("Space")
    await keys.press("Enter")
    await expect(dialog).to_be_hidden()
    first = (await scene.planned(8))[0][0]
    name = {scene.bureau.desk_leader.id: "赵建国", scene.bureau.chief.id: "郑国栋"}[first]
    await expect(page.locator(scene.cell(8))).to_contain_text(name)
    assert await focused(page) == at(scene, 8)
    await expect(page.locator("#grid-said")).to_contain_text(name)

    # L lets the lock go and sets it again.
    for word, locked in (("已解锁", False), ("已锁定", True)):
        await keys.press("l")
        await expect(page.locator("#grid-said")).to_have_text(word)
        assert await scene.planned(8) == [(first, locked)]
        assert await focused(page) == at(scene, 8)

    # Somebody else may have it after all; Escape changes nothing.
    await keys.press("Enter")
    await expect(dialog).to_be_visible()
    await keys.press("Escape")
    await expect(dialog).to_be_hidden()
    assert await focused(page) == at(scene, 8)

    # Delete asks, and then the seat is a hole again.
    await keys.press("Delete")
    asked = page.get_by_role("dialog", name="清空这一班")
    await expect(asked).to_be_visible()
    await asked.get_by_role("button", name="清空").press("Enter")
    await expect(asked).to_be_hidden()
    await expect(page.locator(scene.cell(8))).to_contain_text("空缺")
    assert await scene.planned(8) == []
    assert window.complaints == []


async def test_a_name_is_dragged_onto_another_day_and_onto_another_name(scene, window_of):
    await scene.draft(3, scene.bureau.desk_leader)
    await scene.draft(6, scene.bureau.chief)
    window = await window_of("office", name="吴芳", height=1000)
    page = await window.new_page()
    await page.goto(scene.path)

    await page.drag_and_drop(f"{scene.cell(3)} .turn", f"{scene.cell(6)} .turn")
    swap = page.get_by_role("dialog", name="对调两班")
    await expect(swap).to_contain_text("郑国栋")
    await swap.get_by_role("button", name="对调").click()
    await expect(swap).to_be_hidden()
    await expect(page.locator(scene.cell(3))).to_contain_text("郑国栋")
    assert await scene.planned(6) == [(scene.bureau.desk_leader.id, True)]

    await page.drag_and_drop(f"{scene.cell(3)} .turn", f"{scene.cell(10)} .hole")
    move = page.get_by_role("dialog", name="换到另一日")
    await move.get_by_role("button", name="换到这一日").click()
    await expect(move).to_be_hidden()
    await expect(page.locator(scene.cell(10))).to_contain_text("郑国栋")
    await expect(page.locator(scene.cell(3))).to_contain_text("空缺")

    # Another seat takes no leader: nothing is asked, nothing changes.
    await page.drag_and_drop(f"{scene.cell(10)} .turn", f"{scene.cell(10, 'operator_primary')} .hole")
    await expect(page.get_by_role("dialog")).to_have_count(0)
    assert await scene.planned(10, "operator_primary") == []
    assert window.complaints == []


async def test_what_somebody_else_changed_is_said_in_the_dialog(scene, window_of):
    await scene.draft(3, scene.bureau.desk_leader)
    pages = []
    for name in ("吴芳", "郑海涛"):
        page = await (await window_of("office", name=name)).new_page()
        await page.goto(scene.path)
        await page.locator(f"{scene.cell(3)} .turn").click()
        await expect(page.get_by_role("dialog")).to_be_visible()
        pages.append(page)
    for page, person in zip(pages, ("郑国栋", "孙丽华"), strict=True):
        await page.get_by_role("radio", name=person).check()
        await page.fill("#f-reason", "临时调整")
        await page.get_by_role("button", name="保存").click()
    await expect(pages[0].get_by_role("dialog")).to_be_hidden()
    await expect(pages[1].get_by_role("dialog")).to_contain_text("别人改动")
    await expect(pages[1].locator("#f-reason")).to_have_value("临时调整")
    assert await scene.planned(3) == [(scene.bureau.chief.id, True)]


async def test_the_table_can_be_changed_without_script(scene, window_of):
    await scene.draft(3, scene.bureau.desk_leader)
    window = await window_of("office", name="吴芳", java_script_enabled=False)
    page = await window.new_page()
    await page.goto(scene.path)
    await page.locator(f"{scene.cell(3)} .turn").click()
    await page.get_by_role("radio", name="郑国栋").check()
    await page.get_by_role("button", name="保存").click()
    await page.wait_for_url(f"**{scene.path}*")
    await expect(page.locator(scene.cell(3))).to_contain_text("郑国栋")
