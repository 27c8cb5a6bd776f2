"""A venue whose every call is timed, and counted when it fails; what it answers or raises is passed on as it is."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Sequence
from datetime import datetime
from typing import TypeVar

from services.domain.errors import Unavailable, VenueRejected
from services.domain.measures import Counted, Meter, Timed
from services.domain.orders import Balance, OrderRequest, VenueFill, VenueOrder, VenuePosition
from services.domain.ports import Capabilities, Venue

T = TypeVar("T")


class MeasuredVenue:
    """Stands between the desk and one venue."""

    def __init__(self, venue: Venue, meter: Meter) -> None:
        self._venue = venue
        self._meter = meter

    @property
    def name(self) -> str:
        """Return the venue's name in the settings."""
        return self._venue.name

    @property
    def capabilities(self) -> Capabilities:
        """Return what the venue can take."""
        return self._venue.capabilities

    async def place(self, account: str, order: OrderRequest) -> VenueOrder:
        """Put one order."""
        return await self._timed("place", self._venue.place(account, order))

    async def place_list(self, account: str, orders: Sequence[OrderRequest]) -> Sequence[VenueOrder]:
        """Put linked exits."""
        return await self._timed("place_list", self._venue.place_list(account, orders))

    async def replace_list(self, account: str, cancels: Sequence[str], orders: Sequence[OrderRequest]) -> Sequence[VenueOrder]:
        """Exchange linked exits for others."""
        return await self._timed("replace_list", self._venue.replace_list(account, cancels, orders))

    async def cancel(self, account: str, symbol: str, client_ids: Sequence[str]) -> Sequence[VenueOrder]:
        """Cancel orders."""
        return await self._timed("cancel", self._venue.cancel(account, symbol, client_ids))

    async def find(self, account: str, symbol: str, client_id: str) -> VenueOrder | None:
        """Return the order of that client id, or None when the venue never saw it."""
        return await self._timed("find", self._venue.find(account, symbol, client_id))

    async def open_orders(self, account: str) -> Sequence[VenueOrder]:
        """Return all orders that still work."""
        return await self._timed("open_orders", self._venue.open_orders(account))

    async def fills_since(self, account: str, sequence: int) -> Sequence[VenueFill]:
        """Return the fills after ``sequence``."""
        return await self._timed("fills", self._venue.fills_since(account, sequence))

    async def positions(self, account: str) -> Sequence[VenuePosition]:
        """Return all positions that are not flat."""
        return await self._timed("positions", self._venue.positions(account))

    async def balance(self, account: str) -> Balance:
        """Return the account's equity and free funds."""
        return await self._timed("balance", self._venue.balance(account))

    async def open_account(self, account: str, currency: str, since: datetime | None = None) -> None:
        """Make sure that the account exists."""
        await self._timed("open_account", self._venue.open_account(account, currency, since))

    async def keep_alive(self, account: str, seconds: float) -> None:
        """Let the venue cancel what it cancels on silence unless this is said again in time."""
        await self._timed("keep_alive", self._venue.keep_alive(account, seconds))

    async def stand_down(self, account: str) -> None:
        """Let silence mean nothing again."""
        await self._timed("stand_down", self._venue.stand_down(account))

    async def may_withdraw(self) -> bool | None:
        """Tell whether the desk's key may withdraw."""
        return await self._timed("may_withdraw", self._venue.may_withdraw())

    async def _timed(self, call: str, answer: Awaitable[T]) -> T:
        began = time.perf_counter()
        try:
            return await answer
        except asyncio.CancelledError:
            self._meter.count(Counted.VENUE_ERROR, self.name, call, "given_up")
            raise
        except Exception as error:
            self._meter.count(Counted.VENUE_ERROR, self.name, call, _kind(error))
            raise
        finally:
            # A call that was given up on took as long as it was waited for.
            self._meter.time(Timed.VENUE_CALL, time.perf_counter() - began, self.name, call)


def _kind(error: Exception) -> str:
    if isinstance(error, VenueRejected):
        return "rejected"
    return "unavailable" if isinstance(error, Unavailable) else "unknown"
