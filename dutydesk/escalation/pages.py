"""Settings pages of what ``config/`` rules, to be read and tried, not changed."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import groupby
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from dutydesk.accounts.permissions import allow_page
from dutydesk.accounts.rules import Actor
from dutydesk.escalation import shown
from dutydesk.escalation.preview import Row, due_of, preview
from dutydesk.people.queries import list_units
from dutydesk.people.rules import Unit
from dutydesk.rulebook.loader import digest_of
from dutydesk.rulebook.types import Rule, Rulebook
from dutydesk.web.forms import Form, Input
from dutydesk.web.languages import say
from dutydesk.web.pages import PageRoute, render
from dutydesk.web.site import Site, TheSite

router = APIRouter(prefix="/settings", route_class=PageRoute, include_in_schema=False)

Reader = Annotated[Actor, Depends(allow_page("settings:read"))]

# Far enough for any plan, and near enough that no sum of times overflows.
_FARTHEST = timedelta(days=3650)


@dataclass(frozen=True, slots=True)
class Source:
    """Which config folder was read at the start, and whether its files are still the same."""

    folder: str
    digest: str
    changed: bool


async def source_of(book: Rulebook) -> Source:
    """Compare what was read with what is there now; the files are not read on the event loop."""
    try:
        now = await asyncio.to_thread(digest_of, Path(book.source)) if book.source else ""
    except OSError:
        now = ""
    return Source(Path(book.source).name, book.digest[:12], changed=now != book.digest)


@router.get("")
async def index(request: Request, _actor: Reader, site: TheSite) -> Response:
    """Say what there is to set and see."""
    return render(request, "settings/index.html", source=await source_of(site.rulebook))


@router.get("/rules")
async def rules(request: Request, _actor: Reader, site: TheSite) -> Response:
    """Show every rule with the article's own words; those in force first."""
    today = _today(site)
    found = sorted(site.rulebook.rules, key=lambda rule: not rule.in_force(today))
    return render(
        request,
        "settings/rules.html",
        rules=found,
        today=today,
        earliest=date.min,
        shown=shown,
        source=await source_of(site.rulebook),
    )


@router.get("/ladders")
async def ladders(request: Request, _actor: Reader, site: TheSite) -> Response:
    """Show every ladder rung by rung, who stands in for whom, and the pace of calling."""
    book = site.rulebook
    used = {name: [rule for rule in book.rules if rule.ladder == name] for name in book.ladders}
    return render(
        request,
        "settings/ladders.html",
        book=book,
        used=used,
        shown=shown,
        source=await source_of(site.rulebook),
    )


def _today(site: Site) -> date:
    return site.clock.now().astimezone(site.zone).date()


# ---------------------------------------------------------------------------------------------------------------------
# Who would be called


@dataclass(frozen=True, slots=True)
class Moment:
    """Everybody who would be told at one moment."""

    at: datetime
    rows: list[Row]


def _inputs(rules: Sequence[Rule], units: Sequence[Unit]) -> Sequence[Input]:
    return (
        Input(
            "rule",
            "规则",
            "choice",
            required=True,
            choices=[(rule.id, f"{rule.id} {rule.title}") for rule in rules],
        ),
        Input("at", "起算时间", "moment", required=True),
        Input(
            "unit", "事发单位", "choice", required=True, choices=[(unit.code, unit.name) for unit in units]
        ),
    )


@router.get("/preview")
async def who_would_be_called(request: Request, actor: Reader, site: TheSite) -> Response:
    """Show who would be told at which time, in which order, by which number, with what words."""
    now = site.clock.now()
    known = [
        rule
        for rule in site.rulebook.rules
        if rule.in_force(_today(site)) and due_of(site, rule, now) is not None
    ]
    async with site.db.read() as session:
        units = [unit for unit in await list_units(session, serving=True) if unit.kind != "desk"]
        form = Form(
            _inputs(known, units), {one: request.query_params.get(one, "") for one in ("rule", "at", "unit")}
        )
        asked = any(form.values.values())
        if not asked:
            form.values |= {"at": f"{now.astimezone(site.zone):%Y-%m-%dT%H:%M}"}
        at, rule, unit = _asked(form, site, known, units) if asked else (None, None, None)
        found: list[Row] = []
        if at is not None and rule is not None and unit is not None:
            found = await preview(session, site, rule.id, at, unit)
    return render(
        request,
        "settings/preview.html",
        422 if form.faults else 200,
        form=form,
        rule=rule,
        unit=unit,
        at=at,
        due=None if at is None or rule is None else due_of(site, rule, at),
        assumed=rule is not None and rule.limit is None,
        horizon=site.rulebook.rosters.horizon_days,
        moments=[Moment(at, list(rows)) for at, rows in groupby(found, key=lambda row: row.at)],
        masked=not actor.may("numbers:read"),
        turn=_turn,
    )


def _asked(
    form: Form, site: Site, rules: Sequence[Rule], units: Sequence[Unit]
) -> tuple[datetime | None, Rule | None, Unit | None]:
    form.check_required()
    at = form.moment("at", site.zone)
    if at is not None and abs(at - site.clock.now()) > _FARTHEST:
        form.fault("at", "只能预演前后十年之内的时间")
        at = None
    rule = next((one for one in rules if one.id == form.value("rule")), None)
    unit = next((one for one in units if one.code == form.value("unit")), None)
    if at is not None and rule is not None and not rule.in_force(at.astimezone(site.zone).date()):
        form.fault("rule", "这条规则在起算那天不生效")
        rule = None
    for name, chosen in (("rule", rule), ("unit", unit)):
        if chosen is None and name not in form.faults:
            form.fault(name, "请选择")
    return at, rule, unit


def _turn(turn: int) -> str:
    """Return when somebody's turn comes."""
    return say("首先") if turn == 0 else say("无应答后第{turn}顺位", turn=turn)
