"""Takes pictures of the demonstration's pages, in the sizes they are used in, into look/.

make look                       the pages in PAGES
make look ARGS="/ /desk"        these pages
"""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parents[1]
OUT = ROOT / "look"
PAGES = ["/", "/desk", "/simulator"]
SIZES = {"desk": (1366, 768), "phone": (390, 844)}
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
            shoot(address, pages, chromium)
        finally:
            if program.poll() is None:
                os.killpg(program.pid, signal.SIGTERM)
            try:
                program.wait(10)
            except subprocess.TimeoutExpired:
                os.killpg(program.pid, signal.SIGKILL)


def shoot(address: str, pages: list[str], chromium: str) -> None:
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
                name = f"{path.strip('/').replace('/', '-') or 'home'}.{size}.png"
                page.screenshot(path=OUT / name, full_page=True)
                print(answer.status if answer else "-", path, f"look/{name}")
        browser.close()


if __name__ == "__main__":
    main(sys.argv[1:] or PAGES)
