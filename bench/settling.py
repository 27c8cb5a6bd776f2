"""Waiting for the end of a load."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from bench.chat import BotCall, CallLog
from bench.programs import BenchError

LOOK_S = 0.1
LONGEST_S = 60.0


async def until_calls(log: CallLog, method: str, count: int, seconds: float = LONGEST_S) -> list[BotCall]:
    """Wait for so many successful calls of a method and return them; raise BenchError when they do not come."""
    end = time.monotonic() + seconds
    while True:
        found = [call for call in await log.read() if call.method == method and call.ok]
        if len(found) >= count:
            return found
        if time.monotonic() > end:
            raise BenchError(f"{len(found)} of {count} calls of {method} within {seconds:g} s")
        await asyncio.sleep(LOOK_S)


async def until(what: str, reached: Callable[[], bool], seconds: float = LONGEST_S) -> None:
    """Wait for a condition; raise BenchError when it does not come."""
    end = time.monotonic() + seconds
    while not reached():
        if time.monotonic() > end:
            raise BenchError(f"{what}: not within {seconds:g} s")
        await asyncio.sleep(LOOK_S)
