"""What a ladder asks for at a moment: facts in, decisions out, nothing else."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dutydesk.escalation.rules import (
    SCREEN,
    Adopt,
    AlertFact,
    ArmAgain,
    Backlog,
    Cancel,
    EndRung,
    EndTakeOver,
    Facts,
    Fire,
    FulfilByKey,
    Gap,
    NoteNoReport,
    OffSeat,
    Plan,
    Recipient,
    RungFact,
    Tell,
    call_out,
    decide,
)
from dutydesk.obligations.rules import rung_times
from dutydesk.rulebook.loader import load_rulebook
from dutydesk.rulebook.types import LadderPlan, RungPlan
from dutydesk.rulebook.types import Tell as TellPlan

BOOK = load_rulebook(Path(__file__).parents[2] / "config", "zh-CN")
TWO = datetime(2026, 11, 22, 18, 0, tzinfo=UTC)
STALE = timedelta(hours=24)
REPORT, CALL_OUT = BOOK.ladders["phone_report"], BOOK.ladders["call_out"]


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)


def person(name: str, *, sms: bool = True, voice: bool = True) -> Recipient:
    return Recipient(f"person:{name}", person_id=1, has_sms=sms, has_voice=voice)


def phone(number: str) -> Recipient:
    return Recipient(f"phone:{number}", phone=number, has_voice=True)


SEATS = {
    "unit:operator": ((person("unit operator"),),),
    "unit:leader": ((person("unit leader"),),),
    "unit:head": ((person("unit head"),),),
    "unit:phone": ((phone("unit"),),),
    "desk:operator": ((person("operator"),),),
    "desk:leader": ((person("leader"),),),
    "desk:chief": ((person("chief"),),),
    "desk:standby": ((person("standby"),),),
    "desk:phone": ((phone("desk"),),),
    "post:office_director": ((person("director"),),),
}
LAST = (person("last one"), person("last two"))


@dataclass
class Night:
    """One obligation of two o'clock, played by hand: each step applies what was decided to the facts."""

    ladder: LadderPlan = REPORT
    due_at: datetime = TWO + minutes(20)
    opened_at: datetime = TWO
    seats: dict = field(default_factory=lambda: dict(SEATS))
    by_key: bool = False
    due_version: int = 1
    fired_before: frozenset = frozenset()
    next_check_at: datetime | None = None
    now: datetime = TWO
    rungs: list[RungFact] = field(default_factory=list)
    alerts: list[AlertFact] = field(default_factory=list)
    fired: list[tuple[str, int]] = field(default_factory=list)
    noted: bool = False
    over: bool = False
    # What somebody asked for by hand: a call-out tells once more whomever a rung has told.
    by_hand: set[int] = field(default_factory=set)

    def __post_init__(self):
        times = rung_times(self.ladder, self.opened_at, TWO, self.due_at)
        self.rungs = [RungFact(index, key, 0, at) for index, (key, at) in enumerate(times, start=1)]

    def facts(self) -> Facts:
        return Facts(
            obligation_id=1,
            ladder=self.ladder,
            opened_at=self.opened_at,
            due_at=self.due_at,
            due_version=self.due_version,
            rungs=tuple(self.rungs),
            alerts=tuple(self.alerts),
            levels=self.seats,
            fallbacks=BOOK.fallbacks,
            last_resort=LAST,
            no_report_noted=self.noted,
            by_key=self.by_key,
            next_check_at=self.next_check_at,
            fired_before=self.fired_before,
        )

    def at(self, minute: float) -> Plan:
        """Decide at that minute after two, and apply it."""
        self.now = TWO + minutes(minute)
        return self.step()

    def click(self, minute: float) -> Plan:
        """Somebody calls out by hand at that minute; the pass that follows at once is played too."""
        self.now = TWO + minutes(minute)
        plan = Plan(call_out(self.facts(), self.now))
        for decision in plan.decisions:
            self._apply(decision)
        assert told(self.step()) == [], "the pass after a click has nothing to add"
        return plan

    def step(self) -> Plan:
        plan = decide(self.facts(), self.now, stale_after=STALE)
        for decision in plan.decisions:
            self._apply(decision)
        return plan

    def _apply(self, decision):
        match decision:
            case NoteNoReport():
                assert not self.noted
                self.noted = True
            case FulfilByKey() | Backlog():
                self.over = True
            case Fire(rung_id, _):
                rung = self.rung(rung_id)
                assert not rung.fired, "a rung fires once"
                self.fired.append((rung.key, rung.occurrence))
                self.rungs[self.rungs.index(rung)] = replace(rung, fired=True)
            case EndRung(rung_id, _):
                self.rungs.remove(self.rung(rung_id))
            case ArmAgain(key, occurrence, at):
                self.rungs.append(
                    RungFact(1000 + len(self.rungs) + len(self.fired) * 50, key, occurrence, at)
                )
            case Tell():
                self._tell(decision)
            case Adopt(alert_id, rung_id, target, position, _):
                self.change(alert_id, rung_id=rung_id, target=target, position=position)
            case Cancel(alert_id, _):
                self.change(alert_id, alive=False, cancelled=True)
            case OffSeat(alert_id, _):
                self.change(alert_id, off_seat_noted=True)
            case EndTakeOver():
                self.next_check_at = None

    def _tell(self, tell: Tell):
        self.alerts.append(
            AlertFact(
                id=len(self.alerts) + 1,
                rung_id=tell.rung_id,
                target=tell.target,
                position=tell.position,
                recipient=tell.recipient.key,
                channel=tell.channel,
                alive=True,
            )
        )

    def rung(self, rung_id: int) -> RungFact:
        return next(rung for rung in self.rungs if rung.id == rung_id)

    def alert(self, who: str, channel: str = "voice") -> AlertFact:
        found = [one for one in self.alerts if (one.recipient.split(":")[1], one.channel) == (who, channel)]
        return found[-1]

    def change(self, alert_id: int, **facts):
        index = next(index for index, one in enumerate(self.alerts) if one.id == alert_id)
        self.alerts[index] = replace(self.alerts[index], **facts)

    def key(self, who: str, channel: str = "voice", **facts):
        """Somebody presses a key: it ends their own alerts, as the queue sees to it."""
        pressed = self.alert(who, channel)
        self.change(pressed.id, acknowledged_at=self.now, **facts)
        for other in self.alerts:
            if other.recipient == pressed.recipient and other.id != pressed.id and other.alive:
                self.change(other.id, alive=False, cancelled=True)

    def gives_up(self, who: str, channel: str = "voice", reason: str = "NO_KEY_PRESSED", **facts):
        self.change(self.alert(who, channel).id, given_up=reason, **facts)


