"""The chain, without a database."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from dutydesk.audit.rules import (
    GENESIS,
    Head,
    Sealed,
    Unsealed,
    entry_hash,
    first_break,
    head_break,
    linked,
    parse_head,
)

NOON = datetime(2026, 11, 23, 4, tzinfo=UTC)


def chain(length: int) -> list[Sealed]:
    rows = [
        Unsealed(i + 100, NOON + timedelta(seconds=i), "office", "done", f"thing:{i}", {"n": i})
        for i in range(length)
    ]
    return [
        Sealed(
            row.id,
            row.at,
            row.actor,
            row.action,
            row.subject,
            row.detail,
            seal.seal_number,
            seal.previous_hash,
            seal.hash,
        )
        for row, seal in zip(rows, linked(rows, GENESIS), strict=True)
    ]


def test_the_hash_never_changes_its_meaning():
    """Sheets that were printed years ago carry these hashes: the canonical form is for ever."""
    told = {
        "seal_number": 1,
        "actor": "值班员",
        "action": "done",
        "subject": "x",
        "previous_hash": GENESIS.hash,
    }
    shanghai = NOON.astimezone(timezone(timedelta(hours=8)))
    one = entry_hash(**told, at=NOON, detail={"b": 1, "a": "𠮷"})
    assert one == entry_hash(**told, at=shanghai, detail={"a": "𠮷", "b": 1})
    assert one == "9ad691bb89eb02c025c0d293bd6b0398f97c8c6ec644be9ab6af585dd96f30f9"


def test_a_whole_chain_holds():
    assert first_break(chain(5)) is None
    assert first_break([]) is None


def test_a_batch_in_the_middle_holds_after_the_one_before():
    entries = chain(5)
    assert first_break(entries[2:], Head(2, entries[1].hash)) is None
    assert first_break(entries[2:], Head(2, entries[0].hash)).kind == "unlinked"


@pytest.mark.parametrize(
    "change",
    [
        {"at": NOON + timedelta(microseconds=1)},
        {"actor": "nobody"},
        {"action": "undone"},
        {"subject": "thing:9"},
        {"detail": {"n": 2.0}},
        {"detail": {"n": 2, "m": None}},
        {"hash": "f" * 64},
        {"hash": None},
        {"previous_hash": None},
        {"previous_hash": "f" * 64},
    ],
)
def test_any_edit_is_found_where_it_was_made(change):
    entries = chain(5)
    entries[2] = replace(entries[2], **change)
    assert first_break(entries).seal_number == 3


def test_a_missing_entry_is_a_gap():
    entries = chain(5)
    del entries[2]
    assert (first_break(entries).kind, first_break(entries).seal_number) == ("gap", 3)


def test_entries_that_changed_places_are_found():
    entries = chain(5)
    second, third = entries[1], entries[2]
    entries[1] = replace(third, seal_number=2)
    entries[2] = replace(second, seal_number=3)
    assert first_break(entries).seal_number == 2


def test_a_missing_beginning_is_found():
    assert first_break(chain(5)[1:]).kind == "gap"


def test_a_cut_tail_is_found_with_a_printed_head_only():
    entries = chain(5)
    printed = Head(5, entries[4].hash)
    end = Head(3, entries[2].hash)
    assert first_break(entries[:3]) is None
    assert head_break(printed, end, None).kind == "cut"


def test_a_chain_written_anew_is_found_with_a_printed_head():
    printed = Head(3, "e" * 64)
    entries = chain(5)
    end = Head(5, entries[4].hash)
    assert head_break(printed, end, entries[2].hash).seal_number == 3
    assert head_break(Head(3, entries[2].hash), end, entries[2].hash) is None


@pytest.mark.parametrize("text", ["", "5", "5:abc", "x:" + "0" * 64, "-1:" + "0" * 64, "²:" + "0" * 64])
def test_a_malformed_head_is_refused(text):
    with pytest.raises(ValueError, match="NUMBER"):
        parse_head(text)


def test_a_head_is_read_as_it_was_printed():
    assert parse_head(f" {Head(5, 'AB' * 32)}\n") == Head(5, "ab" * 32)
