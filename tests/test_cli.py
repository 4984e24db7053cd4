"""The commands as they are typed: what they print, and with what code they end."""

import asyncio
import os
import re
import shutil
import socket
import sys
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import httpx2
import pytest
from sqlalchemy import text, update

from dutydesk import __version__, demo
from dutydesk.accounts.actions import actor_for_token
from dutydesk.accounts.signing import Lifetime, actor_for_cookie, sign_in
from dutydesk.audit.actions import record
from dutydesk.audit.ticks import seal
from dutydesk.clock import SystemClock
from dutydesk.people.actions import disable_contact
from dutydesk.people.model import ContactPoint, Post
from dutydesk.people.queries import all_contacts
from dutydesk.rosters.queries import list_shifts, stored_shift
from dutydesk.serving import is_loopback_address
from dutydesk.settings import Settings
from dutydesk.wiring import sending_mode
from tests.builders import build_bureau

DUTYDESK = (sys.executable, "-c", "from dutydesk.cli import main; main()")
ROOT = Path(__file__).parents[1]
REAL = {
    "SEND_FOR_REAL": "true",
    "SECRET_KEY": "a-key",
    "PUBLIC_URL": "https://desk.example.org",
    "TWILIO__ACCOUNT_SID": "AC1",
    "TWILIO__AUTH_TOKEN": "t",
    "TWILIO__FROM_NUMBER": "+15005550006",
}
TWO_NUMBERS = {"LAST_RESORT": "+8613900000001, +8613900000002"}


@dataclass
class Said:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()


async def dutydesk(*arguments: str, **environment: str) -> Said:
    """Run a command as its user does; *environment* without the prefix."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("DUTYDESK_")}
    process = await asyncio.create_subprocess_exec(
        *DUTYDESK,
        *arguments,
        env=clean | {f"DUTYDESK_{name}": value for name, value in environment.items()},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd=ROOT,
    )
    out, err = await process.communicate()
    return Said(process.returncode, out.decode(), err.decode())


@pytest.fixture
def command(database_url):
    """Run a command on the test's database."""

    async def run(*arguments, **environment):
        return await dutydesk(*arguments, **{"DATABASE_URL": database_url} | environment)

    return run


def now() -> datetime:
    return SystemClock().now()


# ── the schema ───────────────────────────────────────────────────────────────────────────────


async def test_an_empty_database_is_refused_upgraded_and_then_current(empty_database_url):
    before = await dutydesk("db", "check", DATABASE_URL=empty_database_url)
    assert before.code == 2
    assert "run `dutydesk db upgrade` first" in before.err
    for _ in range(2):
        done = await dutydesk("db", "upgrade", DATABASE_URL=empty_database_url)
        assert (done.code, done.out) == (0, "the database is current\n")
    assert (await dutydesk("db", "check", DATABASE_URL=empty_database_url)).code == 0


async def test_a_database_of_a_newer_version_is_refused_by_every_command(command, db):
    async with db.write() as session:
        await session.exec(text("UPDATE alembic_version SET version_num = 'from_the_future'"))
    for arguments in (("who",), ("db", "upgrade"), ("serve", "--port", "1")):
        said = await command(*arguments)
        assert said.code == 2, arguments
        assert "newer version of dutydesk" in said.err


async def test_a_schema_that_differs_from_the_models_is_named(command, db):
    async with db.write() as session:
        await session.exec(text("ALTER TABLE person ADD COLUMN nickname VARCHAR"))
    said = await command("db", "check")
    assert said.code == 2
    assert "nickname" in said.err


async def test_a_database_url_of_another_kind_is_refused():
    said = await dutydesk("who", DATABASE_URL="mysql://x")
    assert (said.code, said.out) == (2, "")
    assert "DUTYDESK_DATABASE_URL" in said.err
    assert "Traceback" not in said.err


# ── tokens ───────────────────────────────────────────────────────────────────────────────────


