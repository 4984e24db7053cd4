"""``/api/v1/rosters/generate``, ``/fairness`` and ``/shifts/{id}/why``."""

from datetime import date, timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request, Response

from dutydesk.accounts.permissions import allow
from dutydesk.accounts.rules import Actor
from dutydesk.db import Session
from dutydesk.errors import NotFoundError
from dutydesk.people.lists import LARGEST_ID, Day
from dutydesk.rosters.planning import actions as planning
from dutydesk.rosters.planning.explaining import explained
from dutydesk.rosters.planning.fairness import read_ledgers
from dutydesk.rosters.planning.generating import refuse_span
from dutydesk.rosters.planning.reasons import read_shift
from dutydesk.rosters.planning.setup_api import own_unit
from dutydesk.rosters.planning.setup_bodies import (
    AccountAnswer,
    FairnessAnswer,
    GenerateBody,
    GeneratedAnswer,
    HoleAnswer,
    LedgerAnswer,
    LoadAnswer,
    WhyAnswer,
)
from dutydesk.rosters.rules.fairness import Load
from dutydesk.web.answers import once
from dutydesk.web.problems import declared
from dutydesk.web.site import TheSite
from dutydesk.web.texts import Code

router = APIRouter(prefix="/api/v1", tags=["rosters"])

Reader = Annotated[Actor, Depends(allow("roster:read"))]
Filer = Annotated[Actor, Depends(allow("roster:file"))]
RowId = Annotated[int, Path(ge=1, le=LARGEST_ID)]

_ONE_DAY = timedelta(days=1)


@router.post(
    "/rosters/generate",
    response_model=GeneratedAnswer,
    responses=declared(404, 409),
    summary="Generate drafts from the rotations",
)
async def post_generate(request: Request, site: TheSite, actor: Filer, body: GenerateBody) -> Response:
    """Locked, published and past shifts stay. One transaction: a year of one unit at most."""

    async def work(session: Session) -> GeneratedAnswer:
        unit = await own_unit(session, actor, body.unit)
        now, end = site.clock.now(), _after(body.end)
        if body.dry_run:
            plan = await planning.preview(session, site, now, unit.id, body.start, end, body.seats)
        else:
            plan = await planning.generate(
                session, site, now, actor.name, unit.id, body.start, end, body.seats
            )
        return _generated(plan)

    return await once(request, actor.caller, 200, work)


@router.get("/fairness", responses=declared(404), summary="How evenly duty is spread over a unit")
async def get_fairness(
    site: TheSite,
    actor: Reader,
    unit: Code,
    first: Annotated[Day, Query(alias="from")],
    until: Day,
) -> FairnessAnswer:
    """Both days belong to the span. What is still ahead (drafts too) stands apart as planned."""
    refuse_span(first, _after(until))
    async with site.db.read() as session:
        found = await own_unit(session, actor, unit)
        ledgers = await read_ledgers(session, site, site.clock.now(), found, first, _after(until))
    seats = [
        LedgerAnswer(
            seat=ledger.seat,
            accounts=[
                AccountAnswer(
                    person=one.person.id,
                    active=one.active,
                    served=_load(one.served),
                    planned=_load(one.planned),
                    balance=round(one.balance, 2),
                    balance_ahead=round(one.ahead, 2),
                )
                for one in ledger.accounts
            ],
        )
        for ledger in ledgers
    ]
    return FairnessAnswer(unit=found.code, first=first, until=until, seats=seats)


@router.get("/shifts/{shift_id}/why", responses=declared(404), summary="Why somebody has a shift")
async def get_why(site: TheSite, actor: Reader, shift_id: RowId) -> WhyAnswer:
    async with site.db.read() as session:
        found = await read_shift(session, shift_id)
    if not actor.sees_unit(found.unit.id):
        raise NotFoundError(f"there is no shift {shift_id}")
    return WhyAnswer(
        shift=shift_id,
        person=found.row.person_id,
        owner=found.row.owner_id,
        rotation=found.row.rotation_id,
        why=dict(found.row.why),
        text=explained(found.row.why, found.names, site.zone),
    )


def _after(day: date) -> date:
    return day + _ONE_DAY


def _generated(plan: planning.Plan) -> GeneratedAnswer:
    return GeneratedAnswer(
        made=len(plan.made) - len(plan.holes),
        kept=len(plan.kept),
        replaced=len(plan.dropped),
        holes=[
            HoleAnswer(
                seat=one.slot.seat,
                day=one.slot.day,
                refused={person: list(faults) for person, faults in one.refused.items()},
            )
            for one in plan.holes
        ],
    )


def _load(load: Load) -> LoadAnswer:
    return LoadAnswer(
        shifts=load.shifts,
        hours=round(load.hours, 2),
        nights=load.nights,
        weekends=load.weekends,
        holidays=load.holidays,
        sensitive=load.sensitive,
    )
