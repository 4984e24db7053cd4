"""The commands. Each opens what it needs, does one thing, and says plainly what is wrong."""

import asyncio
import json
import sys
from dataclasses import replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from sqlalchemy.exc import OperationalError

from dutydesk import __version__, checks, demo, serving
from dutydesk.account_commands import token, user
from dutydesk.accounts.permissions import permission_table
from dutydesk.accounts.queries import any_account
from dutydesk.audit.queries import verify
from dutydesk.bench.cli import app as bench
from dutydesk.clock import Clock, FastClock, SystemClock
from dutydesk.commands import UnitCode, of_the_application, run, say, with_site
from dutydesk.errors import DutydeskError, InvalidInputError, RefusedToStartError
from dutydesk.escalation.preview import lines as preview_lines
from dutydesk.escalation.preview import preview
from dutydesk.logs import configure_logs
from dutydesk.migrations import drift, upgrade
from dutydesk.roster_commands import roster
from dutydesk.rosters.views.lines import span_lines, who_lines
from dutydesk.settings import load_settings
from dutydesk.simulator.exchange import Owner
from dutydesk.simulator.serve import serve_simulator
from dutydesk.web.site import Site

app = typer.Typer(
    help="The duty room's desk: no report clock is ever forgotten.",
    no_args_is_help=True,
    add_completion=False,
)
database = typer.Typer(help="The database's schema.", no_args_is_help=True)
audit = typer.Typer(help="The audit trail.", no_args_is_help=True)
app.add_typer(database, name="db")
app.add_typer(token, name="token")
app.add_typer(audit, name="audit")
app.add_typer(user, name="user")
app.add_typer(roster, name="roster")
app.add_typer(bench, name="bench")

_console = Console(soft_wrap=True, highlight=False)
_REFUSED, _FAILED = 2, 1

Host = Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0 for every network of this machine.")]
When = Annotated[
    str | None, typer.Option("--at", help="Time, e.g. '2026-11-23 02:20' (site time); default: now.")
]


def main() -> None:
    """Run a command; expected failures become one plain message and an exit code."""
    try:
        app()
    except RefusedToStartError as error:
        print(error, file=sys.stderr)
        sys.exit(_REFUSED)
    except DutydeskError as error:
        print(error.detail, file=sys.stderr)
        sys.exit(_FAILED)
    except OperationalError as error:
        print(f"the database cannot be used: {str(error.orig).strip().splitlines()[0]}", file=sys.stderr)
        sys.exit(_REFUSED)


def _moment(text: str | None, site: Site, option: str = "--at") -> datetime:
    """Read a time; one without an offset is site time.

    Raises:
        InvalidInputError: when it is not a time.
    """
    if text is None:
        return site.clock.now()
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        message = f"{option}: {text!r} is not a time like '2026-11-23 02:20'"
        raise InvalidInputError(message) from error
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=site.zone)


@app.command()
def version() -> None:
    """Print the version."""
    say(__version__)


@app.command(name="serve")
def serve_command(
    host: Host = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535)] = 8000,
    no_worker: Annotated[bool, typer.Option("--no-worker", help="Only the web part (PostgreSQL).")] = False,
) -> None:
    """Serve the pages and the API, and keep the clocks."""
    configure_logs(json=not sys.stderr.isatty())
    settings = load_settings()
    loopback = serving.is_loopback_address(host)

    async def work() -> None:
        async with serving.opened(settings, SystemClock(), loopback=loopback) as wired:
            said = [f"dutydesk on http://{host}:{port}/ · sending: {wired.site.sending}"]
            if not loopback and settings.public_url.startswith("http://"):
                said.append(
                    "passwords travel unprotected: put a proxy with https before it (DUTYDESK_PUBLIC_URL)"
                )
            async with wired.site.db.read() as session:
                if not await any_account(session):
                    said.append(
                        f"make the first administrator: open /setup and type the code {wired.site.setup_code}"
                    )
            await serving.serve(wired, host, port, worker=not no_worker, ready=partial(say, *said))

    run(work())


