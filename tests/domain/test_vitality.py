"""What is left of a call: all of it at its entry, less with every step away from it, nothing where it is another trade."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.domain.market import Quote
from services.domain.money import Price, Quantity
from services.domain.signals import Side, Signal
from services.domain.vitality import Freshness, Vitality, vitality_of
from services.market.quotes import QuoteBoard
from services.risk.call_vitality import HOLDS, CallVitality

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)
SHARES = st.decimals(0, 2, places=3)


def call(side: Side = Side.LONG) -> Signal:
    """A call at 100 whose stop is 10 away, made now for ten minutes."""
    return Signal(
        id="s",
        source="strategy:trend@1.0",
        symbol="BTC/USDT",
        timeframe="1m",
        side=side,
        entry_low=Price(Decimal(100)),
        entry_high=Price(Decimal(100)),
        stop=Price(Decimal(100) - 10 * side.sign),
        targets=(),
        score=70,
        score_parts={},
        created_at=NOW,
        expires_at=NOW + timedelta(minutes=10),
        candle_time=None,
        reason="",
    )


def quote(middle: str, width: str = "0.1") -> Quote:
    half = Decimal(width) / 2
    return Quote(
        symbol="BTC/USDT",
        bid=Price(Decimal(middle) - half),
        ask=Price(Decimal(middle) + half),
        bid_size=Quantity(Decimal(1)),
        ask_size=Quantity(Decimal(1)),
        feed_time=NOW,
        received_at=NOW,
    )


@pytest.mark.parametrize("side", list(Side))
@pytest.mark.parametrize(
    ("middle", "width", "minutes", "left", "word"),
    [
        ("100", "0.1", 0, 100, Freshness.FRESH),
        ("100", "0.1", 5, 75, Freshness.VALID),
        ("100", "0.1", 10, 50, Freshness.VALID),
        ("102.5", "0.1", 0, 50, Freshness.VALID),
        ("97.5", "0.1", 5, 37, Freshness.AGING),
        ("105", "0.1", 0, 0, Freshness.SPENT),
        ("94", "0.1", 0, 0, Freshness.SPENT),
        ("100", "1.75", 0, 50, Freshness.VALID),
        ("100", "3", 0, 0, Freshness.SPENT),
    ],
)
def test_drift_spread_and_age_take_their_part(
    side: Side, middle: str, width: str, minutes: int, left: int, word: Freshness
) -> None:
    found = vitality_of(call(side), quote(middle, width), NOW + timedelta(minutes=minutes))

    assert (found.left, found.freshness) == (left, word)


@given(drift=SHARES, spread=SHARES, age=SHARES, more=SHARES)
def test_nothing_brings_a_call_back(drift: Decimal, spread: Decimal, age: Decimal, more: Decimal) -> None:
    before = Vitality(drift=drift, spread=spread, age=age)
    worse = (
        Vitality(drift=drift + more, spread=spread, age=age),
        Vitality(drift=drift, spread=spread + more, age=age),
        Vitality(drift=drift, spread=spread, age=age + more),
    )

    assert all(0 <= each.left <= before.left <= 100 for each in worse)


def test_the_gate_is_told_what_is_left_and_hears_nothing_without_a_quote() -> None:
    quotes = QuoteBoard()
    said = CallVitality(quotes, 20)

    assert said.about(call(), NOW) is None

    quotes.put(quote("104.5"))
    spent = said.about(call(), NOW)
    quotes.put(quote("101"))
    alive = said.about(call(), NOW)

    assert spent is not None and alive is not None
    assert (spent.passed, spent.said) == (False, "10 spent: 0.45 R off, spread 1% of R, age 0%")
    assert (alive.passed, alive.said) == (True, "80 fresh: 0.10 R off, spread 1% of R, age 0%")
    assert alive.until == NOW + HOLDS
    assert CallVitality(quotes, 0).about(call(), NOW) is not None
