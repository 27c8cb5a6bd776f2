"""A venue in front of the venue: it writes down every write with what the desk had committed at that moment."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from services.domain.orders import CLIENT_ID_BASE, OrderRequest, VenueOrder
from services.domain.ports import Venue

LOG = "writes.log"
UNCOMMITTED = "uncommitted"


class Witness:
    """Passes everything on to a venue and logs each write before it happens, so that the log survives a death in it."""

    def __init__(self, venue: Venue, folder: Path) -> None:
        self._venue = venue
        self._folder = folder

    def __getattr__(self, name: str) -> Any:
        return getattr(self._venue, name)

    async def place(self, account: str, order: OrderRequest) -> VenueOrder:
        self._note([order.client_id], [])
        return await self._venue.place(account, order)

    async def place_list(self, account: str, orders: Sequence[OrderRequest]) -> Sequence[VenueOrder]:
        self._note([order.client_id for order in orders], [])
        return await self._venue.place_list(account, orders)

    async def replace_list(self, account: str, cancels: Sequence[str], orders: Sequence[OrderRequest]) -> Sequence[VenueOrder]:
        self._note([order.client_id for order in orders], cancels)
        return await self._venue.replace_list(account, cancels, orders)

    async def cancel(self, account: str, symbol: str, client_ids: Sequence[str]) -> Sequence[VenueOrder]:
        self._note([], client_ids)
        return await self._venue.cancel(account, symbol, client_ids)

    def _note(self, places: Sequence[str], cancels: Sequence[str]) -> None:
        line = json.dumps(self._committed(places, cancels)) + "\n"
        with os.fdopen(os.open(self._folder / LOG, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600), "w") as log:
            log.write(line)

    def _committed(self, places: Sequence[str], cancels: Sequence[str]) -> str:
        """Return the id of the instruction that is committed as sent and asks for exactly this write."""
        connection = sqlite3.connect(self._folder / "sortie.db")
        try:
            for row in connection.execute("SELECT id, orders, cancels FROM instructions WHERE state = 'sent'"):
                asked = [order["client_id"] for order in json.loads(row[1])]
                if asked == list(places) and json.loads(row[2]) == list(cancels):
                    return str(row[0])
        finally:
            connection.close()
        return f"{UNCOMMITTED} {places[0][:CLIENT_ID_BASE] if places else 'cancel'}"


def writes(folder: Path) -> list[str]:
    """Return the instruction of every write that the venue saw, oldest first."""
    log = folder / LOG
    return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
