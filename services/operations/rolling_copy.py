"""A copy of the desk's state that is never much older than half a minute, beside the desk that works on it.

It is a folder with the same in it as a backup, without the packing. The newest two are kept: one is whole whatever happens
while the next is made.
"""

from __future__ import annotations

import asyncio
import shutil
import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path

import structlog

from services.domain.crashpoints import reach
from services.domain.errors import SortieError
from services.domain.ports import Clock
from services.operations.backup import manifest_of, need_room
from services.operations.backup_file import (
    ROLLING,
    SCRATCH,
    clear_faults,
    copies_in,
    folder_name,
    place_folder,
)
from services.operations.places import paper_file
from services.operations.snapshots import Originals, copy_all
from services.storage import desk
from services.storage.database import Database, Unit

log = structlog.get_logger()
LOOK_EVERY_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """The desk that is copied, as the process that runs it knows it."""

    state_dir: Path
    url: str
    busy_timeout_s: float
    version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Lag:
    """For how many seconds there has been something that no copy holds, and why the last try failed, empty when it did not."""

    seconds: float
    reason: str


class _Stopped(Exception):
    """The process ends; half a copy is of no use."""


class RollingCopy:
    """Makes the next copy when the journal has grown since the last, at most once a period."""

    def __init__(self, database: Database, source: Source, folder: Path, every_s: float, clock: Clock) -> None:
        self._database = database
        self._source = source
        self._folder = folder / ROLLING
        self._backups = folder
        self._every_s = every_s
        self._clock = clock
        self._copied: int | None = None
        self._behind_since: float | None = None
        self._due = clock.monotonic()
        self._reason = ""
        self._last: Path | None = None

    @property
    def lag(self) -> Lag:
        """Return how far the newest copy is behind, as of the last look."""
        since = self._behind_since
        return Lag(seconds=self._clock.monotonic() - since if since is not None else 0.0, reason=self._reason)

    async def run(self) -> None:
        """Copy for ever."""
        while True:
            await self()
            await self._clock.sleep(min(LOOK_EVERY_S, self._every_s))

    async def __call__(self) -> Path | None:
        """Make a copy when one is due and return where it is; a failure is logged and told by the lag."""
        now = self._clock.monotonic()
        try:
            head = await self._database.glance(_head)
            if head == self._copied:
                self._behind_since, self._reason = None, ""
                return None
            if self._behind_since is None:
                self._behind_since = now
            if now < self._due:
                return None
            self._due = now + self._every_s
            made = await self._copy()
        except SortieError as error:
            self._behind_since = now if self._behind_since is None else self._behind_since
            self._reason = str(error)
            log.error("rolling.failed", reason=self._reason)
            return None
        self._copied, self._behind_since, self._reason = head, None, ""
        log.debug("rolling.made", file=made.name, took_s=round(self._clock.monotonic() - now, 3))
        return made

    async def _copy(self) -> Path:
        source, ending = self._source, threading.Event()

        def go_on() -> None:
            if ending.is_set():
                raise _Stopped

        with clear_faults(self._folder):
            scratch = await asyncio.to_thread(self._scratch)
            try:
                originals = Originals(url=source.url, paper=paper_file(source.state_dir), busy_timeout_s=source.busy_timeout_s)
                copies = await copy_all(originals, scratch, self._clock, go_on)
                reach("rolling.copied")
                manifest = await asyncio.to_thread(manifest_of, copies, source.url, source.version)
                target = self._folder / folder_name(manifest.at)
                await asyncio.to_thread(place_folder, scratch, target, manifest)
            finally:
                # When this task is cancelled, the thread ends with the part that it copies.
                ending.set()
                await asyncio.to_thread(shutil.rmtree, scratch, ignore_errors=True)
            reach("rolling.placed")
            await asyncio.to_thread(self._keep, target)
        return target

    def _keep(self, made: Path) -> None:
        """Remove all but this one and the one before; wall time may have been set back, so names do not tell which that is."""
        others = [each for each in copies_in(self._backups) if each != made]
        before = self._last if self._last in others else max(others, default=None)
        for old in others:
            if old != before:
                shutil.rmtree(old, ignore_errors=True)
        self._last = made

    def _scratch(self) -> Path:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        # One process runs the desk: what is left here is of one that was killed.
        for left in self._folder.glob(f"{SCRATCH}*"):
            shutil.rmtree(left, ignore_errors=True)
        need_room(self._folder, self._source.url, self._source.state_dir)
        return Path(tempfile.mkdtemp(prefix=SCRATCH, dir=self._folder))


def _head(unit: Unit) -> int:
    row = desk.journal_head(unit)
    return row.sequence if row is not None else 0
