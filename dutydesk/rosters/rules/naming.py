"""Whom a cell names: one or several people, with titles and telephones in or beside the names. Pure.

王 敏 is one person, 王敏 李强 are two: only the directory can tell, so a cell is taken apart first and
put together again with the names that there are.
"""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from functools import cached_property
from typing import Literal

from dutydesk.rosters.rules.headings import bare, plain

_NUMBER = re.compile(
    r"(?<![\d*])(?:\+?86[- ]?)?(?:1\d{2}[- ]?\d{4}[- ]?\d{4}|0\d{2,3}[- ]?\d{7,8}|\+?\d{2,6}\*{2,}\d{2,4}|\d{7,8})(?![\d*])"
)
_MOBILE = re.compile(r"1[\d*-]{10,}|\d\*{2,}")
_BRACKETS = re.compile(r"[(\[【]([^()\[\]【】]*)[)\]】]")
_HARD = re.compile(r"[、,;/|\n\r]+")
_LABEL = re.compile(r"([^\s、,;/:()]{0,4}(?:领导|班|值|员|主任|备勤|主|副))\s*:")
_PRIMARY, _SECONDARY = frozenset({"主", "主班", "主值"}), frozenset({"副", "副班", "副值"})
_NOBODY = frozenset({"空缺", "缺", "无", "暂缺", "待定", "—", "-", "——", "--"})
_ADJUSTED = "调"
_TITLE = re.compile(
    r".{0,10}(长|主任|书记|经理|主管|科员|调研员|巡视员|主席|助理|专员|干部|秘书|同志|值班员|司机|厨师|医师|护士)"
)
_LONGEST_PIECE = 8
_CLOSE = 0.5
_MOST_SUGGESTED = 3
_NUMBER_AT, _BRACKET_AT = 0xE000, 0xE800
_MARK = re.compile("[\ue000-\uefff]")

Part = Literal["", "operator_primary", "operator_secondary"]


@dataclass(frozen=True, slots=True)
class Mention:
    """A person as a cell names one: the pieces of the name, and what stands with it. Without pieces: 空缺."""

    pieces: tuple[str, ...]
    number: str = ""
    hints: tuple[str, ...] = ()
    part: Part = ""

    @property
    def vacant(self) -> bool:
        """Tell whether the cell says that nobody sits there."""
        return not self.pieces


@dataclass(frozen=True, slots=True)
class Known:
    """Somebody in the directory, as far as a duty table can name them."""

    person_id: int
    name: str
    unit_id: int
    unit: str
    title: str = ""
    numbers: tuple[str, ...] = ()
    retired: bool = False


@dataclass(frozen=True)
class Directory:
    """Everybody who can be named."""

    people: Sequence[Known]
    _near: dict[tuple[str, int], tuple[str, ...]] = field(default_factory=dict)
    # The same few people stand in a table day after day.
    named: dict[tuple[int, str, str, str], Sequence["Match"]] = field(default_factory=dict)

    @cached_property
    def by_name(self) -> Mapping[str, Sequence[Known]]:
        """Return everybody by the name without spaces."""
        found: dict[str, list[Known]] = {}
        for one in self.people:
            found.setdefault(bare(one.name), []).append(one)
        return found

    @cached_property
    def _names_of(self) -> Mapping[int, Sequence[str]]:
        found: dict[int, list[str]] = {}
        for name, people in self.by_name.items():
            for unit_id in {one.unit_id for one in people}:
                found.setdefault(unit_id, []).append(name)
        return found

    def near(self, name: str, unit_id: int) -> tuple[str, ...]:
        """Return the names most like one that nobody has, those of the unit first."""
        key = (name, unit_id)
        if key not in self._near:
            own = get_close_matches(name, self._names_of.get(unit_id, ()), _MOST_SUGGESTED, _CLOSE)
            others = get_close_matches(name, self.by_name, _MOST_SUGGESTED, _CLOSE) if not own else []
            self._near[key] = tuple(dict.fromkeys([*own, *others]))[:_MOST_SUGGESTED]
        return self._near[key]


@dataclass(frozen=True, slots=True)
class Match:
    """Who was meant, or (``person`` None) why nobody can be told: unknown, or one of several ``twins``.

    ``others`` are the names that an unknown one is most like.
    """

    mention: Mention
    person: Known | None
    name: str = ""
    others: tuple[str, ...] = ()
    twins: tuple[Known, ...] = ()
    other_number: bool = False


