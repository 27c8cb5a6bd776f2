"""A paper venue on a file of its own, with market and time in the test's hands."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from config.groups import PaperSettings
from services.domain.errors import VenueRejected
from services.domain.market import Quote
from services.domain.orders import OrderRequest, VenueFill
from services.venues.paper import PaperVenue
from tests.venues.conformance import ACCOUNT
from tests.venues.hands import BTC, GRIDS, Board, HandClock, order, quote


class PaperBench:
    """The venue, its clock and its market."""

    own_market = False

    def __init__(self, path: Path, clock: HandClock | None = None, **changes: Any) -> None:
        self.path = path
        self.clock = clock or HandClock()
        self.board = Board()
        self.settings = PaperSettings(**{"slippage_bps": 0, **changes})
        self.changes = 0
        self.venue = PaperVenue(path, self.board, self.clock, self.settings, GRIDS.get, self._changed)

    def _changed(self, account: str) -> None:
        self.changes += 1

    def now(self) -> datetime:
        return self.clock.now()

    def post(self, bid: str, ask: str, *, size: str = "5", symbol: str = BTC.symbol) -> Quote:
        """Put a quote on the board without telling the venue."""
        shown = quote(bid, ask, self.clock.now(), size=size, symbol=symbol)
        self.board.quotes[symbol] = shown
        return shown

    async def show(self, bid: str, ask: str, *, size: str = "5", symbol: str = BTC.symbol) -> None:
        """Let a second pass, then show a quote and match."""
        self.clock.move(1)
        await self.venue.on_quote(self.post(bid, ask, size=size, symbol=symbol))
        await self.venue.settle()

    async def silence(self) -> None:
        """Let the last quote grow stale."""
        self.clock.move(60)


@asynccontextmanager
async def paper_bench(path: Path, clock: HandClock | None = None, **changes: Any) -> AsyncIterator[PaperBench]:
    """Open a bench and its account, and close it."""
    bench = PaperBench(path, clock, **changes)
    await bench.venue.open()
    try:
        await bench.venue.open_account(ACCOUNT, "USDT")
        yield bench
    finally:
        await bench.venue.close()


async def fills(bench: PaperBench, account: str = ACCOUNT) -> list[VenueFill]:
    return list(await bench.venue.fills_since(account, 0))


async def buy(bench: PaperBench, quantity: str, bid: str = "99.99", ask: str = "100.00", account: str = ACCOUNT) -> None:
    await bench.show(bid, ask)
    await bench.venue.place(account, order(f"in{bench.clock.monotonic():.0f}", "buy", quantity))
    await bench.show(bid, ask)


async def sell_short(bench: PaperBench, quantity: str) -> None:
    await bench.show("100.00", "100.01", size="100")
    await bench.venue.place(ACCOUNT, order("short00", "sell", quantity))
    await bench.show("100.00", "100.01", size="100")


async def refused(bench: PaperBench, request: OrderRequest, account: str = ACCOUNT) -> VenueRejected:
    with pytest.raises(VenueRejected) as caught:
        await bench.venue.place(account, request)
    return caught.value