@app.command(name="demo")
def demo_command(
    port: Annotated[int, typer.Option(min=1, max=65534, help="The phones are on the next one.")] = 8000,
    speed: Annotated[float, typer.Option(min=0.1, max=120, help="How much faster time runs.")] = 1.0,
    data: Annotated[Path, typer.Option(help="Where what was logged is kept.")] = Path(".state/demo"),
) -> None:
    """Start a believable bureau with its phones on this machine; nothing to configure."""
    configure_logs(level="WARNING")
    data.mkdir(parents=True, exist_ok=True)
    clock: Clock = SystemClock() if speed == 1.0 else FastClock(speed)  # noqa: PLR0133, RUF100
    run(_demo(data, port, clock, speed))


async def _demo(data: Path, port: int, clock: Clock, speed: float) -> None:
    settings, accounts = demo.demo_settings(data, port, port + 1)
    await upgrade(settings.database_url)
    stop = asyncio.Event()
    serving.stop_on_signals(stop)
    async with serving.opened(settings, clock) as opened:
        wired = replace(opened, site=replace(opened.site, demo_logins=demo.logins()))
        plain = await demo.seed(wired, clock)
        phones = asyncio.create_task(
            _phones(clock, port + 1, accounts, await demo.owners(wired), stop, settings.site_timezone)
        )
        try:
            await serving.serve(
                wired, "127.0.0.1", port, ready=partial(_welcome, port, plain, data, speed), stop=stop
            )
        finally:
            stop.set()
            await phones


async def _phones(
    clock: Clock, port: int, accounts: dict[str, str], owners: list[Owner], stop: asyncio.Event, zone: str
) -> None:
    try:
        await serve_simulator(clock, port=port, accounts=accounts, handsets=owners, stop=stop, zone=zone)
    except OSError as error:
        stop.set()
        message = f"port {port} (the phones) cannot be had: {error.strerror}. Try --port"
        raise RefusedToStartError(message) from error


def _welcome(port: int, plain: str, data: Path, speed: float) -> None:
    _console.print(
        f"""
[bold]dutydesk 演示已启动[/bold]  (Ctrl+C 停止;数据保存在 {data},再次启动接着走)

  值班台      http://127.0.0.1:{port}/      用户名 {demo.OPERATOR}  密码 {demo.PASSWORD}(其他身份见登录页)
  手机        http://127.0.0.1:{port + 1}/
  API 令牌    {plain}

试一试:
  1. 打开值班台,点“启用声音”;另开一个窗口看手机。
  2. 值班台“登记事件”:单位选机关食堂,事发时间填 19 分钟前,不填电话报告。
  3. 带班领导立即收到短信,1 分钟后来电;事发满 20 分钟,食堂值班员和领导的手机响起。
  4. 在手机页接听,听(看)到中文提示,按 1 确认;值班台显示谁、何时、因何被告知。
  5. 登记电话报告:首报(电话)停止并判定,首报(书面)继续计时。
  6. “值班排班待办”里,迎宾中心五天后值班空缺:点“去处理”补排,待办随即办结(办公室 wufang)。
  7. 随时 Ctrl+C 再启动:时限照走,一个不漏。
"""
        + (f"\n  时间快 {speed:g} 倍\n" if speed != 1.0 else ""),
        markup=True,
    )


@app.command(name="simulator")
def simulator_command(
    port: Annotated[int, typer.Option(min=1, max=65535)] = 4010,
    account_sid: Annotated[str, typer.Option()] = "AC" + "0" * 32,
    auth_token: Annotated[str, typer.Option()] = "simulator",  # noqa: S107 (the exchange on loopback guards nothing)
) -> None:
    """Run the telephone exchange alone, on loopback."""
    configure_logs(level="WARNING")
    settings = load_settings()

    async def work() -> None:
        stop = asyncio.Event()
        serving.stop_on_signals(stop)
        say(
            f"phones: http://127.0.0.1:{port}/",
            f"DUTYDESK_TWILIO__API_BASE_URL=http://127.0.0.1:{port}",
            f"DUTYDESK_TWILIO__ACCOUNT_SID={account_sid}",
            f"DUTYDESK_TWILIO__AUTH_TOKEN={auth_token}",
        )
        await _phones(SystemClock(), port, {account_sid: auth_token}, [], stop, settings.site_timezone)

    run(work())