def told(plan: Plan) -> list[tuple[str, str]]:
    """Return (person, channel) of everyone told, the screen aside."""
    return [
        (one.recipient.key.split(":")[1], one.channel)
        for one in plan.decisions
        if isinstance(one, Tell) and one.channel != "screen"
    ]


def of(plan: Plan, kind: type) -> list:
    return [one for one in plan.decisions if isinstance(one, kind)]


# ── the default ladder, rung by rung ─────────────────────────────────────────────────────────

BOTH = [
    ("unit operator", "sms"),
    ("unit operator", "voice"),
    ("unit leader", "sms"),
    ("unit leader", "voice"),
]


@pytest.mark.parametrize(
    ("minute", "expected"),
    [
        (14.9, []),
        (15, [("unit operator", "sms"), ("operator", "sms")]),
        (19.9, []),
        (20, BOTH),
        (23, [("leader", "sms"), ("leader", "voice")]),
        (28, [("unit head", "voice"), ("chief", "voice")]),
        (38, [("operator", "voice")]),
    ],
)
def test_each_rung_tells_its_own_people_at_its_own_time(minute, expected):
    night = Night()
    # What came before has been told, and nobody answered or failed yet.
    night.rungs = [rung for rung in night.rungs if rung.at >= TWO + minutes(minute)]
    assert told(night.at(minute)) == expected


def test_the_row_is_looked_at_again_when_the_next_rung_or_the_due_time_comes():
    night = Night()
    assert [night.at(minute).wake_at for minute in (0, 15, 20, 23, 28, 38)] == [
        TWO + minutes(minute) for minute in (15, 20, 23, 28, 38, 48)
    ]


def test_the_due_time_is_noted_once_and_not_before_it_has_passed():
    night = Night()
    assert of(night.at(19.99), NoteNoReport) == []
    assert of(night.at(20), NoteNoReport) == [NoteNoReport()]
    assert of(night.at(21), NoteNoReport) == []


