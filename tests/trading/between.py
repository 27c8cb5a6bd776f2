"""A venue that lets something happen between a write's arrival and its answer, or just before it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from services.domain.orders import OrderRequest, VenueOrder
from services.domain.ports import Venue

Happening = Callable[[], Awaitable[object]]


class VenueWithHappenings:
    """Passes everything on; ``before`` and ``after`` happen once, around the next write, and are used up."""

    def __init__(self, venue: Venue) -> None:
        self._venue = venue
        self.before: Happening | None = None
        self.after: Happening | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._venue, name)

    async def place(self, account: str, order: OrderRequest) -> VenueOrder:
        await self._happen("before")
        placed = await self._venue.place(account, order)
        await self._happen("after")
        return placed

    async def place_list(self, account: str, orders: Sequence[OrderRequest]) -> Sequence[VenueOrder]:
        await self._happen("before")
        placed = await self._venue.place_list(account, orders)
        await self._happen("after")
        return placed

    async def replace_list(self, account: str, cancels: Sequence[str], orders: Sequence[OrderRequest]) -> Sequence[VenueOrder]:
        await self._happen("before")
        placed = await self._venue.replace_list(account, cancels, orders)
        await self._happen("after")
        return placed

    async def _happen(self, when: str) -> None:
        happening: Happening | None = getattr(self, when)
        setattr(self, when, None)
        if happening is not None:
            await happening()
