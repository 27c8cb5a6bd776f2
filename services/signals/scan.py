"""The scan: closed candles to every strategy that is not off, each signal stored, each drop with its reason."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from config.groups import SignalSettings
from services.domain.market import CandleSeries, timeframe_seconds
from services.domain.people import Actor
from services.domain.ports import Ids, QuoteSource, Strategy
from services.domain.signals import DropCode, Signal, StrategyState, strategy_of
from services.signals.calls import Call, calls_on, to_signal
from services.signals.consensus import settle
from services.signals.rules import Dropped, why_impossible, why_not_now
from services.signals.windows import Windows
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
    """Run strategies over newly closed candles and store what they call."""

    def __init__(self, database: Database, registry: Registry, quotes: QuoteSource, settings: SignalSettings, ids: Ids) -> None:
        self._database = database
        self._registry = registry
        self._quotes = quotes
        self._settings = settings
        self._ids = ids
        self._windows = Windows()

    async def __call__(self, actor: Actor, batch: Sequence[CandleSeries]) -> Scanned:
        """Scan a batch; a candle that called before calls no second time."""
        states = await self._database.read(desk.strategy_states)
        enabled, sandboxed = (self._in(states, each) for each in (StrategyState.ENABLED, StrategyState.SANDBOXED))
        asked = [(series, self._quotes.latest(series.instrument.symbol)) for series in batch if series.candles]
        found = zip(asked, calls_on(enabled, asked, sandboxed, self._windows), strict=True)
        calling = sorted(((series, calls) for (series, _), calls in found if calls), key=lambda each: -each[1][0].score)
        if not calling:
            return Scanned(instruments=len(batch), stored=0, dropped=0)
        return await self._database.write(lambda unit: self._store(unit, actor, batch, calling))

    def _in(self, states: dict[str, StrategyState], state: StrategyState) -> list[Strategy]:
        return [each for each in self._registry.all() if states.get(each.name, StrategyState.DISABLED) is state]

    def _store(
        self, unit: Unit, actor: Actor, batch: Sequence[CandleSeries], calling: Sequence[tuple[CandleSeries, Sequence[Call]]]
    ) -> Scanned:
        stored = dropped = 0
        taken: set[str] = set()
        for series, calls in calling:
            for signal, drop in self._judged(unit, series, calls, taken):
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

    def _judged(
        self, unit: Unit, series: CandleSeries, calls: Sequence[Call], taken: set[str]
    ) -> list[tuple[Signal, Dropped | None]]:
        """Return one instrument's calls as signals, each with the reason for which it is not offered, the best first."""
        signals = [to_signal(call, series, self._settings, signal_id=self._ids.row(), now=unit.now) for call in calls]
        drops: dict[str, Dropped] = {}
        for signal, call in zip(signals, calls, strict=True):
            drop = self._why_alone(unit, signal, series, taken, sandboxed=call.sandboxed)
            if drop is not None:
                drops[signal.id] = drop
        settled = settle([each for each in signals if each.id not in drops], self._settings.conflict_margin)
        drops |= {signal.id: drop for signal, drop in settled.dropped}
        agreed = {f"also_{strategy_of(each.source)}": float(each.score) for each in settled.agreeing}
        return [
            (replace(each, facts={**each.facts, **agreed}) if each is settled.offered else each, drops.get(each.id))
            for each in signals
        ]

    def _why_alone(
        self, unit: Unit, signal: Signal, series: CandleSeries, taken: set[str], *, sandboxed: bool
    ) -> Dropped | None:
        """Say why a call would not be offered even if no other strategy called on its candle."""
        impossible = why_impossible(unit, signal)
        if impossible is not None:
            return impossible
        bar = timeframe_seconds(series.timeframe)
        age = (unit.now - series.candles[-1].time).total_seconds() - bar
        if age > bar:
            return Dropped(code=DropCode.STALE, note=f"closed {age:.0f} s ago")
        if sandboxed:
            return Dropped(code=DropCode.SANDBOXED)
        return why_not_now(unit, signal, self._settings, taken) or self._no_room(unit, strategy_of(signal.source))

    def _no_room(self, unit: Unit, strategy: str) -> Dropped | None:
        most = self._settings.strategy_missions_of.get(strategy, self._settings.strategy_missions)
        pending = missions.pending_of(unit, strategy)
        return Dropped(code=DropCode.CAPACITY, note=f"{pending} of {most}") if pending >= most else None