def test_a_ladder_never_simply_ends():
    night = Night()
    for minute in range(38, 1000, 10):
        plan = night.at(minute)
        assert of(plan, ArmAgain)[0].at == TWO + minutes(minute + 10)
        assert plan.wake_at == TWO + minutes(minute + 10)


def test_after_an_outage_the_repeated_rung_goes_on_in_its_own_rhythm_without_making_up_for_lost_ones():
    night = Night()
    night.at(38)
    plan = night.at(38 + 45)
    assert [(one.occurrence, one.at) for one in of(plan, ArmAgain)] == [(2, TWO + minutes(38 + 50))]
    assert len(of(plan, Fire)) == 1


# ── several rungs at once ────────────────────────────────────────────────────────────────────


def test_rungs_missed_in_an_outage_are_told_as_one_with_the_latest_words():
    plan = Night().at(200)
    assert sorted(told(plan)) == sorted(
        [
            *BOTH,
            ("operator", "sms"),
            ("operator", "voice"),
            ("leader", "sms"),
            ("leader", "voice"),
            ("unit head", "voice"),
            ("chief", "voice"),
        ]
    )
    words = {(one.recipient.key, one.wording) for one in of(plan, Tell)}
    assert ("person:operator", "by_hand") in words
    assert ("person:operator", "warning") not in words
    assert ("person:unit operator", "missed") in words
    assert {one.reason for one in of(plan, Fire)} == {"LATE_START"}
    assert len([one for one in of(plan, Tell) if one.channel == "screen"]) == 1


def test_an_incident_logged_late_says_that_it_was_logged_late():
    night = Night(opened_at=TWO + minutes(18))
    assert [one.reason for one in of(night.at(18), Fire)] == ["OPENED_LATE"]


@pytest.mark.parametrize(
    ("fired_before", "reason"), [(frozenset({"warning"}), "DUE_MOVED"), (frozenset(), "DUE_MOVED")]
)
def test_a_rung_past_by_a_new_due_time_says_that_the_due_time_moved(fired_before, reason):
    night = Night(due_version=2, fired_before=fired_before)
    assert [one.reason for one in of(night.at(18), Fire)] == [reason]


def test_a_rung_of_a_new_due_time_that_comes_in_its_time_and_never_fired_before_is_an_ordinary_one():
    assert [one.reason for one in of(Night(due_version=2).at(15), Fire)] == ["FIRST_RUNG"]


def test_what_is_older_than_a_day_is_recorded_and_calls_nobody():
    night = Night()
    plan = night.at(20 + 24 * 60 + 1)
    assert of(plan, NoteNoReport)
    assert of(plan, Backlog)
    assert told(plan) == []
    # Nothing of it rings, and a day later it is counted again: a ladder never simply ends.
    assert plan.wake_at == night.now + STALE
    assert [(rung.key, rung.at) for rung in night.rungs] == [("by_hand", plan.wake_at)]


def test_a_clock_that_jumped_puts_no_ladder_to_sleep():
    night = Night()
    assert of(
        decide(replace(night.facts(), clock_in_doubt=True), TWO + minutes(3000), stale_after=STALE), Fire
    )


def test_a_ladder_that_was_running_goes_on_after_a_day():
    night = Night()
    for minute in (15, 20, 23, 28, 38):
        night.at(minute)
    plan = night.at(38 + 30 * 60)
    assert not of(plan, Backlog)
    assert plan.wake_at is not None


# ── whom ─────────────────────────────────────────────────────────────────────────────────────


def test_an_empty_seat_is_skipped_at_once_and_shown():
    night = Night(seats=SEATS | {"desk:leader": ((),)})
    night.rungs = [rung for rung in night.rungs if rung.key == "leader"]
    plan = night.at(23)
    assert told(plan) == [("chief", "sms"), ("chief", "voice")]
    assert of(plan, Gap) == [Gap("desk:leader", "SEAT_EMPTY")]
    assert {one.reason for one in of(plan, Tell)} == {"SEAT_EMPTY"}


def test_a_person_without_a_usable_number_is_a_gap_too():
    nobody = person("leader", sms=False, voice=False)
    night = Night(seats=SEATS | {"desk:leader": ((nobody,),)})
    night.rungs = [rung for rung in night.rungs if rung.key == "leader"]
    plan = night.at(23)
    assert told(plan) == [("chief", "sms"), ("chief", "voice")]
    assert of(plan, Gap) == [Gap("desk:leader", "NO_USABLE_NUMBER")]


