"""A desk's state to back up, restore and upgrade: commands as the shell calls them, and what the files hold."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bot.backups import rolling_copy
from bot.lock import DeskLock
from config.settings import Settings
from handlers.cli.backup import make_backup
from handlers.cli.restore import run_restore
from handlers.cli.upgrade import run_upgrade
from migrations import api
from services.domain import crashpoints
from services.operations.places import shell_database
from services.operations.swap import PLAN
from tests.access.bench import CountingIds
from tests.crash.forking import KILLED
from tests.operations.story import FixedClock

VERSION = "sortie 0.0.0"


class Shell:
    """Runs the commands on one desk's settings at one moment."""

    def __init__(self, settings: Settings, clock: FixedClock, schema: Any = api) -> None:
        self.settings = settings
        self.clock = clock
        self.schema = schema

    def backup(self, folder: Path | None = None, keep: int | None = None) -> int:
        return make_backup(self.settings, self.clock, version=VERSION, folder=folder, keep=keep)

    def roll(self) -> None:
        """Make a rolling copy, as a running desk does."""

        async def copy() -> None:
            async with shell_database(self.settings.database_url, self.clock, 5) as database:
                rolling = rolling_copy(self.settings, database, self.clock)
                assert rolling is not None and await rolling() is not None

        asyncio.run(copy())

    def restore_newest(self) -> int:
        return self.restore(None)

    def restore(self, file: Path | None, *, anyway: bool = False) -> int:
        lock = DeskLock(self.settings, self.clock.now())
        return run_restore(self.settings, self.clock, CountingIds(), lock=lock, schema=self.schema, file=file, anyway=anyway)

    def upgrade(self, *, anyway: bool = False) -> int:
        lock = DeskLock(self.settings, self.clock.now())
        return run_upgrade(
            self.settings, self.clock, CountingIds(), version=VERSION, lock=lock, schema=self.schema, anyway=anyway
        )

    @property
    def made(self) -> list[Path]:
        """The backups, oldest first."""
        return sorted((self.settings.desk.state_dir / "backups").glob("sortie-*.tar.gz"))


def state_of(folder: Path) -> dict[str, str]:
    """Return the hashes of everything that makes up a desk's state; empty files and SQLite's shared memory are none of it."""
    others = ("run.lock", "sortie.log", "sortie.db-shm", "paper.db-shm")
    files = [file for file in folder.iterdir() if file.is_file() and file.name not in others]
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in files if file.stat().st_size}


def leftovers(folder: Path) -> list[str]:
    """Return what a command should not have left behind."""
    return [file.name for file in folder.rglob("*") if file.name.startswith(".") or file.name.endswith((".partial", PLAN))]


def dying_at(point: str, work: Callable[[], Any]) -> Callable[[], Any]:
    """Return the work, killed at a named point the first time it comes there."""

    def run() -> Any:
        crashpoints.install(lambda name: os._exit(KILLED) if name == point else None)
        return work()

    return run
