"""Whether a seat may change hands, and who asks for that and decides it. Pure.

A leader's seat is given away with the consent of another leader or the office, an operator's with that
of the leader on that shift or the office, before the shift begins; nobody decides for themselves
(domain §1.2).
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from dutydesk.accounts.rules import Actor
from dutydesk.rosters.rules import ChangeKind, ChangeState, PlannedShift, ShiftState
from dutydesk.rosters.rules.pieces import Piece, Refusal, persons_in


@dataclass(frozen=True, slots=True)
class Given:
    """A shift that is to be given away, and who really sits through it."""

    shift: PlannedShift
    state: ShiftState
    pieces: Sequence[Piece]


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked for: of a swap ``other`` is the shift that is taken in return, and both are whole."""

    kind: ChangeKind
    mine: Given
    other: Given | None
    to_id: int
    from_at: datetime
    until_at: datetime

    @property
    def from_id(self) -> int | None:
        """Who gives the seat up; None: nobody sits there."""
        return next(iter(persons_in(self.mine.pieces, self.from_at, self.until_at)), None)


def given_refusal(given: Given, now: datetime, field: str) -> Refusal | None:
    """Return why a shift cannot be given away at all."""
    if given.state == "draft":
        return Refusal(field, "值班表尚未发布，请直接在值班表中调整")
    if given.state == "cancelled":
        return Refusal(field, "该班次已取消，请另选班次")
    if given.shift.starts_at <= now:
        return Refusal(field, "班次已经开始，不能再申请；请报值班室登记实际在岗人员")
    return None


def change_refusal(asked: Asked, now: datetime) -> Refusal | None:
    """Return why seats cannot change hands in this way, whoever the people are (see ``eligibility`` for those)."""
    found = given_refusal(asked.mine, now, "shift")
    if found is not None:
        return found
    if asked.kind == "swap":
        return _swap_refusal(asked, now)
    shift = asked.mine.shift
    if not shift.starts_at <= asked.from_at < asked.until_at <= shift.ends_at:
        return Refusal("from_at", "起止时间须在本班次之内，且开始早于结束")
    persons = persons_in(asked.mine.pieces, asked.from_at, asked.until_at)
    if len(persons) > 1:
        return Refusal("from_at", "所选时段内值班人不止一人，请分段申请")
    if asked.to_id in persons:
        return Refusal("person", "代班人就是本班值班人，请另选")
    return None


def _swap_refusal(asked: Asked, now: datetime) -> Refusal | None:
    mine, other = asked.mine, asked.other
    if other is None or other.shift.id == mine.shift.id:
        return Refusal("other_shift", "请选择另一个班次")
    found = given_refusal(other, now, "other_shift")
    if found is not None:
        return found
    if mine.shift.unit_id != other.shift.unit_id:
        return Refusal("other_shift", "两个班次须属同一单位")
    parted = _parted_refusal("shift", mine) or _parted_refusal("other_shift", other)
    if parted is None and asked.to_id == asked.from_id:
        return Refusal("other_shift", "两个班次是同一人，不能换班")
    return parted


def _parted_refusal(field: str, one: Given) -> Refusal | None:
    persons = {piece.person_id for piece in one.pieces}
    if None in persons:
        return Refusal(field, "该班次现无人值守，不能换班，请申请代班")
    if len(persons) > 1:
        return Refusal(field, "该班次已由几人分段值守，不能整班调换")
    return None


def asking_refusal(actor: Actor, asked: Asked) -> Refusal | None:
    """Return why somebody may not ask for this: the person concerned does, or the unit's contact, or the office."""
    unit_id = asked.mine.shift.unit_id
    if actor.may("roster:write") or (actor.role == "unit" and actor.unit_id == unit_id):
        return None
    if actor.person_id is not None and actor.person_id == asked.from_id:
        return None
    return Refusal("shift", "只能为本人的班次申请；他人的班次请由本人、单位联系人或办公室提出")


def decision_refusal(
    actor: Actor, *, asked_by: str, concerned: Collection[int], of_leaders: bool, leads: bool
) -> Refusal | None:
    """Return why somebody may not decide a request.

    *of_leaders*: only leaders' seats change hands. *leads*: the actor is the leader on one of the shifts.
    """
    if not actor.may("roster:approve"):
        return Refusal("", "您的角色不能审批代班换班")
    if actor.name == asked_by:
        return Refusal("", "不能审批本人提出的申请，请由其他有权限的人办理")
    if actor.person_id is not None and actor.person_id in concerned:
        return Refusal("", "不能审批与本人有关的申请，请由其他有权限的人办理")
    if actor.role == "leader" and not of_leaders and not leads:
        return Refusal("", "值班员的代班换班由当班带班领导或办公室审批")
    return None


def cancel_refusal(
    actor: Actor,
    *,
    state: ChangeState,
    asked_by: str,
    asker_id: int | None,
    starts_at: datetime,
    now: datetime,
) -> Refusal | None:
    """Return why a request or an approved change cannot be taken back by this actor any more."""
    if state not in ("requested", "approved"):
        return Refusal("", "该申请已经办结，不能撤销")
    own = actor.name == asked_by or (asker_id is not None and actor.person_id == asker_id)
    if not own and not actor.may("roster:write"):
        return Refusal("", "只有申请人和办公室可以撤销")
    if starts_at <= now:
        return Refusal("", "班次已经开始，不能撤销；如需变动请报值班室登记实际在岗人员")
    return None
