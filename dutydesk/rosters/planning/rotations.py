"""Changing rotations: who takes turns on a seat, in which order, from when to when."""

from collections.abc import Collection, Sequence
from datetime import date, datetime

from dutydesk.audit.actions import record
from dutydesk.calendars.rules import DAY_CLASSES, DayClass
from dutydesk.db import Session
from dutydesk.errors import ConflictError, FieldFault, InvalidInputError, NotFoundError
from dutydesk.people import queries as people
from dutydesk.people.queries import id_of
from dutydesk.people.rules import Unit
from dutydesk.rosters.model import Rotation, RotationMember
from dutydesk.rosters.planning import setup_queries as queries
from dutydesk.rosters.planning.patterns import patterns_in_force
from dutydesk.rosters.planning.queries import members_of
from dutydesk.rosters.queries import look_for_holes
from dutydesk.rosters.rules import Seat
from dutydesk.web.languages import say
from dutydesk.web.site import Site


async def begin_rotation(
    session: Session,
    site: Site,
    now: datetime,
    actor: str,
    unit: Unit,
    *,
    seat: Seat,
    name: str,
    day_classes: Collection[DayClass],
    pairs_weekend: bool = False,
    pays_back: bool = True,
) -> Rotation:
    """Make a rotation without members.

    Raises:
        InvalidInputError: no name, no class of days, or the seat's places have a rotation each already.
    """
    row = Rotation(unit_id=unit.id, seat=seat, name="", created_at=now, created_by=actor)
    await _describe(session, site, unit, row, name, day_classes)
    row.pairs_weekend, row.pays_back = pairs_weekend, pays_back
    session.add(row)
    await session.flush()
    await look_for_holes(session, [unit.id], now)
    record(
        session, now, actor, "rotation.begun", f"rotation:{row.id}", unit=unit.code, seat=seat, name=row.name
    )
    return row


async def change_rotation(
    session: Session,
    site: Site,
    now: datetime,
    actor: str,
    unit: Unit,
    rotation_id: int,
    *,
    name: str,
    day_classes: Collection[DayClass],
    pairs_weekend: bool,
    pays_back: bool,
) -> Rotation:
    """Change what a rotation is for; shifts that are planned already stay as they are.

    Raises:
        NotFoundError: there is no such rotation in this unit.
        ConflictError: it has ended.
        InvalidInputError: as :func:`begin_rotation`.
    """
    row = await _live(session, unit, rotation_id)
    await _describe(session, site, unit, row, name, day_classes)
    row.pairs_weekend, row.pays_back = pairs_weekend, pays_back
    session.add(row)
    await look_for_holes(session, [unit.id], now)
    record(
        session,
        now,
        actor,
        "rotation.changed",
        f"rotation:{row.id}",
        name=row.name,
        day_classes=row.day_classes,
        pairs_weekend=pairs_weekend,
        pays_back=pays_back,
    )
    return row


async def end_rotation(session: Session, now: datetime, actor: str, unit: Unit, rotation_id: int) -> None:
    """Let nobody take turns by this rotation any more; what was planned by it stays.

    Raises:
        NotFoundError: there is no such rotation in this unit.
        ConflictError: it has ended.
    """
    row = await _live(session, unit, rotation_id)
    row.ended_at = now
    session.add(row)
    await look_for_holes(session, [unit.id], now)
    record(session, now, actor, "rotation.ended", f"rotation:{row.id}")


async def join(
    session: Session,
    now: datetime,
    actor: str,
    unit: Unit,
    rotation_id: int,
    *,
    person_id: int,
    joined_on: date,
    own_only: bool = False,
) -> RotationMember:
    """Let somebody take turns from *joined_on* on, last in the order; with *own_only* somebody of this unit.

    Raises:
        NotFoundError: there is no such rotation in this unit.
        ConflictError: the rotation has ended.
        InvalidInputError: no such person, one who left, or one who takes turns in it already.
    """
    row = await _live(session, unit, rotation_id)
    person = (await people.people_by_id(session, [person_id])).get(person_id)
    if person is None or person.retired_at is not None or (own_only and person.unit_id != unit.id):
        raise _refusal("person", say("请选择在职的人员"))
    members = (await members_of(session, [rotation_id])).get(rotation_id, [])
    same = [one for one in members if one.person_id == person_id]
    if any(one.left_on is None or one.left_on > joined_on for one in same):
        raise _refusal("person", say("{name}已在这个轮值组", name=person.name))
    made = RotationMember(
        rotation_id=id_of(row.id),
        person_id=person_id,
        position=max((one.position for one in members), default=-1) + 1,
        joined_on=joined_on,
    )
    session.add(made)
    await session.flush()
    await look_for_holes(session, [unit.id], now)
    record(
        session,
        now,
        actor,
        "rotation.joined",
        f"rotation:{rotation_id}",
        person=person_id,
        joined_on=joined_on.isoformat(),
    )
    return made


