"""Clock, ids and ticker of a simulated process."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import structlog

from bot.scheduler import Tick

log = structlog.get_logger()
LETTERS = "0123456789abcdefghjkmnpqrstvwxyz"  # pragma: allowlist secret


class VirtualClock:
    """The desk's clocks over the loop's time; ``ahead`` is how far its wall clock is off."""

    def __init__(self, start: datetime, loop: asyncio.AbstractEventLoop) -> None:
        self.start = start
        self.ahead = timedelta()
        self._loop = loop

    def now(self) -> datetime:
        return self.true() + self.ahead

    def true(self) -> datetime:
        """Return the time of the world outside."""
        return self.start + timedelta(microseconds=round(self._loop.time() * 1_000_000))

    def monotonic(self) -> float:
        return self._loop.time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class ServerClock:
    """The chat server's clock: the true time as Unix seconds."""

    def __init__(self, clock: VirtualClock) -> None:
        self._clock = clock

    def now(self) -> float:
        return self._clock.true().timestamp()


class SeededIds:
    """Ids that sort by when they were made and are the same for the same seed."""

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(f"ids {seed}")
        self._made = 0

    def row(self) -> str:
        return self._ordered() + self._letters(16)

    def instruction(self) -> str:
        return self._ordered() + self._letters(6)

    def secret(self) -> str:
        return self._letters(22)

    def _ordered(self) -> str:
        self._made += 1
        return f"{self._made:010d}"

    def _letters(self, count: int) -> str:
        return "".join(self._chance.choices(LETTERS, k=count))


@dataclass(slots=True)
class _Job:
    seconds: float
    tick: Tick
    timer: asyncio.TimerHandle | None = None
    running: asyncio.Task[None] | None = None


class VirtualTicker:
    """Calls ticks in the loop's time as the real one does: coalesced, never two of one at once, errors logged."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._jobs: dict[str, _Job] = {}
        self._started = False

    def every(self, seconds: float, name: str, tick: Tick) -> None:
        self._jobs[name] = _Job(seconds, tick)
        if self._started:
            self._plan(name, 0.0)

    def hurry(self, name: str) -> None:
        if self._started and name in self._jobs:
            self._plan(name, 0.0)

    def next_run(self, name: str) -> datetime | None:
        job = self._jobs.get(name)
        if job is None or job.timer is None:
            return None
        return self._now() + timedelta(seconds=job.timer.when() - asyncio.get_running_loop().time())

    def start(self) -> None:
        self._started = True
        for name in self._jobs:
            self._plan(name, 0.0)

    def stop(self) -> None:
        self._started = False
        for job in self._jobs.values():
            if job.timer is not None:
                job.timer.cancel()

    def _plan(self, name: str, after: float) -> None:
        job = self._jobs[name]
        if job.timer is not None:
            job.timer.cancel()
        job.timer = asyncio.get_running_loop().call_later(after, self._due, name)

    def _due(self, name: str) -> None:
        job = self._jobs[name]
        self._plan(name, job.seconds)
        if job.running is None or job.running.done():
            job.running = asyncio.get_running_loop().create_task(_run(name, job.tick))


async def _run(name: str, tick: Tick) -> None:
    try:
        await tick()
    except Exception as error:
        log.error("tick.failed", tick=name, exc_info=error)


def at(text: str) -> datetime:
    """Return a moment of the day on which simulations play."""
    hours, minutes = (int(part) for part in text.split(":"))
    return datetime(2026, 11, 20, hours, minutes, tzinfo=UTC)
