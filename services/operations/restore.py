"""Put a backup in the place of the desk's state: unpacked aside, brought up to date, verified, then exchanged."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
import tempfile
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from sqlalchemy import make_url, update
from sqlalchemy.exc import SQLAlchemyError

from services.domain.crashpoints import reach
from services.domain.errors import Misconfigured
from services.domain.people import Actor
from services.domain.ports import Clock
from services.operations.backup_file import DESK, PAPER, Manifest, clear_faults, extract, read_manifest
from services.operations.evidence import Material
from services.operations.judgement import CheckResult, Status
from services.operations.places import paper_file, shell_database
from services.operations.restore_postgresql import NewDatabase
from services.operations.status import READY
from services.operations.swap import Exchange, exchange, pending
from services.operations.venue_book import VenueBook, read_paper_book
from services.operations.verify import run_all
from services.storage.counters import set_fact
from services.storage.database import Unit
from services.storage.tables import leases

STAGING = ".restore-"


class Schema(Protocol):
    """What moves a database's schema; every call blocks."""

    def head(self) -> str:
        """Return the newest revision that this build knows."""
        ...

    def known(self) -> frozenset[str]:
        """Return every revision that this build knows."""
        ...

    def current(self, url: str) -> str | None:
        """Return a database's revision, or None when it has no schema."""
        ...

    def upgrade(self, url: str, revision: str = "head") -> str:
        """Bring a database to a revision and return it."""
        ...


class RunningLock(Protocol):
    """The lock that keeps a desk from running meanwhile."""

    async def leave_database(self) -> None:
        """Let go of the part of the lock that is a connection to the database."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """The desk whose state is replaced."""

    state_dir: Path
    url: str
    busy_timeout_s: float

    @property
    def on_sqlite(self) -> bool:
        """Tell whether the desk's database is a file."""
        return make_url(self.url).get_backend_name() == "sqlite"

    @property
    def file(self) -> Path:
        """Return the database's file."""
        return Path(str(make_url(self.url).database)).absolute()


@dataclass(frozen=True, slots=True, kw_only=True)
class Replaced:
    """What was put in place, how it verified, and where that which stood there lies now (a folder, or a database's name)."""

    manifest: Manifest
    revision: str
    results: tuple[CheckResult, ...]
    aside: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """What the journal is told: who did it, and whether it was an upgrade or a return to an earlier state."""

    actor: Actor
    upgrade: bool = False