async def test_a_token_is_printed_alone_on_the_last_line_and_works(command, db):
    said = await command("token", "create", "--name", "大屏", "--role", "operator")
    assert (said.code, said.err) == (0, "")
    assert re.fullmatch(r"dd_[\w-]{43}", said.lines[-1])
    async with db.read() as session:
        actor = await actor_for_token(session, said.lines[-1], now())
    assert (actor.name, actor.role) == ("大屏", "operator")


async def test_a_token_without_its_unit_or_with_an_unknown_role_is_refused(command):
    for arguments in (("--role", "unit"), ("--role", "king"), ("--role", "unit", "--unit", "nowhere")):
        said = await command("token", "create", "--name", "x", *arguments)
        assert (said.code, said.out) == (1, "")
        assert said.err
        assert "Traceback" not in said.err


async def test_tokens_are_listed_and_revoked_by_number(command, db):
    plain = (await command("token", "create", "--name", "大屏", "--role", "operator")).lines[-1]
    await command("token", "create", "--name", "审计", "--role", "auditor")
    said = await command("token", "list")
    assert said.lines == ["2  auditor  valid  审计", "1  operator  valid  大屏"]
    assert plain not in said.out
    said = await command("token", "revoke", "1")
    assert (said.code, said.out) == (0, "token 1 is revoked\n")
    async with db.read() as session:
        assert await actor_for_token(session, plain, now()) is None
    assert "1  operator  ended  大屏" in (await command("token", "list")).lines
    said = await command("token", "revoke", "9")
    assert (said.code, said.out, "Traceback" in said.err) == (1, "", False)


# ── accounts ─────────────────────────────────────────────────────────────────────────────────


async def test_an_account_is_made_with_a_password_for_one_sign_in_alone_on_the_last_line(command, db):
    await build_bureau(db, now())
    said = await command(
        "user", "add", "--login", "canteen", "--name", "李强", "--role", "unit", "--unit", "canteen"
    )
    assert (said.code, said.err) == (0, "")
    assert re.fullmatch(r"[a-z0-9]{4}(-[a-z0-9]{4}){3}", said.lines[-1])
    cookie = await sign_in(db, now(), "canteen", said.lines[-1], "127.0.0.1", "")
    actor, must_change = await actor_for_cookie(
        db, cookie, now(), Lifetime(timedelta(hours=1), timedelta(days=1))
    )
    assert (actor.name, actor.role, actor.unit_id is not None, must_change) == ("李强", "unit", True, True)


async def test_what_is_wrong_with_an_account_is_said(command):
    await command("user", "add", "--login", "guanli", "--name", "管理", "--role", "administrator")
    for wrong in (
        ("--login", "guanli", "--name", "别人", "--role", "operator"),
        ("--login", "Guan Li", "--name", "别人", "--role", "operator"),
        ("--login", "shenji", "--name", "管理", "--role", "auditor"),
        ("--login", "danwei", "--name", "单位", "--role", "unit"),
        ("--login", "danwei", "--name", "单位", "--role", "unit", "--unit", "nowhere"),
    ):
        said = await command("user", "add", *wrong)
        assert (said.code, said.out, "Traceback" in said.err) == (1, "", False), wrong
        assert said.err


async def test_a_password_is_reset_at_the_machine_also_an_auditors(command, db):
    first = await command("user", "add", "--login", "shenji", "--name", "审计", "--role", "auditor")
    again = await command("user", "reset", "--login", "shenji")
    assert again.code == 0
    assert await sign_in(db, now(), "shenji", first.lines[-1], "127.0.0.1", "") is None
    assert isinstance(await sign_in(db, now(), "shenji", again.lines[-1], "127.0.0.1", ""), str)
    said = await command("user", "reset", "--login", "nobody")
    assert (said.code, said.out) == (1, "")


async def test_the_table_of_permissions_needs_no_database():
    said = await dutydesk("permissions", DATABASE_URL="sqlite+aiosqlite:////nowhere/x.db")
    assert (said.code, "| `GET /desk` | board:read |" in said.out) == (0, True)


# ── who, preview ─────────────────────────────────────────────────────────────────────────────


