"""Grades and suggestions: rules over counted facts, tried at their edges."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.domain.quality import (
    EntrySample,
    Quality,
    QualityBounds,
    RouteFacts,
    facts_of,
    grade,
    median,
    suggest_offset,
)

BOUNDS = QualityBounds(
    least=10,
    good_bps=Decimal(4),
    degraded_bps=Decimal(8),
    broken_bps=Decimal(20),
    degraded_refused=Decimal("0.25"),
    broken_refused=Decimal("0.5"),
    degraded_fallback=Decimal("0.6"),
)
SOUND = RouteFacts(
    attempts=20,
    fills=20,
    refused=0,
    maker_first=0,
    fell_back=0,
    slippage_bps=Decimal(1),
    worst_bps=Decimal(3),
    maker=Decimal(0),
    ack_s=Decimal("0.2"),
    fill_s=Decimal("0.4"),
)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, Quality.GOOD),
        ({"slippage_bps": Decimal(4)}, Quality.GOOD),
        ({"slippage_bps": Decimal("4.1")}, Quality.OK),
        ({"slippage_bps": Decimal(8)}, Quality.DEGRADED),
        ({"slippage_bps": Decimal(20)}, Quality.BROKEN),
        ({"refused": 5}, Quality.DEGRADED),
        ({"refused": 10}, Quality.BROKEN),
        ({"maker_first": 10, "fell_back": 6}, Quality.DEGRADED),
        ({"maker_first": 9, "fell_back": 9}, Quality.GOOD),
        ({"fills": 9}, Quality.NO_DATA),
        ({"slippage_bps": None}, Quality.NO_DATA),
        ({"fills": 0, "slippage_bps": None, "refused": 20}, Quality.BROKEN),
    ],
)
def test_the_worst_of_what_was_measured_decides(change: dict[str, object], expected: Quality) -> None:
    assert grade(replace(SOUND, **change), BOUNDS) is expected  # type: ignore[arg-type]


@given(st.integers(0, 9), st.decimals(-100, 100, places=2))
def test_a_small_sample_is_never_graded(fills: int, slip: Decimal) -> None:
    facts = replace(SOUND, attempts=fills, fills=fills, slippage_bps=slip, refused=0)

    assert grade(facts, BOUNDS) is Quality.NO_DATA


@pytest.mark.parametrize(
    ("fell_back", "offset", "expected"),
    [(9, "1", "0.5"), (9, "0", None), (1, "1", "1.5"), (1, "8", None), (4, "1", None)],
)
def test_an_offset_is_suggested_one_step_at_a_time_and_within_bounds(fell_back: int, offset: str, expected: str | None) -> None:
    facts = replace(SOUND, maker_first=10, fell_back=fell_back)
    found = suggest_offset(facts, Decimal(offset), least=10, step_bps=Decimal("0.5"), low=Decimal(0), high=Decimal(8))

    assert found == (Decimal(expected) if expected is not None else None)


@given(st.integers(0, 30), st.integers(0, 30), st.decimals(0, 8, places=1))
def test_a_suggestion_never_leaves_its_bounds(maker_first: int, fell_back: int, offset: Decimal) -> None:
    facts = replace(SOUND, maker_first=maker_first, fell_back=min(fell_back, maker_first))
    found = suggest_offset(facts, offset, least=10, step_bps=Decimal("0.5"), low=Decimal(0), high=Decimal(8))

    assert found is None or (0 <= found <= 8 and abs(found - offset) <= Decimal("0.5") and maker_first >= 10)


@given(st.lists(st.decimals(-1000, 1000, places=3), max_size=30))
def test_the_median_has_as_many_below_as_above(values: list[Decimal]) -> None:
    found = median(values)

    assert (found is None) == (not values)
    if found is not None:
        assert sum(each < found for each in values) <= len(values) / 2 >= sum(each > found for each in values)


def test_what_was_not_measured_is_left_out_and_not_zero() -> None:
    nothing = EntrySample(slippage_bps=None, maker=None, ack_s=None, fill_s=None, refused=True, fell_back=None)
    one = EntrySample(
        slippage_bps=Decimal(3), maker=Decimal(1), ack_s=Decimal(1), fill_s=Decimal(2), refused=False, fell_back=False
    )
    facts = facts_of([nothing, one])

    assert (facts.attempts, facts.fills, facts.refused, facts.maker_first) == (2, 1, 1, 1)
    assert (facts.slippage_bps, facts.maker, facts.ack_s) == (Decimal(3), Decimal(1), Decimal(1))
    assert RouteFacts.load(facts.fills, facts.dump()) == facts
    assert facts_of([]).slippage_bps is None
