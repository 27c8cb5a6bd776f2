"""Connections that carry out migrations, on SQLite and on PostgreSQL."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from sqlalchemy import Connection, create_engine, event, make_url, pool

from services.storage.postgresql import postgresql_engine

BUSY_S = 5.0
T = TypeVar("T")


def run_on(url: str, job: Callable[[Connection], T]) -> T:
    """Run ``job`` over one connection and return its result.

    It blocks: from a coroutine call it in a thread.
    """
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        return _on_sqlite(parsed.set(drivername="sqlite").render_as_string(hide_password=False), job)
    # The driver needs an event loop, and the caller may be inside of one.
    with ThreadPoolExecutor(1, thread_name_prefix="migration") as thread:
        return thread.submit(lambda: asyncio.run(_on_postgresql(url, job))).result()


def _on_sqlite(url: str, job: Callable[[Connection], T]) -> T:
    # Foreign keys stay off here: a batch operation drops and re-creates tables, which would otherwise delete what refers to
    # them. The begin is explicit because the driver starts none for DDL, and a half-done migration must roll back.
    engine = create_engine(url, poolclass=pool.NullPool)

    @event.listens_for(engine, "connect")
    def _prepare(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None
        connection.execute(f"PRAGMA busy_timeout={BUSY_S * 1000:.0f}")
        # It stays with the file, and to switch it later would need the file for oneself.
        connection.execute("PRAGMA journal_mode=WAL")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    try:
        with engine.connect() as connection:
            return job(connection)
    finally:
        engine.dispose()


async def _on_postgresql(url: str, job: Callable[[Connection], T]) -> T:
    engine = postgresql_engine(url, BUSY_S, pooled=False, statement_s=None)
    try:
        async with engine.connect() as connection:
            return await connection.run_sync(job)
    finally:
        await engine.dispose()
