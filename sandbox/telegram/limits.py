"""The documented rates as token buckets on the clock port."""

from __future__ import annotations

import math
from dataclasses import dataclass

from sandbox.clock import Clock
from sandbox.telegram.failures import too_many

CHAT_PER_SECOND = 1.0
CHAT_BURST = 3
GROUP_PER_MINUTE = 20
OVERALL_PER_SECOND = 30.0


@dataclass(slots=True)
class _Bucket:
    rate: float
    size: float
    level: float
    at: float

    def missing_seconds(self, amount: float, now: float) -> float:
        """Refill, then tell how long until `amount` is there: 0 when it is."""
        self.level = min(self.size, self.level + max(now - self.at, 0.0) * self.rate)
        self.at = now
        return max(0.0, (min(amount, self.size) - self.level) / self.rate)


class Limits:
    """One message a second in a chat with a burst of three, 20 a minute in a group, 30 a second in all.

    An edit counts against its chat's second only, where editing in a loop is what Telegram punishes.
    """

    def __init__(self, clock: Clock, *, on: bool) -> None:
        self.on = on
        self._clock = clock
        self._overall = _Bucket(OVERALL_PER_SECOND, OVERALL_PER_SECOND, OVERALL_PER_SECOND, clock.now())
        self._chats: dict[int, _Bucket] = {}
        self._groups: dict[int, _Bucket] = {}

    def spend_message(self, chat_id: int, *, group: bool, amount: int = 1) -> None:
        """Count messages to a chat; raise Refused 429 with `retry_after` when one of the rates is used up."""
        if not self.on:
            return
        buckets = [self._overall, self._chat(chat_id)]
        if group:
            buckets.append(self._group(chat_id))
        self._spend(buckets, amount)

    def spend_edit(self, chat_id: int) -> None:
        if self.on:
            self._spend([self._chat(chat_id)], 1)

    def _spend(self, buckets: list[_Bucket], amount: int) -> None:
        now = self._clock.now()
        wait = max(bucket.missing_seconds(amount, now) for bucket in buckets)
        # A hair of a token lost to floating point must not cost a second.
        if wait > 1e-6:
            raise too_many(max(1, math.ceil(wait)))
        for bucket in buckets:
            bucket.level -= amount

    def _chat(self, chat_id: int) -> _Bucket:
        return self._bucket(self._chats, chat_id, CHAT_PER_SECOND, CHAT_BURST)

    def _group(self, chat_id: int) -> _Bucket:
        return self._bucket(self._groups, chat_id, GROUP_PER_MINUTE / 60, GROUP_PER_MINUTE)

    def _bucket(self, buckets: dict[int, _Bucket], chat_id: int, rate: float, size: float) -> _Bucket:
        bucket = buckets.get(chat_id)
        if bucket is None:
            bucket = buckets[chat_id] = _Bucket(rate, size, size, self._clock.now())
        return bucket
