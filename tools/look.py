"""Takes pictures of the demonstration's pages, in the sizes they are used in, into look/.

make look                        every page in PAGES, light; the phones; the documents where LibreOffice is
make look ARGS="dark en"         dark, in English
make look ARGS="/desk /wall"     these pages
make look ARGS="readme"          the pictures of the README, into docs/

A story is played first, through the pages and the API, so that there is something to see.
"""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from playwright.sync_api import APIRequestContext, Browser, Page, sync_playwright

from dutydesk.demo import ACCOUNTS, OPERATOR, PASSWORD

ROOT = Path(__file__).resolve().parents[1]
OUT = ROOT / "look"
SIZES = {"desk": (1366, 768), "wall": (1920, 1080), "phone": (390, 844)}
READY_WITHIN = 60  # seconds
# Whoever leads tonight is found out when the story begins.
LEADER, UNIT, ADMINISTRATOR, AUDITOR = "leader", "wangxiaoming", "guanli", "shenji"
# Who looks at which page; {fire} and {flood} are the numbers of the two incidents of the story.
PAGES = (
    ("", "/signin"),
    (OPERATOR, "/desk"),
    (OPERATOR, "/wall"),
    (OPERATOR, "/phone"),
    (OPERATOR, "/incidents"),
    (OPERATOR, "/incidents/{fire}"),
    (OPERATOR, "/incidents/{flood}"),
    (OPERATOR, "/incidents/{fire}/correct"),
    (OPERATOR, "/incidents/{fire}/regrade"),
    (OPERATOR, "/incidents/{fire}/papers/new"),
    (OPERATOR, "/papers"),
    (OPERATOR, "/papers/1"),
    (OPERATOR, "/papers/1/edit"),
    (OPERATOR, "/papers/1/print"),
    (OPERATOR, "/log"),
    (OPERATOR, "/search?q=食堂"),
    (OPERATOR, "/settings"),
    (OPERATOR, "/settings/rules"),
    (OPERATOR, "/settings/ladders"),
    (OPERATOR, "/settings/preview"),
    (OPERATOR, "/settings/providers"),
    (OPERATOR, "/account"),
    (LEADER, "/my"),
    (UNIT, "/incidents"),
    (UNIT, "/incidents/{fire}"),
    (ADMINISTRATOR, "/settings/accounts"),
    (ADMINISTRATOR, "/settings/tokens"),
    (AUDITOR, "/settings/audit"),
)
README = (
    (OPERATOR, "/desk", "desk", "board.png"),
    (OPERATOR, "/incidents/{fire}", "desk", "incident.png"),
    (LEADER, "/my", "phone", "leader.png"),
)


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def wait_for(url: str, program: "subprocess.Popen[bytes]") -> None:
    """Return when the service answers."""
    until = time.monotonic() + READY_WITHIN
    while time.monotonic() < until:
        if program.poll() is not None:
            sys.exit("dutydesk: the demonstration ended before it answered; its words are in look/demo.log")
        try:
            urllib.request.urlopen(url, timeout=2).close()
        except OSError:
            time.sleep(0.2)
        else:
            return
    sys.exit("dutydesk: the demonstration did not answer; its words are in look/demo.log")


def main(asked: list[str]) -> None:
    """Start it in an empty folder, play the story, look at it, stop it."""
    OUT.mkdir(exist_ok=True)
    chromium = os.environ.get("DUTYDESK_TEST_CHROMIUM") or (ROOT / ".state" / "chromium").read_text().strip()
    address = f"http://127.0.0.1:{(port := free_port())}"
    command = [str(Path(sys.executable).parent / "dutydesk"), "demo", "--port", str(port)]
    with tempfile.TemporaryDirectory() as folder, (OUT / "demo.log").open("wb") as log:
        program = subprocess.Popen(
            command, cwd=folder, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
        )
        try:
            wait_for(f"{address}/healthz", program)
            token = re.search(r"dd_[\w-]+", (OUT / "demo.log").read_text())
            with sync_playwright() as playwright:
                arguments = ["--no-sandbox", "--disable-gpu"]
                browser = playwright.chromium.launch(executable_path=chromium, args=arguments)
                look(browser, address, token.group() if token else "", asked)
                browser.close()
        finally:
            if program.poll() is None:
                os.killpg(program.pid, signal.SIGTERM)
            try:
                program.wait(10)
            except subprocess.TimeoutExpired:
                os.killpg(program.pid, signal.SIGKILL)


def look(browser: Browser, address: str, token: str, asked: list[str]) -> None:
    """Play the story and take the pictures that were asked for."""
    tell = Teller(browser, address, token)
    numbers = tell.story()
    if "readme" in asked:
        for who, path, size, name in README:
            page = tell.window(who, size)
            shoot(page, address + path.format(**numbers), ROOT / "docs" / name)
        return
    cookies = {
        "theme": "dark" if "dark" in asked else "light",
        "language": "en" if "en" in asked else "zh-CN",
    }
    wanted = [one for one in asked if one.startswith("/")]
    pages = [(who, path) for who, path in PAGES if not wanted or path in wanted]
    pages += [(OPERATOR, path) for path in wanted if path not in {path for _, path in PAGES}]
    for size in SIZES:
        windows: dict[str, Page] = {}
        for who, path in pages:
            if who not in windows:
                windows[who] = tell.window(who, size, **cookies)
            name = re.sub(r"\W+", "-", path.format(fire="fire", flood="flood").strip("/")) or "home"
            shoot(
                windows[who], address + path.format(**numbers), OUT / f"{name}.{who or 'nobody'}.{size}.png"
            )
    phones = tell.window("", "desk")
    shoot(phones, re.sub(r"\d+$", lambda port: str(int(port[0]) + 1), address), OUT / "phones.png")
    documents(tell.requests(OPERATOR))


