"""The ticks: each looks at what is due and calls one use case."""

from __future__ import annotations

from datetime import timedelta

from services.domain.people import Actor
from services.domain.ports import Ids, StageBeat
from services.execution.telling import refresh_prices
from services.market.feed import Feed
from services.missions.expire import ExpireMissions
from services.missions.offer import OfferMissions
from services.operations.stages import WatchStages
from services.reporting.digest import SendDigests
from services.signals.scan import ScanMarket
from services.storage import tokens, trades
from services.storage.database import Database

TOKENS_KEPT = timedelta(days=2)


class Ticks:
    """What is called every second or so."""

    def __init__(
        self,
        feed: Feed,
        scan: ScanMarket,
        offer: OfferMissions,
        expire: ExpireMissions,
        digests: SendDigests,
        watch: WatchStages,
        database: Database,
        ids: Ids,
        beats: StageBeat,
    ) -> None:
        self._feed = feed
        self._scan = scan
        self._offer = offer
        self._expire = expire
        self._digests = digests
        self._watch = watch
        self._database = database
        self._ids = ids
        self._beats = beats

    async def scan(self) -> None:
        """Scan newly closed candles once, however many closed since."""
        closed = self._feed.take_new()
        if closed:
            await self._scan(self._actor("scan"), [each.series for each in closed])
            await self._offer(self._actor("missions"))
        self._beats.beat("scan", detail=f"{len(self._feed.instruments)} symbols")

    async def missions(self) -> None:
        """Offer what waits and end what is over."""
        await self._offer(self._actor("missions"))
        await self._expire(self._actor("missions"))
        self._beats.beat("missions")

    async def digest(self) -> None:
        """Send the digests that are due."""
        await self._digests(self._actor("digest"))
        self._beats.beat("digest")

    async def prices(self) -> None:
        """Show the price of now on the cards of open trades."""
        if await self._database.read(trades.live):
            await self._database.write(refresh_prices)

    async def sweep(self) -> None:
        """Forget buttons that expired days ago."""
        await self._database.write(lambda unit: tokens.sweep(unit, unit.now - TOKENS_KEPT))

    def _actor(self, name: str) -> Actor:
        return Actor.job(name, f"{name}-{self._ids.row()}")
