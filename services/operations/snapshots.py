"""Copies of the desk's database and the paper venue's book as of one moment, beside whoever works on them.

For that moment the desk's writers are kept waiting, a millisecond or so: nothing is sent to the venue that the desk's copy does
not know. What the venue did and the desk has not booked yet is booked after a restore, as after any start.
"""

from __future__ import annotations

import asyncio
import errno
import os
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import URL, make_url, text
from sqlalchemy.exc import DBAPIError

from services.domain.crashpoints import reach
from services.domain.errors import Misconfigured, Unavailable
from services.domain.ports import Clock
from services.operations.backup_file import DESK, PAPER
from services.storage.postgresql import lock_writers, passing, postgresql_engine

TOOL_FIX = (
    "install PostgreSQL's client programs of the server's version (postgresql-client), or back the server up by its own means"
)
_REVISION = "SELECT version_num FROM alembic_version"
# A copy is made in parts of a megabyte. It rests after each for as long as that took, at most so long, so that whoever
# commits meanwhile has half of the disk at least.
PART_PAGES = 256
REST_MOST_S = 0.05
SYNC_EVERY_PARTS = 4
GoOn = Callable[[], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Copies:
    """Where the copies lie, of which moment, and the revision of the desk's; ``paper`` is None without a paper book."""

    at: datetime
    desk: Path
    paper: Path | None
    revision: str

    @property
    def files(self) -> tuple[Path, ...]:
        """Return the copies, named as a backup names its members."""
        return (self.desk,) if self.paper is None else (self.desk, self.paper)


@dataclass(frozen=True, slots=True, kw_only=True)
class Originals:
    """What is copied: the database's address, the paper venue's book, and how long to wait for whoever writes."""

    url: str
    paper: Path
    busy_timeout_s: float


def _go_on() -> None:
    """Let a copy go on to its end."""


async def copy_all(originals: Originals, folder: Path, clock: Clock, go_on: GoOn = _go_on) -> Copies:
    """Copy both into a folder; raise Unavailable when one cannot be read, Misconfigured when there is nothing to copy.

    On SQLite ``go_on`` is asked between the parts of a copy; what it raises ends the copy.
    """
    if make_url(originals.url).get_backend_name() == "sqlite":
        return await asyncio.to_thread(_copy_files, originals, folder, clock, go_on)
    return await _dump(originals, folder, clock)


def program(name: str) -> str:
    """Return where one of PostgreSQL's client programs is; raise Misconfigured when it is not installed."""
    found = shutil.which(name)
    if found is None:
        raise Misconfigured("NO_PROGRAM", program=name, fix=TOOL_FIX)
    return found


def client_environment(url: URL) -> dict[str, str]:
    """Return the environment by which PostgreSQL's programs find a database; a password on a command line could be seen."""
    host, port = url.host or url.query.get("host"), url.port or url.query.get("port")
    values: Mapping[str, object | None] = {
        "PGHOST": host,
        "PGPORT": port,
        "PGUSER": url.username,
        "PGPASSWORD": url.password,
        "PGDATABASE": url.database,
        "PGSSLMODE": url.query.get("sslmode") or url.query.get("ssl"),
    }
    return {**os.environ, **{name: str(value) for name, value in values.items() if value is not None}}


async def run_program(name: str, arguments: list[str], url: URL) -> None:
    """Run one of PostgreSQL's client programs to its end; raise Unavailable with its last words when it fails."""
    process = await asyncio.create_subprocess_exec(
        program(name),
        *arguments,
        env=client_environment(url),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        _, said = await process.communicate()
    except asyncio.CancelledError:
        process.kill()
        await process.wait()
        raise
    if process.returncode:
        raise Unavailable(
            "PROGRAM", program=name, cause=said.decode(errors="replace").strip()[-400:] or process.returncode, fix=TOOL_FIX
        )


def _copy_files(originals: Originals, folder: Path, clock: Clock, go_on: GoOn) -> Copies:
    desk, paper = Path(str(make_url(originals.url).database)), originals.paper
    if not desk.exists():
        raise Misconfigured("NO_DATABASE", file=desk, fix="check desk.state_dir, or let `sortie run` make it")
    copies = [(desk, folder / DESK)] + ([(paper, folder / PAPER)] if paper.exists() else [])
    with _snapshots([source for source, _ in copies], originals.busy_timeout_s) as readers:
        at = clock.now()
        reach("backup.snapshot")
        for reader, (source, target) in zip(readers, copies, strict=True):
            _copy(reader, source, target, go_on)
    copied = folder / PAPER if len(copies) > 1 else None
    return Copies(at=at, desk=folder / DESK, paper=copied, revision=_revision(folder / DESK))


def _revision(file: Path) -> str:
    with closing(sqlite3.connect(file)) as copied:
        try:
            return str(copied.execute(_REVISION).fetchone()[0])
        except (sqlite3.OperationalError, TypeError) as error:
            raise Misconfigured("NO_SCHEMA", cause="the database holds no desk", fix="sortie db upgrade") from error


@contextmanager
def _snapshots(files: list[Path], busy_timeout_s: float) -> Iterator[list[sqlite3.Connection]]:
    """Begin to read all files while the first one cannot be written."""
    opened = [sqlite3.connect(file, timeout=busy_timeout_s, isolation_level=None, check_same_thread=False) for file in files]
    try:
        with closing(sqlite3.connect(files[0], timeout=busy_timeout_s, isolation_level=None)) as writer:
            writer.execute("BEGIN IMMEDIATE")
            for reader in reversed(opened):
                reader.execute("BEGIN")
                reader.execute("SELECT count(*) FROM sqlite_master").fetchone()
            writer.execute("ROLLBACK")
        yield opened
    except sqlite3.OperationalError as error:
        raise Unavailable("DATABASE", file=files[0], cause=str(error), fix="sortie doctor") from error
    finally:
        for reader in opened:
            reader.close()


def _copy(reader: sqlite3.Connection, source: Path, target: Path, go_on: GoOn = _go_on) -> None:
    target.touch(mode=0o600)
    with closing(sqlite3.connect(target, isolation_level=None)) as copy, target.open("rb+") as file:
        try:
            # Nobody reads it before it is whole and on disk, so that SQLite itself need not care.
            copy.execute("PRAGMA synchronous=OFF")
            reader.backup(copy, pages=PART_PAGES, progress=_Pace(file.fileno(), go_on))
            # One file, without a log beside it.
            copy.execute("PRAGMA journal_mode=DELETE")
            answer = str(copy.execute("PRAGMA quick_check(1)").fetchone()[0])
            os.fsync(file.fileno())
        except sqlite3.DatabaseError as error:
            if "disk is full" in str(error):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)) from error
            answer = str(error)
    if answer != "ok":
        raise Unavailable("DAMAGED", file=source, cause=answer, fix="keep the file and restore the last backup")


