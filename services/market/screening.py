"""The screen: from the watched instruments to those that the desk trades, filter by filter, each with what it measured."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

import numpy as np

from config.screening import ScreeningSettings
from services.domain.market import CandleSeries, Instrument, Quote, Tier, timeframe_seconds
from services.domain.screening import Finding, Screened
from services.market.correlation import between_all

DAY_S = 86_400
# Fewer closed candles say nothing of a day.
LEAST_CANDLES = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is known of one instrument; None is not known. Amounts are in the quote currency, ``volatility`` a day's share.

    ``alike`` are correlations of returns with other instruments by symbol.
    """

    instrument: Instrument
    volume: Decimal | None
    spread_bps: Decimal | None
    depth: Decimal | None
    volatility: Decimal | None
    age_days: int | None
    alike: Mapping[str, Decimal]


Filter = Callable[[Facts, ScreeningSettings, Sequence[Facts]], Finding | None]


def facts_of(
    instruments: Sequence[Instrument], series: Mapping[str, CandleSeries], quotes: Mapping[str, Quote], now: datetime
) -> list[Facts]:
    """Measure every instrument from the candles and the quote that are there."""
    alike = between_all([series[each.symbol] for each in instruments if each.symbol in series])
    return [
        Facts(
            instrument=each,
            volume=_volume(series.get(each.symbol)),
            spread_bps=quote.spread_bps if (quote := quotes.get(each.symbol)) is not None else None,
            depth=min(quote.bid * quote.bid_size, quote.ask * quote.ask_size) if quote is not None else None,
            volatility=_volatility(series.get(each.symbol)),
            age_days=(now - each.listed_at).days if each.listed_at is not None else None,
            alike=alike.get(each.symbol, {}),
        )
        for each in instruments
    ]


def screen(found: Sequence[Facts], settings: ScreeningSettings, pinned: Mapping[str, str]) -> list[Screened]:
    """Decide on every instrument: those of more turnover first, so that of two alike the larger one is kept.

    ``pinned`` names the tiers that are not left to the turnover.
    """
    kept: list[Facts] = []
    decided: dict[str, Screened] = {}
    for each in sorted(found, key=lambda one: (-(one.volume or Decimal(0)), one.instrument.symbol)):
        symbol = each.instrument.symbol
        findings = tuple(said for ask in FILTERS if (said := ask(each, settings, kept)) is not None)
        listed = symbol not in settings.deny and (symbol in settings.allow or all(said.passed for said in findings))
        tier = Tier(pinned[symbol]) if symbol in pinned else _tier(each, settings)
        decided[symbol] = Screened(instrument=replace(each.instrument, tier=tier), listed=listed, findings=findings)
        kept += [each] if listed else []
    return [decided[each.instrument.symbol] for each in found]


def _tier(facts: Facts, settings: ScreeningSettings) -> Tier:
    """Return the tier of a turnover; one that is not known is trusted least."""
    if not settings.tier_volumes:
        return Tier.A
    reached = sum(facts.volume is None or facts.volume < least for least in settings.tier_volumes)
    return tuple(Tier)[reached]


def _listing(facts: Facts, settings: ScreeningSettings, _kept: Sequence[Facts]) -> Finding | None:
    symbol = facts.instrument.symbol
    if symbol in settings.deny:
        return Finding(name="denied", passed=False, value=None, bound=None)
    return Finding(name="allowed", passed=True, value=None, bound=None) if symbol in settings.allow else None


def _at_least(name: str, value: Decimal | None, bound: Decimal | None) -> Finding | None:
    if bound is None:
        return None
    return Finding(name=name, passed=value is not None and value >= bound, value=value, bound=bound)


def _at_most(name: str, value: Decimal | None, bound: Decimal | None) -> Finding | None:
    if bound is None:
        return None
    return Finding(name=name, passed=value is not None and value <= bound, value=value, bound=bound, most=True)


def _resemblance(facts: Facts, settings: ScreeningSettings, kept: Sequence[Facts]) -> Finding | None:
    if settings.correlation_max is None:
        return None
    known = {each.instrument.symbol: facts.alike.get(each.instrument.symbol) for each in kept}
    if None in known.values():
        return Finding(name="correlation", passed=False, value=None, bound=settings.correlation_max, most=True)
    nearest = max(known, key=lambda symbol: abs(known[symbol] or Decimal(0)), default=None)
    value = abs(known[nearest] or Decimal(0)) if nearest is not None else Decimal(0)
    within = value <= settings.correlation_max
    return Finding(
        name="correlation", passed=within, value=value, bound=settings.correlation_max, most=True, about=nearest or ""
    )


FILTERS: tuple[Filter, ...] = (
    _listing,
    lambda f, s, _: _at_least("volume", f.volume, s.volume_min),
    lambda f, s, _: _at_most("spread", f.spread_bps, s.spread_max_bps),
    lambda f, s, _: _at_least("depth", f.depth, s.depth_min),
    lambda f, s, _: _at_least("volatility", f.volatility, s.volatility_min),
    lambda f, s, _: _at_most("volatility", f.volatility, s.volatility_max),
    lambda f, s, _: _at_least(
        "age",
        Decimal(f.age_days) if f.age_days is not None else None,
        Decimal(s.age_min_days) if s.age_min_days is not None else None,
    ),
    _resemblance,
)


def _volume(series: CandleSeries | None) -> Decimal | None:
    """Return a day's turnover by the candles that there are, at most those of the last day."""
    if series is None or len(series.candles) < LEAST_CANDLES:
        return None
    bar = timeframe_seconds(series.timeframe)
    last = series.candles[-max(1, DAY_S // bar) :]
    span = (last[-1].time - last[0].time).total_seconds() + bar
    return _number(math.fsum(candle.close * candle.volume for candle in last) * DAY_S / span, 2)


def _volatility(series: CandleSeries | None) -> Decimal | None:
    if series is None or len(series.candles) < LEAST_CANDLES:
        return None
    closes = np.array([candle.close for candle in series.candles], dtype=np.float64)
    if not (np.isfinite(closes).all() and (closes > 0).all()):
        return None
    bars_a_day = DAY_S / timeframe_seconds(series.timeframe)
    return _number(float(np.std(np.diff(np.log(closes)))) * math.sqrt(bars_a_day), 6)


def _number(value: float, decimals: int) -> Decimal | None:
    return Decimal(str(round(value, decimals))) if math.isfinite(value) else None
