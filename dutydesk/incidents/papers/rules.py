"""Who may move a paper from where to where, and what a chain of papers is called (domain §2.4). Pure.

Drafts and signing stop no report clock (design §5); they make sure that two people and a leader stand behind what
leaves the house.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from difflib import SequenceMatcher
from typing import Literal

from dutydesk.accounts.rules import Actor, Permission

State = Literal["draft", "checking", "signing", "signed", "sent", "received", "void"]
Move = Literal[
    "submit", "pass", "return", "decline", "sign", "send", "receive", "sent-back", "void", "revoke"
]
Mark = Literal["same", "gone", "new"]

# The way of a paper, in order.
STAGES: tuple[State, ...] = ("draft", "checking", "signing", "signed", "sent", "received")
# From here on the text is what a leader signed.
FROZEN: frozenset[State] = frozenset({"signed", "sent", "received"})

STATES: dict[str, str] = {
    "draft": "草稿",
    "checking": "待审核",
    "signing": "待签发",
    "signed": "已签发",
    "sent": "已报送",
    "received": "已签收",
    "void": "已作废",
}
RETURNED = "已退回"
KINDS = {"special_report": "突发事件信息专报", "bulletin": "值班快报"}
PARTS = {"first": "首报", "follow_up": "续报", "final": "终报", "correction": "更正", "digest": "快报"}
# Which of them one begins by hand; a correction begins with what it corrects.
CHOICES: Mapping[str, tuple[str, ...]] = {
    "special_report": ("first", "follow_up", "final"),
    "bulletin": ("digest",),
}
_MOST_COMPARED = 10_000  # pairs of lines
# There is one of each in a chain.
_ONLY_ONE = frozenset({"first", "final"})


@dataclass(frozen=True, slots=True)
class Way:
    """One move: from which states to which, by whose permission, and what the button and the history call it."""

    before: frozenset[State]
    after: State
    permission: Permission
    button: str
    done: str
    reason: bool = False


MOVES: Mapping[Move, Way] = {
    "submit": Way(frozenset({"draft"}), "checking", "paper:draft", "提交审核", "提交审核"),
    "pass": Way(frozenset({"checking"}), "signing", "paper:check", "审核通过", "审核通过"),
    "return": Way(frozenset({"checking", "signing"}), "draft", "paper:check", "退回", "退回", reason=True),
    "decline": Way(frozenset({"signing"}), "draft", "paper:sign", "退回", "退回", reason=True),
    "sign": Way(frozenset({"signing"}), "signed", "paper:sign", "签发", "签发"),
    "send": Way(frozenset({"signed"}), "sent", "paper:draft", "登记报送", "报送"),
    "receive": Way(frozenset({"sent"}), "received", "paper:draft", "登记签收", "签收"),
    "sent-back": Way(frozenset({"sent"}), "draft", "paper:draft", "登记上级退回", "上级退回", reason=True),
    "void": Way(
        frozenset({"draft", "checking", "signing"}), "void", "paper:draft", "作废", "作废", reason=True
    ),
    "revoke": Way(frozenset({"signed"}), "void", "paper:sign", "作废", "签发后作废", reason=True),
}


@dataclass(frozen=True, slots=True)
class Standing:
    """How a paper stands, as far as it matters for its next move: ``writers`` are all who wrote on the text."""

    state: State
    writers: frozenset[str]
    checker: str = ""


def move_fault(move: Move, paper: Standing, actor: Actor) -> str | None:
    """Return why this actor may not make this move now, or None."""
    way = MOVES[move]
    if not actor.may(way.permission):
        return "您的角色不能这样办理"
    if paper.state not in way.before:
        return _wrong_state(move, paper.state)
    if move == "pass" and actor.name in paper.writers:
        return "起草人不能审核自己写的材料，请由他人审核"
    if move == "sign":
        return _signing_fault(paper, actor)
    return None


def _wrong_state(move: Move, state: State) -> str:
    if state == "void":
        return "材料已经作废，不能再办理"
    if state in FROZEN and move in ("void", "revoke"):
        return "材料已经报送，不能作废；内容有误请起草更正"
    if state in FROZEN and move in ("submit", "pass", "sign", "return", "decline"):
        return "材料已经签发，不必再办；内容有误请起草更正"
    return _NOT_YET[move]


_NOT_YET: dict[Move, str] = {
    "submit": "只有草稿可以提交",
    "pass": "材料不在待审核状态",
    "return": "材料不在待审核或待签发状态，不能退回",
    "decline": "材料不在待签发状态，不能退回",
    "sign": "材料还没有通过审核，不能签发",
    "send": "签发以后才能报送",
    "receive": "报送以后才能登记签收",
    "sent-back": "报送以后、签收以前才能登记上级退回",
    "void": "这时不能作废",
    "revoke": "只有已签发、未报送的材料由领导作废",
}


def _signing_fault(paper: Standing, actor: Actor) -> str | None:
    if actor.sign_in_id is None:
        return "签发须由领导本人登录办理"
    if not paper.checker:
        return "材料还没有通过审核，不能签发"
    if actor.name in paper.writers | {paper.checker}:
        return "起草人、审核人不能签发同一材料"
    return None


def edit_fault(state: State, actor: Actor) -> str | None:
    """Return why the text cannot be changed now, or None."""
    if not actor.may("paper:draft"):
        return "您的角色不能这样办理"
    if state == "draft":
        return None
    if state in FROZEN:
        return "材料已经签发，文字不能再改；内容有误请起草更正"
    if state == "void":
        return "材料已经作废，不能再办理"
    return "材料正在审核或签发，退回后才能修改"


def correction_fault(state: State, actor: Actor) -> str | None:
    """Return why this paper cannot be corrected by another one, or None."""
    if not actor.may("paper:draft"):
        return "您的角色不能这样办理"
    return None if state in FROZEN else "签发以后的材料才需要更正，未签发的请直接修改"


def moment_fault(at: datetime, earliest: datetime | None, now: datetime) -> str | None:
    """Return what cannot be true about when a paper went out or was received; forms know whole seconds only."""
    if at > now:
        return "不能晚于现在"
    if earliest is not None and at < earliest.replace(microsecond=0):
        return "早于上一步的时间"
    return None


def moves_for(paper: Standing, actor: Actor) -> list[Move]:
    """Return what this actor may do with the paper now."""
    return [move for move in MOVES if move_fault(move, paper, actor) is None]


def state_word(state: str, *, returned: bool) -> str:
    """Return what a state is called; a draft that came back is 已退回."""
    return RETURNED if state == "draft" and returned else STATES[state]


def step_word(before: str, after: str, version: int) -> str:
    """Return what a step of a paper's history is called."""
    if before == after:
        return "拟稿" if version == 1 else "暂存"
    found = (way.done for way in MOVES.values() if before in way.before and after == way.after)
    return next(found, STATES.get(after, after))


