"""A venue that stops answering when a drill says so, and counts what was written to it."""

from __future__ import annotations

import inspect
from collections import Counter
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, cast

from services.domain.errors import Unavailable, VenueDoubt
from services.domain.orders import OrderRequest
from services.domain.ports import Venue

PLACES = frozenset({"place", "place_list", "replace_list"})
WRITES = PLACES | {"cancel"}


class FaultyVenue:
    """Passes every call on to a venue while that is up; ``placed`` counts the orders that reached it, by client id.

    With ``lose_reply`` the next order reaches the venue, its answer does not come back, and nothing does from then on.
    """

    def __init__(self) -> None:
        self.down = False
        self.lose_reply = False
        self.placed: Counter[str] = Counter()
        self._venue: Venue | None = None

    def around(self, venue: Venue) -> Venue:
        """Stand in front of a venue, and return what stands there."""
        self._venue = venue
        return cast(Venue, self)

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._venue, name)
        return partial(self._call, name, found) if inspect.iscoroutinefunction(found) else found

    async def _call(self, name: str, call: Callable[..., Coroutine[Any, Any, Any]], *given: Any, **named: Any) -> Any:
        if self.down:
            raise VenueDoubt("TIMEOUT") if name in WRITES else Unavailable("VENUE_UNREACHABLE", venue="paper")
        if name in PLACES:
            self.placed.update(_client_ids(given[-1]))
        answer = await call(*given, **named)
        if name in PLACES and self.lose_reply:
            self.lose_reply, self.down = False, True
            raise VenueDoubt("TIMEOUT")
        return answer


def _client_ids(orders: Any) -> list[str]:
    asked = [orders] if isinstance(orders, OrderRequest) else orders
    return [each.client_id for each in asked]