async def test_who_says_who_holds_which_seat(command, db):
    bureau = await build_bureau(db, now())
    said = await command("who", "--unit", "desk")
    assert said.code == 0
    assert bureau.desk_leader.name in said.out
    assert bureau.canteen_leader.name not in said.out
    assert bureau.canteen_leader.name in (await command("who")).out


async def test_who_asks_at_a_time_in_site_time(command, db):
    bureau = await build_bureau(db, now())
    far = (now() + timedelta(days=60)).strftime("%Y-%m-%d %H:%M")
    assert bureau.desk_leader.name not in (await command("who", "--at", far)).out
    said = await command("who", "--at", "tomorrow")
    assert (said.code, said.out) == (1, "")
    assert "--at" in said.err


async def test_a_preview_says_who_in_which_order_by_which_number_with_what_words(command, db):
    bureau = await build_bureau(db, now())
    said = await command("preview", "--rule", "49.1", "--unit", "canteen")
    assert said.code == 0
    rows = [line for line in said.lines if bureau.canteen_operator.name in line]
    assert bureau.canteen_operator.mobile in rows[0]
    order = [said.out.index(one.name) for one in (bureau.canteen_operator, bureau.desk_leader, bureau.chief)]
    assert order == sorted(order)
    assert any("无应答后第1顺位" in line for line in said.lines)
    assert "【市机关局值班室】示例-0001机关食堂首报（电话）" in said.out
    assert f"请{bureau.canteen_operator.name}接听" in said.out


async def test_a_preview_of_a_rule_without_a_clock_or_of_none_says_so(command, db):
    await build_bureau(db, now())
    without = await command("preview", "--rule", "19", "--unit", "canteen")
    assert (without.code, without.out) == (1, "")
    assert "no limit" in without.err
    assert (await command("preview", "--rule", "99", "--unit", "canteen")).code == 1


# ── check ────────────────────────────────────────────────────────────────────────────────────


async def test_check_fails_without_real_sending_and_says_so(command, db):
    await build_bureau(db, now())
    said = await command("check")
    assert said.code == 1
    assert any(line.startswith("FAIL") and "未启用真实发送" in line for line in said.lines)
    assert any(line.startswith("FAIL") and "last resort" in line for line in said.lines)


async def confirm_numbers(db, *but: int) -> None:
    """Have everybody's number confirmed a week ago, except that of these persons."""
    async with db.write() as session:
        await session.exec(update(ContactPoint).values(confirmed_at=now() - timedelta(days=7)))
        await session.exec(
            update(ContactPoint).where(ContactPoint.person_id.in_(but)).values(confirmed_at=None)
        )


async def test_check_is_content_with_a_bureau_that_can_really_be_told(command, db):
    await build_bureau(db, now())
    await confirm_numbers(db)
    said = await command("check", **REAL, **TWO_NUMBERS)
    assert (said.code, [line for line in said.lines if line.startswith("FAIL")]) == (0, [])


async def test_check_names_an_empty_seat_and_a_person_without_a_number(command, db):
    bureau = await build_bureau(db, now(), until=now() + timedelta(hours=18))
    async with db.write() as session:
        points = (await all_contacts(session, [bureau.desk_leader.id]))[bureau.desk_leader.id]
        await disable_contact(session, now(), "test", points[0].id, "wrong number")
    said = await command("check", **REAL, **TWO_NUMBERS)
    assert said.code == 1
    assert any(
        line.startswith("FAIL") and f"{bureau.desk_leader.name}: no usable number" in line
        for line in said.lines
    )
    assert any(line.startswith("FAIL") and line.endswith(": empty") for line in said.lines)


async def test_check_looks_at_every_unit_not_only_at_the_desk(command, db):
    bureau = await build_bureau(db, now())
    await confirm_numbers(db, bureau.motor_operator.id)
    async with db.write() as session:
        shifts = await list_shifts(session, unit_id=bureau.canteen.id)
        for shift in [one for one in shifts if one.seat == "leader"]:
            (await stored_shift(session, shift.id)).state = "cancelled"
    said = await command("check", **REAL, **TWO_NUMBERS)
    assert said.code == 1
    failed = [line for line in said.lines if line.startswith("FAIL")]
    assert any("seat canteen leader" in line and line.endswith(": empty") for line in failed)
    assert any(f"{bureau.motor_operator.name}: no number confirmed" in line for line in failed)
    assert not any(bureau.desk_operator.name in line for line in failed)


