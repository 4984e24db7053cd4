"""People and numbers as the directory's pages show them, and what every one of these pages needs."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import Depends, Path, Request, Response

from dutydesk.accounts.permissions import allow_page
from dutydesk.accounts.rules import Actor
from dutydesk.alerts.check_queries import numbers_that_failed
from dutydesk.alerts.check_rules import Tried
from dutydesk.db import Session
from dutydesk.errors import NotFoundError
from dutydesk.people import queries as people
from dutydesk.people.lists import LARGEST_ID
from dutydesk.people.rules import ContactPoint, Person, Unit
from dutydesk.rosters.directory.rules import Fault, faults_of
from dutydesk.web import words
from dutydesk.web.forms import Form
from dutydesk.web.languages import say
from dutydesk.web.pages import render

Reader = Annotated[Actor, Depends(allow_page("directory:read"))]
Writer = Annotated[Actor, Depends(allow_page("directory:write"))]
Identity = Annotated[int, Path(ge=1, le=LARGEST_ID)]

# As a provider refused a number: its code, and its own words, which are not ours.
_REFUSED = re.compile(r"(\d{4,6}): .*", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Entry:
    """A person with unit and numbers, and what is wrong with reaching them."""

    person: Person
    unit: Unit
    points: Sequence[ContactPoint]
    faults: Sequence[Fault]


@dataclass(frozen=True, slots=True)
class Bad:
    """One number that cannot be relied on, since when, and why."""

    entry: Entry
    point: ContactPoint
    why: str
    at: datetime | None


async def entries(
    session: Session, persons: Sequence[Person], now: datetime, failed: Collection[str]
) -> list[Entry]:
    """Return these people as they are shown, in their order."""
    units = await people.units_by_id(session, {one.unit_id for one in persons})
    points = await people.all_contacts(session, [one.id for one in persons])
    return [
        Entry(
            one,
            units[one.unit_id],
            points.get(one.id, []),
            faults_of(one, points.get(one.id, ()), failed, now),
        )
        for one in persons
    ]


def bad_numbers(found: Sequence[Entry], failed: Mapping[str, Tried]) -> list[Bad]:
    """Return the numbers of these people that are disabled or failed lately."""
    made: list[Bad] = []
    for entry in found:
        for point in entry.points:
            tried = failed.get(point.address)
            if not point.usable:
                made.append(Bad(entry, point, why_disabled(point), point.disabled_at))
            elif tried is not None:
                made.append(Bad(entry, point, why_failed(tried), tried.at))
    return made


def why_disabled(point: ContactPoint) -> str:
    """Return why a number is out of use, as people read it."""
    reason = point.disabled_reason or ""
    refused = _REFUSED.fullmatch(reason)
    return say("通道判定号码无效（{code}）", code=refused[1]) if refused else reason


def why_failed(tried: Tried) -> str:
    """Return how a number failed, as people read it."""
    if tried.outcome == "contact_fault":
        return say("号码不能接收短信") if tried.channel == "sms" else say("号码不能接通")
    return say("短信未送达") if tried.channel == "sms" else say("电话未接通")


async def failing(session: Session, now: datetime) -> dict[str, Tried]:
    """Return the numbers that failed lately."""
    return await numbers_that_failed(session, now)


async def seen_unit(session: Session, actor: Actor, code: str) -> Unit:
    """Return the unit of an address.

    Raises:
        NotFoundError: there is none that this reader may see.
    """
    unit = await people.unit_by_code(session, code)
    if not actor.sees_unit(unit.id):
        raise NotFoundError(f"there is no unit {code}")
    return unit


async def seen_person(session: Session, actor: Actor, person_id: int) -> Person:
    """Return the person of an address.

    Raises:
        NotFoundError: there is none that this reader may see.
    """
    person = await people.person(session, person_id)
    if not actor.sees_unit(person.unit_id):
        raise NotFoundError(f"there is no person {person_id}")
    return person


def unit_address(unit: Unit) -> str:
    """Return where a unit's page is."""
    return f"/directory/units/{quote(unit.code)}"


def person_address(person_id: int) -> str:
    """Return where a person's page is."""
    return f"/directory/people/{person_id}"


def page(request: Request, template: str, status: int = 200, /, **context: Any) -> Response:
    """Return a page of the directory; each knows the tables of words and whether numbers are hidden."""
    actor: Actor = request.state.actor
    return render(
        request,
        f"directory/{template}",
        status,
        masked=not actor.may("numbers:read"),
        writes=actor.may("directory:write"),
        troubles=words.TROUBLES,
        why_disabled=why_disabled,
        unit_address=unit_address,
        person_address=person_address,
        **context,
    )


def form_page(
    request: Request,
    form: Form,
    *,
    title: str,
    about: str,
    submit: str,
    back: str,
    status: int = 200,
    note: str = "",
    grave: bool = False,
    upload: bool = False,
) -> Response:
    """Return the page of a form of the directory; *back* is where Return leads."""
    return page(
        request,
        "act.html",
        status,
        title=title,
        about=about,
        submit=submit,
        back=back,
        note=note,
        form=form,
        grave=grave,
        upload=upload,
    )
