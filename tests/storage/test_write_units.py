"""The unit of work: all or nothing, the journal with it, on connections that are set up alike; two lanes share the writer."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from services.domain.errors import Refused, Unavailable
from services.storage import desk
from services.storage.counters import get_fact, next_number, set_fact
from services.storage.database import LOW_AFTER_URGENT, Database, Unit
from services.storage.tables import counters
from tests.storage.bench import ACTOR, SeenWakeups, database_at

PRAGMAS = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 5000}


def pragmas(unit: Unit) -> dict[str, object]:
    return {name: unit.connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in PRAGMAS}


async def test_every_connection_is_set_up_for_durable_writes(tmp_path: Path) -> None:
    """Two readers at once are two connections of the pool."""
    both = threading.Barrier(2)

    def look(unit: Unit) -> dict[str, object]:
        both.wait(5)
        return pragmas(unit)

    async with database_at(tmp_path / "desk.db") as database:
        seen = [await database.write(pragmas), *await asyncio.gather(database.read(look), database.read(look))]

    assert seen == [PRAGMAS] * 3


async def test_a_unit_that_raises_leaves_neither_row_nor_journal_nor_wake_up(place: str) -> None:
    wakeups = SeenWakeups()

    def half_done(unit: Unit) -> None:
        set_fact(unit, "half", "done")
        next_number(unit, "trade")
        unit.record(ACTOR, "half.done")
        unit.wake("executor")
        raise Refused("NO")

    async with database_at(place, wakeups=wakeups) as database:
        with pytest.raises(Refused):
            await database.write(half_done)

        assert await database.read(lambda unit: get_fact(unit, "half")) is None
        assert await database.read(desk.count_journal) == 0
        assert wakeups.woken == []
        assert await database.write(lambda unit: next_number(unit, "trade")) == 1


async def test_a_broken_foreign_key_is_refused(place: str) -> None:
    async with database_at(place) as database:
        with pytest.raises(IntegrityError, match=r"(?i)foreign key"):
            await database.write(
                lambda unit: unit.connection.exec_driver_sql("INSERT INTO preferences VALUES (4711, 'fill', 'off')")
            )


async def test_a_reader_sees_one_snapshot_while_others_write(place: str) -> None:
    async with database_at(place) as database, database_at(place, tables=False) as other:
        await database.write(lambda unit: set_fact(unit, "price", "1"))

        def twice(unit: Unit) -> tuple[str | None, str | None]:
            before = get_fact(unit, "price")
            other.write_now(lambda inner: set_fact(inner, "price", "2"))
            return before, get_fact(unit, "price")

        assert await database.read(twice) == ("1", "1")
        assert await database.read(lambda unit: get_fact(unit, "price")) == "2"


async def test_shell_commands_read_and_write_without_a_loop_and_beside_one(place: str) -> None:
    async with database_at(place) as database:
        in_thread = await asyncio.to_thread(database.write_now, lambda unit: next_number(unit, "trade"))

        assert (in_thread, database.write_now(lambda unit: next_number(unit, "trade"))) == (1, 2)
        assert database.read_now(lambda unit: unit.first(select(counters.c.value)).value) == 2


class Gate:
    """Holds the writer until the test has queued what it wants behind it."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._entered, self._leave = threading.Event(), threading.Event()
        self.order: list[str] = []

    async def hold(self) -> asyncio.Task[None]:
        def body(unit: Unit) -> None:
            unit.wake("after the holder")
            self._entered.set()
            assert self._leave.wait(10)

        task = asyncio.create_task(self._database.write(body))
        await asyncio.to_thread(self._entered.wait, 5)
        return task

    def let_go(self) -> None:
        self._leave.set()

    def writer(self, name: str) -> Callable[[Unit], None]:
        def body(unit: Unit) -> None:
            set_fact(unit, name, name)
            self.order.append(name)

        return body

    async def queue(self, name: str, *, urgent: bool) -> asyncio.Task[None]:
        task = asyncio.create_task(self._database.write(self.writer(name), urgent=urgent))
        await asyncio.sleep(0)
        return task


async def test_urgent_writes_go_first_and_never_starve_the_others(tmp_path: Path) -> None:
    async with database_at(tmp_path / "desk.db") as database:
        gate = Gate(database)
        tasks = [await gate.hold()]
        tasks += [await gate.queue(f"normal {n}", urgent=False) for n in range(3)]
        tasks += [await gate.queue(f"urgent {n}", urgent=True) for n in range(20)]
        gate.let_go()
        await asyncio.gather(*tasks)

    lanes = [name.split()[0] for name in gate.order]
    assert lanes == (["urgent"] * LOW_AFTER_URGENT + ["normal"]) * 2 + ["urgent"] * 4 + ["normal"]
    for lane in ("urgent", "normal"):
        assert [int(name.split()[1]) for name in gate.order if name.startswith(lane)] == list(range(lanes.count(lane)))