async def test_check_names_a_unit_that_nobody_answers_for(command, db):
    bureau = await build_bureau(db, now())
    await confirm_numbers(db)
    async with db.write() as session:
        await session.exec(update(Post).where(Post.unit_id == bureau.motor.id).values(until_at=now()))
    said = await command("check", **REAL, **TWO_NUMBERS)
    assert said.code == 1
    assert any("head of motor" in line for line in said.lines if line.startswith("FAIL"))
    assert any("roster of motor" in line for line in said.lines if line.startswith("FAIL"))


async def test_check_without_a_desk_says_what_to_do(command):
    said = await command("check")
    assert said.code == 1
    assert "there is no desk" in said.out


# ── the audit trail ──────────────────────────────────────────────────────────────────────────


async def sealed(db, count: int) -> None:
    async with db.write() as session:
        for number in range(count):
            record(session, now(), "test", "thing.done", f"thing:{number}")
    await seal(db, now())


async def test_the_audit_trail_is_verified_against_its_end(command, db):
    await sealed(db, 3)
    said = await command("audit", "verify")
    assert said.code == 0
    head = re.search(r"head (3:[0-9a-f]{64})", said.out)[1]
    await sealed(db, 1)
    assert (await command("audit", "verify", "--head", head)).code == 0
    wrong = await command("audit", "verify", "--head", "9:" + "0" * 64)
    assert (wrong.code, "BROKEN" in wrong.out) == (1, True)
    broken = await command("audit", "verify", "--head", "nonsense")
    assert (broken.code != 0, "Traceback" in broken.err) == (True, False)


async def test_an_edited_entry_is_found(command, db):
    await sealed(db, 3)
    async with db.write() as session:
        await session.exec(text("UPDATE audit_entry SET actor = 'somebody else' WHERE seal_number = 2"))
    said = await command("audit", "verify")
    assert said.code == 1
    assert "BROKEN" in said.out
    assert "entry 2" in said.out


# ── refusing to start ────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("host", "own"),
    [
        ("127.0.0.1", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("::", False),
        ("192.168.1.5", False),
        ("desk.example", False),
    ],
)
def test_only_loopback_is_this_machines_own_address(host, own):
    assert is_loopback_address(host) is own


