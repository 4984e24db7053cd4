"""Leaves and trips (Art. 57) and who runs the bureau meanwhile (Art. 5): what is refused, and what is owed. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo

from dutydesk.accounts.rules import Actor
from dutydesk.calendars.rules import Calendar
from dutydesk.people.rules import Rank
from dutydesk.rosters.rules import Away, LeaveState
from dutydesk.rosters.rules.pieces import Refusal
from dutydesk.rulebook.types import RosterPlan

# Five working days ahead (Art. 57).
DAYS_AHEAD = 5
# Art. 57 asks for the paper and the return "in time"; one working day is this product's reading.
DAYS_AFTER = 1
_LONGEST = timedelta(days=366)
_BUREAU: frozenset[Rank] = frozenset({"bureau_head", "bureau_deputy", "bureau_leader"})
# 正职 → 副职。
_DEPUTIES: Mapping[Rank, Rank] = {"bureau_head": "bureau_deputy", "unit_head": "unit_deputy"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Leave:
    """A leave as far as the rules look at it; ``is_director``: the whole of Art. 57 and Art. 5 holds."""

    is_director: bool
    away: Away
    starts_at: datetime
    ends_at: datetime
    state: LeaveState = "requested"
    requested_at: datetime
    reason: str = ""
    place: str = ""
    urgent: bool = False
    phone_reported_at: datetime | None = None
    phone_reported_to: str = ""
    written_at: datetime | None = None
    delegate_id: int | None = None
    delegated_at: datetime | None = None
    return_reported_at: datetime | None = None

    @property
    def needs_delegate(self) -> bool:
        """Tell whether a deputy has to run the bureau meanwhile: 局长离津出差、学习期间 (Art. 5)."""
        return self.is_director and self.away != "post"


@dataclass(frozen=True, slots=True)
class Around:
    """What else is going on during a leave: the person's other leaves, a delegation to them, their counterparts away.

    ``together`` are names of those who are away and should not be at the same time.
    """

    other_leave: str = ""
    delegated: bool = False
    together: Sequence[str] = ()
    together_reason: str = ""


@dataclass(frozen=True, slots=True)
class Delegate:
    """Somebody who is to run the bureau; ``acting``: another one is appointed for some of the time."""

    person_id: int
    name: str
    rank: Rank
    left: bool
    away: bool
    acting: bool = False


@dataclass(frozen=True, slots=True)
class Due:
    """Something a leave owes: under which rule, as which part (``written``), from when, until when."""

    rule_id: str
    part: str
    base_at: datetime
    due_at: datetime


def report_day(leave: Leave, calendar: Calendar, zone: tzinfo) -> date:
    """Return the last day on which the director's written report is in time: five working days before departure."""
    return calendar.add_working_days(leave.starts_at.astimezone(zone).date(), -DAYS_AHEAD)


def ask_refusals(
    leave: Leave, around: Around, now: datetime, calendar: Calendar, zone: tzinfo
) -> list[Refusal]:
    """Return everything that is wrong with a leave that is asked for; sentences name the article."""
    found = span_refusals(leave.starts_at, leave.ends_at)
    if found:
        return found
    found += _urgent_refusals(leave, now) if leave.urgent else _early_refusals(leave, now, calendar, zone)
    if not leave.reason.strip():
        found.append(Refusal("reason", "请填写外出事由"))
    if leave.away != "post" and not leave.place.strip():
        found.append(Refusal("place", "第五十七条：离津、出境须写明地点"))
    if leave.written_at is not None and leave.written_at > now:
        found.append(Refusal("written_at", "书面报告的报送时间不能晚于现在"))
    return found + _around_refusals(leave, around)


def span_refusals(starts_at: datetime, ends_at: datetime) -> list[Refusal]:
    """Return what is wrong with the beginning and the end of a leave."""
    if ends_at <= starts_at:
        return [Refusal("ends_at", "第五十七条：返回时间须晚于离开时间，请核对起止时间")]
    if ends_at - starts_at > _LONGEST:
        return [Refusal("ends_at", "外出超过一年，请核对返回时间")]
    return []


def _urgent_refusals(leave: Leave, now: datetime) -> list[Refusal]:
    found: list[Refusal] = []
    if leave.phone_reported_at is None:
        found.append(Refusal("phone_reported_at", "第五十七条：紧急情况须先电话报告，请填写电话报告时间"))
    elif leave.phone_reported_at > now:
        found.append(Refusal("phone_reported_at", "电话报告时间不能晚于现在"))
    if not leave.phone_reported_to.strip():
        found.append(Refusal("phone_reported_to", "第五十七条：紧急情况须先电话报告，请填写接报人"))
    return found