async def leave(
    session: Session, now: datetime, actor: str, unit: Unit, rotation_id: int, member_id: int, left_on: date
) -> RotationMember:
    """Let a member take no turns from *left_on* on.

    Raises:
        NotFoundError: there is no such rotation in this unit, or no such member in it.
        ConflictError: the rotation has ended.
        InvalidInputError: the date lies before they joined.
    """
    await _live(session, unit, rotation_id)
    row = await queries.member(session, rotation_id, member_id)
    if left_on < row.joined_on:
        raise _refusal("left_on", say("退出日期不能早于加入日期"))
    row.left_on = left_on
    session.add(row)
    await look_for_holes(session, [unit.id], now)
    record(
        session,
        now,
        actor,
        "rotation.left",
        f"rotation:{rotation_id}",
        person=row.person_id,
        left_on=left_on.isoformat(),
    )
    return row


async def reorder(
    session: Session, now: datetime, actor: str, unit: Unit, rotation_id: int, order: Sequence[int]
) -> None:
    """Put the members of a rotation into the order of these ids; those not named keep their places behind them.

    Raises:
        NotFoundError: there is no such rotation in this unit.
        ConflictError: the rotation has ended, or the ids are not its members.
    """
    await _live(session, unit, rotation_id)
    members = (await members_of(session, [rotation_id])).get(rotation_id, [])
    known = {id_of(one.id): one for one in members}
    if len(set(order)) != len(order) or not known.keys() >= set(order):
        raise ConflictError(say("成员刚刚有变动，请刷新后再排序"))
    rest = [one for one in members if one.id not in order]
    for position, one in enumerate([*(known[key] for key in order), *rest]):
        one.position = position
        session.add(one)
    record(
        session,
        now,
        actor,
        "rotation.reordered",
        f"rotation:{rotation_id}",
        order=[known[key].person_id for key in order],
    )


async def of_unit(session: Session, unit: Unit, rotation_id: int, *, lock: bool = False) -> Rotation:
    """Return a rotation of this unit, with *lock* for nobody else to change until the transaction ends.

    Raises:
        NotFoundError: there is none.
    """
    row = await queries.rotation(session, rotation_id, lock=lock)
    if row.unit_id != unit.id:
        raise NotFoundError(f"there is no rotation {rotation_id}")
    return row


async def _live(session: Session, unit: Unit, rotation_id: int) -> Rotation:
    row = await of_unit(session, unit, rotation_id, lock=True)
    if row.ended_at is not None:
        raise ConflictError(say("这个轮值组已停用"))
    return row


async def _describe(
    session: Session,
    site: Site,
    unit: Unit,
    row: Rotation,
    name: str,
    day_classes: Collection[DayClass],
) -> None:
    if not name.strip():
        raise _refusal("name", say("请填写"))
    classes = [one for one in DAY_CLASSES if one in day_classes]
    if not classes:
        raise _refusal("day_classes", say("请至少选择一种日类"))
    others = [
        one
        for one in await queries.rotations(session, unit_id=unit.id)
        if one.id != row.id and one.seat == row.seat
    ]
    patterns = await patterns_in_force(session, site, unit)
    for day_class in classes:
        places = max(
            (one.count for one in patterns if (one.seat, one.day_class) == (row.seat, day_class)), default=1
        )
        same = [one.name for one in others if day_class in one.day_classes]
        if len(same) >= places:
            message = say("这一席位的这类日子已有轮值组“{name}”，请先停用或改选日类", name=same[0])
            raise _refusal("day_classes", message)
    row.name, row.day_classes = name.strip(), list(classes)


def _refusal(field: str, message: str) -> InvalidInputError:
    return InvalidInputError(message, (FieldFault(field, message),))