class ReplaceState:
    """Replace a desk's state by a backup; until the last step what stands there is not touched."""

    def __init__(self, place: Place, clock: Clock, schema: Schema, lock: RunningLock) -> None:
        self._place = place
        self._clock = clock
        self._schema = schema
        self._lock = lock

    async def __call__(self, file: Path, note: Note, *, anyway: bool = False) -> Replaced:
        """Exchange the state for what the file holds; no desk may run.

        Raise Misconfigured for a file that is no whole backup, of another database or a newer schema, or whose books do not
        verify (unless ``anyway``); Unavailable when disk or server do not let it. Then everything is as it was.
        """
        manifest = await asyncio.to_thread(self._fitting, file)
        home = self._place.file.parent if self._place.on_sqlite else self._place.state_dir
        with clear_faults(home):
            staging = await asyncio.to_thread(_staging, home)
            try:
                await asyncio.to_thread(extract, file, manifest, staging)
                return await self._replace(file, manifest, staging, note, anyway=anyway)
            finally:
                # Once the exchange has begun, what is staged is needed to end it.
                if not pending(self._place.state_dir):
                    await asyncio.to_thread(shutil.rmtree, staging, ignore_errors=True)

    def _fitting(self, file: Path) -> Manifest:
        manifest = read_manifest(file)
        wanted = make_url(self._place.url).get_backend_name()
        if manifest.database != wanted:
            raise Misconfigured(
                "OTHER_DATABASE", file=file, holds=manifest.database, wanted=wanted, fix="correct database.url, or the file"
            )
        if manifest.revision not in self._schema.known():
            raise Misconfigured(
                "SCHEMA_NEWER",
                file=file,
                found=manifest.revision,
                known=self._schema.head(),
                fix=f"run the version of Sortie that wrote it: {manifest.version}",
            )
        return manifest

    async def _replace(self, file: Path, manifest: Manifest, staging: Path, note: Note, *, anyway: bool) -> Replaced:
        if self._place.on_sqlite:
            url = f"sqlite:///{staging / DESK}"
            results = await self._prepare(url, file, manifest, staging, note, anyway=anyway)
            await asyncio.to_thread(_one_file, staging / DESK)
            aside = await asyncio.to_thread(self._exchange, manifest, staging, staging / DESK)
            return Replaced(manifest=manifest, revision=self._schema.head(), results=results, aside=str(aside))
        async with NewDatabase(self._place.url, self._clock.now(), self._place.busy_timeout_s) as fresh:
            await fresh.fill(staging / DESK)
            results = await self._prepare(fresh.url, file, manifest, staging, note, anyway=anyway)
            await self._lock.leave_database()
            name = await fresh.take_place()
        aside = await asyncio.to_thread(self._exchange, manifest, staging, None)
        said = f"database {name}" + (f", {aside}" if aside.exists() else "")
        return Replaced(manifest=manifest, revision=self._schema.head(), results=results, aside=said)

    async def _prepare(
        self, url: str, file: Path, manifest: Manifest, staging: Path, note: Note, *, anyway: bool
    ) -> tuple[CheckResult, ...]:
        reach("restore.unpacked")
        try:
            await asyncio.to_thread(self._schema.upgrade, url)
        except SQLAlchemyError as error:
            cause = getattr(error, "orig", None) or error
            raise Misconfigured("NOT_MIGRATED", cause=str(cause), fix="keep the older version, and report this") from error
        reach("restore.migrated")
        results = await self._verified(url, staging / PAPER, manifest.at)
        broken = [f"{each.number} {each.name}: {each.detail}" for each in results if each.status is Status.FAIL]
        if broken and not anyway:
            raise Misconfigured(
                "NOT_VERIFIED", file=file, cause="; ".join(broken), fix="use another backup, or --anyway if it is the only one"
            )
        async with shell_database(url, self._clock, self._place.busy_timeout_s) as database:
            await database.write(lambda unit: _note(unit, note, file, manifest, self._schema.head()))
        reach("restore.verified")
        return tuple(results)

    async def _verified(self, url: str, paper: Path, at: datetime) -> list[CheckResult]:
        """Ask the ten questions as of the moment of the backup."""
        moment = _Moment(at)

        def books() -> Sequence[VenueBook]:
            book = read_paper_book(paper, moment)
            return [book] if book is not None else []

        async with shell_database(url, moment, self._place.busy_timeout_s) as database:
            return await run_all(database, Material(books=books))

    def _exchange(self, manifest: Manifest, staging: Path, desk: Path | None) -> Path:
        aside = self._place.state_dir / f"replaced-{self._clock.now():%Y%m%d-%H%M%S}"
        paper = staging / PAPER if manifest.has(PAPER) else None
        plan = [Exchange(staged=paper, target=paper_file(self._place.state_dir).absolute(), aside=aside.absolute())]
        if desk is not None:
            plan.insert(0, Exchange(staged=desk, target=self._place.file, aside=aside.absolute()))
        exchange(self._place.state_dir, plan)
        return aside


class _Moment:
    """Time that stands still at the moment of a backup."""

    def __init__(self, at: datetime) -> None:
        self._at = at

    def now(self) -> datetime:
        """Return the moment."""
        return self._at

    def monotonic(self) -> float:
        """Return nothing that moves."""
        return 0.0

    async def sleep(self, seconds: float) -> None:
        """Return at once: time does not pass."""


def _staging(home: Path) -> Path:
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    # Nobody else restores here: what is left is of one that was killed.
    for left in home.glob(f"{STAGING}*"):
        shutil.rmtree(left, ignore_errors=True)
    return Path(tempfile.mkdtemp(prefix=STAGING, dir=home)).absolute()


def _note(unit: Unit, note: Note, file: Path, manifest: Manifest, revision: str) -> None:
    """Journal the return to an earlier state, and end what the processes of then held."""
    unit.run(update(leases).where(leases.c.expires_at > unit.now).values(expires_at=unit.now))
    set_fact(unit, READY, "")
    told = {"file": file.name, "taken": manifest.at.isoformat(), "was": manifest.revision, "revision": revision}
    if note.upgrade:
        unit.record(note.actor, "desk.upgraded", **told)
    else:
        unit.record(note.actor, "desk.restored", **told)


def _one_file(file: Path) -> None:
    """Fold what SQLite keeps beside a database into it, and check it once more."""
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode=DELETE")
        answer = str(connection.execute("PRAGMA integrity_check(1)").fetchone()[0])
        orphan = connection.execute("PRAGMA foreign_key_check").fetchone()
    if answer != "ok" or orphan is not None:
        cause = answer if answer != "ok" else f"a row of {orphan[0]} refers to a missing row of {orphan[2]}"
        raise Misconfigured("NOT_VERIFIED", cause=cause, fix="use another backup")
