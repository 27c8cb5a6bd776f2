"""From an alert to a signal of the desk, by the market as it is now, and whether it is offered."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from config.groups import SignalSettings
from config.intake import IntakeSettings
from services.domain.market import CandleSeries, Instrument, Quote, Universe
from services.domain.money import ZERO
from services.domain.ports import QuoteSource, StrategySignal
from services.domain.signals import DropCode, Side, Signal
from services.domain.sources import Alert, Arrival, Source, SourceState
from services.signals.calls import entry_band, expiry, stop_on_grid, targets_on_grid
from services.signals.rules import Dropped, why_impossible, why_not_now
from services.signals.score import call_setup, score
from services.storage import desk
from services.storage.database import Unit

SeriesOf = Callable[[str], CandleSeries | None]
PERPETUAL = ".P"
DEFAULT_TARGETS_R = (Decimal("1.5"), Decimal(3))
BPS = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What becomes of an alert: the signal it makes, None where the desk can make none of it, and why it is not offered."""

    signal: Signal | None
    dropped: Dropped | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Market:
    instrument: Instrument
    quote: Quote
    series: CandleSeries


@dataclass(frozen=True, slots=True, kw_only=True)
class _Prices:
    entry: Decimal
    stop: Decimal
    targets: tuple[Decimal, ...]


class JudgeAlert:
    """Make a signal of an alert and ask the rules of every call, and those of senders, about it; nothing is written."""

    def __init__(self, quotes: QuoteSource, series_of: SeriesOf, signals: SignalSettings, intake: IntakeSettings) -> None:
        self._quotes = quotes
        self._series_of = series_of
        self._signals = signals
        self._intake = intake

    def __call__(self, unit: Unit, source: Source, arrival: Arrival) -> Told:
        """Return the signal, with the alert's id as its own, and what speaks against it."""
        market = self._market(unit, arrival.alert.symbol)
        if isinstance(market, Dropped):
            return Told(signal=None, dropped=market)
        signal = self._signal(source, arrival, market, unit.now)
        return Told(signal=signal, dropped=self._against(unit, source, arrival, signal, market))

    def _market(self, unit: Unit, symbol: str) -> _Market | Dropped:
        instrument = find_instrument(desk.current_universe(unit), symbol)
        if instrument is None:
            return Dropped(code=DropCode.NOT_IN_UNIVERSE, note=symbol)
        quote, series = self._quotes.latest(instrument.symbol), self._series_of(instrument.symbol)
        if quote is None or series is None or not series.candles:
            return Dropped(code=DropCode.NO_DATA, note="no price yet")
        age = quote.age(unit.now).total_seconds()
        if age > self._intake.stale_s:
            return Dropped(code=DropCode.NO_DATA, note=f"the price is {age:.0f} s old")
        return _Market(instrument=instrument, quote=quote, series=series)

    def _against(self, unit: Unit, source: Source, arrival: Arrival, signal: Signal, market: _Market) -> Dropped | None:
        impossible = why_impossible(unit, signal)
        if impossible is not None:
            return impossible
        made = min(arrival.received_at, arrival.alert.time or arrival.received_at)
        age = (unit.now - made).total_seconds()
        if age > self._intake.stale_s or signal.expires_at <= unit.now:
            return Dropped(code=DropCode.STALE, note=f"made {age:.0f} s ago")
        far = self._too_far(arrival.alert, signal, market.quote)
        if far is not None:
            return far
        if source.state is not SourceState.ACTIVE:
            return Dropped(code=DropCode.SOURCE_MUTED, note=source.note)
        return why_not_now(unit, signal, self._signals, frozenset())

    def _too_far(self, alert: Alert, signal: Signal, quote: Quote) -> Dropped | None:
        if alert.entry is not None:
            away = abs(alert.entry - quote.mid) / quote.mid * BPS
            if away > self._intake.away_bps:
                note = f"entry {away:.0f} bps from the market, {self._intake.away_bps} allowed"
                return Dropped(code=DropCode.PRICE_FAR, note=note)
        if (quote.mid - signal.stop) * signal.side.sign <= 0:
            return Dropped(code=DropCode.PRICE_FAR, note="the market is beyond the stop")
        return None

    def _signal(self, source: Source, arrival: Arrival, market: _Market, now: datetime) -> Signal:
        alert, instrument, series = arrival.alert, market.instrument, market.series
        prices = _prices(alert, market.quote)
        low, high = entry_band(prices.entry, prices.stop, instrument)
        said = _said(alert, prices, market)
        total, parts = score(said, series, market.quote, [])
        timeframe = alert.timeframe or series.timeframe
        ends = expiry(now, timeframe, self._signals)
        wanted = arrival.received_at + timedelta(seconds=alert.lasts_s) if alert.lasts_s is not None else ends
        return Signal(
            id=arrival.id,
            source=source.signal_source,
            symbol=instrument.symbol,
            timeframe=timeframe,
            side=alert.side,
            entry_low=low,
            entry_high=high,
            stop=stop_on_grid(prices.stop, alert.side, instrument),
            targets=targets_on_grid(prices.targets, alert.side, instrument),
            score=total,
            score_parts=dict(parts),
            created_at=now,
            expires_at=min(ends, wanted),
            candle_time=None,
            reason=said.reason,
            facts=said.facts,
        )


def find_instrument(universe: Universe | None, symbol: str) -> Instrument | None:
    """Return what a sender means by ``BTCUSDT``, ``BINANCE:BTCUSDT``, ``BTCUSDT.P`` or ``BTC/USDT``, or None.

    A perpetual of the same pair is taken as the pair: prices are the sender's word and are held against the desk's market.
    """
    plain = symbol.rpartition(":")[2].removesuffix(PERPETUAL)
    wanted = "".join(letter for letter in plain if letter not in "/-_")
    listed = universe.instruments if universe is not None else ()
    return next((each for each in listed if each.symbol.replace("/", "") == wanted), None)


def _prices(alert: Alert, quote: Quote) -> _Prices:
    sign = alert.side.sign
    entry = alert.entry or (quote.ask if alert.side is Side.LONG else quote.bid)
    stop = alert.stop if alert.stop is not None else _away(entry, -sign, alert.stop_percent or ZERO)
    if alert.target_percents:
        return _Prices(entry=entry, stop=stop, targets=tuple(_away(entry, sign, each) for each in alert.target_percents))
    targets = alert.targets or tuple(entry + (entry - stop) * r for r in DEFAULT_TARGETS_R)
    return _Prices(entry=entry, stop=stop, targets=targets)


def _away(entry: Decimal, sign: int, percent: Decimal) -> Decimal:
    return entry * (1 + sign * percent / 100)


def _said(alert: Alert, prices: _Prices, market: _Market) -> StrategySignal:
    """Write the call as the score reads it: floats, and the numbers that explain it."""
    entry, stop, targets = float(prices.entry), float(prices.stop), tuple(float(each) for each in prices.targets)
    facts = {"market": float(market.quote.mid)}
    if alert.entry is not None:
        facts["given entry"] = entry
    if alert.score is not None:
        facts["sender's score"] = float(alert.score)
    return StrategySignal(
        side=alert.side,
        entry=entry,
        stop=stop,
        targets=targets,
        setup=call_setup(market.series, alert.side, entry, stop, targets),
        reason=alert.comment or "alert without a comment",
        facts=facts,
    )
