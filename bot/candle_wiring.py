"""A venue's public candles for a shell command, without a desk."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from config.groups import VenueSettings
from config.settings import Settings
from services.domain.ports import Clock
from services.venues.ccxt_market import CcxtMarketData


@asynccontextmanager
async def past_candles(settings: Settings, venue: str, clock: Clock) -> AsyncIterator[CcxtMarketData]:
    """Open the public side of a venue of the settings, or of an exchange by ccxt's name of it.

    Raise Misconfigured at the first question when it is neither.
    """
    chosen = settings.venues.get(venue) or VenueSettings.model_validate({"exchange": venue})
    market = CcxtMarketData(venue, chosen, clock)
    try:
        yield market
    finally:
        await market.close()
