"""Where something may have happened at an account, so that a poll asks there and leaves the rest to a slower round."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import TypeVar

from services.domain.orders import VenueOrder
from services.domain.ports import Clock

TOUCHED_S = 5.0
FILLED_S = 15.0
SWEEP_S = 30.0
MOST = 20_000
Value = TypeVar("Value")


class Activity:
    """What this process has seen of an account's orders.

    A symbol is *hot* for a while after a write, an event or a fill there; trades are read at once, again every ``pace_s``
    seconds where it is hot, and everywhere every ``SWEEP_S`` seconds. The client ids of seen orders are kept, because an
    exchange's trades may not carry them.
    """

    def __init__(self, clock: Clock, pace_s: Callable[[], float]) -> None:
        self._clock = clock
        self._pace_s = pace_s
        self._touched: set[str] = set()
        self._hot_until: dict[str, float] = {}
        self._read_at: dict[str, float] = {}
        self._names: OrderedDict[str, str] = OrderedDict()
        self._filled: OrderedDict[str, Decimal] = OrderedDict()
        self._sent: OrderedDict[str, float] = OrderedDict()
        self._since: dict[str, int] = {}
        self.changes = 0

    def touch(self, symbols: Iterable[str], seconds: float = TOUCHED_S) -> None:
        """Note that something was or may have been done at the symbols."""
        self.changes += 1
        until = self._clock.monotonic() + seconds
        for symbol in symbols:
            self._touched.add(symbol)
            self._hot_until[symbol] = max(until, self._hot_until.get(symbol, until))

    def saw(self, order: VenueOrder, created_ms: int | None = None, *, ours: bool = False) -> None:
        """Note an order as the exchange tells it; of an order of ours, trades are wanted from its creation on."""
        if order.client_id is not None and order.venue_id not in self._names:
            _keep(self._names, order.venue_id, order.client_id)
        if order.filled != self._filled.get(order.venue_id, Decimal(0)):
            _keep(self._filled, order.venue_id, order.filled)
            self.touch([order.symbol], FILLED_S)
        if ours and created_ms is not None:
            self._since[order.symbol] = min(created_ms, self._since.get(order.symbol, created_ms))

    def name_of(self, venue_id: str) -> str | None:
        """Return the client id of an order that was seen."""
        return self._names.get(venue_id)

    def wanted_since(self, symbol: str) -> int | None:
        """Return from when (ms) the trades of a symbol belong to orders of ours that were seen."""
        return self._since.get(symbol)

    def due(self, symbol: str) -> bool:
        """Tell whether the trades of a symbol should be read now."""
        now = self._clock.monotonic()
        since = now - self._read_at.get(symbol, now - SWEEP_S)
        hot = now < self._hot_until.get(symbol, now)
        return symbol in self._touched or since >= SWEEP_S or (hot and since >= self._pace_s())

    def reads(self, symbol: str) -> None:
        """Note that the trades of a symbol are about to be read: what is noted from now on calls for another reading."""
        self._touched.discard(symbol)

    def was_read(self, symbol: str) -> None:
        """Note that the trades of a symbol were read."""
        self._read_at[symbol] = self._clock.monotonic()

    def sends(self, client_id: str) -> None:
        """Note that a client id is about to leave."""
        _keep(self._sent, client_id, self._clock.monotonic())

    def did_not_send(self, client_id: str) -> None:
        """Take back ``sends``: nothing left, or the exchange proved that it refused."""
        self._sent.pop(client_id, None)

    def sent_ago(self, client_id: str) -> float | None:
        """Return how many seconds ago a client id left, or None when it did not leave from here."""
        at = self._sent.get(client_id)
        return None if at is None else self._clock.monotonic() - at


def _keep(memory: OrderedDict[str, Value], key: str, value: Value) -> None:
    memory[key] = value
    memory.move_to_end(key)
    if len(memory) > MOST:
        memory.popitem(last=False)
