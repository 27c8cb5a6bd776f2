"""A venue behind a bad line: it takes a write and its answer is lost, late or cut, or it never gets the write at all."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from enum import StrEnum
from typing import Any

from services.domain.errors import VenueDoubt, VenueRejected
from services.domain.orders import CLIENT_ID_BASE, OrderRequest, VenueOrder
from services.domain.ports import Venue


class Fault(StrEnum):
    """What happens to one write."""

    NONE = "none"
    LOST = "taken, the answer is lost"
    RESET = "taken, the connection breaks"
    HUNG = "taken, no answer ever comes"
    CUT = "taken, half of the answer comes"
    NEVER = "never arrives, the connection breaks"
    SILENT = "never arrives, no answer ever comes"
    REFUSED = "refused with the venue's proof"


TAKEN = frozenset({Fault.NONE, Fault.LOST, Fault.RESET, Fault.HUNG, Fault.CUT})
DOUBTFUL = tuple(fault for fault in Fault if fault not in (Fault.NONE, Fault.REFUSED))

Write = Callable[[], Awaitable[Sequence[VenueOrder]]]


class FaultyVenue:
    """Passes everything on to a venue; ``next_fault`` says what happens to each write. Queries fail while ``deaf``."""

    def __init__(self, venue: Venue, next_fault: Callable[[], Fault]) -> None:
        self._venue = venue
        self._next_fault = next_fault
        self.deaf = False
        self.writes: list[str] = []
        self.faults: Counter[Fault] = Counter()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._venue, name)

    async def find(self, account: str, symbol: str, client_id: str) -> VenueOrder | None:
        self._hear()
        return await self._venue.find(account, symbol, client_id)

    async def positions(self, account: str) -> Sequence[Any]:
        self._hear()
        return await self._venue.positions(account)

    async def place(self, account: str, order: OrderRequest) -> VenueOrder:
        async def write() -> Sequence[VenueOrder]:
            return [await self._venue.place(account, order)]

        return (await self._over_the_line([order.client_id], write))[0]

    async def place_list(self, account: str, orders: Sequence[OrderRequest]) -> Sequence[VenueOrder]:
        names = [order.client_id for order in orders]
        return await self._over_the_line(names, lambda: self._venue.place_list(account, orders))

    async def replace_list(self, account: str, cancels: Sequence[str], orders: Sequence[OrderRequest]) -> Sequence[VenueOrder]:
        names = [order.client_id for order in orders]
        return await self._over_the_line(names, lambda: self._venue.replace_list(account, cancels, orders))

    async def cancel(self, account: str, symbol: str, client_ids: Sequence[str]) -> Sequence[VenueOrder]:
        return await self._over_the_line([f"cancel {client_ids}"], lambda: self._venue.cancel(account, symbol, client_ids))

    def _hear(self) -> None:
        if self.deaf:
            raise VenueDoubt("NO_ANSWER")

    async def _over_the_line(self, names: Sequence[str], write: Write) -> Sequence[VenueOrder]:
        fault = self._next_fault()
        self.faults[fault] += 1
        self.writes.append(names[0][:CLIENT_ID_BASE])
        if fault is Fault.REFUSED:
            raise VenueRejected("PRICE_FILTER")
        taken = await write() if fault in TAKEN else []
        if fault is Fault.NONE:
            return taken
        if fault is Fault.CUT and len(taken) > 1:
            return taken[:1]
        if fault in (Fault.HUNG, Fault.SILENT):
            await asyncio.Event().wait()
        if fault is Fault.LOST:
            raise VenueDoubt("TIMEOUT")
        if fault is Fault.CUT:
            raise ValueError("half a body")
        raise ConnectionResetError
