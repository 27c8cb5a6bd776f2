"""The restore drill: the newest backup of the real desk is put into a folder of its own, verified, and set beside the desk."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import func, select

from config.settings import Settings
from services.domain.drills import Steps
from services.domain.errors import Misconfigured, SortieError
from services.domain.people import Actor
from services.domain.ports import Clock
from services.operations.backup_file import newest_in
from services.operations.judgement import Status
from services.operations.places import backup_folder, shell_database
from services.operations.restore import Note, Place, Replaced, ReplaceState, Schema
from services.operations.verify import score
from services.storage import desk
from services.storage.database import Unit
from services.storage.tables import fills, journal, orders, positions, trades

LONGEST_LOSS = timedelta(seconds=60)
COUNTED = {"trades": trades, "orders": orders, "fills": fills, "positions": positions, "journal": journal}
# A running desk replaces its rolling copies: the one that was the newest may be gone before it is read.
TRIES = 3


class _NoLock:
    """Nobody runs on the folder of a drill."""

    async def leave_database(self) -> None:
        """Hold nothing, let go of nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Loss:
    """What the desk has and the restored one has not: so many journal rows, the oldest ``age`` old when all would be lost."""

    rows: int
    age: timedelta


async def drill_restore(settings: Settings, folder: Path, clock: Clock, schema: Schema, steps: Steps) -> None:
    """Restore into the folder; the real desk's files are only read. Raise Misconfigured on PostgreSQL."""
    own = settings.model_copy(update={"desk": settings.desk.model_copy(update={"state_dir": folder})})
    if not settings.database_url.startswith("sqlite"):
        raise Misconfigured(
            "ON_SERVER", cause="the database is on a server", fix="drill the server's own backup and WAL archive"
        )
    own = own.model_copy(update={"database": settings.database.model_copy(update={"url": None})})
    began = clock.monotonic()
    try:
        replaced = await _restored(settings, own, clock, schema)
    except SortieError as error:
        steps.need("the newest backup is restored", False, str(error))
        return
    took = clock.monotonic() - began
    steps.measure("rto", f"{took:.1f} s")
    steps.check("the newest backup is restored", True, f"of {replaced.manifest.at:%H:%M:%S} UTC, in {took:.1f} s")
    broken = [f"{each.number} {each.name}: {each.detail}" for each in replaced.results if each.status is Status.FAIL]
    steps.check("integrity, journal chain and what always holds", not broken, "; ".join(broken) or f"{score(replaced.results)}")
    loss, counts = await _compared(settings, own, clock)
    steps.measure("rpo", f"{loss.age.total_seconds():.1f} s")
    steps.measure("rows", counts)
    steps.check(
        "it lost nothing older than a minute", loss.age <= LONGEST_LOSS, f"{loss.rows} journal rows, {loss.age.seconds} s"
    )


async def _restored(settings: Settings, own: Settings, clock: Clock, schema: Schema) -> Replaced:
    place = Place(state_dir=own.desk.state_dir, url=own.database_url, busy_timeout_s=own.database.busy_timeout_s)
    backups = backup_folder(settings.backup.dir, settings.desk.state_dir)
    note = Note(actor=Actor.job("drill", f"drill-{clock.now().isoformat()}"))
    for last in range(TRIES):
        file = await asyncio.to_thread(newest_in, backups)
        if file is None:
            raise Misconfigured("NO_FILE", file=backups, fix="run the desk with backups, or sortie backup")
        try:
            return await ReplaceState(place, clock, schema, _NoLock())(file, note)
        except Misconfigured:
            if file.exists() or last == TRIES - 1:
                raise
    raise AssertionError("the last try returns or raises")


async def _compared(settings: Settings, own: Settings, clock: Clock) -> tuple[_Loss, str]:
    async with shell_database(own.database_url, clock, own.database.busy_timeout_s) as restored:
        kept = await restored.read(lambda unit: {row.sequence: row.hash for row in desk.journal_after(unit, 0, 1 << 31)})
        had = await restored.read(_counts)
    async with shell_database(settings.database_url, clock, settings.database.busy_timeout_s) as live:
        loss = await live.read(lambda unit: _loss(unit, kept, clock.now()))
        has = await live.read(_counts)
    return loss, ", ".join(f"{name} {had[name]} of {has[name]}" for name in COUNTED)


def _loss(unit: Unit, kept: dict[int, str], now: datetime) -> _Loss:
    lost = [row for row in desk.journal_after(unit, 0, 1 << 31) if kept.get(row.sequence) != row.hash]
    if not lost:
        return _Loss(rows=0, age=timedelta(0))
    # A desk that is down could not have lost more than it had when it went down.
    until = now if desk.holder(unit, "executor") is not None else lost[-1].at
    return _Loss(rows=len(lost), age=until - lost[0].at)


def _counts(unit: Unit) -> dict[str, int]:
    return {name: int(unit.first(select(func.count().label("n")).select_from(table)).n) for name, table in COUNTED.items()}
