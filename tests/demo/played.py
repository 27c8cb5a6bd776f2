"""A market that is opened as the demo opens it, and then read as the desk reads it, on a clock moved by hand."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bot.demo.desk_settings import DeskTerms, desk_terms
from bot.demo.opening import open_market
from bot.demo.sandbox_client import Cast, MarketInfo, SandboxClient
from config.groups import SignalSettings, VenueSettings
from sandbox.exchange.source import Source
from services.domain.market import CandleSeries, Quote
from services.domain.signals import Signal, malformed
from services.signals.calls import calls_of, to_signal
from services.strategies.registry import load_strategies
from services.venues.ccxt_market import CcxtMarketData
from tests.sandbox_exchange.stand import HandClock, build, serving

MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
CAST = Cast(members=(), group_id=-1001, topics={"missions": 2, "fills": 3, "risk": 4, "digest": 5})


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A market that waits for its first look, what the desk would be told of it, and how long the opening took."""

    terms: DeskTerms
    info: MarketInfo
    said: tuple[str, ...]
    clock: HandClock
    address: str


@asynccontextmanager
async def opened(
    source: Source, *, at: datetime, bar_seconds: int = 60, start: int | None = None, seed: int | None = None
) -> AsyncIterator[Opened]:
    """Open a market at a time of day."""
    clock = HandClock(at)
    market = build(source=source, clock=clock, bar_seconds=bar_seconds)
    async with serving(market) as served:
        address = str(served.make_url("")).rstrip("/")
        client = SandboxClient(address)
        try:
            said: list[str] = []
            info = await client.market()
            terms = desk_terms(
                cast=CAST, market=info, address=address, token="1:x", keys=Path("keys.json"), state=Path("state"), now=at
            )
            await open_market(client, info, terms, start, seed=seed, now=at, say=said.append)
            info = await client.market()
            yield Opened(terms=terms, info=info, said=tuple(said), clock=clock, address=address)
        finally:
            await client.close()


async def signals_by_bar(market: Opened, *, bars: int) -> list[list[Signal]]:
    """Look as the desk does when it warms up, then at each close; return what it would offer then, bar by bar."""
    terms = market.terms
    venue = CcxtMarketData("sandbox", VenueSettings(base_url=terms.venue.base_url), market.clock)
    strategies = load_strategies(()).all()
    try:
        instruments = await venue.instruments(terms.market.instruments)
        opening = await venue.candles(instruments[0].symbol, terms.market.timeframe, 2)
        closes_at = opening[-1].time + timedelta(seconds=market.info.bar_seconds)
        offered = []
        for _ in range(bars):
            market.clock.at = closes_at + timedelta(milliseconds=300)
            quotes = {quote.symbol: quote for quote in await venue.quotes(terms.market.instruments)}
            found = []
            for instrument in instruments:
                candles = await venue.candles(instrument.symbol, terms.market.timeframe, terms.market.history + 1)
                series = CandleSeries(instrument=instrument, timeframe=terms.market.timeframe, candles=candles[:-1])
                found += _offered(strategies, series, quotes.get(instrument.symbol), terms.signals, market.clock.at)
            offered.append(found)
            closes_at += timedelta(seconds=market.info.bar_seconds)
        return offered
    finally:
        await venue.close()


def _offered(
    strategies: Sequence[object], series: CandleSeries, quote: Quote | None, settings: SignalSettings, now: datetime
) -> list[Signal]:
    signals = [
        to_signal(call, series, settings, signal_id=str(number), now=now)
        for number, call in enumerate(calls_of(strategies, series, quote))
    ]
    return [each for each in signals if malformed(each) is None and each.score >= settings.min_score]
