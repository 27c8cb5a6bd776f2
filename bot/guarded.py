"""The edge of a tick: what it raises is logged under an error id and becomes an alert, and the next one comes all the same."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import structlog

from bot.scheduler import Tick
from bot.surroundings import Ticking
from services.domain.ports import Ids

log = structlog.get_logger()


class GuardedTicker:
    """Passes ticks on to a ticker, each under a correlation id of its own."""

    def __init__(self, ticker: Ticking, ids: Ids, crashed: Callable[[str, BaseException, str], None]) -> None:
        self._ticker = ticker
        self._ids = ids
        self._crashed = crashed

    def every(self, seconds: float, name: str, tick: Tick) -> None:
        """Call a tick every so many seconds."""

        async def call() -> None:
            with structlog.contextvars.bound_contextvars(correlation=f"{name}-{self._ids.row()}"):
                try:
                    await tick()
                except Exception as error:
                    error_id = self._ids.instruction()[-8:]
                    log.error("tick.crashed", tick=name, error_id=error_id, exc_info=error)
                    self._crashed(f"tick-{name}", error, error_id)

        self._ticker.every(seconds, name, call)

    def hurry(self, name: str) -> None:
        """Call a tick now rather than at its next turn."""
        self._ticker.hurry(name)

    def next_run(self, name: str) -> datetime | None:
        """Return when a tick is called next."""
        return self._ticker.next_run(name)

    def start(self) -> None:
        """Begin."""
        self._ticker.start()

    def stop(self) -> None:
        """Call nothing more."""
        self._ticker.stop()
