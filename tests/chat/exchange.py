"""An exchange that a desk in a chat may trade at: the rules of the paper venue, in a book of its own, behind another name."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from config.groups import PaperSettings
from services.domain.ports import Clock, QuoteSource
from services.market.quotes import QuoteBoard
from services.venues.paper import PaperVenue
from tests.trading.rig import BTC, ETH

LISTED = {each.symbol: each for each in (BTC, ETH)}


class HandExchange:
    """One account's exchange; ``right`` is what it says of the key, and changes when a test says so."""

    def __init__(self, file: Path, quotes: QuoteSource, clock: Clock) -> None:
        settings = PaperSettings(latency_ms=0, slippage_bps="0")
        self._venue = PaperVenue(file, quotes, clock, settings, LISTED.get, lambda account: None)
        if isinstance(quotes, QuoteBoard):
            quotes.subscribe(self._venue.offer)
        self._open = False
        self.right: bool | None = False
        self.placed = 0

    def __getattr__(self, name: str) -> object:
        if name in ("place", "place_list"):
            self.placed += 1
        return getattr(self._venue, name)

    async def open_account(self, account: str, currency: str, since: datetime | None = None) -> None:
        if not self._open:
            await self._venue.open()
            self._open = True
        await self._venue.open_account(account, currency, since)

    async def may_withdraw(self) -> bool | None:
        return self.right

    async def run_streams(self) -> None:
        await self._venue.run()


def exchanges(folder: Path, clock: Clock, made: list[HandExchange]) -> Callable[[str, QuoteSource], HandExchange]:
    """Return what makes the exchanges of a desk; each is added to ``made``."""

    def make(name: str, quotes: QuoteSource) -> HandExchange:
        made.append(HandExchange(folder / f"{name}.db", quotes, clock))
        return made[-1]

    return make
