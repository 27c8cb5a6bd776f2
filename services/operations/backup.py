"""A backup: the desk's database and the paper venue's book as of one moment, in one file."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

import structlog
from sqlalchemy import make_url

from services.domain.crashpoints import reach
from services.domain.errors import Unavailable
from services.domain.ports import Clock
from services.operations.backup_file import (
    SCRATCH,
    Manifest,
    clear_faults,
    describe,
    drop_old,
    file_name,
    write_archive,
)
from services.operations.places import paper_file
from services.operations.snapshots import Copies, Originals, copy_all
from services.operations.swap import pending

log = structlog.get_logger()
# Copies and archive lie side by side for a moment; the archive is smaller than they are, but how much is not known before.
ROOM = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Backup:
    """A backup that was made: the file, its size in bytes, what it says of itself, and older ones that gave way to it."""

    file: Path
    size: int
    manifest: Manifest
    dropped: tuple[str, ...]


class MakeBackup:
    """Copy the state of a desk, running or not."""

    def __init__(self, state_dir: Path, database_url: str, clock: Clock, version: str, busy_timeout_s: float) -> None:
        self._state = state_dir
        self._url = database_url
        self._clock = clock
        self._version = version
        self._busy_timeout_s = busy_timeout_s

    async def __call__(self, folder: Path, *, keep: int | None = None, tag: str = "") -> Backup:
        """Write one file into a folder, then remove all but the newest ``keep``.

        Raise Unavailable when the disk or the database does not let it, Misconfigured when there is no desk or no program
        that could copy it. Then no file of that name is there.
        """
        if pending(self._state):
            raise Unavailable("RESTORE_CUT_SHORT", folder=self._state, fix="`sortie run` or `sortie restore` ends it first")
        with clear_faults(folder):
            scratch = self._scratch(folder)
            try:
                at = self._clock.now()
                originals = Originals(url=self._url, paper=paper_file(self._state), busy_timeout_s=self._busy_timeout_s)
                copies = await copy_all(originals, scratch, self._clock)
                backup = await asyncio.to_thread(self._pack, folder / file_name(at, tag), copies, keep)
            finally:
                await asyncio.to_thread(shutil.rmtree, scratch, ignore_errors=True)
        log.info("backup.made", file=backup.file.name, size=backup.size, dropped=len(backup.dropped))
        return backup

    def _scratch(self, folder: Path) -> Path:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        need_room(folder, self._url, self._state)
        return Path(tempfile.mkdtemp(prefix=SCRATCH, dir=folder))

    def _pack(self, file: Path, copies: Copies, keep: int | None) -> Backup:
        manifest = manifest_of(copies, self._url, self._version)
        reach("backup.copied")
        write_archive(file, manifest, copies.files)
        reach("backup.written")
        dropped = drop_old(file.parent, keep) if keep is not None else ()
        return Backup(file=file, size=file.stat().st_size, manifest=manifest, dropped=dropped)


def manifest_of(copies: Copies, url: str, version: str) -> Manifest:
    """Return what a backup of these copies says of itself."""
    return Manifest(
        at=copies.at,
        version=version,
        database=make_url(url).get_backend_name(),
        revision=copies.revision,
        members=tuple(describe(file.name, file) for file in copies.files),
    )


def need_room(folder: Path, url: str, state_dir: Path) -> None:
    """Raise Unavailable when a folder's disk has no room for copies of the desk and for an archive of them."""
    desk = make_url(url).database if make_url(url).get_backend_name() == "sqlite" else None
    sources = [paper_file(state_dir), *([Path(desk)] if desk else [])]
    needed = ROOM * sum(file.stat().st_size for file in sources if file.exists())
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise Unavailable(
            "NO_SPACE",
            folder=folder,
            needed=f"{needed / 1e6:.0f} MB",
            free=f"{free / 1e6:.0f} MB",
            fix="make room on that disk, or set backup.dir to another",
        )
