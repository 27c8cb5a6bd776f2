"""The outside of one process: time, ids and wake-ups."""

from __future__ import annotations

import asyncio
import os
import secrets
import time
from datetime import UTC, datetime

_CROCKFORD = "0123456789abcdefghjkmnpqrstvwxyz"  # pragma: allowlist secret


class SystemClock:
    """The machine's clocks."""

    def now(self) -> datetime:
        """Return the wall time, aware, UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Return seconds that never go backwards."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)


def _encode(value: int, length: int) -> str:
    digits = []
    for _ in range(length):
        value, digit = divmod(value, 32)
        digits.append(_CROCKFORD[digit])
    return "".join(reversed(digits))


class SystemIds:
    """Ids from the clock and the system's randomness."""

    def __init__(self) -> None:
        self._last_us = 0

    def row(self) -> str:
        """Return 26 characters: 48 bits of milliseconds, 80 random bits (a ULID)."""
        return _encode(time.time_ns() // 1_000_000, 10) + _encode(int.from_bytes(os.urandom(10), "big"), 16)

    def instruction(self) -> str:
        """Return 16 lower-case letters and digits that sort by when they were made: microseconds, then 30 random bits."""
        self._last_us = max(self._last_us + 1, time.time_ns() // 1_000 & (2**50 - 1))
        return _encode(self._last_us, 10) + _encode(secrets.randbits(30), 6)

    def secret(self) -> str:
        """Return 128 random bits in 22 URL-safe characters."""
        return secrets.token_urlsafe(16)


class StageWakeups:
    """Events by stage name, within one process, with what they are about."""

    def __init__(self) -> None:
        self._events: dict[str, asyncio.Event] = {}
        self._about: dict[str, set[str]] = {}

    def wake(self, stage: str, about: str = "") -> None:
        """Let a waiting stage look at once."""
        self._about.setdefault(stage, set()).add(about)
        self._event(stage).set()

    async def wait(self, stage: str, timeout_s: float) -> frozenset[str]:
        """Return when the stage is woken, at the latest after ``timeout_s``; the hints are used up."""
        event = self._event(stage)
        if not event.is_set():
            try:
                async with asyncio.timeout(timeout_s):
                    await event.wait()
            except TimeoutError:
                return frozenset()
        event.clear()
        return frozenset(self._about.pop(stage, ()))

    def _event(self, stage: str) -> asyncio.Event:
        return self._events.setdefault(stage, asyncio.Event())