def _early_refusals(leave: Leave, now: datetime, calendar: Calendar, zone: tzinfo) -> list[Refusal]:
    if leave.starts_at <= now:
        text = "第五十七条：外出须事先报告；情况紧急的请勾选“紧急”，并填写电话报告时间和接报人"
        return [Refusal("starts_at", text)]
    last = report_day(leave, calendar, zone)
    given = now if leave.written_at is None else leave.written_at
    if leave.is_director and given.astimezone(zone).date() > last:
        text = (
            "第五十七条：局长外出须提前5个工作日书面报告，本次最迟应于{day}报送；"
            "情况紧急的请勾选“紧急”，先电话报告，再补书面报告"
        )
        return [Refusal("starts_at", text, {"day": last})]
    return []


def _around_refusals(leave: Leave, around: Around) -> list[Refusal]:
    found: list[Refusal] = []
    if around.other_leave:
        text = "与已有的请假（{span}）时间重叠，请在原报备上变更行程"
        found.append(Refusal("starts_at", text, {"span": around.other_leave}))
    if around.delegated and not leave.urgent:
        found.append(Refusal("starts_at", "第五条：此期间受局长委托主持工作，须在津；请先由局长另行委托"))
    if around.together and not around.together_reason.strip():
        text = "{names}同期外出。正副职一般不同时外出；确需同时外出的，请写明理由"
        found.append(Refusal("together_reason", text, {"names": tuple(around.together)}))
    return found


def is_counterpart(one: Rank, other: Rank) -> bool:
    """Tell whether two people of one bureau or unit are its head and a deputy (正副职)."""
    return _DEPUTIES.get(one) == other or _DEPUTIES.get(other) == one


def delegate_refusal(delegate: Delegate, applicant_id: int) -> Refusal | None:
    """Return why somebody may not run the bureau while the director is away (Art. 5)."""
    values = {"name": delegate.name}
    if delegate.person_id == applicant_id or delegate.rank != "bureau_deputy" or delegate.left:
        return Refusal("delegate", "第五条：须委托一名副局长主持日常工作，{name}不能受托，请另选", values)
    if delegate.away:
        return Refusal("delegate", "第五条：受托人须全程在津，{name}同期请假外出，请另选", values)
    if delegate.acting:
        return Refusal("delegate", "第五条：同一时间只能委托一人主持工作，请先撤销原委托")
    return None


def filing_refusal(actor: Actor, person_id: int, unit_id: int) -> Refusal | None:
    """Return why somebody may not report the leave of a person of that unit, or change what was reported."""
    own = actor.person_id is not None and actor.person_id == person_id
    if own or actor.may("roster:write") or (actor.role == "unit" and actor.unit_id == unit_id):
        return None
    return Refusal("person", "只能填报本人的请假；他人的请由本人、单位联系人或办公室填报")


def sees_all(actor: Actor, person_id: int, unit_id: int) -> bool:
    """Tell whether somebody sees a leave with its reason: the person, approvers, the office, the unit's contact."""
    return actor.may("leave:approve") or filing_refusal(actor, person_id, unit_id) is None


def decision_refusal(
    actor: Actor,
    *,
    applicant_id: int,
    applicant: str,
    is_director: bool,
    rank: Rank,
    directors: Iterable[int],
    decided_by: str = "",
    asking: bool = False,
) -> Refusal | None:
    """Return why somebody may not decide a leave; *asking*: who decided has not been typed yet.

    Other leaders of the bureau are let go by the director (Art. 57). An administrator writes down what
    was decided, and by whom.
    """
    if not actor.may("leave:approve"):
        return Refusal("", "您的角色不能审批请假报备")
    if actor.person_id is not None and actor.person_id == applicant_id:
        return Refusal("", "不能审批本人的请假")
    if actor.role == "administrator":
        return None if asking else _written_down_refusal(decided_by.strip(), applicant)
    if rank in _BUREAU and not is_director and actor.person_id not in set(directors):
        return Refusal("", "第五十七条：局领导外出由局长审批；需代为登记的请由管理员办理")
    return None


