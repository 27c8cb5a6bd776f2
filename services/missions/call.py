"""A person's own call becomes a mission with the person as its source, through the same score, gate and preview."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from config.groups import SignalSettings
from services.access.authority import require
from services.domain.errors import Refused
from services.domain.halts import HaltScope
from services.domain.market import CandleSeries, Instrument
from services.domain.money import Price
from services.domain.people import Actor, Person, Role
from services.domain.ports import Ids, QuoteSource, StrategySignal
from services.domain.signals import Mission, Side, Signal, malformed
from services.missions.offer import OfferMissions
from services.risk.sizing import touch_price
from services.signals.calls import entry_band, expiry, stop_on_grid, targets_on_grid
from services.signals.score import call_setup, score
from services.storage import desk, halts, missions
from services.storage.database import Database, Unit

SeriesOf = Callable[[str], CandleSeries | None]
_WORDS = re.compile(r"[^\s,;]+")
MAX_TARGETS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class CallTerms:
    """What a person typed: ``BTCUSDT long sl 63200 tp 65300 66400``."""

    symbol: str
    side: Side
    stop: Decimal
    targets: tuple[Decimal, ...]


def parse_call(text: str) -> CallTerms:
    """Read a call; raise Refused with code CALL_SYNTAX naming what is missing or wrong."""
    words = _WORDS.findall(text)
    if len(words) < 2:
        raise Refused("CALL_SYNTAX", missing="instrument and side")
    side = {"long": Side.LONG, "buy": Side.LONG, "short": Side.SHORT, "sell": Side.SHORT}.get(words[1].lower())
    if side is None:
        raise Refused("CALL_SYNTAX", wrong=words[1], expected="long or short")
    stops: list[Decimal] = []
    targets: list[Decimal] = []
    into: list[Decimal] | None = None
    for word in words[2:]:
        key = word.lower().rstrip(":")
        if key in ("sl", "stop", "tp", "target", "targets"):
            into = stops if key in ("sl", "stop") else targets
        elif into is None:
            raise Refused("CALL_SYNTAX", wrong=word, expected="sl or tp")
        else:
            into.append(_price(word))
    if len(stops) != 1:
        raise Refused("CALL_SYNTAX", missing="one stop: sl 63200")
    if len(targets) > MAX_TARGETS:
        raise Refused("CALL_SYNTAX", wrong=f"{len(targets)} targets", expected=f"at most {MAX_TARGETS}")
    return CallTerms(symbol=words[0], side=side, stop=stops[0], targets=tuple(targets))


def _price(word: str) -> Decimal:
    try:
        value = Decimal(word.replace("_", "").replace("'", ""))
    except InvalidOperation as error:
        raise Refused("CALL_SYNTAX", wrong=word, expected="a price") from error
    if not value.is_finite() or not 0 < value < Decimal("1e12"):
        raise Refused("CALL_SYNTAX", wrong=word, expected="a price")
    return value


class CallMission:
    """Open a mission from a person's call at the market as it is now."""

    def __init__(
        self,
        database: Database,
        offering: OfferMissions,
        quotes: QuoteSource,
        series_of: SeriesOf,
        settings: SignalSettings,
        ids: Ids,
    ) -> None:
        self._database = database
        self._offering = offering
        self._quotes = quotes
        self._series_of = series_of
        self._settings = settings
        self._ids = ids

    async def __call__(self, actor: Actor, terms: CallTerms) -> Mission:
        """Store, score and offer the call; raise Refused when it cannot be one, with the reason."""

        def body(unit: Unit) -> Mission:
            person = require(unit, actor, Role.TRADER, "call")
            universe = desk.current_universe(unit)
            instrument = universe.find(terms.symbol) if universe else None
            if instrument is None:
                listed = ", ".join(i.symbol for i in universe.instruments) if universe else "none"
                raise Refused("NOT_IN_UNIVERSE", value=terms.symbol, listed=listed)
            halted = halts.in_force(unit, [(HaltScope.DESK, halts.DESK), (HaltScope.PERSON, str(person.id))])
            if halted:
                raise Refused("HALT", by=halted[0].by_name, reason=halted[0].reason)
            signal = self._signal(unit, person, instrument, terms)
            problem = malformed(signal)
            if problem is not None:
                raise Refused("CALL_MALFORMED", problem=problem)
            if missions.open_on(unit, signal.symbol, signal.side):
                raise Refused("DUPLICATE", symbol=signal.symbol, side=signal.side.value)
            missions.add_signal(unit, signal, None)
            return self._offering.open(unit, actor, signal)

        return await self._database.write(body)

    def _signal(self, unit: Unit, person: Person, instrument: Instrument, terms: CallTerms) -> Signal:
        quote, series = self._quotes.latest(instrument.symbol), self._series_of(instrument.symbol)
        if quote is None or series is None or not series.candles:
            raise Refused("NO_DATA", symbol=instrument.symbol)
        entry = touch_price(quote, terms.side)
        targets = terms.targets or tuple(entry + (entry - terms.stop) * r for r in (Decimal("1.5"), Decimal(3)))
        low, high = entry_band(entry, terms.stop, instrument)
        floats = [float(price) for price in targets]
        setup = call_setup(series, terms.side, float(entry), float(terms.stop), floats)
        said = StrategySignal(
            side=terms.side,
            entry=float(entry),
            stop=float(terms.stop),
            targets=tuple(floats),
            setup=setup,
            reason=f"called by {person.name}",
            facts={},
        )
        total, parts = score(said, series, quote, [])
        return Signal(
            id=self._ids.row(),
            source=f"person:{person.id}",
            symbol=instrument.symbol,
            timeframe=series.timeframe,
            side=terms.side,
            entry_low=Price(low),
            entry_high=Price(high),
            stop=stop_on_grid(terms.stop, terms.side, instrument),
            targets=targets_on_grid(targets, terms.side, instrument),
            score=total,
            score_parts=dict(parts),
            created_at=unit.now,
            expires_at=expiry(unit.now, series.timeframe, self._settings),
            candle_time=None,
            reason=said.reason,
        )
