"""Backup, restore and upgrade of a desk on PostgreSQL, and the lock of the one process that runs it."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import make_url
from sqlalchemy.exc import IntegrityError

from bot.lock import AlreadyRunning, DeskLock
from bot.system import SystemIds
from config.settings import Settings
from handlers.cli.backup import make_backup
from handlers.cli.restore import run_restore
from handlers.cli.upgrade import run_upgrade
from migrations import api
from services.domain import crashpoints
from services.missions.fire import Fired
from services.operations import snapshots
from services.operations.evidence import Material
from services.operations.places import paper_file
from services.operations.venue_book import read_paper_book
from services.operations.verify import holds, run_all
from services.storage import terminals, trades
from tests.cli.backup_bench import leftovers
from tests.operations.story import FixedClock
from tests.postgres.server import Server
from tests.trading.rig import START, desk_at
from tests.trading.taps import fire

CLOCK = FixedClock(START.replace(hour=13))


@pytest.fixture(autouse=True)
def programs(postgresql: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the server's own client programs first on the path."""
    monkeypatch.setenv("PATH", f"{postgresql.programs}{os.pathsep}{os.environ['PATH']}")


@pytest.fixture
async def held(tmp_path: Path) -> list[Any]:
    """A desk with an open position; return its positions."""
    async with desk_at(tmp_path) as rig:
        assert isinstance(await fire(rig), Fired)
        await rig.settle()
        return list(await rig.read(lambda unit: terminals.positions_of(unit, "paper-1001")))


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(desk={"state_dir": tmp_path})  # type: ignore[arg-type]


def in_a_thread(work: Callable[[], int]) -> int:
    """Run a shell command, which starts an event loop of its own."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(work).result()


def backup(settings: Settings) -> int:
    return in_a_thread(lambda: make_backup(settings, CLOCK, version="test", folder=None, keep=None))


def restore(settings: Settings, file: Path) -> int:
    lock = DeskLock(settings, START)
    return in_a_thread(lambda: run_restore(settings, CLOCK, SystemIds(), lock=lock, schema=api, file=file, anyway=False))


def upgrade(settings: Settings, schema: Any = api) -> int:
    lock = DeskLock(settings, START)
    return in_a_thread(
        lambda: run_upgrade(settings, CLOCK, SystemIds(), version="test", lock=lock, schema=schema, anyway=False)
    )


def made(settings: Settings) -> list[Path]:
    return sorted((settings.desk.state_dir / "backups").glob("sortie-*"))


async def books_hold(settings: Settings, held: list[Any]) -> None:
    """Open the desk again: its position is there, fits the venue's, and all that can be verified verifies."""
    async with desk_at(settings.desk.state_dir, people_too=False) as rig:

        def books() -> list[Any]:
            return [read_paper_book(paper_file(settings.desk.state_dir), rig.clock)]

        results = await run_all(rig.trading.database, Material(books=books))
        assert holds(results, require_all=False), results
        assert await rig.trading.sync.reconcile_all() == 0
        assert list(await rig.read(lambda unit: terminals.positions_of(unit, "paper-1001"))) == held != []
        assert len(await rig.read(trades.live)) == 1


async def test_a_desk_comes_back_from_its_backup(settings: Settings, held: list[Any], postgresql: Server) -> None:
    assert backup(settings) == 0
    postgresql.execute(settings.database_url, "UPDATE people SET name = 'Later'", "DELETE FROM positions")
    shutil.copy(paper_file(settings.desk.state_dir), settings.desk.state_dir / "kept")
    paper_file(settings.desk.state_dir).unlink()

    assert restore(settings, made(settings)[0]) == 0

    await books_hold(settings, held)
    (newest,) = postgresql.execute(settings.database_url, "SELECT kind FROM journal WHERE kind LIKE 'desk.%'")
    assert newest["kind"] == "desk.restored"
    assert leftovers(settings.desk.state_dir) == []


async def test_an_older_desk_comes_up_to_date_and_a_failing_one_stays(settings: Settings, held: list[Any]) -> None:
    api.downgrade(settings.database_url, "0001")

    def fail(url: str, revision: str = "head") -> str:
        api.upgrade(url, revision)
        raise IntegrityError("ALTER TABLE", {}, Exception("does not fit"))

    assert upgrade(settings, SimpleNamespace(head=api.head, known=api.known, current=api.current, upgrade=fail)) == 1
    assert api.current(settings.database_url) == "0001"

    assert upgrade(settings) == 0
    assert api.current(settings.database_url) == api.head()
    await books_hold(settings, held)


async def test_a_restore_that_breaks_off_before_the_exchange_leaves_the_desk_and_no_database(
    settings: Settings, held: list[Any], postgresql: Server
) -> None:
    backup(settings)

    def break_off(name: str) -> None:
        if name == "restore.before_rename":
            raise OSError("broken off")

    crashpoints.install(break_off)
    try:
        assert restore(settings, made(settings)[0]) == 1
    finally:
        crashpoints.install(None)

    base = make_url(settings.database_url).database
    left = postgresql.execute(settings.database_url, f"SELECT datname FROM pg_database WHERE datname LIKE '{base}\\_%'")
    assert left == []
    await books_hold(settings, held)


async def test_without_pg_dump_the_backup_says_so(
    settings: Settings, held: list[Any], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(snapshots.shutil, "which", lambda _: None)

    assert backup(settings) == 1

    said = capsys.readouterr().err
    assert "NO_PROGRAM, program pg_dump" in said and "client programs" in said
    assert leftovers(settings.desk.state_dir) == []


async def test_only_one_process_runs_a_desk_wherever_its_state_is(
    settings: Settings, held: list[Any], tmp_path: Path, on_postgresql: dict[Path, str]
) -> None:
    elsewhere = tmp_path / "another machine"
    other = Settings(desk={"state_dir": elsewhere})  # type: ignore[arg-type]
    on_postgresql[elsewhere.absolute()] = settings.database_url
    async with DeskLock(settings, START):
        with pytest.raises(AlreadyRunning, match="test-"):
            async with DeskLock(other, START):
                raise AssertionError("two desks on one database")
        with pytest.raises(AlreadyRunning):
            restore(other, tmp_path / "any")

    async with DeskLock(other, START):
        pass


async def test_a_lock_whose_connection_broke_is_taken_anew_unless_another_has_it(
    settings: Settings,
    held: list[Any],
    tmp_path: Path,
    postgresql: Server,
    on_postgresql: dict[Path, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("bot.lock.LOOK_EVERY_S", 0.01)
    other = Settings(desk={"state_dir": tmp_path / "other"})  # type: ignore[arg-type]
    on_postgresql[(tmp_path / "other").absolute()] = settings.database_url
    end_all = "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted"
    async with DeskLock(settings, START) as ours:
        watching = asyncio.create_task(ours.lost())
        postgresql.execute(settings.database_url, end_all)
        async with asyncio.timeout(40):
            while not postgresql.execute(
                settings.database_url, "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND granted"
            ):
                await asyncio.sleep(0.02)
        assert not watching.done()
        watching.cancel()

        await ours.leave_database()
        async with DeskLock(other, START), asyncio.timeout(40):
            assert "test-" in await ours.lost()