def mentions_in(text: str, phones: str = "", titles: str = "") -> list[Mention]:
    """Return whom a cell names, in order, with what the cells beside it say of them."""
    numbers: list[str] = []
    brackets: list[str] = []

    def put_away(kept: list[str], first: int, said: str) -> str:
        kept.append(said)
        return chr(first + len(kept) - 1)

    said = plain(text).replace("\r\n", "\n")
    said = _NUMBER.sub(lambda found: put_away(numbers, _NUMBER_AT, found.group()), said)
    said = _BRACKETS.sub(lambda found: put_away(brackets, _BRACKET_AT, found[1]), said)
    said = _LABEL.sub(lambda found: f"\n{put_away(brackets, _BRACKET_AT, found[1])}", said)
    found: list[Mention] = []
    for piece in _HARD.split(said):
        found += _in_piece(piece, numbers, brackets, found)
    return _with_beside(found, phones, titles)


def _in_piece(
    piece: str, numbers: Sequence[str], brackets: Sequence[str], before: list[Mention]
) -> list[Mention]:
    """Words make a name; a bracket or number belongs to the name before it, or begins the one after it."""
    found: list[Mention] = []
    ahead: list[str] = []
    closed = True
    for token in re.findall("[\ue000-\uefff]|[^\\s\ue000-\uefff]+", piece):
        if not _MARK.match(token):
            word = token.strip(":.。")
            if not word:
                continue
            if closed:
                found.append(Mention((word,)))
                for mark in ahead:
                    found[-1] = _marked(found[-1], mark, numbers, brackets)
                ahead.clear()
            else:
                found[-1] = replace(found[-1], pieces=(*found[-1].pieces, word))
            closed = False
        elif found:
            found[-1] = _marked(found[-1], token, numbers, brackets)
            closed = True
        else:
            ahead.append(token)
    if ahead and not found and before:
        # A number on a line of its own belongs to the name above it.
        for mark in ahead:
            before[-1] = _marked(before[-1], mark, numbers, brackets)
    return [replace(one, pieces=()) if "".join(one.pieces) in _NOBODY else one for one in found]


def _marked(one: Mention, mark: str, numbers: Sequence[str], brackets: Sequence[str]) -> Mention:
    place = ord(mark)
    if place < _BRACKET_AT:
        return replace(one, number=one.number or numbers[place - _NUMBER_AT])
    for word in re.split(r"[、,;/\s]+", brackets[place - _BRACKET_AT]):
        if word in _PRIMARY:
            one = replace(one, part="operator_primary")
        elif word in _SECONDARY:
            one = replace(one, part="operator_secondary")
        elif _MARK.match(word):
            one = replace(one, number=one.number or numbers[ord(word[0]) - _NUMBER_AT])
        elif word and word != _ADJUSTED:
            one = replace(one, hints=(*one.hints, word))
    return one


def _with_beside(found: list[Mention], phones: str, titles: str) -> list[Mention]:
    """What a column beside has counts only where it is clear to whom it belongs: as many as there are names."""
    numbers = [one.group() for one in _NUMBER.finditer(plain(phones))]
    if len(numbers) == len(found):
        found = [
            replace(one, number=one.number or number) for one, number in zip(found, numbers, strict=True)
        ]
    words = [one for one in re.split(r"[、,;/\s]+", plain(titles)) if one]
    if len(words) == len(found):
        found = [replace(one, hints=(*one.hints, word)) for one, word in zip(found, words, strict=True)]
    return found


# ---------------------------------------------------------------------------------------------------------------------
# The directory


def named_in(directory: Directory, unit_id: int, text: str, phones: str, titles: str) -> Sequence[Match]:
    """Return whom a cell of a unit's table means, with what the cells beside it say; asked again, at once."""
    key = (unit_id, text, phones, titles)
    found = directory.named.get(key)
    if found is None:
        found = directory.named[key] = matches_of(mentions_in(text, phones, titles), directory, unit_id)
    return found


def matches_of(mentions: Iterable[Mention], directory: Directory, unit_id: int) -> list[Match]:
    """Return who is meant: people of the unit before people of the bureau, by number and title among namesakes."""
    found: list[Match] = []
    for mention in mentions:
        if mention.vacant:
            found.append(Match(mention, None))
            continue
        found += [_matched(one, directory, unit_id) for one in _put_together(mention, directory.by_name)]
    return found