def test_a_landline_is_called_where_an_sms_was_asked_for():
    seats = SEATS | {"unit:operator": ((person("unit operator", sms=False),),)}
    assert ("unit operator", "voice") in told(Night(seats=seats).at(15))


def test_both_are_told_while_a_seat_is_handed_over():
    both = ((person("leader"), person("incoming")),)
    night = Night(seats=SEATS | {"desk:leader": both})
    night.rungs = [rung for rung in night.rungs if rung.key == "leader"]
    assert {who for who, _ in told(night.at(23))} == {"leader", "incoming"}


def test_the_last_resort_is_told_when_nobody_can_be():
    night = Night(CALL_OUT, due_at=TWO + minutes(5), seats=dict.fromkeys(SEATS, ((),)))
    plan = night.at(0)
    assert told(plan) == [
        ("last one", "sms"),
        ("last one", "voice"),
        ("last two", "sms"),
        ("last two", "voice"),
    ]
    assert any(one.channel == "screen" and one.wording == "last_resort" for one in of(plan, Tell))


def test_whoever_sits_on_two_seats_is_told_once():
    twice = ((person("unit operator"),),)
    night = Night(seats=SEATS | {"unit:leader": twice})
    night.rungs = [rung for rung in night.rungs if rung.key == "due"]
    assert told(night.at(20)) == [("unit operator", "sms"), ("unit operator", "voice")]


# ── going on ─────────────────────────────────────────────────────────────────────────────────


def night_at_leader() -> Night:
    night = Night()
    night.rungs = [rung for rung in night.rungs if rung.key in ("leader", "by_hand")]
    night.at(23)
    return night


def test_the_next_person_comes_when_every_number_was_rung_and_the_first_goes_on_ringing():
    night = night_at_leader()
    assert told(night.at(24)) == []
    night.gives_up("leader")
    assert told(night.at(24)) == [("chief", "voice")]
    assert night.alert("leader").alive
    assert told(night.at(25)) == []


def test_the_line_ends_with_the_last_resort_only_when_nobody_is_being_called_any_more():
    night = night_at_leader()
    for who in ("leader", "chief", "standby"):
        night.at(24)
        night.gives_up(who)
    assert told(night.at(25)) == []
    for who in ("leader", "chief", "standby"):
        night.change(night.alert(who).id, alive=False)
    assert ("last one", "voice") in told(night.at(26))


@pytest.mark.parametrize("line", [("leader",), ("leader", "chief", "standby")])
def test_who_took_over_is_not_somebody_who_failed_to_answer(line):
    night = night_at_leader()
    for who in line:
        night.at(24)
        night.gives_up(who)
    for alert in list(night.alerts):
        night.change(alert.id, alive=False, cancelled=True)
    night.next_check_at = TWO + minutes(60)
    assert told(night.at(26)) == []


def test_one_key_ends_the_rung_and_takes_the_others_calls_back():
    night = Night()
    night.rungs = [rung for rung in night.rungs if rung.key == "due"]
    night.at(20)
    night.key("unit leader")
    plan = night.at(21)
    assert of(plan, EndRung) == [EndRung(2, "ACKNOWLEDGED")]
    assert {one.alert_id for one in of(plan, Cancel)} == {
        night.alert("unit operator").id,
        night.alert("unit operator", "sms").id,
    }


def test_a_rung_for_each_ends_when_every_target_has_confirmed():
    rung = RungPlan(
        "roll", "due", minutes(0), (TellPlan(("unit:operator", "unit:leader"), ("voice",)),), "each", "missed"
    )
    night = Night(LadderPlan("roll", (rung,)))
    night.at(20)
    night.key("unit leader")
    assert of(night.at(21), EndRung) == []
    night.key("unit operator")
    assert of(night.at(22), EndRung) == [EndRung(1, "ACKNOWLEDGED")]


@pytest.mark.parametrize("reason", ["PASSED_ON", "QUOTA_SPENT", "NO_USABLE_NUMBER"])
def test_whatever_makes_a_call_hopeless_brings_the_next_with_that_reason(reason):
    night = night_at_leader()
    night.gives_up("leader", reason=reason, alive=reason == "QUOTA_SPENT")
    plan = night.at(24)
    assert [(one.recipient.key, one.reason) for one in of(plan, Tell)] == [("person:chief", reason)]