class _Pace:
    """Called after each part of a copy: has what was written go to disk bit by bit, and rests."""

    def __init__(self, handle: int, go_on: GoOn) -> None:
        self._handle = handle
        self._go_on = go_on
        self._parts = 0
        self._since = time.perf_counter()

    def __call__(self, status: int, remaining: int, total: int) -> None:
        self._go_on()
        self._parts += 1
        if self._parts % SYNC_EVERY_PARTS == 0:
            os.fsync(self._handle)
        time.sleep(min(REST_MOST_S, time.perf_counter() - self._since))
        self._since = time.perf_counter()


async def _dump(originals: Originals, folder: Path, clock: Clock) -> Copies:
    program("pg_dump")
    url, paper = originals.url, originals.paper
    engine = postgresql_engine(url, originals.busy_timeout_s, pooled=False, statement_s=None)
    snapshots = engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
    opened: list[sqlite3.Connection] = []
    try:
        async with engine.connect() as writer, snapshots.connect() as reader:
            await writer.run_sync(lock_writers)
            await reader.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))
            name = (await reader.execute(text("SELECT pg_export_snapshot()"))).scalar_one()
            revision = (await reader.execute(text(_REVISION))).scalar_one()
            opened += _paper_snapshot(paper, originals.busy_timeout_s)
            at = clock.now()
            await writer.rollback()
            (folder / DESK).touch(mode=0o600)
            asked = ["--format=custom", "--no-owner", "--no-privileges", f"--snapshot={name}", f"--file={folder / DESK}"]
            await run_program("pg_dump", asked, make_url(url))
        for each in opened:
            await asyncio.to_thread(_copy, each, paper, folder / PAPER)
    except (DBAPIError, OSError) as error:
        cause = passing(error) if isinstance(error, DBAPIError) else str(error)
        raise Unavailable("DATABASE", cause=cause or str(error), fix="sortie doctor") from error
    finally:
        for each in opened:
            each.close()
    return Copies(at=at, desk=folder / DESK, paper=folder / PAPER if opened else None, revision=str(revision))


def _paper_snapshot(paper: Path, busy_timeout_s: float) -> list[sqlite3.Connection]:
    if not paper.exists():
        return []
    reader = sqlite3.connect(paper, timeout=busy_timeout_s, isolation_level=None, check_same_thread=False)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM sqlite_master").fetchone()
    return [reader]
