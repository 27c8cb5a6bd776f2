"""Feed, ccxt and the sandbox's exchange together, in real time with bars of a second."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta

from config.groups import MarketSettings, VenueSettings
from sandbox.exchange.clock import WallClock
from sandbox.exchange.placement import Running, Waiting
from services.market.candles import CandleBook
from services.market.feed import Closed, Feed
from services.market.quotes import QuoteBoard
from services.venues.ccxt_market import CcxtMarketData
from tests.market.stand import Beats
from tests.sandbox_exchange.stand import build, serving


class RealClock:
    """The clock of the computer."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


async def test_closed_candles_arrive_within_moments_and_equal_the_source() -> None:
    clock, beats, board, book = RealClock(), Beats(), QuoteBoard(), CandleBook("1s", 100)
    # The market anchors its grid at the first look at candles, which leaves it off the wall clock's seconds.
    sandbox = build(clock=WallClock(), bar_seconds=1, placement=Waiting(index=600, close_in=430))
    taken: list[tuple[Closed, datetime]] = []
    enough = asyncio.Event()

    def scan() -> None:
        taken.extend((each, clock.now()) for each in feed.take_new())
        if len(taken) >= 4:
            enough.set()

    async with serving(sandbox) as served:
        market = CcxtMarketData("here", VenueSettings(base_url=str(served.make_url("/exchange"))), clock)
        settings = MarketSettings(instruments=("BTC/USDT", "LTC/USDT"), timeframe="1s", history=100, quote_every_s=0.2)
        feed = Feed(market, board, book, clock, settings, beats)
        feed.on_closed(scan)
        try:
            await feed.warm_up()
            running = asyncio.create_task(feed.run())
            await asyncio.wait_for(enough.wait(), 20)
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
        finally:
            await market.close()

    placement = sandbox.placement
    assert isinstance(placement, Running)
    for closed, seen_at in taken:
        newest = closed.series.candles[-1]
        opened = datetime.fromtimestamp(placement.opens_at / 1000, UTC)
        index = placement.index + round((newest.time - opened).total_seconds())
        bar = sandbox.source.bars(closed.symbol.replace("/", ""), index, index)[0]
        assert newest.close == bar.close / 100
        assert newest.volume > 0
        assert timedelta(0) <= seen_at - newest.time - timedelta(seconds=1) < timedelta(seconds=5)
        assert len(closed.series.candles) == 100
    assert book.gaps("BTC/USDT") == 0
    assert beats.details
    quote = board.latest("LTC/USDT")
    assert quote is not None
    assert 0 < quote.bid < quote.ask