def test_an_sms_that_could_not_be_sent_is_followed_by_a_call():
    night = Night()
    night.at(15)
    night.gives_up("unit operator", "sms", "CHANNEL_FAILED", alive=False)
    plan = night.at(15.5)
    assert [(one.channel, one.reason) for one in of(plan, Tell)] == [("voice", "CHANNEL_FAILED")]


def test_a_call_that_no_provider_carries_is_followed_by_an_sms():
    night = Night(CALL_OUT, due_at=TWO + minutes(5))
    night.at(1)
    night.gives_up("leader", "voice", "PROVIDER_FAILED")
    night.alerts = [one for one in night.alerts if one.channel == "voice"]
    assert ("leader", "sms") in told(night.at(1.5))


def test_a_call_on_its_way_speaks_for_the_later_rung_as_well():
    night = Night()
    for minute in (15, 20):
        night.at(minute)
    night.gives_up("unit leader")
    night.at(21)
    call = night.alert("unit head")
    plan = night.at(28)
    assert [one.alert_id for one in of(plan, Adopt)] == [call.id]
    assert ("unit head", "voice") not in told(plan)


def test_a_newer_screen_of_the_same_matter_replaces_the_older():
    night = Night()
    night.at(15)
    older = night.alerts[-1]
    assert older.recipient == SCREEN
    assert [(one.alert_id, one.reason) for one in of(night.at(20), Cancel)] == [(older.id, "SUPERSEDED")]


def test_an_undrawn_screen_rings_the_desks_telephone_once():
    night = Night()
    night.at(15)
    night.change(night.alerts[-1].id, given_up="NO_SCREEN")
    plan = night.at(15.1)
    assert told(plan) == [("desk", "voice")]
    assert {one.reason for one in of(plan, Tell)} == {"NO_SCREEN"}
    assert told(night.at(15.2)) == []


# ── keys ─────────────────────────────────────────────────────────────────────────────────────


def leader_called_out() -> Night:
    return Night(CALL_OUT, due_at=TWO + minutes(5), by_key=True)


@pytest.mark.parametrize("who", ["leader", "chief", "director"])
def test_the_key_of_anybody_asked_is_the_evidence(who):
    night = leader_called_out()
    for minute in (0, 1, 5):
        night.at(minute)
    night.key(who)
    assert [one.at for one in of(night.at(6), FulfilByKey)] == [TWO + minutes(5)]


def test_a_click_on_the_screen_and_the_key_of_the_operator_lending_a_hand_are_none():
    night = leader_called_out()
    for minute in (0, 1, 5, 15):
        night.at(minute)
    screen = next(one for one in night.alerts if one.channel == "screen" and one.alive)
    night.change(screen.id, acknowledged_at=night.now)
    night.key("operator")
    assert of(night.at(16), FulfilByKey) == []


def test_a_key_off_the_seat_is_noted_once_and_the_holder_told():
    night = leader_called_out()
    night.at(0)
    night.at(1)
    night.key("leader", off_seat=True)
    night.seats["desk:leader"] = ((person("new leader"),),)
    plan = night.at(1.5)
    assert of(plan, FulfilByKey) == []
    assert len(of(plan, OffSeat)) == 1
    assert told(plan) == [("new leader", "voice")]
    assert {one.reason for one in of(plan, Tell)} == {"OFF_SEAT_KEY"}
    again = night.at(1.6)
    assert (of(again, OffSeat), told(again)) == ([], [])


@pytest.mark.parametrize(("pressed", "missed"), [(4, False), (5, False), (6, True)])
def test_a_key_after_the_due_time_leaves_the_fact_that_it_was_missed(pressed, missed):
    night = leader_called_out()
    night.at(0)
    night.at(1)
    night.now = TWO + minutes(pressed)
    night.key("leader")
    plan = night.at(7)
    assert bool(of(plan, NoteNoReport)) is missed
    assert of(plan, FulfilByKey)


# ── taking over ──────────────────────────────────────────────────────────────────────────────


def test_the_repeated_call_for_a_hand_rests_until_the_next_check_and_other_rungs_do_not():
    night = Night(next_check_at=TWO + minutes(60))
    for minute in (15, 20, 23, 28, 38, 48):
        night.at(minute)
    assert [key for key, _ in night.fired] == ["warning", "due", "leader", "chief"]
    plan = night.at(60)
    assert [one.reason for one in of(plan, Fire)] == ["TAKE_OVER_CHECK"]
    assert of(plan, EndTakeOver)
    assert plan.wake_at == TWO + minutes(70)