def shoot(page: Page, address: str, file: Path) -> None:
    """Take one picture; an open event stream never lets the network go idle, so wait a moment instead."""
    answer = page.goto(address, wait_until="load")
    page.wait_for_timeout(700)
    whole = "/wall" not in address and "docs" not in file.parent.parts
    page.screenshot(path=file, full_page=whole)
    print(
        answer.status if answer else "-", address.partition("//")[2].partition("/")[2], file.relative_to(ROOT)
    )


def documents(requests: APIRequestContext) -> None:
    """Turn the story's document into pictures, where LibreOffice and pdftoppm are installed."""
    answer = requests.get("/papers/1/document.docx")
    if not answer.ok:
        print(answer.status, "/papers/1/document.docx")
        return
    (OUT / "paper.docx").write_bytes(answer.body())
    office, painter = shutil.which("soffice") or shutil.which("libreoffice"), shutil.which("pdftoppm")
    if office and painter:
        for command in (
            [office, "--headless", "--convert-to", "pdf", "--outdir", str(OUT), str(OUT / "paper.docx")],
            [painter, "-r", "60", "-png", str(OUT / "paper.pdf"), str(OUT / "paper")],
        ):
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        print("look/paper-*.png")


class Teller:
    """Somebody at each of the demonstration's accounts."""

    def __init__(self, browser: Browser, address: str, token: str) -> None:
        self._browser, self._address = browser, address
        self._api = {"Authorization": f"Bearer {token}"}
        held = self.requests("").get("/api/v1/on-duty?unit=desk", headers=self._api).json()["seats"]
        on_duty = {one["person"]["name"] for one in held if one["seat"] == "leader"}
        self._leader = next(login for login, name, *_ in ACCOUNTS if name in on_duty)

    def window(self, who: str, size: str = "desk", **cookies: str) -> Page:
        """Open a window of that size, signed in as *who*; what its pages complain of is printed."""
        width, height = SIZES[size]
        context = self._browser.new_context(
            base_url=self._address,
            viewport={"width": width, "height": height},
            locale="zh-CN",
            timezone_id="Asia/Shanghai",
        )
        context.add_cookies(
            [{"name": name, "value": value, "url": self._address} for name, value in cookies.items()]
        )
        page = context.new_page()
        page.on("console", lambda said: said.type == "error" and print("  page:", said.text))
        page.on("pageerror", lambda error: print("  page:", error))
        if who:
            page.goto("/signin")
            page.fill("#f-login", self._leader if who == LEADER else who)
            page.fill("#f-password", PASSWORD)
            page.press("#f-password", "Enter")
            page.wait_for_load_state()
        return page

    def requests(self, who: str) -> APIRequestContext:
        """Return requests with the cookies of somebody who is signed in."""
        return self.window(who).context.request

    def _post(self, path: str, body: dict[str, Any]) -> Any:
        answer = self.requests("").post(f"/api/v1/{path}", data=body, headers=self._api)
        if not answer.ok:
            print(answer.status, path, answer.text()[:300])
        return answer.json()

    def story(self) -> dict[str, str]:
        """Log a fire that is overdue and a flood that is reported, with what comes after; return their numbers."""
        now = datetime.now(UTC)

        def ago(minutes: float) -> str:
            return (now - timedelta(minutes=minutes)).isoformat()

        fire = self._post(
            "incidents",
            {
                "title": "机关食堂后厨配电室起火",
                "category": "accident",
                "suspected": True,
                "unit": "canteen",
                "occurred_at": ago(21),
                "place": "机关大院一号食堂一层后厨",
                "source": "食堂值班员",
                "narrative": "配电室冒烟起明火，人员已疏散，伤亡正在核实。",
            },
        )["number"]
        flood = self._post(
            "incidents",
            {
                "title": "办公楼地下车库进水",
                "category": "natural_disaster",
                "grade": "major",
                "unit": "property",
                "occurred_at": ago(12),
                "place": "二号办公楼地下一层",
                "source": "物业巡查",
                "narrative": "暴雨倒灌，积水约十厘米，正在排水，无人员被困。",
                "reports": [
                    {
                        "kind": "phone",
                        "reported_at": ago(3),
                        "reporter": "彭雪",
                        "reporter_phone": "+8613800010020",
                        "content": "积水约十厘米，正在排水，无人员被困。",
                    }
                ],
            },
        )["number"]
        harmed = {"as_of": ago(1), "badly_injured": 1, "slightly_injured": 2, "evacuated": 46}
        self._post(f"incidents/{fire}/casualties", harmed)
        page = self.window(OPERATOR)
        page.goto(f"/incidents/{fire}/papers/new")
        page.locator("main form button[type=submit]").first.click()
        page.wait_for_load_state()
        page.goto("/desk")
        page.wait_for_timeout(4000)  # the first messages arrive
        return {"fire": fire, "flood": flood}


if __name__ == "__main__":
    main(sys.argv[1:])
