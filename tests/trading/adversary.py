"""A venue between desk and paper that loses answers, delivers late, repeats, and reports from an older picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from services.domain.errors import VenueDoubt, VenueError, VenueRejected
from services.domain.money import Quantity
from services.domain.orders import OrderRequest, OrderRole, VenueFill, VenueOrder
from services.domain.ports import Venue
from services.domain.states import LIVE_ORDER_STATES

BEFORE, AFTER, LATER, REFUSE, STALE = "before", "after", "later", "refuse", "stale"
MISCHIEF = (None, None, BEFORE, AFTER, LATER, REFUSE, STALE)


class Adversary:
    """Each write takes the next mischief of a list; fills are held back for so many looks, then told twice."""

    def __init__(self, venue: Venue, mischief: Sequence[str | None], hold: int) -> None:
        self._venue = venue
        self._mischief = list(mischief)
        self._hold = hold
        self._looks: dict[str, int] = {}
        self._delayed: list[tuple[str, OrderRequest]] = []
        self.placed: list[str] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._venue, name)

    def _next(self) -> str | None:
        return self._mischief.pop(0) if self._mischief else None

    async def place(self, account: str, order: OrderRequest) -> VenueOrder:
        """Place an entry with mischief; exits go through untouched."""
        if order.role is not OrderRole.ENTRY:
            return await self._venue.place(account, order)
        self.placed.append(order.client_id)
        what = self._next()
        if what == REFUSE:
            raise VenueRejected("POST_ONLY", price=order.price)
        if what == BEFORE:
            raise VenueDoubt("TIMEOUT")
        if what == LATER:
            self._delayed.append((account, order))
            raise VenueDoubt("TIMEOUT")
        taken = await self._venue.place(account, order)
        if what == AFTER:
            raise VenueDoubt("TIMEOUT")
        return taken

    async def deliver(self) -> None:
        """Let what was on its way arrive, if the venue takes it."""
        for account, order in self._delayed:
            try:
                await self._venue.place(account, order)
            except VenueError:
                continue
        self._delayed.clear()

    async def cancel(self, account: str, symbol: str, client_ids: Sequence[str]) -> Sequence[VenueOrder]:
        """Cancel with mischief: not at all, without an answer, or with the fills of a moment ago."""
        what = self._next()
        if what in (BEFORE, LATER):
            raise VenueDoubt("TIMEOUT")
        canceled = await self._venue.cancel(account, symbol, client_ids)
        if what == AFTER:
            raise VenueDoubt("TIMEOUT")
        if what == STALE:
            return [replace(order, filled=Quantity(Decimal(0))) for order in canceled]
        return canceled

    async def fills_since(self, account: str, sequence: int) -> Sequence[VenueFill]:
        """Hold each fill back for some looks, and tell it twice."""
        told: list[VenueFill] = []
        for fill in await self._venue.fills_since(account, sequence):
            looks = self._looks[fill.venue_fill_id] = self._looks.get(fill.venue_fill_id, 0) + 1
            if looks <= self._hold:
                break
            told += [fill, fill]
        return told

    async def exposure(self, account: str, symbol: str) -> Decimal:
        """Return what the entry's orders have bought and may still buy, as the venue itself knows it."""
        total = Decimal(0)
        for client_id in self.placed:
            order = await self._venue.find(account, symbol, client_id)
            if order is not None:
                total += order.quantity if order.state in LIVE_ORDER_STATES else order.filled
        return total