# ── by hand, before its time ─────────────────────────────────────────────────────────────────


def words(plan: Plan) -> set[str]:
    return {one.wording for one in of(plan, Tell)}


def test_a_call_by_hand_before_the_due_time_uses_up_nothing_and_says_nothing_that_is_not_so():
    quiet, night = Night(), Night()
    first = night.click(10)
    assert told(first) == [("unit operator", "sms"), ("operator", "sms")]
    again = night.click(12)
    assert told(again) == told(first)
    night.at(15)
    third = night.click(17)  # the warning's own time has passed: it is said once more
    assert told(third) == told(first)
    assert words(first) | words(again) | words(third) == {"warning"}
    assert {one.reason for one in of(third, Tell)} == {"CALLED_OUT_BY_HAND"}
    quiet.at(15)
    for minute in (20, 23, 28, 38, 48):
        mine, plain = night.at(minute), quiet.at(minute)
        assert (told(mine), words(mine)) == (told(plain), words(plain)), minute
    assert [one for one in night.fired if one[0] != "warning"] == quiet.fired[1:]


def test_a_warning_brought_forward_is_said_again_at_its_own_time():
    night = Night()
    night.click(10)
    assert told(night.at(15)) == [("unit operator", "sms"), ("operator", "sms")]


def test_every_repetition_before_the_due_time_is_a_message_of_its_own():
    night = Night()
    night.at(15)
    found = [one for minute in (16, 18) for one in of(night.click(minute), Tell)]
    keys = {(one.rung_id, one.recipient.key, one.channel, one.about) for one in found}
    assert len(keys) == len(found)


@pytest.mark.parametrize("name", list(BOOK.ladders))
def test_by_hand_before_the_due_time_every_ladder_tells_somebody_and_keeps_its_rungs(name):
    ladder = BOOK.ladders[name]
    night = Night(ladder, due_at=TWO + minutes(600), by_key=name == "call_out")
    later = {rung.key for rung in night.rungs if rung.at >= night.due_at}
    for minute in (1, 3, 595, 599):
        night.at(minute)
        plan = night.click(minute)
        assert of(plan, Tell | Adopt), "somebody, or the screen, is told"
        assert not words(plan) & {"missed", "escalated", "by_hand"}
    assert {rung.key for rung in night.rungs if not rung.fired and rung.at >= night.due_at} == later


def test_a_leader_who_is_being_rung_is_not_rung_twice_by_a_click():
    night = leader_called_out()
    night.at(0)
    assert told(night.click(0.5)) == [("leader", "voice")]
    assert told(night.at(1)) == []
    assert told(night.click(2)) == []
    assert told(night.at(5)) == [("chief", "voice"), ("director", "voice")]


def test_after_the_due_time_the_next_rung_is_brought_forward_and_told_again_at_its_own_time():
    night = Night()
    for minute in (15, 20):
        night.at(minute)
    plan = night.click(21)
    assert (told(plan), words(plan)) == ([("leader", "sms"), ("leader", "voice")], {"escalated"})
    night.gives_up("leader", alive=False)
    night.at(21.5)
    assert told(night.at(23)) == [("leader", "sms"), ("leader", "voice")]
    assert told(night.at(28)) == [("unit head", "voice")]  # the chief is ringing in the leader's place


def test_after_the_due_time_a_second_click_goes_on_to_the_rung_after():
    night = Night()
    for minute in (15, 20):
        night.at(minute)
    night.click(20.5)
    assert [recipient for recipient, _ in told(night.click(22))] == ["unit head", "chief"]
    assert told(night.click(22.5)) == [("operator", "voice")]
    fired = len(night.fired)
    for minute in (23, 28, 38):
        night.at(minute)
    assert [key for key, _ in night.fired[fired:]] == ["leader", "chief", "by_hand"]


def test_who_has_confirmed_what_was_brought_forward_is_not_called_again_for_it():
    night = Night()
    for minute in (15, 20):
        night.at(minute)
    night.click(21)
    night.key("leader")
    night.at(21.5)
    assert told(night.at(23)) == []
    assert [key for key, _ in night.fired] == ["warning", "due", "leader"]
    assert told(night.at(28)) == [("unit head", "voice"), ("chief", "voice")]


