"""The unit of work where only PostgreSQL can go wrong: locks, sessions, and connections that break at the worst moment."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
from sqlalchemy import make_url, text

from services.domain.errors import Unavailable
from services.storage import desk
from services.storage.counters import get_fact, next_number, set_fact
from services.storage.database import Database, Unit
from services.storage.postgresql import WRITERS_KEY, asyncpg_url, postgresql_engine
from tests.postgres.server import Server
from tests.storage.bench import ACTOR, SeenWakeups, StillClock, database_at

WANTED = {
    "synchronous_commit": "on",
    "TimeZone": "UTC",
    "lock_timeout": "5s",
    "transaction_isolation": "read committed",
    "transaction_read_only": "off",
}
END_OTHERS = text(
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
)


def shown(unit: Unit, *names: str) -> dict[str, object]:
    return {name: unit.connection.exec_driver_sql(f"SHOW {name}").scalar() for name in names}


async def test_every_session_is_set_up_for_durable_writes_and_snapshots(postgresql: Server) -> None:
    async with database_at(postgresql.migrated(), tables=False) as database:
        written = await database.write(lambda unit: shown(unit, *WANTED))
        read = await database.read(lambda unit: shown(unit, *WANTED))

    assert written == WANTED
    assert read == {**WANTED, "transaction_isolation": "repeatable read", "transaction_read_only": "on"}


async def test_a_read_cannot_write(postgresql: Server) -> None:
    async with database_at(postgresql.migrated(), tables=False) as database:
        with pytest.raises(Unavailable, match="read-only"):
            await database.read(lambda unit: set_fact(unit, "a", "1"))

        assert await database.read(lambda unit: get_fact(unit, "a")) is None


async def test_another_process_that_keeps_the_lock_makes_a_write_unavailable_in_time(postgresql: Server) -> None:
    url = postgresql.migrated()
    other = postgresql_engine(url, 5, pooled=False)
    async with database_at(url, tables=False, busy_timeout_s=0.05) as database:
        async with other.connect() as connection:
            await connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": WRITERS_KEY})
            with pytest.raises(Unavailable, match="lock timeout"):
                await database.write(lambda unit: set_fact(unit, "a", "1"))

        await database.write(lambda unit: set_fact(unit, "a", "1"))
        assert await database.read(lambda unit: get_fact(unit, "a")) == "1"


async def test_sessions_that_the_server_ended_cost_nothing_but_the_unit_they_were_in(postgresql: Server) -> None:
    url = postgresql.migrated()
    async with database_at(url, tables=False) as database, database_at(url, tables=False) as other:
        await database.write(lambda unit: set_fact(unit, "before", "1"))

        def body(unit: Unit) -> None:
            set_fact(unit, "lost", "1")
            unit.record(ACTOR, "lost")
            other.read_now(lambda inner: inner.run(END_OTHERS))
            set_fact(unit, "after", "1")

        with pytest.raises(Unavailable):
            await database.write(body)
        await database.write(lambda unit: set_fact(unit, "next", "1"))

        found = await database.read(lambda unit: [get_fact(unit, name) for name in ("before", "lost", "next")])
        assert found == ["1", None, "1"]
        assert await database.read(desk.count_journal) == 0


async def test_a_server_that_is_not_there_is_unavailable_for_reading_and_writing(tmp_path: Path) -> None:
    for url in (f"postgresql://postgres@/desk?host={tmp_path}", "postgresql://postgres@127.0.0.1:1/desk"):
        async with database_at(url, tables=False) as database:
            with pytest.raises(Unavailable, match="DATABASE"):
                await database.write(lambda unit: set_fact(unit, "a", "1"))
            with pytest.raises(Unavailable, match="DATABASE"):
                await database.read(lambda unit: get_fact(unit, "a"))
            with pytest.raises(Unavailable, match="DATABASE"):
                database.write_now(lambda unit: set_fact(unit, "a", "1"))


async def test_a_database_that_only_reads_or_does_not_exist_is_unavailable(postgresql: Server) -> None:
    url = postgresql.migrated()
    postgresql.execute(url, f"ALTER DATABASE {make_url(url).database} SET default_transaction_read_only = on")
    async with database_at(url, tables=False) as database:
        with pytest.raises(Unavailable, match="read-only"):
            await database.write(lambda unit: set_fact(unit, "a", "1"))
        assert await database.read(lambda unit: get_fact(unit, "a")) is None
    async with database_at(postgresql.url("nowhere"), tables=False) as database:
        with pytest.raises(Unavailable, match="does not exist"):
            await database.read(lambda unit: get_fact(unit, "a"))


async def test_a_running_unit_ends_whole_though_its_caller_has_gone(postgresql: Server) -> None:
    url = postgresql.migrated()
    async with database_at(url, tables=False) as database:

        def body(unit: Unit) -> None:
            set_fact(unit, "a", "1")
            task.cancel()
            set_fact(unit, "b", "1")

        task = asyncio.create_task(database.write(body))
        with suppress(asyncio.CancelledError):
            await task
        assert task.cancelled()

        await database.write(lambda unit: set_fact(unit, "c", "1"))
        assert await database.read(lambda unit: [get_fact(unit, name) for name in "abc"]) == ["1", "1", "1"]


async def test_the_one_letter_that_no_text_can_hold_is_replaced(postgresql: Server) -> None:
    async with database_at(postgresql.migrated(), tables=False) as database:
        await database.write(lambda unit: set_fact(unit, "a\0b", "x\0y"))

        assert await database.read(lambda unit: get_fact(unit, "a\0b")) == "x\N{REPLACEMENT CHARACTER}y"


def test_addresses_as_other_programs_write_them_are_understood() -> None:
    address = asyncpg_url("postgresql+psycopg://desk@db.example/sortie?sslmode=verify-full&application_name=x")

    assert str(address) == "postgresql+asyncpg://desk@db.example/sortie?application_name=x&ssl=verify-full"


class Wire:
    """Stands between desk and server; when told, it swallows the answer to a commit and hangs up."""

    def __init__(self, socket: Path, *, forward: bool) -> None:
        self._socket = socket
        self._forward = forward
        self.armed = False
        self.cut = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        from_server, to_server = await asyncio.open_unix_connection(str(self._socket))
        back = asyncio.ensure_future(self._copy(from_server, writer))
        try:
            while data := await reader.read(65536):
                if self.armed and b"COMMIT;" in data:
                    self.armed = False
                    self.cut += 1
                    await stopped(back)
                    if self._forward:
                        to_server.write(data)
                        await from_server.read(65536)
                    break
                to_server.write(data)
        finally:
            await stopped(back)
            for each in (to_server, writer):
                each.close()

    async def _copy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            writer.write(data)
        writer.close()


async def stopped(task: asyncio.Future[None]) -> None:
    """End a task and wait until it has."""
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


@asynccontextmanager
async def wired(url: str, folder: Path, *, forward: bool) -> AsyncIterator[tuple[Database, Wire]]:
    """Open a database through a wire of its own."""
    (socket,) = Path(str(make_url(url).query["host"])).glob(".s.PGSQL.*[0-9]")
    wire = Wire(socket, forward=forward)
    listening = await asyncio.start_unix_server(wire.serve, str(folder / socket.name))
    through = make_url(url).update_query_dict({"host": str(folder)}).render_as_string(hide_password=False)
    database = Database(through, StillClock(), SeenWakeups())
    try:
        yield database, wire
    finally:
        await database.close()
        listening.close()


@pytest.mark.parametrize("forward", [True, False], ids=["committed", "not committed"])
async def test_a_commit_whose_answer_was_lost_is_asked_about(postgresql: Server, short_folder: Path, forward: bool) -> None:
    async with wired(postgresql.migrated(), short_folder, forward=forward) as (database, wire):
        await database.write(lambda unit: set_fact(unit, "before", "1"))
        await database.read(lambda unit: get_fact(unit, "before"))
        wire.armed = True

        if forward:
            assert await database.write(lambda unit: next_number(unit, "trade")) == 1
        else:
            with pytest.raises(Unavailable, match="nothing was committed"):
                await database.write(lambda unit: next_number(unit, "trade"))

        assert wire.cut == 1
        assert await database.write(lambda unit: next_number(unit, "trade")) == (2 if forward else 1)