async def test_a_writer_that_gives_up_waiting_does_not_write_and_does_not_hold_up_the_rest(tmp_path: Path) -> None:
    async with database_at(tmp_path / "desk.db") as database:
        gate = Gate(database)
        holding = await gate.hold()
        queued = [await gate.queue(str(n), urgent=n % 2 == 0) for n in range(6)]
        for task in queued[:4]:
            task.cancel()
        gate.let_go()
        await asyncio.gather(holding, *queued, return_exceptions=True)

        assert sorted(gate.order) == ["4", "5"]
        await asyncio.wait_for(database.write(gate.writer("after")), 5)


class CancelingWakeups(SeenWakeups):
    """Cancels a task between the end of a unit, which hands its turn on, and the run of the one that has it now."""

    victim: asyncio.Task[None] | None = None

    def wake(self, stage: str, about: str = "") -> None:
        super().wake(stage, about)
        if self.victim is not None:
            self.victim.cancel()


async def test_a_turn_given_to_a_writer_that_is_just_being_canceled_goes_on_to_the_next(tmp_path: Path) -> None:
    wakeups = CancelingWakeups()
    async with database_at(tmp_path / "desk.db", wakeups=wakeups) as database:
        gate = Gate(database)
        holding = await gate.hold()
        wakeups.victim = await gate.queue("first", urgent=False)
        second = await gate.queue("second", urgent=False)
        gate.let_go()
        await asyncio.wait_for(asyncio.gather(holding, second), 5)

        assert wakeups.victim.cancelled()
        assert gate.order == ["second"]


async def test_a_running_unit_ends_whole_though_its_caller_has_gone(tmp_path: Path) -> None:
    async with database_at(tmp_path / "desk.db") as database:
        entered, leave = threading.Event(), threading.Event()

        def body(unit: Unit) -> None:
            set_fact(unit, "a", "1")
            entered.set()
            assert leave.wait(5)
            set_fact(unit, "b", "1")

        task = asyncio.create_task(database.write(body))
        await asyncio.to_thread(entered.wait, 5)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        leave.set()

        await database.write(lambda unit: set_fact(unit, "c", "1"))
        assert await database.read(lambda unit: [get_fact(unit, name) for name in "abc"]) == ["1", "1", "1"]


async def test_a_full_disk_is_unavailable_and_leaves_nothing(tmp_path: Path) -> None:
    def fill(unit: Unit) -> None:
        set_fact(unit, "before", "1")
        unit.record(ACTOR, "filling")
        set_fact(unit, "big", "x" * 1_000_000)

    def limit(pages: int) -> Callable[[Unit], object]:
        return lambda unit: unit.connection.exec_driver_sql(f"PRAGMA max_page_count={pages}").scalar()

    async with database_at(tmp_path / "desk.db") as database:
        await database.write(limit(1))
        with pytest.raises(Unavailable, match="full"):
            await database.write(fill)
        await database.write(limit(100_000))

        assert await database.read(lambda unit: get_fact(unit, "before")) is None
        assert await database.read(desk.count_journal) == 0
        await database.write(fill)


async def test_a_read_only_database_is_unavailable_for_writing_and_still_read(tmp_path: Path) -> None:
    file = tmp_path / "desk.db"
    async with database_at(file) as database:
        await database.write(lambda unit: set_fact(unit, "kept", "1"))
        async with database_at(f"sqlite:///file:{file}?mode=ro&uri=true", tables=False) as locked:
            with pytest.raises(Unavailable, match="readonly"):
                await locked.write(lambda unit: set_fact(unit, "kept", "2"))

            assert await locked.read(lambda unit: get_fact(unit, "kept")) == "1"


async def test_a_folder_that_is_gone_is_unavailable_for_reading_and_writing(tmp_path: Path) -> None:
    async with database_at(tmp_path / "gone" / "desk.db", tables=False) as database:
        with pytest.raises(Unavailable, match="unable to open"):
            await database.write(lambda unit: set_fact(unit, "a", "1"))
        with pytest.raises(Unavailable, match="unable to open"):
            await database.read(lambda unit: get_fact(unit, "a"))


async def test_another_process_that_keeps_the_lock_makes_a_write_unavailable_in_time(tmp_path: Path) -> None:
    file = tmp_path / "desk.db"
    async with database_at(file, busy_timeout_s=0.05) as database:
        other = sqlite3.connect(file, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(Unavailable, match="locked"):
            await database.write(lambda unit: set_fact(unit, "a", "1"))
        other.execute("ROLLBACK")
        other.close()

        await database.write(lambda unit: set_fact(unit, "a", "1"))
        assert await database.read(lambda unit: get_fact(unit, "a")) == "1"