# ── whatever happens ─────────────────────────────────────────────────────────────────────────

PEOPLE = st.sampled_from(
    [
        person("anybody"),
        person("somebody"),
        person("a mobile that nobody can call", voice=False),
        person("a landline", sms=False),
        person("nobody", sms=False, voice=False),
    ]
)
LEVEL = st.lists(PEOPLE, max_size=2, unique_by=lambda one: one.key).map(tuple)
ROSTER = st.fixed_dictionaries(dict.fromkeys(SEATS, st.lists(LEVEL, min_size=1, max_size=2).map(tuple)))
EVENTS = st.lists(
    st.tuples(
        st.floats(0, 30),
        st.sampled_from(
            [
                "nothing",
                "key",
                "off seat",
                "no key",
                "passed on",
                "no screen",
                "taken back",
                "take over",
                "click",
            ]
        ),
        st.integers(0, 50),
    ),
    max_size=12,
)


def happens(night: Night, event: str, pick: int):
    """Something becomes known about one of the alerts."""
    if event == "take over":
        night.next_check_at = night.now + minutes(1 + pick)
    if event == "click":
        before = len(night.alerts)
        for decision in call_out(night.facts(), night.now):
            night._apply(decision)
        night.by_hand |= {one.id for one in night.alerts[before:]}
    open_ones = [one for one in night.alerts if one.alive and one.acknowledged_at is None]
    if not open_ones or event in ("nothing", "take over", "click"):
        return
    chosen = open_ones[pick % len(open_ones)]
    facts = {
        "key": {"acknowledged_at": night.now},
        "off seat": {"acknowledged_at": night.now, "off_seat": True},
        "no key": {"given_up": "NO_KEY_PRESSED"},
        "passed on": {"given_up": "PASSED_ON", "alive": False},
        "no screen": {"given_up": "NO_SCREEN"} if chosen.channel == "screen" else {},
        "taken back": {"alive": False, "cancelled": True},
    }[event]
    night.change(chosen.id, **facts)


@given(ROSTER, EVENTS, st.sampled_from(["phone_report", "written_report", "call_out", "follow_up", "upward"]))
def test_an_owed_obligation_is_never_left_without_somebody_told_or_a_time_to_look_again(roster, events, name):
    night = Night(BOOK.ladders[name], seats=roster, by_key=name == "call_out")
    for length, event, pick in [(0, "nothing", 0), *events]:
        night.now += minutes(length)
        before = night.now
        due = [
            (rung.key, rung.occurrence)
            for rung in night.rungs
            if not rung.fired and rung.at <= night.now and not resting(night, rung)
        ]
        fired = len(night.fired)
        plan = night.step()
        if night.over:
            return
        assert night.fired[fired:] == due, "every due rung fires, once"
        assert plan.wake_at is not None
        assert plan.wake_at > before
        # The screen may say two things at once; a person is told one.
        firing = [
            (one.recipient.key, one.channel)
            for one in of(plan, Tell)
            if one.channel != "screen" and one.cause != "no_screen"
        ]
        assert len(firing) == len(set(firing)), "nobody is told twice by one channel at once"
        if any(key in {"due", "chief", "leader", "ring"} for key, _ in due):
            assert any(one.alive for one in night.alerts), "somebody, or the screen, is being told"
        # Nothing more happens until something becomes known or time passes.
        assert [one for one in night.step().decisions if isinstance(one, Tell | Fire | ArmAgain)] == []
        happens(night, event, pick)


def resting(night: Night, rung: RungFact) -> bool:
    plan = next(one for one in night.ladder.rungs if one.key == rung.key)
    taken = night.next_check_at is not None and night.next_check_at > night.now
    return plan.repeat_every is not None and taken


@given(ROSTER, EVENTS)
def test_nobody_is_asked_twice_by_one_channel_for_one_rung(roster, events):
    night = Night(seats=roster)
    for length, event, pick in events:
        night.now += minutes(length)
        night.step()
        if night.over:
            return
        asked = [
            (one.rung_id, one.recipient, one.channel)
            for one in night.alerts
            if one.channel != "screen" and one.rung_id is not None and one.id not in night.by_hand
        ]
        assert len(asked) == len(set(asked))
        happens(night, event, pick)
