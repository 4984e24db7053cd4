"""Takes pictures of the demonstration's pages, in the sizes they are used in, into look/.

make look                       the pages in PAGES and the phones
make look ARGS="/ /desk"        these pages

Two incidents are logged first, so that there is something to see: one whose phone report is overdue,
and one that came with it.
"""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from datetime import UTC, datetime, timedelta
from pathlib import Path

from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parents[1]
OUT = ROOT / "look"
PAGES = ["/desk", "/incidents/new", "/incidents/{year}-0001", "/incidents/{year}-0002"]
SIZES = {"desk": (1366, 768), "wall": (1920, 1080), "phone": (390, 844)}
READY_WITHIN = 60  # seconds


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


def main(pages: list[str]) -> None:
    """Start it in an empty folder, look at it, stop it."""
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
            log_incidents(address, re.search(r"dd_[\w-]+", (OUT / "demo.log").read_text()).group())
            time.sleep(4)  # the first messages arrive
            shoot(address, [page.format(year=datetime.now(UTC).year) for page in pages], chromium)
            shoot(f"http://127.0.0.1:{port + 1}", ["/"], chromium, "phones")
        finally:
            if program.poll() is None:
                os.killpg(program.pid, signal.SIGTERM)
            try:
                program.wait(10)
            except subprocess.TimeoutExpired:
                os.killpg(program.pid, signal.SIGKILL)


def log_incidents(address: str, token: str) -> None:
    """Log what the pictures show."""
    now = datetime.now(UTC)
    overdue = {
        "title": "机关食堂疑似食物中毒",
        "category": "public_health",
        "unit": "canteen",
        "occurred_at": (now - timedelta(minutes=21)).isoformat(),
        "place": "机关大院一号食堂",
        "source": "食堂值班员",
        "narrative": "早餐后陆续有人呕吐、腹泻，人数正在核实。",
    }
    reported = {
        "title": "办公楼地下车库进水",
        "category": "natural_disaster",
        "grade": "major",
        "unit": "property",
        "occurred_at": (now - timedelta(minutes=12)).isoformat(),
        "place": "二号办公楼地下一层",
        "source": "物业巡查",
        "reports": [
            {
                "kind": "phone",
                "reported_at": (now - timedelta(minutes=3)).isoformat(),
                "reporter": "彭雪",
                "reporter_phone": "+8613800010020",
                "content": "积水约十厘米，正在排水，无人员被困。",
            }
        ],
    }
    for body in (overdue, reported):
        request = urllib.request.Request(
            f"{address}/api/v1/incidents",
            json.dumps(body).encode(),
            {"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
        )
        urllib.request.urlopen(request, timeout=10).close()


def shoot(address: str, pages: list[str], chromium: str, called: str = "") -> None:
    """One picture for each page and size; says what a page complained of."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        for size, (width, height) in SIZES.items():
            context = browser.new_context(viewport={"width": width, "height": height}, locale="zh-CN")
            page = context.new_page()
            page.on(
                "console",
                lambda message: message.type in {"error", "warning"} and print("  page:", message.text),
            )
            page.on("pageerror", lambda error: print("  page:", error))
            for path in pages:
                # An open event stream never lets the network go idle.
                answer = page.goto(address + path, wait_until="load")
                page.wait_for_timeout(500)
                name = f"{called or path.strip('/').replace('/', '-') or 'home'}.{size}.png"
                page.screenshot(path=OUT / name, full_page=size == "phone" or path != "/desk")
                print(answer.status if answer else "-", path, f"look/{name}")
        browser.close()


if __name__ == "__main__":
    main(sys.argv[1:] or PAGES)
