"""One budget of requests over all clients of an account, with a reserve for exits and cancels.

Costs are ccxt's: an exchange takes so many a window. What the exchange says about its own count, which may include others who
use the same address, overrides a lower count of ours. A reply that tells us to go away closes the budget until it says.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass

from services.domain.errors import Unavailable
from services.domain.ports import Clock
from services.venues.ccxt_spot.replies import Lane

LONGEST_WAIT_S = 4.0
LOOK_S = 0.05
TOLD_TO_LEAVE = frozenset({418, 429})
PAUSE_S = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Counter:
    """A count that the exchange keeps and tells in a header: at most ``limit`` in each ``seconds``, counted in full spans.

    ``requests``: it counts what all calls cost; otherwise it counts orders, and only entries give way to it.
    """

    header: str
    limit: int
    seconds: int
    requests: bool = False


class Budget:
    """Let calls go, wait or fail before anything was sent."""

    def __init__(
        self, clock: Clock, *, capacity: float, window_s: float, reserve: float, counters: tuple[Counter, ...]
    ) -> None:
        self._clock = clock
        self._capacity = capacity
        self._window_s = window_s
        self._reserve = reserve
        self._counters = counters
        self._spent: deque[tuple[float, float]] = deque()
        self._told: dict[str, tuple[int, int, float]] = {}
        self._closed_until = -math.inf

    async def take(self, cost: float, lane: Lane) -> None:
        """Spend ``cost``; raise Unavailable when there is none, at once for an entry, after a wait for the rest."""
        given_up_at = self._clock.monotonic() + (0 if lane is Lane.ENTRY else LONGEST_WAIT_S)
        while True:
            self._require_open()
            if lane is Lane.ENTRY:
                self._require_order_room()
            share = 1.0 if lane is Lane.EXIT else 1.0 - self._reserve
            used = self._used()
            # A single call dearer than the whole share still goes when nothing else does.
            if used + cost <= self._capacity * share or not used:
                self._spent.append((self._clock.monotonic(), cost))
                return
            if self._clock.monotonic() >= given_up_at:
                raise Unavailable("VENUE_BUDGET", lane=lane.value, used=round(used), limit=round(self._capacity * share))
            await self._clock.sleep(LOOK_S)

    def note(self, status: int, headers: Mapping[str, str]) -> None:
        """Learn from a reply's status and headers."""
        lower = {name.lower(): value for name, value in headers.items()}
        now, instant = self._clock.monotonic(), self._clock.now().timestamp()
        for counter in self._counters:
            count = lower.get(counter.header.lower(), "")
            if count.isdigit():
                self._told[counter.header] = (int(count), int(instant // counter.seconds), now)
        if status in TOLD_TO_LEAVE:
            pause = lower.get("retry-after", "")
            self._closed_until = max(self._closed_until, now + (float(pause) if pause.isdigit() else PAUSE_S))

    def _require_open(self) -> None:
        left = self._closed_until - self._clock.monotonic()
        if left > 0:
            raise Unavailable("VENUE_RATE_LIMITED", wait_s=math.ceil(left))

    def _require_order_room(self) -> None:
        for counter in self._counters:
            count = self._current(counter)
            if not counter.requests and count is not None and count[0] >= counter.limit * (1.0 - self._reserve):
                raise Unavailable("VENUE_ORDER_COUNT", used=count[0], limit=counter.limit, per_s=counter.seconds)

    def _used(self) -> float:
        since = self._clock.monotonic() - self._window_s
        while self._spent and self._spent[0][0] <= since:
            self._spent.popleft()
        used = sum(cost for _, cost in self._spent)
        for counter in self._counters:
            told = self._current(counter)
            if counter.requests and told is not None:
                count, at = told
                units = count / counter.limit * self._capacity
                used = max(used, units + sum(cost for when, cost in self._spent if when > at))
        return used

    def _current(self, counter: Counter) -> tuple[int, float] | None:
        told = self._told.get(counter.header)
        if told is None or told[1] != int(self._clock.now().timestamp() // counter.seconds):
            return None
        return told[0], told[2]
