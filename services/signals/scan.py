"""The scan: closed candles to every enabled strategy, each signal stored, each drop with its reason."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from config.groups import SignalSettings
from services.domain.market import CandleSeries, timeframe_seconds
from services.domain.people import Actor
from services.domain.ports import Ids, QuoteSource, Strategy
from services.domain.signals import DropCode, Signal
from services.signals.calls import Call, calls_of, to_signal
from services.signals.rules import Dropped, why_impossible, why_not_now
from services.storage import desk, missions
from services.storage.database import Database, Unit
from services.strategies.registry import Registry


@dataclass(frozen=True, slots=True, kw_only=True)
class Scanned:
    """What one scan came to."""

    instruments: int
    stored: int
    dropped: int


class ScanMarket:
    """Run enabled strategies over newly closed candles and store what they call."""

    def __init__(self, database: Database, registry: Registry, quotes: QuoteSource, settings: SignalSettings, ids: Ids) -> None:
        self._database = database
        self._registry = registry
        self._quotes = quotes
        self._settings = settings
        self._ids = ids

    async def __call__(self, actor: Actor, batch: Sequence[CandleSeries]) -> Scanned:
        """Scan a batch; a candle that called before calls no second time."""
        strategies = await self._database.read(self._enabled)
        found = [
            (series, call)
            for series in batch
            if series.candles
            for call in calls_of(strategies, series, self._quotes.latest(series.instrument.symbol))
        ]
        if not found:
            return Scanned(instruments=len(batch), stored=0, dropped=0)
        return await self._database.write(lambda unit: self._store(unit, actor, batch, found))

    def _enabled(self, unit: Unit) -> list[Strategy]:
        switched = desk.enabled_strategies(unit)
        return [strategy for strategy in self._registry.all() if switched.get(strategy.name, False)]

    def _store(
        self, unit: Unit, actor: Actor, batch: Sequence[CandleSeries], found: Sequence[tuple[CandleSeries, Call]]
    ) -> Scanned:
        stored = dropped = 0
        taken: set[str] = set()
        for series, call in sorted(found, key=lambda each: -each[1].score):
            signal = to_signal(call, series, self._settings, signal_id=self._ids.row(), now=unit.now)
            drop = self._drop(unit, signal, series, taken)
            if not missions.add_signal(unit, signal, drop.code if drop else None, drop.note if drop else None):
                continue
            if drop is None:
                stored += 1
                taken.add(signal.symbol)
                unit.wake("missions")
            else:
                dropped += 1
            unit.record(
                actor,
                "signal.stored" if drop is None else "signal.dropped",
                signal=signal.id,
                source=signal.source,
                symbol=signal.symbol,
                side=signal.side.value,
                score=signal.score,
                drop=drop.code.value if drop else None,
            )
        return Scanned(instruments=len(batch), stored=stored, dropped=dropped)

    def _drop(self, unit: Unit, signal: Signal, series: CandleSeries, taken: set[str]) -> Dropped | None:
        impossible = why_impossible(unit, signal)
        if impossible is not None:
            return impossible
        bar = timeframe_seconds(series.timeframe)
        age = (unit.now - series.candles[-1].time).total_seconds() - bar
        if age > bar:
            return Dropped(code=DropCode.STALE, note=f"closed {age:.0f} s ago")
        return why_not_now(unit, signal, self._settings, taken)
