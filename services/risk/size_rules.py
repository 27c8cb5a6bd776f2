"""The usual size: by the loss at the stop, a fixed value, or the market's volatility. What cannot be measured gives none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise

from config.sizing import SizeRule, SizingSettings
from services.domain.market import CandleSeries, Instrument, timeframe_seconds
from services.domain.money import canonical
from services.domain.signals import Signal, strategy_of
from services.risk.sizing import Costs, loss_per_unit

SeriesOf = Callable[[str], CandleSeries | None]
# A candle that ended longer ago than so many of its kind take says nothing of now.
FRESH_BARS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class UsualSize:
    """A size in base units before the grid, None where it cannot be known; ``said`` tells how it came about."""

    quantity: Decimal | None
    said: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a size is found from: prices in the instrument's quote currency; ``left`` is the share that a bad day leaves."""

    instrument: Instrument
    entry: Decimal
    stop: Decimal
    costs: Costs
    equity: Decimal
    left: Decimal
    now: datetime


class SizeRules:
    """Finds usual sizes; ``per_trade`` is the loss at the stop where a rule names none, share of equity."""

    def __init__(self, settings: SizingSettings, per_trade: Decimal, currency: str, series_of: SeriesOf) -> None:
        self._settings = settings
        self._per_trade = per_trade
        self._currency = currency
        self._series_of = series_of

    def usual(self, signal: Signal, person_id: int, terms: Terms) -> UsualSize:
        """Return the usual size of an entry, by the strategy's rule, else the person's, else the desk's."""
        rule = self.rule_for(strategy_of(signal.source), person_id)
        if rule.rule == "notional":
            return self._fixed(rule, terms)
        if rule.rule == "volatility":
            return self._volatile(rule, terms)
        share = rule.risk if rule.risk is not None else self._per_trade
        unit_loss = loss_per_unit(terms.entry, terms.stop, terms.costs)
        said = f"{_percent(share * terms.left)} to the stop"
        return UsualSize(quantity=terms.equity * share * terms.left / unit_loss if unit_loss > 0 else None, said=said)

    def rule_for(self, strategy: str, person_id: int) -> SizeRule:
        """Return the rule that holds for a strategy and a person."""
        for scope, subject in (("strategy", strategy), ("person", str(person_id))):
            own = next((each for each in self._settings.scoped if (each.scope, each.subject) == (scope, subject)), None)
            if own is not None:
                return own
        return self._settings

    def _fixed(self, rule: SizeRule, terms: Terms) -> UsualSize:
        if rule.notional is None or terms.instrument.quote != self._currency or terms.entry <= 0:
            return UsualSize(quantity=None, said=f"no rate to {self._currency}")
        value = rule.notional * terms.left
        return UsualSize(quantity=value / terms.entry, said=f"fixed value {canonical(value.quantize(Decimal('0.01')))}")

    def _volatile(self, rule: SizeRule, terms: Terms) -> UsualSize:
        period = self._settings.atr_period
        reach = average_true_range(self._series_of(terms.instrument.symbol), period, terms.now)
        if reach is None or reach <= 0:
            return UsualSize(quantity=None, said="volatility: no data")
        said = f"volatility {_percent(rule.volatility * terms.left)} an ATR {period}"
        return UsualSize(quantity=terms.equity * rule.volatility * terms.left / reach, said=said)


def average_true_range(series: CandleSeries | None, period: int, now: datetime) -> Decimal | None:
    """Return the mean true range of the newest ``period`` closed candles in the quote currency.

    None where they are fewer, the newest is too old, or one is missing among them.
    """
    if series is None or len(series.candles) <= period:
        return None
    bars, length = series.candles[-period - 1 :], timedelta(seconds=timeframe_seconds(series.timeframe))
    if now - bars[-1].time > (FRESH_BARS + 1) * length or bars[-1].time - bars[0].time != period * length:
        return None
    ranges = [max(bar.high, before.close) - min(bar.low, before.close) for before, bar in pairwise(bars)]
    return Decimal(str(round(sum(ranges) / period, 10)))


def _percent(share: Decimal) -> str:
    return f"{canonical((share * 100).quantize(Decimal('0.01')))} %"
