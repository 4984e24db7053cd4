"""What rings on the desk's screen until somebody confirms it."""

from collections.abc import Iterable
from dataclasses import dataclass

from dutydesk.alerts.matters import matters_of
from dutydesk.alerts.model import Alert
from dutydesk.alerts.queries import screen_alerts
from dutydesk.alerts.wording import Matter, known_of
from dutydesk.db import Session
from dutydesk.desk.addresses import address_of
from dutydesk.logs import log
from dutydesk.people.queries import units_by_id
from dutydesk.rulebook.types import Wording
from dutydesk.web import words
from dutydesk.web.languages import say
from dutydesk.web.site import Site

_log = log("board")


@dataclass(frozen=True, slots=True)
class Ringing:
    """An alert on the screen as it was read: what it is about, and where that is dealt with."""

    alert: Alert
    matter: Matter
    address: str

    @property
    def marks(self) -> tuple[object, ...]:
        """Return what tells whether it has to be drawn again."""
        return self.alert.id, self.alert.reason, self.matter, self.address


@dataclass(frozen=True, slots=True)
class Alarm:
    """An alert on the desk's screen, ringing until somebody confirms it; ``address`` leads to what it is about."""

    alert: Alert
    text: str
    why: str
    address: str


async def read_alarms(session: Session, site: Site) -> tuple[Ringing, ...]:
    """Return what the screen has to ring for, newest first."""
    rows = await screen_alerts(session)
    matters = await matters_of(session, rows, site.zone)
    units = await units_by_id(
        session, {row.unit_id for row in rows if row.subject and row.unit_id is not None}
    )
    return tuple(
        Ringing(
            row,
            matter,
            address_of(row.number, row.subject, units.get(row.unit_id or 0), row.created_at, site.zone),
        )
        for row, matter in zip(rows, matters, strict=True)
    )


def alarms_of(found: Iterable[Ringing], site: Site) -> tuple[Alarm, ...]:
    """Return what the screen says of each, in the language of the page; one that is damaged says its number."""
    return tuple(_alarm(one, site.rulebook.wording) for one in found)


def _alarm(one: Ringing, wording: Wording) -> Alarm:
    try:
        why = words.reason(wording.texts, one.alert.reason)
        return Alarm(one.alert, _text(wording, one.matter), why, one.address)
    except Exception:  # noqa: BLE001 (whatever is wrong with one alarm, the others must be seen)
        _log.exception("an alarm has no words", alert=one.alert.id)
        return Alarm(one.alert, not_readable(one.alert.number), "", one.address)


def not_readable(number: str) -> str:
    """Return what stands in the place of something damaged."""
    return say("编号{number}，请见事件页", number=number) if number else say("一项告警无法显示，请人工核对")


def _text(wording: Wording, matter: Matter) -> str:
    known = known_of(matter)
    ours = {"owed": words.duty(matter.owed), "seat": say(str(known["seat"]))}
    return say(wording.text(f"screen.{matter.key}"), **known | ours)
