"""Who may ask over HTTP, and how often: a key compared in constant time, and a bucket of requests for each address."""

from __future__ import annotations

import hmac
from collections import OrderedDict
from collections.abc import Callable

BEARER = "bearer"
MOST_ADDRESSES = 1024
ALL_TOGETHER = 10


class Guard:
    """Lets requests through while there is room for them, and tells who holds the key. In doubt the answer is no."""

    def __init__(self, key: str | None, per_minute: int, monotonic: Callable[[], float]) -> None:
        """``per_minute`` is for one address; all together get ten times as much."""
        self._key = key.encode() if key else None
        self._monotonic = monotonic
        self._each = per_minute
        self._all = _Bucket(per_minute * ALL_TOGETHER, monotonic())
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()

    @property
    def has_key(self) -> bool:
        """Tell whether there is a key at all."""
        return self._key is not None

    def lets_in(self, address: str | None) -> bool:
        """Take one request of an address out of its bucket and out of everybody's; False when either is empty."""
        if address is None:
            return False
        now = self._monotonic()
        bucket = self._buckets.pop(address, None)
        if bucket is None:
            self._forget_rested(now)
            if len(self._buckets) >= MOST_ADDRESSES:
                return False
            bucket = _Bucket(self._each, now)
        self._buckets[address] = bucket
        # The address's own first: a noisy one is stopped before it uses up what is everybody's.
        return bucket.take(now) and self._all.take(now)

    def knows(self, authorization: str | None) -> bool:
        """Tell whether an Authorization header carries the key; nobody does while there is none."""
        if self._key is None or authorization is None:
            return False
        scheme, _, given = authorization.partition(" ")
        fits = hmac.compare_digest(given.strip().encode(errors="surrogateescape"), self._key)
        return fits and scheme.lower() == BEARER

    def _forget_rested(self, now: float) -> None:
        """Drop the addresses whose buckets are full again, the least recent first."""
        while self._buckets:
            address, bucket = next(iter(self._buckets.items()))
            if not bucket.is_full(now):
                return
            del self._buckets[address]


class _Bucket:
    """So many requests a minute, all of them at once if need be."""

    __slots__ = ("_at", "_left", "_most")

    def __init__(self, most: int, now: float) -> None:
        self._most = float(most)
        self._left = float(most)
        self._at = now

    def take(self, now: float) -> bool:
        self._refill(now)
        if self._left < 1:
            return False
        self._left -= 1
        return True

    def is_full(self, now: float) -> bool:
        self._refill(now)
        return self._left >= self._most

    def _refill(self, now: float) -> None:
        self._left = min(self._most, self._left + max(0.0, now - self._at) * self._most / 60)
        self._at = now
