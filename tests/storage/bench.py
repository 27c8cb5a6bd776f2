"""A fresh database for tests of the unit of work, with a clock and wake-ups that the test can see."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

from services.domain.people import Actor
from services.storage.database import Database
from services.storage.tables import metadata

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
ACTOR = Actor.job("test", "test-1")


class StillClock:
    """Time that stands."""

    def now(self) -> datetime:
        return NOW

    def monotonic(self) -> float:
        return 0.0

    async def sleep(self, seconds: float) -> None:
        raise AssertionError(f"nothing here waits, least of all {seconds} s")


class SeenWakeups:
    """Remembers who was woken."""

    def __init__(self) -> None:
        self.woken: list[str] = []

    def wake(self, stage: str, about: str = "") -> None:
        self.woken.append(stage)

    async def wait(self, stage: str, timeout_s: float) -> None:
        raise AssertionError(f"nothing here waits for {stage} or {timeout_s} s")


def url_of(file: Path) -> str:
    return f"sqlite:///{file}"


@asynccontextmanager
async def database_at(
    where: Path | str, *, wakeups: SeenWakeups | None = None, busy_timeout_s: float = 5.0, tables: bool = True
) -> AsyncIterator[Database]:
    """Open a database with all tables: an SQLite file, or an address."""
    url = where if isinstance(where, str) else url_of(where)
    database = Database(url, StillClock(), wakeups or SeenWakeups(), busy_timeout_s=busy_timeout_s)
    if tables:
        await database.write(lambda unit: metadata.create_all(unit.connection))
    try:
        yield database
    finally:
        await database.close()