@asynccontextmanager
async def serving(database_url, *arguments):
    """Serve as its user does, and yield what is printed line by line; it ends when the test does."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = str(found.getsockname()[1])
    clean = {name: value for name, value in os.environ.items() if not name.startswith("DUTYDESK_")}
    process = await asyncio.create_subprocess_exec(
        *DUTYDESK,
        "serve",
        "--port",
        port,
        *arguments,
        env=clean | {"DUTYDESK_DATABASE_URL": database_url, "PYTHONUNBUFFERED": "1"},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        cwd=ROOT,
    )
    try:
        yield process.stdout
    finally:
        process.terminate()
        await process.communicate()


async def line_with(lines, words: str) -> str:
    """Return the next printed line with these words in it; fail where the printing ends without one."""
    while line := (await lines.readline()).decode():
        if words in line:
            return line
    pytest.fail(f"nothing was said about {words!r}")


async def test_a_new_installation_prints_how_to_make_its_administrator_and_later_not(database_url, command):
    async with serving(database_url) as lines:
        first = await line_with(lines, "dutydesk on http://127.0.0.1:")
        code = re.search(r"the code ([\w-]{12,})$", (await line_with(lines, "administrator")).strip())[1]
        address = re.search(r"http://\S+", first)[0]
        async with httpx2.AsyncClient() as browser:
            page = (await browser.get(f"{address}setup")).text
        assert 'name="code"' in page
        assert code not in page
    await command("user", "add", "--login", "guanli", "--name", "管理", "--role", "administrator")
    async with serving(database_url, "--host", "localhost") as lines:
        await line_with(lines, "dutydesk on http://localhost:")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(line_with(lines, "setup"), 0.5)


async def test_a_service_for_the_network_says_that_passwords_need_https(database_url):
    async with serving(database_url, "--host", "0.0.0.0") as lines:
        assert "https" in await line_with(lines, "passwords travel unprotected")


async def test_a_broken_configuration_is_refused_with_everything_that_is_wrong(tmp_path, command):
    config = tmp_path / "config"
    shutil.copytree(ROOT / "config", config)
    rulebook = config / "rulebook.toml"
    rulebook.write_text(
        rulebook.read_text().replace('limit = "20 min"', 'limit = "soon"', 1), encoding="utf-8"
    )
    ladders = config / "ladders.toml"
    ladders.write_text(
        ladders.read_text().replace('"unit:head", "desk:chief"', '"unit:cook"', 1), encoding="utf-8"
    )
    said = await command("check", CONFIG_DIR=str(config))
    assert said.code == 2
    assert "soon" in said.err
    assert "unit:cook" in said.err
    assert "Traceback" not in said.err


async def test_a_wrong_setting_is_named(command):
    said = await command("who", SITE_TIMEZONE="Mars/Olympus", SEND_FOR_REAL="perhaps")
    assert said.code == 2
    assert "DUTYDESK_SITE_TIMEZONE" in said.err
    assert "DUTYDESK_SEND_FOR_REAL" in said.err


async def test_real_sending_without_numbers_of_last_resort_is_refused(command):
    for numbers in ({}, {"LAST_RESORT": "+8613900000001"}):
        said = await command("who", **REAL, **numbers)
        assert said.code == 2
        assert "DUTYDESK_LAST_RESORT" in said.err


async def test_real_sending_without_its_secrets_names_all_of_them(command):
    said = await command("who", SEND_FOR_REAL="true", **TWO_NUMBERS)
    assert said.code == 2
    for name in ("SECRET_KEY", "ACCOUNT_SID", "AUTH_TOKEN", "FROM_NUMBER"):
        assert name in said.err


async def test_a_web_node_alone_on_sqlite_is_refused(tmp_path, sqlite_template):
    url = sqlite_template.copy_to(tmp_path)
    said = await dutydesk("serve", "--no-worker", DATABASE_URL=url)
    assert said.code == 2
    assert "--no-worker" in said.err


def test_the_demonstration_never_really_sends_whatever_the_environment_says(monkeypatch, tmp_path, rulebook):
    for name, value in (REAL | TWO_NUMBERS | {"TWILIO__API_BASE_URL": "https://api.twilio.com"}).items():
        monkeypatch.setenv(f"DUTYDESK_{name}", value)
    monkeypatch.setenv("DUTYDESK_PROVIDERS__TWILIO__API_BASE_URL", "https://api.twilio.com")
    monkeypatch.setenv("DUTYDESK_PROVIDERS__TWILIO__ACCOUNT_SID", "AC1")
    assert Settings().send_for_real
    settings, _ = demo.demo_settings(tmp_path, 8000, 8001)
    assert not settings.send_for_real
    assert sending_mode(settings, rulebook) == "simulated"
    assert settings.secrets_of("twilio").api_base_url == "http://127.0.0.1:8001"


async def test_a_secret_may_come_from_a_file(tmp_path, command):
    (tmp_path / "sid").write_text("AC1\n")
    secrets = {name: value for name, value in REAL.items() if name != "TWILIO__ACCOUNT_SID"}
    said = await command("who", **secrets, **TWO_NUMBERS, TWILIO__ACCOUNT_SID_FILE=str(tmp_path / "sid"))
    assert (said.code, said.err) == (0, "")


async def test_the_version_and_the_openapi_document_need_no_database():
    assert (await dutydesk("version")).out.strip() == __version__
    said = await dutydesk("openapi", DATABASE_URL="sqlite+aiosqlite:////nowhere/x.db")
    assert (said.code, '"/api/v1/incidents"' in said.out) == (0, True)
