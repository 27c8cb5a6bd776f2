"""APScheduler as the clock: it only calls ticks; what is due is rows in the database.

Every job is coalesced and never overlaps itself. A tick that was missed, by ten minutes of a stopped process as by a second,
runs once when it can: what it finds due decides what still happens.
"""

from __future__ import annotations

from asyncio import CancelledError
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import structlog
from apscheduler.events import EVENT_JOB_ERROR, EVENT_JOB_MISSED, JobExecutionEvent
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.interval import IntervalTrigger

log = structlog.get_logger()
Tick = Callable[[], Awaitable[None]]


class Ticker:
    """Calls each tick at its pace."""

    def __init__(self) -> None:
        defaults = {"coalesce": True, "max_instances": 1, "misfire_grace_time": None}
        self._scheduler = AsyncIOScheduler(timezone=UTC, job_defaults=defaults)
        self._scheduler.add_listener(self._failed, EVENT_JOB_ERROR | EVENT_JOB_MISSED)

    def every(self, seconds: float, name: str, tick: Tick) -> None:
        """Call a tick every so many seconds."""
        trigger = IntervalTrigger(seconds=seconds, timezone=UTC)

        async def call() -> None:
            # APScheduler awaits only what it can tell to be a coroutine function, and a use case with its arguments is none.
            await tick()

        self._scheduler.add_job(call, trigger, id=name, replace_existing=True, next_run_time=datetime.now(UTC))

    def hurry(self, name: str) -> None:
        """Call a tick now rather than at its next turn."""
        if self._scheduler.running and self._scheduler.get_job(name) is not None:
            self._scheduler.modify_job(name, next_run_time=datetime.now(UTC))

    def next_run(self, name: str) -> datetime | None:
        """Return when a tick is called next."""
        job = self._scheduler.get_job(name) if self._scheduler.running else None
        return job.next_run_time if job is not None else None

    def start(self) -> None:
        """Begin."""
        self._scheduler.start()

    def stop(self) -> None:
        """Call nothing more."""
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)

    def _failed(self, event: JobExecutionEvent) -> None:
        if event.code == EVENT_JOB_MISSED:
            log.warning("tick.missed", tick=event.job_id)
        elif isinstance(event.exception, CancelledError):
            # The desk stops; what the tick had begun to write is carried through.
            log.info("tick.interrupted", tick=event.job_id)
        else:
            log.error("tick.failed", tick=event.job_id, exc_info=event.exception)
