"""Several processes read, add and write; nothing may be lost. The twins show that the test would see a loss."""

from __future__ import annotations

import asyncio
import multiprocessing
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, OperationalError

from services.storage.counters import next_number
from services.storage.database import Database, Unit, sqlite_engine
from services.storage.postgresql import postgresql_engine
from services.storage.tables import metadata
from tests.postgres.server import server
from tests.storage.bench import SeenWakeups, StillClock, url_of

pytestmark = pytest.mark.skipif(
    "fork" not in multiprocessing.get_all_start_methods(), reason="needs fork to start four writers at once"
)
WRITERS = 4
READ, WRITE = text("SELECT value FROM counters"), text("UPDATE counters SET value = :value")


def add_in_units(url: str, times: int, start: Any) -> None:
    """Add with the desk's unit of work."""

    def body(unit: Unit) -> None:
        value = unit.first(READ).value
        unit.run(WRITE, {"value": value + 1})

    async def add() -> None:
        database = Database(url, StillClock(), SeenWakeups())
        start.wait(30)
        for _ in range(times):
            await database.write(body)
        await database.close()

    asyncio.run(add())


def add_deferred(url: str, times: int, start: Any) -> None:
    """Add with a transaction that takes the lock only when it writes."""
    engine = sqlite_engine(url, 5, begin="BEGIN DEFERRED", single=True)
    start.wait(30)
    for _ in range(times):
        with engine.connect() as connection:
            try:
                value = connection.execute(READ).scalar_one()
                connection.execute(WRITE, {"value": value + 1})
                connection.commit()
            except OperationalError:
                connection.rollback()
    engine.dispose()


def add_without_the_lock(level: str) -> Callable[[str, int, Any], None]:
    """Return an adder that has an isolation level and no lock, and does not try again."""

    async def add(url: str, times: int, start: Any) -> None:
        engine = postgresql_engine(url, 5, pooled=True).execution_options(isolation_level=level)
        start.wait(30)
        for _ in range(times):
            async with engine.connect() as connection:
                try:
                    value = (await connection.execute(READ)).scalar_one()
                    await connection.execute(WRITE, {"value": value + 1})
                    await connection.commit()
                except DBAPIError:
                    await connection.rollback()
        await engine.dispose()

    return lambda url, times, start: asyncio.run(add(url, times, start))


def count_with(url: str, add: Callable[[str, int, Any], None], times: int) -> int:
    """Let all writers add at once and return what is counted."""
    database = Database(url, StillClock(), SeenWakeups(), threads=False)
    database.write_now(lambda unit: metadata.create_all(unit.connection))
    database.write_now(lambda unit: next_number(unit, "n"))
    context = multiprocessing.get_context("fork")
    start = context.Barrier(WRITERS)
    children = [context.Process(target=add, args=(url, times, start)) for _ in range(WRITERS)]
    for child in children:
        child.start()
    for child in children:
        child.join(60)
        assert child.exitcode == 0
    counted = int(database.read_now(lambda unit: unit.first(READ)).value) - 1
    asyncio.run(database.close())
    return counted


def test_four_processes_lose_none_of_1200_increments(place: str) -> None:
    assert count_with(place, add_in_units, 300) == WRITERS * 300


def test_twin_a_deferred_begin_loses_increments(tmp_path: Path) -> None:
    assert count_with(url_of(tmp_path / "desk.db"), add_deferred, 300) < WRITERS * 300


@pytest.mark.parametrize("level", ["READ COMMITTED", "SERIALIZABLE"])
def test_twin_without_the_advisory_lock_increments_are_lost(level: str) -> None:
    assert count_with(server().empty(), add_without_the_lock(level), 300) < WRITERS * 300
