"""What the leaders' page shows: each call-out once, whether it still wants an answer, and what to do next."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from dutydesk.accounts.rules import Actor
from dutydesk.alerts import actions
from dutydesk.alerts import queries as alert_queries
from dutydesk.alerts.matters import matters_of
from dutydesk.alerts.model import Alert
from dutydesk.alerts.queries import Told
from dutydesk.alerts.wording import Matter, known_of
from dutydesk.db import Session
from dutydesk.desk import queries
from dutydesk.desk.addresses import address_of
from dutydesk.desk.alarms import not_readable
from dutydesk.errors import NotFoundError
from dutydesk.incidents.cards import Recipient, cards
from dutydesk.incidents.model import Incident
from dutydesk.incidents.queries import incidents_by_id
from dutydesk.logs import log
from dutydesk.obligations.model import OWED, Obligation
from dutydesk.people.queries import desk_unit, people_by_id, units_by_id
from dutydesk.people.rules import Unit
from dutydesk.web import words
from dutydesk.web.languages import say
from dutydesk.web.site import Site

_LOOKED_AT = 200
# Of what asks for nothing any more; what waits for an answer is shown without limit.
_SHOWN = 20
# About each matter.
_MOST_TOLD = 60

_log = log("my")

# What to do, by what the message said (the keys of config/wording).
_STEPS: Mapping[str, tuple[str, ...]] = {
    "call_out": ("点“收到”，停止对您的呼叫。", "给值班室回电，了解情况。", "作出指示，由值班员记录并传达。"),
    "escalated": ("点“收到”，停止对您的呼叫。", "督促该单位立即报告。", "把督促结果告诉值班室。"),
    "missed": ("点“收到”，停止对您的呼叫。", "立即向值班室报告。"),
    "warning": ("点“收到”，停止对您的呼叫。", "在到期前向值班室报告。"),
    "by_hand": ("点“收到”，停止对您的呼叫。", "到值班台人工处置并登记。"),
    "gap_found": ("点“收到”，停止对您的提醒。", "在值班表上补排人员。"),
    "gap_soon": ("点“收到”，停止对您的呼叫。", "立即安排人员到岗，并在值班表上补排。"),
    "gap_now": ("点“收到”，停止对您的呼叫。", "立即安排人员到岗。", "告知值班室由谁到岗，并补排。"),
    "not_signed_in": ("点“收到”，停止对您的呼叫。", "本人立即到岗签到；不能到岗的，向值班室说明。"),
    "roster_due": ("点“收到”，停止对您的提醒。", "在期限前报送或发布值班表。"),
    "roster_missing": ("点“收到”，停止对您的提醒。", "立即报送或发布值班表。"),
    "leave_due": ("点“收到”，停止对您的提醒。", "在期限前办理请假报告或销假。"),
    "leave_missing": ("点“收到”，停止对您的提醒。", "立即补办请假报告或销假。"),
    "delegate_due": ("点“收到”，停止对您的提醒。", "落实在津主持工作的副局长并办理委托。"),
    "delegate_missing": ("点“收到”，停止对您的呼叫。", "立即落实在津主持工作的副局长并办理委托。"),
    "shift_published": ("点“收到”，确认本月班次。", "班次有冲突的，向办公室提出换班或代班。"),
    "shift_changed": ("点“收到”，确认调整后的班次。", "有疑问的，与值班室联系。"),
    "shift_tomorrow": ("点“收到”，确认明日值班。", "不能到岗的，立即提出代班并报值班室。"),
    "shift_soon": ("点“收到”，停止对您的提醒。", "按时到岗并签到。"),
    "number_check": ("向值班室核对人员说出短信中的验证码，或按电话提示输入。",),
}
_OTHERWISE = ("点“收到”，停止对您的呼叫。", "给值班室回电，了解情况。")


@dataclass(frozen=True, slots=True)
class CallOut:
    """Everything one person was told about one obligation; ``alert`` is the newest message.

    ``address`` is the page of what it is about.
    """

    alert: Alert
    text: str
    why: str
    open: bool
    proof_at: datetime | None
    owed: Obligation | None
    incident: Incident | None
    unit: Unit | None
    people: tuple[Recipient, ...]
    steps: tuple[str, ...]
    address: str

    @property
    def reminds(self) -> bool:
        """Tell whether it is about the person's own shift or number: nothing that somebody else waits for."""
        return self.owed is None and bool(self.alert.subject)


async def calls_of(session: Session, site: Site, now: datetime, person_id: int) -> list[CallOut]:
    """Return what a person was told about: what waits for an answer first, then the newest.

    Of what waits, drills come last, and reminders of one's own shifts after what somebody is owed.
    """
    groups = await _groups(session, person_id)
    ids = {one.alert.obligation_id for found in groups for one in found} - {None}
    owed = await queries.obligations_by_id(session, [one for one in ids if one is not None])
    groups = _shown(groups, owed)
    kept = {one.alert.obligation_id for found in groups for one in found}
    owed = {key: row for key, row in owed.items() if key in kept}
    incidents = await incidents_by_id(
        session, {one.incident_id for one in owed.values() if one.incident_id is not None}
    )
    firsts = [found[0].alert for found in groups]
    units = await units_by_id(session, {row.unit_id for row in firsts if row.unit_id is not None})
    matters = await matters_of(session, firsts, site.zone)
    people = await _people(session, site, now, owed, person_id)
    texts = site.rulebook.wording.texts
    made = []
    for found, matter in zip(groups, matters, strict=True):
        row = found[0].alert
        obligation = owed.get(row.obligation_id or 0)
        made.append(
            CallOut(
                alert=row,
                text=_text(texts, matter),
                why=words.reason(texts, row.reason),
                open=_is_open(found, obligation),
                proof_at=max((proof.at for one in found for proof in one.acknowledgements), default=None),
                owed=obligation,
                incident=None if obligation is None else incidents.get(obligation.incident_id or 0),
                unit=units.get(row.unit_id or 0),
                people=people.get(row.obligation_id or 0, ()),
                steps=_STEPS.get(matter.key, _OTHERWISE),
                address=_address(row, obligation, units.get(row.unit_id or 0), site),
            )
        )
    return sorted(made, key=_turn)