def _put_together(mention: Mention, names: Collection[str]) -> list[Mention]:
    """Return one mention per name; what follows the last name (a number, a bracket) is the last one's."""
    pieces = mention.pieces
    parted = _parted(pieces, names) if len(pieces) <= _LONGEST_PIECE else None
    if parted is None:
        parted = [_as_written(one, names) for one in _by_look(pieces)]
    made = [Mention((name,), hints=tuple(hints)) for name, hints in parted]
    last = made[-1]
    made[-1] = replace(mention, pieces=last.pieces, hints=(*last.hints, *mention.hints))
    made[0] = replace(made[0], part=mention.part)
    return made


def _parted(pieces: Sequence[str], names: Collection[str]) -> list[tuple[str, list[str]]] | None:
    """Return the pieces as known names with their titles, as few as possible; None when something is left over."""
    if not pieces:
        return []
    for end in range(len(pieces), 0, -1):
        name, hints = _as_written("".join(pieces[:end]), names)
        if name not in names:
            continue
        rest = list(pieces[end:])
        titles = list(hints)
        while rest and rest[0] not in names and _TITLE.fullmatch(rest[0]):
            titles.append(rest.pop(0))
        others = _parted(rest, names)
        if others is not None:
            return [(name, titles), *others]
    first = pieces[0]
    if len(pieces) > 1 and _TITLE.fullmatch(first):
        # 副局长 赵建国: the title stands before the name.
        others = _parted(pieces[1:], names)
        if others:
            return [(others[0][0], [first, *others[0][1]]), *others[1:]]
    return None


def _as_written(text: str, names: Collection[str]) -> tuple[str, list[str]]:
    """Return a name without the title that is written to it: 赵建国副局长, 局长赵建国."""
    if text in names:
        return text, []
    for cut in range(len(text) - 1, 1, -1):
        if text[:cut] in names and _TITLE.fullmatch(text[cut:]):
            return text[:cut], [text[cut:]]
    for cut in range(1, len(text) - 1):
        title = text[:cut]
        is_title = _TITLE.fullmatch(title) and not any(title[:end] in names for end in range(2, cut))
        if is_title and text[cut:] in names:
            return text[cut:], [title]
    return text, []


def _by_look(pieces: Sequence[str]) -> list[str]:
    """Without a directory's help: single characters are parts of one name (王 敏), words are names."""
    found: list[str] = []
    single = False
    for piece in pieces:
        if single and len(piece) == 1 and len(found[-1]) < 3:
            found[-1] += piece
        else:
            found.append(piece)
        single = len(piece) == 1
    return found


def _matched(mention: Mention, directory: Directory, unit_id: int) -> Match:
    (name,) = mention.pieces
    # Namesakes are often told apart in the name itself: 王敏（大）.
    names = (*(f"{name}({hint})" for hint in mention.hints), name)
    name = next((one for one in names if one in directory.by_name), name)
    people = list(directory.by_name.get(name, ()))
    if not people:
        owners = [one.name for one in directory.people if mention.number and _has_number(one, mention.number)]
        return Match(mention, None, name, tuple(dict.fromkeys([*owners, *directory.near(name, unit_id)])))
    chosen = _chosen(people, mention, unit_id)
    if len(chosen) > 1:
        return Match(mention, None, name, twins=tuple(chosen))
    differs = _MOBILE.search(mention.number) is not None and bool(chosen[0].numbers)
    return Match(
        mention, chosen[0], name, other_number=differs and not _has_number(chosen[0], mention.number)
    )


def _chosen(people: Sequence[Known], mention: Mention, unit_id: int) -> Sequence[Known]:
    """Return whom a name can mean: by the number, by the unit named beside it, of the own unit, of the bureau."""
    with_number = [one for one in people if mention.number and _has_number(one, mention.number)]
    here = [one for one in people if not one.retired] or people
    in_named = [one for one in here if any(one.unit in hint for hint in mention.hints if one.unit)]
    own = [one for one in here if one.unit_id == unit_id]
    some = with_number or in_named or own or here
    fitting = [one for one in some if one.title and one.title in "".join(mention.hints)]
    return fitting if len(some) > 1 and fitting else some


def _has_number(one: Known, written: str) -> bool:
    """Tell whether a number as somebody wrote it (+86 138-0000-0001, +86138******01) is one of this person's."""
    digits = re.sub(r"[^\d*]", "", written)
    if "*" not in digits:
        return any(number.endswith(digits.removeprefix("86").lstrip("0")) for number in one.numbers)
    head, tail = digits.split("*", 1)[0], digits.rsplit("*", 1)[1]
    return any(
        number.lstrip("+").removeprefix("86").startswith(head.removeprefix("86")) and number.endswith(tail)
        for number in one.numbers
    )
