"""Obligations that no incident brings: a seat without anybody, a roster not filed, a leave report not written.

A feature says what is owed now within a *scope* (``gap/3``: the holes in the rosters of unit 3) and
what has been done; here the stored obligations are brought in line with that, as ``settle`` does for
an incident. They climb the same ladders, and are waived, taken over and judged in the same way.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from dutydesk.db import Session
from dutydesk.obligations import queries
from dutydesk.obligations.actions import Owner, Settled, apply_changes, owe_in_person
from dutydesk.obligations.model import OWED, Obligation
from dutydesk.obligations.rules import (
    BasePoint,
    Change,
    Clocking,
    Fulfil,
    Move,
    Open,
    Reopen,
    ReportFact,
    Withdraw,
)
from dutydesk.rulebook.types import Rule, Rulebook
from dutydesk.web.site import Site

# How the base of such an obligation is called: whoever owes it has set it.
BASE_KIND = "set"


@dataclass(frozen=True, slots=True, kw_only=True)
class Owing:
    """Something that is owed now. Without ``due_at`` the rule's limit counts from ``base_at``.

    ``number`` is what an SMS calls it (at most 12 UTF-16 units), ``title`` what is owed (at most 8);
    without a title the rule's own.
    """

    subject: str
    rule_id: str
    number: str
    unit_id: int
    base_at: datetime
    due_at: datetime | None = None
    person_id: int | None = None
    title: str = ""


async def settle_owings(
    session: Session,
    site: Site,
    now: datetime,
    actor: str,
    scope: str,
    wanted: Sequence[Owing],
    done: Mapping[str, datetime],
    *,
    gone: str = "WITHDRAWN",
) -> Settled:
    """Bring the obligations of a scope in line with what is owed (*wanted*) and what was done (subject → when).

    What is neither wanted nor done any more is withdrawn with the reason *gone*. The caller cancels
    the alerts of ``Settled.cancel`` (``alerts.actions.cancel_for``) in the same transaction.

    Raises:
        LookupError: when a rule that is wanted is not in force.
    """
    about = {one.subject for one in wanted}
    rows = {(row.subject, row.rule_id): row for row in await queries.obligations_in(session, scope, about)}
    settled = Settled()
    asked = {(one.subject, one.rule_id) for one in wanted}
    for one in wanted:
        row = rows.get((one.subject, one.rule_id))
        rule = _rule(site.rulebook, one, now, site)
        change = _change(one, row, rule)
        if change is not None:
            await _apply(session, now, actor, site, scope, one, row, change, settled)
        if row is not None and await owe_in_person(session, now, actor, row, one.person_id):
            settled.cancel[row.id or 0] = "DUE_MOVED"
    for key, row in rows.items():
        if key in asked or row.state not in OWED:
            continue
        at = done.get(row.subject)
        ended: Change = Withdraw(row.id or 0, gone)
        if at is not None:
            ended = Fulfil(row.id or 0, ReportFact(0, "record", at))
        await _apply(session, now, actor, site, scope, None, row, ended, settled)
    return settled


def _rule(rulebook: Rulebook, one: Owing, now: datetime, site: Site) -> Rule:
    rule = rulebook.rule(one.rule_id, now.astimezone(site.zone).date())
    if rule is None:
        message = f"rule {one.rule_id} is not in force"
        raise LookupError(message)
    return rule


def _change(one: Owing, row: Obligation | None, rule: Rule) -> Change | None:
    due_at = one.due_at if one.due_at is not None or rule.limit is None else one.base_at + rule.limit
    clocking = Clocking(BasePoint(BASE_KIND, one.base_at, certain=True), due_at)
    if row is None:
        return Open(rule, 0, clocking)
    if row.state == "waived":
        return None
    if row.state not in OWED:
        return Reopen(row.id or 0, clocking, "REINSTATED")
    # What is open keeps the moment from which it was owed; only a due time that moved is news.
    if row.due_at != due_at:
        return Move(row.id or 0, clocking)
    return None


async def _apply(
    session: Session,
    now: datetime,
    actor: str,
    site: Site,
    scope: str,
    one: Owing | None,
    row: Obligation | None,
    change: Change,
    settled: Settled,
) -> None:
    owner = Owner(None, "", 0, drill=False)
    if one is not None:
        owner = Owner(
            None,
            one.number,
            one.unit_id,
            drill=False,
            subject=one.subject,
            scope=scope,
            person_id=one.person_id,
            title=one.title,
        )
    found = await apply_changes(
        session, now, actor, owner, site.rulebook.ladders, [] if row is None else [row], [change]
    )
    settled.opened += found.opened
    settled.cancel |= found.cancel
