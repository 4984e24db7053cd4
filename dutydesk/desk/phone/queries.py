"""The SQL of the phone log: whose number it is, which incidents it may be about, and what is being typed."""

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, or_
from sqlalchemy.orm import Mapped
from sqlmodel import col, select

from dutydesk.db import Session
from dutydesk.desk.model import Draft
from dutydesk.incidents.model import Incident, Report
from dutydesk.people.model import ContactPoint, Person, Unit
from dutydesk.people.queries import person_fact, unit_fact
from dutydesk.people.rules import Person as PersonFact
from dutydesk.people.rules import Unit as UnitFact


async def people_at(session: Session, number: str, digits: str, limit: int) -> list[tuple[PersonFact, str]]:
    """Return whose contact a number is, or whose number ends with these digits: (person, whole number)."""
    found = await session.exec(
        select(Person, col(ContactPoint.address))
        .join(ContactPoint, col(ContactPoint.person_id) == col(Person.id))
        .where(
            col(Person.retired_at).is_(None),
            col(ContactPoint.kind) != "email",
            _is_number(col(ContactPoint.address), number, digits),
        )
        .order_by(col(Person.id))
        .limit(limit)
    )
    return [(person_fact(row), address) for row, address in found]


async def units_at(session: Session, number: str, digits: str, limit: int) -> list[UnitFact]:
    """Return whose duty phone a number is, or whose duty phone ends with these digits."""
    found = await session.exec(
        select(Unit)
        .where(_is_number(col(Unit.duty_phone), number, digits))
        .order_by(col(Unit.id))
        .limit(limit)
    )
    return [unit_fact(row) for row in found]


def _is_number(column: Mapped[Any], number: str, digits: str) -> ColumnElement[bool]:
    same = column == number
    return or_(same, column.endswith(digits, autoescape=True)) if digits else same


async def open_incidents(session: Session, limit: int) -> list[Incident]:
    """Return the incidents that are being dealt with, newest first."""
    found = await session.exec(
        select(Incident).where(col(Incident.state) == "open").order_by(col(Incident.id).desc()).limit(limit)
    )
    return list(found)


async def comparable_incidents(
    session: Session, since: datetime, until: datetime, *, drill: bool, limit: int
) -> list[Incident]:
    """Return the live incidents that happened, or were told, between two moments, newest first."""
    happened = col(Incident.occurred_at).between(since, until)
    told = col(Incident.received_at).between(since, until)
    found = await session.exec(
        select(Incident)
        .where(
            col(Incident.state).in_(("open", "ended")),
            col(Incident.drill) == drill,
            or_(happened, told),
        )
        .order_by(col(Incident.id).desc())
        .limit(limit)
    )
    return list(found)


async def has_phone_report(session: Session, incident_id: int) -> bool:
    """Tell whether the first report by telephone is in."""
    found = await session.exec(
        select(Report.id)
        .where(
            col(Report.incident_id) == incident_id,
            col(Report.kind) == "phone",
            col(Report.voided_at).is_(None),
        )
        .limit(1)
    )
    return found.first() is not None


async def drafts_of(session: Session, account_id: int, prefix: str) -> list[Draft]:
    """Return what an account is typing into forms of one kind, the latest first."""
    found = await session.exec(
        select(Draft)
        .where(col(Draft.account_id) == account_id, col(Draft.form).startswith(prefix, autoescape=True))
        .order_by(col(Draft.saved_at).desc(), col(Draft.id).desc())
    )
    return list(found)


async def draft(session: Session, account_id: int, form: str) -> Draft | None:
    """Return what an account is typing into one form, if anything."""
    found = await session.exec(
        select(Draft).where(col(Draft.account_id) == account_id, col(Draft.form) == form)
    )
    return found.first()
