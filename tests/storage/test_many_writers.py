"""Several processes read, add and write; nothing may be lost. The twin shows that the test would see a loss."""

from __future__ import annotations

import multiprocessing
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from services.storage.database import Database, Unit, sqlite_engine
from services.storage.tables import metadata
from tests.storage.bench import SeenWakeups, StillClock, url_of

pytestmark = pytest.mark.skipif(
    "fork" not in multiprocessing.get_all_start_methods(), reason="needs fork to start four writers at once"
)
WRITERS = 4
READ, WRITE = text("SELECT value FROM counters"), text("UPDATE counters SET value = :value")


def add_in_units(file: Path, times: int, start: Any) -> None:
    """Add with the desk's unit of work."""
    database = Database(url_of(file), StillClock(), SeenWakeups(), threads=False)

    def body(unit: Unit) -> None:
        value = unit.first(READ).value
        unit.run(WRITE, {"value": value + 1})

    start.wait(30)
    for _ in range(times):
        database.write_now(body)


def add_deferred(file: Path, times: int, start: Any) -> None:
    """Add with a transaction that takes the lock only when it writes."""
    engine = sqlite_engine(url_of(file), 5, begin="BEGIN DEFERRED", single=True)
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


def count_with(file: Path, add: Callable[[Path, int, Any], None], times: int) -> int:
    """Let all writers add at once and return what is counted."""
    engine = sqlite_engine(url_of(file), 5, begin="BEGIN IMMEDIATE", single=True)
    with engine.connect() as connection:
        metadata.create_all(connection)
        connection.execute(text("INSERT INTO counters VALUES ('n', 0)"))
        connection.commit()
    engine.dispose()
    context = multiprocessing.get_context("fork")
    start = context.Barrier(WRITERS)
    children = [context.Process(target=add, args=(file, times, start)) for _ in range(WRITERS)]
    for child in children:
        child.start()
    for child in children:
        child.join(60)
        assert child.exitcode == 0
    plain = sqlite3.connect(file)
    counted = int(plain.execute("SELECT value FROM counters").fetchone()[0])
    plain.close()
    return counted


def test_four_processes_lose_none_of_1200_increments(tmp_path: Path) -> None:
    assert count_with(tmp_path / "desk.db", add_in_units, 300) == WRITERS * 300


def test_twin_a_deferred_begin_loses_increments(tmp_path: Path) -> None:
    assert count_with(tmp_path / "desk.db", add_deferred, 300) < WRITERS * 300