def _written_down_refusal(decided_by: str, applicant: str) -> Refusal | None:
    if not decided_by:
        return Refusal("decided_by", "代为登记审批结果，请写明审批人")
    if decided_by == applicant:
        return Refusal("decided_by", "审批人不能是请假人本人")
    return None


def consent_refusal(consent_by: str, consent_at: datetime | None, now: datetime) -> Refusal | None:
    """Return what is missing of the city leader's consent, without which the director does not leave (Art. 57)."""
    if not consent_by.strip() or consent_at is None:
        return Refusal("consent_by", "第五十七条：局长外出须报分管市领导同意，请填写同意的市领导和时间")
    if consent_at > now:
        return Refusal("consent_at", "同意的时间不能晚于现在")
    return None


def amend_refusals(
    leave: Leave, starts_at: datetime, ends_at: datetime, now: datetime, calendar: Calendar, zone: tzinfo
) -> list[Refusal]:
    """Return why a leave cannot be moved to [starts_at, ends_at): it began, it would be over, or is too soon."""
    found = span_refusals(starts_at, ends_at)
    if found:
        return found
    if ends_at <= now:
        return [Refusal("ends_at", "返回时间已过；已经返回的请办理销假")]
    moved = starts_at != leave.starts_at
    refused = _moved_refusal(leave, starts_at, now, calendar, zone) if moved else None
    return [] if refused is None else [refused]


def _moved_refusal(
    leave: Leave, starts_at: datetime, now: datetime, calendar: Calendar, zone: tzinfo
) -> Refusal | None:
    if leave.starts_at <= now:
        return Refusal("starts_at", "已经离开，不能再改离开时间")
    if starts_at <= now:
        return Refusal("starts_at", "第五十七条：外出须事先报告，离开时间应晚于现在")
    last = calendar.add_working_days(starts_at.astimezone(zone).date(), -DAYS_AHEAD)
    earlier = starts_at < leave.starts_at and not leave.urgent
    if leave.is_director and earlier and now.astimezone(zone).date() > last:
        text = "第五十七条：改期后不足5个工作日（最迟应于{day}报送）；请撤销本次报备，按紧急情况另行填报"
        return Refusal("starts_at", text, {"day": last})
    return None


def return_refusal(leave: Leave, returned_at: datetime, now: datetime) -> Refusal | None:
    """Return why a return cannot be noted."""
    if leave.state != "approved":
        return Refusal("", "只有已批准、未销假的请假可以销假")
    if returned_at > now:
        return Refusal("returned_at", "返回时间不能晚于现在")
    if returned_at < leave.starts_at:
        return Refusal("returned_at", "返回时间早于离开时间；没有外出的请撤销报备")
    return None


def owed_by(
    leave: Leave, now: datetime, calendar: Calendar, plan: RosterPlan, zone: tzinfo
) -> tuple[list[Due], dict[str, datetime]]:
    """Return what a leave owes now, and which parts were done, when (Arts. 5, 57).

    The written report five working days ahead (57.1, the director), the one that follows an urgent call
    (57.2), the return (57.3), a deputy who runs the bureau (5).
    """

    def close_of(day: date) -> datetime:
        return datetime.combine(day, plan.office_closes, zone)

    def after(moment: datetime) -> datetime:
        return close_of(calendar.add_working_days(moment.astimezone(zone).date(), DAYS_AFTER))

    alive = leave.state in ("requested", "approved")
    due: list[Due] = []
    done: dict[str, datetime] = {}

    def owe(rule_id: str, part: str, base_at: datetime, due_at: datetime, at: datetime | None) -> None:
        if at is None:
            due.append(Due(rule_id, part, base_at, due_at))
        else:
            done[part] = at

    if leave.is_director and not leave.urgent and alive:
        last = close_of(report_day(leave, calendar, zone))
        owe("57.1", "written", leave.requested_at, last, leave.written_at)
    if leave.urgent and leave.phone_reported_at is not None and (alive or leave.state == "returned"):
        phoned = leave.phone_reported_at
        owe("57.2", "follow_up", phoned, after(phoned), leave.written_at)
    if leave.state in ("approved", "returned"):
        owe("57.3", "return", leave.ends_at, after(leave.ends_at), leave.return_reported_at)
    if leave.needs_delegate and alive:
        at = leave.delegated_at if leave.delegate_id is not None else None
        owe("5", "delegate", now, leave.starts_at, at)
    return due, done
