"""What scores were worth: known answers come out, noise is called noise, and small samples say nothing."""

from __future__ import annotations

import math
import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.portfolio.calibration import BANDS, Outcome, Reading, calibrate
from services.risk.score_calibration import HOLDS, CalibrationBoard
from tests.domain.test_vitality import call

LEAST = 10
NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)
MIDDLES = (45, 55, 65, 75, 85, 95)


def outcomes(wins: tuple[float, ...], n: int, seed: int = 1, source: str = "strategy:trend@1.0") -> list[Outcome]:
    """Draw as many outcomes in each band, which win with the given chance: 1.5 R or -1 R."""
    chance = random.Random(seed)
    return [
        Outcome(source=source, score=score, r=Decimal("1.5") if chance.random() < share else Decimal(-1))
        for score, share in zip(MIDDLES, wins, strict=True)
        for _ in range(n)
    ]


def test_three_thousand_outcomes_give_their_known_answer() -> None:
    won = (150, 180, 210, 240, 270, 300)
    made = [
        Outcome(source="s", score=score, r=Decimal("1.5") if number < wins else Decimal(-1))
        for score, wins in zip(MIDDLES, won, strict=True)
        for number in range(500)
    ]

    found = calibrate(made, LEAST)

    assert (found.n, found.reading) == (3_000, Reading.INFORMATIVE)
    # By hand: places times wins above 225 are 525; their variance is 0.45 x 0.55 x (500 x 55 - 7,500 x 7,500 / 3,000).
    assert found.p == pytest.approx(math.erfc(525 / math.sqrt(0.2475 * 8_750) / math.sqrt(2)))
    assert [(band.low, band.high) for band in found.bands] == list(BANDS)
    assert [band.rate.wins for band in found.bands] == list(won)
    assert [band.r.mean for band in found.bands] == [Decimal(wins) / 500 * Decimal("2.5") - 1 for wins in won]


def test_intervals_hold_the_truth_as_often_as_they_say() -> None:
    bands = [band for seed in range(100) for band in calibrate(outcomes((0.4,) * 6, 100, seed), LEAST).bands]

    kept = [bool(band.rate.low is not None and band.rate.high is not None) for band in bands]
    held = [float(band.rate.low or 0) <= 0.4 <= float(band.rate.high or 0) for band in bands]
    mean = [float(band.r.low or 0) <= 0 <= float(band.r.high or 0) for band in bands]
    assert all(kept)
    assert 0.92 <= sum(held) / len(held) <= 0.98 and 0.92 <= sum(mean) / len(mean) <= 0.98


def test_noise_is_called_uninformative_as_often_as_it_says() -> None:
    readings = [calibrate(outcomes((0.4,) * 6, 100, seed), LEAST).reading for seed in range(200)]

    assert Reading.TOO_FEW not in readings
    wrong = sum(reading is not Reading.UNINFORMATIVE for reading in readings)
    assert 2 <= wrong <= 20, "one of twenty is taken for a trend"


def test_a_score_that_is_upside_down_is_said_to_be() -> None:
    assert calibrate(outcomes((0.6, 0.55, 0.5, 0.45, 0.4, 0.35), 100), LEAST).reading is Reading.INVERTED


@pytest.mark.parametrize(
    "made",
    [
        [],
        outcomes((0.4,) * 6, 1),
        [Outcome(source="s", score=75, r=Decimal(-1)) for _ in range(500)],
        [Outcome(source="s", score=score, r=Decimal(2)) for score in (55, 85) for _ in range(50)],
    ],
    ids=["none", "six", "one-band", "all-won"],
)
def test_where_nothing_can_be_told_nothing_is(made: list[Outcome]) -> None:
    found = calibrate(made, LEAST)

    assert (found.reading, found.p) == (Reading.TOO_FEW, None)
    assert all(band.r.mean is None for band in found.bands if band.rate.n < LEAST)


@settings(max_examples=50)
@given(st.lists(st.tuples(st.integers(0, 100), st.decimals(-3, 5, places=2)), max_size=80))
def test_every_outcome_is_in_one_band_and_order_does_not_matter(rows: list[tuple[int, Decimal]]) -> None:
    made = [Outcome(source="s", score=score, r=r) for score, r in rows]

    found = calibrate(made, LEAST)

    assert sum(band.rate.n for band in found.bands) == found.n == len(made)
    assert calibrate(made[::-1], LEAST) == found


def test_the_gate_is_told_of_a_band_that_lost_and_of_nothing_that_is_not_known() -> None:
    board, asked = CalibrationBoard(), replace(call(), score=85)
    assert board.about(asked, NOW) is None

    board.measure(outcomes((0.1,) * 6, 60), LEAST, NOW)
    lost = board.about(asked, NOW)
    board.measure(outcomes((0.2, 0.3, 0.4, 0.5, 0.6, 0.7), 60), LEAST, NOW)
    won = board.about(asked, NOW)

    assert lost is not None and not lost.passed and "score uninformative" in lost.said
    assert won is not None and won.passed and won.said.startswith("80-89: ") and "score" not in won.said
    assert won.until == NOW + HOLDS
    assert board.about(replace(asked, source="strategy:breakout@1.0"), NOW) is None
    board.measure(outcomes((0.1,) * 6, 5), LEAST, NOW + timedelta(minutes=1))
    assert board.about(asked, NOW) is None