# ---------------------------------------------------------------------------------------------------------------------
# The chain


@dataclass(frozen=True, slots=True)
class Link:
    """A paper as a link of its incident's chain."""

    part: str
    sequence: int
    state: str


def proposed_part(chain: Iterable[Link], *, ended: bool) -> str:
    """Return which report comes next: the first, then follow-ups, and the final one once the handling has ended."""
    known = {link.part for link in chain if link.state != "void"}
    if "first" not in known:
        return "first"
    return "final" if ended and "final" not in known else "follow_up"


def next_sequence(chain: Iterable[Link], part: str) -> int:
    """Return which follow-up (correction, bulletin) the next one would be; a void one gives its place back."""
    return max((link.sequence for link in chain if link.part == part and link.state != "void"), default=0) + 1


def part_fault(chain: Iterable[Link], part: str) -> str | None:
    """Return why the chain cannot have another one of these, or None."""
    if part not in PARTS:
        return "请选择"
    if part in _ONLY_ONE and any(link.part == part and link.state != "void" for link in chain):
        return "本事件已有首报，请拟续报" if part == "first" else "本事件已有终报；情况有变请拟续报或更正"
    return None


def series_name(kind: str, year: int, *, drill: bool) -> str:
    """Return the name of the counter row: each kind counts by itself, and drills apart from what is real."""
    return f"paper/{'drill/' if drill else ''}{kind}/{year}"


# ---------------------------------------------------------------------------------------------------------------------
# What changed


def line_diff(before: Collection[str], after: Collection[str]) -> list[tuple[Mark, str]]:
    """Return the lines of both texts in order, each marked as the same, gone or new.

    Comparing takes time by the square of what differs; texts that differ in too much are shown one after the other.
    """
    old, new = list(before), list(after)
    first = _alike(old, new)
    last = _alike(old[first:][::-1], new[first:][::-1])
    gone, come = old[first : len(old) - last], new[first : len(new) - last]
    found: list[tuple[Mark, str]] = [("same", line) for line in old[:first]]
    if len(gone) * len(come) > _MOST_COMPARED:
        found += [("gone", line) for line in gone] + [("new", line) for line in come]
    else:
        found += _compared(gone, come)
    return found + [("same", line) for line in old[len(old) - last :]]


def _alike(old: Sequence[str], new: Sequence[str]) -> int:
    """Return how many lines both begin with."""
    return next(
        (index for index, (one, two) in enumerate(zip(old, new, strict=False)) if one != two),
        min(len(old), len(new)),
    )


def _compared(old: Sequence[str], new: Sequence[str]) -> Iterator[tuple[Mark, str]]:
    for kind, one, two, three, four in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if kind == "equal":
            yield from (("same", line) for line in old[one:two])
        else:
            yield from (("gone", line) for line in old[one:two])
            yield from (("new", line) for line in new[three:four])