@database.command(name="upgrade")
def db_upgrade() -> None:
    """Bring the schema to this version of dutydesk."""
    settings = load_settings()
    run(upgrade(settings.database_url))
    say("the database is current")


@database.command(name="check")
def db_check() -> None:
    """Say whether the schema is current, and whether it differs from the models."""
    settings = load_settings()

    async def work() -> None:
        async with serving.opened(settings, SystemClock()):
            pass
        found = await drift(settings.database_url)
        if found:
            raise RefusedToStartError("\n".join(["the schema differs from the models:", *found]))

    run(work())
    say("the database is current")


@app.command()
def who(
    at: When = None,
    unit: UnitCode = None,
    from_at: Annotated[
        str | None, typer.Option("--from", help="The beginning of a span, as --at; with --until.")
    ] = None,
    until_at: Annotated[str | None, typer.Option("--until", help="The end of a span, as --at.")] = None,
) -> None:
    """Print who really holds which seat, or who held it from --from to --until."""
    if (from_at is None) != (until_at is None) or (at is not None and from_at is not None):
        message = "give --at, or both --from and --until"
        raise InvalidInputError(message)

    async def work(site: Site) -> list[str]:
        async with site.db.read() as session:
            if from_at is not None:
                start, end = _moment(from_at, site, "--from"), _moment(until_at, site, "--until")
                return await span_lines(session, site, start, end, unit)
            return await who_lines(session, _moment(at, site), unit, site.zone)

    say(*with_site(work))


@app.command(name="preview")
def preview_command(
    rule: Annotated[str, typer.Option(help="The rule's id, e.g. 49.1.")],
    at: When = None,
    unit: UnitCode = None,
) -> None:
    """Print who would be called if a clock began at that time, in which order, by which number, with what words."""

    async def work(site: Site) -> list[str]:
        async with site.db.read() as session:
            chosen = await checks.preview_unit(session, unit)
            rows = await preview(session, site, rule, _moment(at, site), chosen)
        return [f"{chosen.name} · {rule} · {_moment(at, site):%Y-%m-%d %H:%M:%S}", *preview_lines(rows, site)]

    say(*with_site(work))


@app.command()
def check() -> None:
    """Check config, database, providers, clock, seats and whether people can be reached."""

    async def work(site: Site) -> list[checks.Finding]:
        return await checks.findings(site)

    found = with_site(work)
    for finding in found:
        say(f"{'ok  ' if finding.ok else 'FAIL'}  {finding.about}: {finding.text}")
    if not all(finding.ok for finding in found):
        raise typer.Exit(_FAILED)


@audit.command(name="verify")
def audit_verify(
    head: Annotated[
        str | None, typer.Option(help="An end of the chain that was noted earlier, 'N:hash'.")
    ] = None,
) -> None:
    """Walk the whole audit trail and say whether anything was edited, removed or cut off."""

    async def work(site: Site) -> tuple[bool, str]:
        async with site.db.read() as session:
            found = await verify(session, head)
        if found.broken is not None:
            return False, f"BROKEN: {found.broken}"
        return True, f"{found.entries} entries hold · {found.unsealed} wait to be sealed · head {found.head}"

    ok, said = with_site(work)
    say(said)
    if not ok:
        raise typer.Exit(_FAILED)


@app.command(name="openapi")
def openapi() -> None:
    """Print the OpenAPI document."""
    say(of_the_application(lambda made: json.dumps(made.openapi(), ensure_ascii=False, indent=2)))


@app.command(name="permissions")
def permissions() -> None:
    """Print every route and who may call it (docs/permissions.md)."""
    say(of_the_application(permission_table).rstrip("\n"))
