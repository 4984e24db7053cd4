"""A rotation on one class of days while a span is filled: whose turn, who serves it, who owes whom. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import Literal, NamedTuple

from dutydesk.calendars.rules import DayClass
from dutydesk.rosters.rules.eligibility import Fault
from dutydesk.rosters.rules.rotation import LastTurn, Queue, Rotation
from dutydesk.rosters.rules.slots import Slot
from dutydesk.rosters.rules.standing import Standing

# It is their turn; for a member who cannot serve; giving a turn back; named by hand. Of a hole: nobody can, or no
# rotation has the seat on such days.
Code = Literal["TURN", "INSTEAD", "PAYBACK", "BY_HAND", "NOBODY", "NO_ROTATION"]
Why = Mapping[str, object]

_ONE_DAY = timedelta(days=1)
_NOBODY: Why = {"code": "NOBODY"}
_NONE_REFUSED: Mapping[int, tuple[Fault, ...]] = {}


class Assignment(NamedTuple):
    """One place of a slot: who serves it, whose turn it is, and why; ``person_id`` None: a hole.

    ``why`` is a code with its values, stored with the shift. ``refused`` says of a hole why each member
    cannot serve it.
    """

    slot: Slot
    person_id: int | None
    owner_id: int | None
    rotation_id: int | None
    why: Why
    refused: Mapping[int, tuple[Fault, ...]] = _NONE_REFUSED


class Group:
    """One rotation on one class of days; slots must be asked for in order of time."""

    def __init__(
        self,
        rotation: Rotation,
        day_class: DayClass,
        last: LastTurn | None,
        standings: Mapping[int, Standing],
        slots: Sequence[Slot],
        rest: timedelta,
    ) -> None:
        """Begin where *last* left the order."""
        self._rotation = rotation
        self._members = rotation.members
        self._queue = Queue(rotation.members, None if last is None else last.owner_id)
        self._standings = standings
        self._slots = slots
        self._rest = rest
        # Creditor → debtor → turns to give back; and how many more turns somebody served than were theirs.
        self._owed: dict[int, dict[int, int]] = {}
        self._extra: dict[int, int] = {}
        self._pairs = rotation.pairs_weekend and day_class == "rest"
        # The last day of a run of rest days that is one turn.
        self._run = last if self._pairs else None
        # Whether anybody comes or goes within the span: then a place in the order is not the same every day.
        days = (slots[0].day, slots[-1].day) if slots else ()
        self._changes = not all(one.active(day) for one in rotation.members for day in days)
        self._turns: list[Why] = [{"code": "TURN", "at": at + 1} for at in range(len(rotation.members))]

    def keep(self, day: date, owner: int, server: int) -> None:
        """Note a turn that stays as it is."""
        if not self._continues(day, owner):
            self._queue.keep(owner, day)
        if owner != server:
            self.owe(owner, server, 1)
        self._ran(day, owner, server)

    def owe(self, owner: int, server: int, times: int) -> None:
        """Note that *server* served so many turns of *owner*: that gives back what *server* owed, or is owed itself."""
        self._extra[owner] = self._extra.get(owner, 0) - times
        self._extra[server] = self._extra.get(server, 0) + times
        owed = self._owed.get(owner, {})
        paid = min(times, owed.get(server, 0))
        if paid == owed.get(server):
            del owed[server]
        elif paid:
            owed[server] -= paid
        if times > paid:
            debts = self._owed.setdefault(server, {})
            debts[owner] = debts.get(owner, 0) + times - paid

    def serve(self, index: int, *, alone: bool) -> Assignment:
        """Return who serves a place of the slot at *index*; *alone*: in charge of it without another operator."""
        slot = self._slots[index]
        if self._pairs and self._run is not None and self._continues(slot.day, self._run.owner_id):
            return self._next_day(slot, self._run, alone=alone)
        at = self._queue.next_at(slot.day)
        if at is None:
            return Assignment(slot, None, None, None, _NOBODY)
        owner = self._members[at].person_id
        standing = self._standings.get(owner)
        if self._owed.get(owner) and self._rotation.pays_back:
            debtor = self._debtor(index, at, alone=alone)
            if debtor is not None:
                return self._given(
                    slot, owner, debtor, {"code": "PAYBACK", "at": self._rank(at, slot.day)}, at
                )
        if standing is not None and standing.fits(slot, alone=alone):
            standing.give(slot)
            self._queue.take(at)
            self._ran(slot.day, owner, owner)
            why = {"code": "TURN", "at": self._rank(at, slot.day)} if self._changes else self._turns[at]
            return Assignment(slot, owner, owner, self._rotation.id, why)
        return self._substituted(slot, owner, at, alone=alone, soon=self._soon(index, at), takes=at)

    def _next_day(self, slot: Slot, run: LastTurn, *, alone: bool) -> Assignment:
        """The turn goes on: whoever served the day before serves again, without rest in between."""
        at = next((at for at, one in enumerate(self._members) if one.person_id == run.owner_id), 0)
        server = self._standings.get(run.person_id)
        if server is not None and server.fits(slot, alone=alone, resting=False):
            code = "TURN" if run.person_id == run.owner_id else "INSTEAD"
            why = {"code": code, "at": self._rank(at, slot.day), "pair": True}
            return self._given(slot, run.owner_id, run.person_id, why, None)
        return self._substituted(slot, run.owner_id, at, alone=alone, soon=None, takes=None)

    def _given(self, slot: Slot, owner: int, server: int, why: Why, takes: int | None) -> Assignment:
        self._standings[server].give(slot)
        if server != owner:
            self.owe(owner, server, 1)
        if takes is not None:
            self._queue.take(takes)
        self._ran(slot.day, owner, server)
        return Assignment(slot, server, owner, self._rotation.id, why)

    def _substituted(
        self, slot: Slot, owner: int, at: int, *, alone: bool, soon: int | None, takes: int | None
    ) -> Assignment:
        """The owner cannot: the member with the least balance does. Who has the very next turn is asked last."""
        members = [owner, *self._others(slot.day, owner, at)]
        known = [(one, self._standings[one]) for one in members if one in self._standings]
        # Within reach of a telephone, too little rest is better than nobody; on post it is not.
        for resting in (True, False) if slot.mode == "on_call" else (True,):
            able = [one for one, standing in known if standing.fits(slot, alone=alone, resting=resting)]
            if able:
                chosen = min(
                    able,
                    key=lambda one: (one != owner, one == soon, self._extra.get(one, 0), members.index(one)),
                )
                why = self._why(slot, owner, chosen, at, alone=alone)
                return self._given(slot, owner, chosen, why if resting else {**why, "tired": True}, takes)
        refused = {one: standing.faults(slot, alone=alone) for one, standing in known}
        return Assignment(slot, None, owner, self._rotation.id, _NOBODY, refused)

    def _others(self, day: date, owner: int, at: int) -> Iterator[int]:
        """Yield the other members of that day, backwards from the owner: their own turns are the farthest ahead."""
        members = self._members
        around = (members[(at - step) % len(members)] for step in range(1, len(members)))
        return iter(
            dict.fromkeys(one.person_id for one in around if one.active(day) and one.person_id != owner)
        )

    def _why(self, slot: Slot, owner: int, chosen: int, at: int, *, alone: bool) -> Why:
        why: dict[str, object] = {"code": "TURN", "at": self._rank(at, slot.day)}
        standing = self._standings.get(owner)
        if chosen == owner or standing is None:
            return why
        if self._rotation.pays_back and chosen in self._owed.get(owner, ()):
            return why | {"code": "PAYBACK"}
        faults = standing.faults(slot, alone=alone)
        why |= {"code": "INSTEAD", "faults": list(faults), "back": self._rotation.pays_back}
        if "AWAY" in faults:
            away = standing.candidate.away
            begins, ends = min(one for one in away if one[0] < slot.ends_at and one[1] > slot.starts_at)
            why |= {"from": begins.isoformat(), "until": ends.isoformat()}
        return why

    def _debtor(self, index: int, at: int, *, alone: bool) -> int | None:
        """Return who gives a turn back to the owner in this slot: whoever owes most and can serve."""
        slot, owed = self._slots[index], self._owed[self._members[at].person_id]
        order = [one.person_id for one in self._members if one.active(slot.day)]
        debtors = [one for one in order if one in owed and one in self._standings]
        soon = self._soon(index, at) if debtors else None
        debtors.sort(key=lambda one: (-owed[one], order.index(one)))
        fit = (one for one in debtors if one != soon and self._standings[one].fits(slot, alone=alone))
        return next(fit, None)

    def _soon(self, index: int, at: int) -> int | None:
        """Return who has the turn after this one, where it comes too soon for them to serve both."""
        slot, soon = self._slots[index], None
        until = slot.ends_at + self._rest
        for following in range(index + 1, len(self._slots)):
            other = self._slots[following]
            if other.starts_at >= until:
                break
            if (other.seat, other.day_class) == (slot.seat, slot.day_class) and other.day > slot.day:
                order = [*range(at + 1, len(self._members)), *range(at)]
                soon = next((one for one in order if self._members[one].active(other.day)), None)
                break
        return None if soon is None else self._members[soon].person_id

    def _continues(self, day: date, owner: int) -> bool:
        run = self._run
        return run is not None and run.day == day - _ONE_DAY and run.owner_id == owner

    def _ran(self, day: date, owner: int, server: int) -> None:
        if self._pairs:
            self._run = LastTurn(owner, server, day)

    def _rank(self, at: int, day: date) -> int:
        """Return which in the order a member is, of those who take turns that day."""
        return 1 + sum(one.active(day) for one in self._members[:at]) if self._changes else at + 1