def _turn(one: CallOut) -> tuple[bool, bool, bool, int]:
    reminds = one.reminds and one.open
    return not one.open, one.open and one.alert.drill, reminds, -(one.alert.id or 0)


async def _groups(session: Session, person_id: int) -> list[list[Told]]:
    """Return what a person was told, matter by matter, newest first: all that is open, and the newest."""
    told = [
        *await queries.open_told_to(session, person_id),
        *await queries.told_to(session, person_id, _LOOKED_AT),
    ]
    by_id = {one.alert.id or 0: one for one in told}
    grouped: dict[tuple[int | None, int], list[Told]] = {}
    for _, one in sorted(by_id.items(), reverse=True):
        row = one.alert
        # What belongs to no obligation stands for itself.
        own = 0 if row.obligation_id is not None else row.id or 0
        grouped.setdefault((row.obligation_id, own), []).append(one)
    return list(grouped.values())


def _shown(groups: Sequence[list[Told]], owed: Mapping[int, Obligation]) -> list[list[Told]]:
    """Return what is open, and of the rest the newest."""
    settled = [found for found in groups if not _is_open(found, owed.get(found[0].alert.obligation_id or 0))]
    hidden = {id(found) for found in settled[_SHOWN:]}
    return [found for found in groups if id(found) not in hidden]


def _is_open(found: Sequence[Told], owed: Obligation | None) -> bool:
    answered = any(one.acknowledgements for one in found)
    return not answered and any(waits(one.alert, owed) for one in found)


def _text(texts: Mapping[str, str], matter: Matter) -> str:
    try:
        return say(texts.get(f"sms.{matter.key}", ""), **known_of(matter))
    except Exception:  # noqa: BLE001 (whatever is wrong with one message, the others must be seen)
        _log.exception("a message has no words", number=matter.number)
        return not_readable(matter.number)


def _address(row: Alert, owed: Obligation | None, unit: Unit | None, site: Site) -> str:
    """Where a person's own shift or sign-in is what it is about, the page of their own shifts; a number has none."""
    if row.subject.startswith("contact/"):
        return ""
    own = owed is None or (owed.person_id == row.person_id and row.subject.startswith("sign-in/"))
    if own and row.subject:
        return "/rosters/mine"
    at = row.created_at if owed is None or owed.due_at is None else owed.due_at
    return address_of(row.number, row.subject, unit, at, site.zone)


def waits(row: Alert, owed: Obligation | None) -> bool:
    """Tell whether a message still wants its person's answer: its matter is open, and nobody took it back."""
    if row.acknowledged_at is not None or row.state == "cancelled":
        return False
    if row.obligation_id is None:
        return row.state in alert_queries.ALIVE
    return owed is not None and owed.state in OWED and owed.due_version == row.due_version


async def _people(
    session: Session, site: Site, now: datetime, owed: Mapping[int, Obligation], but: int
) -> dict[int, tuple[Recipient, ...]]:
    """Return who else was told about each obligation, and how that stands."""
    told = await queries.latest_told(session, owed.keys(), _MOST_TOLD)
    others: Sequence[Told] = [one for one in told if one.alert.person_id != but]
    names = await people_by_id(
        session, {one.alert.person_id for one in others if one.alert.person_id is not None}
    )
    made = cards(
        list(owed.values()),
        [],
        [],
        others,
        {person.id: person.name for person in names.values()},
        site.rulebook.wording.texts,
        now,
    )
    return {card.row.id or 0: card.people for card in made}


async def desk_phone(session: Session) -> str | None:
    """Return the number of the duty room."""
    desk = await desk_unit(session)
    return None if desk is None else desk.duty_phone


async def received(session: Session, now: datetime, actor: Actor, alert_id: int) -> None:
    """Take a person's own word that they got it, exactly as a key on the phone: it ends their calls for it.

    Raises:
        NotFoundError: when there is no such message to this person.
    """
    row = await alert_queries.alert(session, alert_id)
    if row is None or actor.person_id is None or row.person_id != actor.person_id:
        raise NotFoundError(f"there is no alert {alert_id}")
    if row.obligation_id is None:
        rows, owed = [row], None
    else:
        rows = await queries.alerts_to(session, actor.person_id, row.obligation_id)
        owed = (await queries.obligations_by_id(session, [row.obligation_id])).get(row.obligation_id)
    fresh = [one for one in rows if waits(one, owed)]
    if fresh:
        await actions.acknowledge(
            session,
            now,
            fresh,
            kind="page",
            at=now,
            who=actor.name,
            how="本人点击收到",
            recorded_by=actor.name,
        )
