"""Open-loop load: each act goes out at its time, however long the answers to earlier ones take."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Posted(Generic[T]):
    """One act of the load: Unix time just before it was posted, how late that was, and what the server answered."""

    at: float
    late_s: float
    answer: T


async def post_at_rate(acts: Sequence[Callable[[], Awaitable[T]]], per_second: float) -> list[Posted[T]]:
    """Start the acts one after another at a steady rate and return what they came to, in their order."""
    began = time.monotonic()

    async def one(act: Callable[[], Awaitable[T]], due: float) -> Posted[T]:
        at, late_s = time.time(), time.monotonic() - due
        return Posted(at=at, late_s=late_s, answer=await act())

    tasks: list[asyncio.Task[Posted[T]]] = []
    for index, act in enumerate(acts):
        due = began + index / per_second
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        tasks.append(asyncio.create_task(one(act, due)))
    return list(await asyncio.gather(*tasks))
