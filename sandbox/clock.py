"""The clock port: every rule of the chat that depends on time asks here."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """Tell the time as Unix seconds."""

    def now(self) -> float: ...


class SystemClock:
    """Tell the wall time of this machine."""

    def now(self) -> float:
        return time.time()


class ManualClock:
    """Tell a time that moves only when told to: the clock of a simulation."""

    def __init__(self, start: float = 1_800_000_000.0) -> None:
        self._now = start

    def now(self) -> float:
        return self._now

    def advance(self, seconds: float) -> None:
        """Move on by `seconds`, which must not be negative."""
        if seconds < 0:
            raise ValueError(f"a clock does not run backwards, got {seconds} s")
        self._now += seconds
