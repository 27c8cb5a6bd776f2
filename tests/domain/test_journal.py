"""The journal's chain: any changed byte, missing row or other order shows."""

from __future__ import annotations

import random
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from services.domain.journal import GENESIS, JournalEntry, chain_hash, encode_facts, first_break

START = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
LENGTH = 30


def chain(length: int = LENGTH) -> list[JournalEntry]:
    entries: list[JournalEntry] = []
    for sequence in range(1, length + 1):
        previous = entries[-1].hash if entries else GENESIS
        said: dict[str, Any] = {
            "sequence": sequence,
            "at": START + timedelta(seconds=sequence),
            "actor": f"person:{sequence % 3}",
            "kind": "fill.booked",
            "correlation": f"c-{sequence}",
            "facts": encode_facts({"quantity": sequence, "text": 'a "quoted" ünïcode'}),
        }
        entries.append(JournalEntry(**said, previous=previous, hash=chain_hash(**said, previous=previous)))
    return entries


def test_a_whole_chain_holds_and_goes_on_from_any_row() -> None:
    entries = chain()

    assert first_break([]) is None
    assert first_break(entries) is None
    for at in range(1, LENGTH):
        assert first_break(entries[at:], entries[at - 1].hash, entries[at - 1].sequence) is None


def _flipped(value: Any, chance: random.Random) -> Any:
    if isinstance(value, int):
        return value + chance.choice((-1, 1))
    if isinstance(value, datetime):
        return value + timedelta(microseconds=chance.choice((-1, 1)))
    text = str(value)
    at = chance.randrange(len(text))
    return text[:at] + chr(ord(text[at]) ^ (1 << chance.randrange(4))) + text[at + 1 :]


def test_a_flipped_bit_in_any_field_of_any_row_is_found() -> None:
    chance = random.Random(2026)
    for at in range(LENGTH):
        for field in fields(JournalEntry):
            entries = chain()
            entries[at] = replace(entries[at], **{field.name: _flipped(getattr(entries[at], field.name), chance)})
            assert first_break(entries) is not None, field.name


@given(st.integers(0, LENGTH - 2))
@settings(max_examples=50, deadline=None)
def test_a_missing_row_is_found(at: int) -> None:
    entries = chain()
    del entries[at]

    assert first_break(entries) == at + 2


@given(st.permutations(range(LENGTH)))
@settings(max_examples=50, deadline=None)
def test_another_order_is_found(order: list[int]) -> None:
    entries = chain()
    shuffled = [entries[at] for at in order]

    assert (first_break(shuffled) is None) is (order == sorted(order))


def test_a_row_slipped_in_or_written_twice_is_found() -> None:
    entries = chain()

    assert first_break([*entries[:10], entries[9], *entries[10:]]) == 10
    forged = replace(entries[9], sequence=11)
    assert first_break([*entries[:10], forged, *entries[10:]]) is not None


def test_facts_are_written_in_one_form() -> None:
    assert encode_facts({"b": 1, "a": START}) == encode_facts({"a": START, "b": 1})
    assert encode_facts({"a": "x\ny"}) == '{"a":"x\\ny"}'


def test_neighbouring_fields_cannot_be_shifted_into_each_other() -> None:
    one = chain_hash(sequence=1, at=START, actor="ab", kind="c", correlation="", facts="{}", previous=GENESIS)
    other = chain_hash(sequence=1, at=START, actor="a", kind="bc", correlation="", facts="{}", previous=GENESIS)

    assert one != other
