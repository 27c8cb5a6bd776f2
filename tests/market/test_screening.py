"""The screen: each filter against its bound, what is not known never passes, and of two alike the larger one stays."""

from __future__ import annotations

import math
import random
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError

from config.screening import ScreeningSettings
from services.domain.market import Candle, CandleSeries, Instrument, Quote, Tier
from services.domain.money import Price, Quantity
from services.domain.screening import Screened
from services.market.screening import Facts, facts_of, screen
from tests.trading.rig import BTC, ETH

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)
D = Decimal


def known(instrument: Instrument = BTC, **changed: Any) -> Facts:
    """An instrument of which everything is known."""
    facts: dict[str, Any] = {
        "volume": D(5_000_000),
        "spread_bps": D(2),
        "depth": D(50_000),
        "volatility": D("0.03"),
        "age_days": 900,
        "alike": {},
    }
    return Facts(instrument=instrument, **(facts | changed))


def one(facts: Facts, **bounds: Any) -> Screened:
    (found,) = screen([facts], ScreeningSettings(**bounds), {})
    return found


def candles(drift: float, *, seed: int = 1, count: int = 240, volume: float = 2.0) -> tuple[Candle, ...]:
    chance, price, rows = random.Random(seed), 100.0, []
    for number in range(count):
        price *= math.exp(chance.gauss(drift, 0.001))
        rows.append(Candle(NOW + timedelta(minutes=number), price, price, price, price, volume))
    return tuple(rows)


BOUNDS = {
    "volume_min": ("volume", "volume", D(5_000_001), D(5_000_000)),
    "spread_max_bps": ("spread", "spread_bps", D("1.9"), D(2)),
    "depth_min": ("depth", "depth", D(50_001), D(50_000)),
    "volatility_min": ("volatility", "volatility", D("0.031"), D("0.03")),
    "volatility_max": ("volatility", "volatility", D("0.029"), D("0.03")),
    "age_min_days": ("age", "age_days", 901, 900),
}


@pytest.mark.parametrize("setting", BOUNDS)
def test_a_bound_leaves_out_what_is_beyond_it_and_what_is_not_known(setting: str) -> None:
    name, field, beyond, at = BOUNDS[setting]

    kept, left, unknown = one(known(), **{setting: at}), one(known(), **{setting: beyond}), known(**{field: None})

    assert kept.listed and not left.listed and not one(unknown, **{setting: at}).listed
    assert [(each.name, each.passed) for each in left.findings] == [(name, False)]
    assert left.findings[0].bound == beyond and left.findings[0].value is not None
    assert one(unknown, **{setting: at}).findings[0].value is None
    assert one(unknown).listed, "without a bound nothing is asked"


def test_deny_leaves_out_and_allow_keeps_against_every_other_filter() -> None:
    denied, allowed = one(known(), deny="BTC/USDT"), one(known(), allow="BTC/USDT", volume_min=10**9)

    assert not denied.listed and denied.findings[0].name == "denied"
    assert allowed.listed and [each.passed for each in allowed.findings] == [True, False]


def test_of_two_that_move_together_the_one_of_more_turnover_stays() -> None:
    small = known(BTC, volume=D(10), alike={"ETH/USDT": D("0.95")})
    large = known(ETH, volume=D(20), alike={"BTC/USDT": D("0.95")})

    first, second = screen([small, large], ScreeningSettings(correlation_max=D("0.9")), {})

    assert (first.listed, second.listed) == (False, True)
    assert (first.findings[0].about, first.findings[0].value) == ("ETH/USDT", D("0.95"))
    stranger = known(BTC, volume=D(10), alike={})
    assert not screen([stranger, large], ScreeningSettings(correlation_max=D("0.9")), {})[0].listed


@pytest.mark.parametrize(("volume", "tier"), [("100", "A"), ("99", "B"), ("10", "B"), ("9", "C"), ("0.5", "D"), (None, "D")])
def test_a_tier_is_made_by_turnover_unless_it_is_pinned(volume: str | None, tier: str) -> None:
    facts = known(volume=D(volume) if volume is not None else None)
    settings = ScreeningSettings(tier_volumes=(D(100), D(10), D(1)))

    assert screen([facts], settings, {})[0].instrument.tier is Tier(tier)
    assert screen([facts], settings, {"BTC/USDT": "C"})[0].instrument.tier is Tier.C
    assert screen([facts], ScreeningSettings(), {})[0].instrument.tier is Tier.A


def test_facts_are_measured_from_candles_and_quote() -> None:
    series = {each.symbol: CandleSeries(instrument=each, timeframe="1m", candles=candles(0, seed=7)) for each in (BTC, ETH)}
    quote = Quote(
        symbol="BTC/USDT",
        bid=Price(D(99)),
        ask=Price(D(101)),
        bid_size=Quantity(D(3)),
        ask_size=Quantity(D(2)),
        feed_time=NOW,
        received_at=NOW,
    )

    btc, eth = facts_of([BTC, ETH], series, {"BTC/USDT": quote}, NOW)

    turnover = sum(candle.close * candle.volume for candle in series["BTC/USDT"].candles) * 1440 / 240
    assert float(btc.volume or 0) == pytest.approx(turnover)
    assert float(btc.volatility or 0) == pytest.approx(0.001 * math.sqrt(1440), rel=0.1)
    assert (btc.spread_bps, btc.depth, btc.age_days) == (D(200), D(202), None)
    assert btc.alike == {"ETH/USDT": D("1.0")} and eth.alike == {"BTC/USDT": D("1.0")}
    assert (eth.spread_bps, eth.depth) == (None, None)


def test_too_few_and_broken_candles_tell_nothing() -> None:
    few = CandleSeries(instrument=BTC, timeframe="1m", candles=candles(0, count=59))
    broken = CandleSeries(instrument=BTC, timeframe="1m", candles=(*candles(0), Candle(NOW, 1.0, 1.0, 1.0, math.nan, 1.0)))

    for series in (few, broken):
        (facts,) = facts_of([BTC], {"BTC/USDT": series}, {}, NOW)
        assert (facts.volume, facts.volatility, facts.alike) == (None, None, {})


@pytest.mark.parametrize(
    "wrong",
    [
        {"allow": "A/B", "deny": "A/B"},
        {"tier_volumes": (1, 2)},
        {"tier_volumes": (2, 0)},
        {"volatility_min": "0.2", "volatility_max": "0.1"},
        {"correlation_max": "1.5"},
    ],
    ids=["both", "rising", "zero", "upside-down", "above-one"],
)
def test_bounds_that_cannot_be_meant_stop_the_start(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        ScreeningSettings(**wrong)
