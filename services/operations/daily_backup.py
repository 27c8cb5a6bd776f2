"""A backup every day: the next one is a stored duty, and one that fails is an alert until one succeeds."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import structlog
from sqlalchemy import delete

from config.groups import BackupSettings
from services.access.alerts import AlertCode, alert
from services.domain.errors import SortieError
from services.domain.people import Actor
from services.domain.ports import Ids
from services.domain.schedule import next_time
from services.operations.backup import Backup, MakeBackup
from services.storage import desk, incidents
from services.storage.database import Database, Unit
from services.storage.tables import duties

log = structlog.get_logger()
PREFIX = "backup:"
SUBJECT = "daily"


class BackUpDaily:
    """Make the backup that is due, and store when the next one is."""

    def __init__(
        self, database: Database, make: MakeBackup, folder: Path, settings: BackupSettings, zone: str, ids: Ids
    ) -> None:
        self._database = database
        self._make = make
        self._folder = folder
        self._settings = settings
        self._zone = zone
        self._ids = ids

    async def __call__(self, actor: Actor) -> Backup | None:
        """Return the backup that was due and is made; after a long pause it is one, however many were missed."""
        if await self._database.read(lambda unit: _next(unit) != self._wanted(unit)):
            await self._database.write(self._plan)
        due = [str(row.name) for row in await self._database.read(lambda unit: desk.due(unit, PREFIX))]
        if not due:
            return None
        try:
            backup = await self._make(self._folder, keep=self._settings.keep)
        except SortieError as error:
            reason = str(error)
            log.error("backup.failed", reason=reason)
            await self._database.write(lambda unit: self._alarm(unit, actor, reason))
            return None
        await self._database.write(lambda unit: _book(unit, actor, due, backup))
        return backup

    def _wanted(self, unit: Unit) -> datetime | None:
        return next_time(unit.now, self._settings.at, self._zone) if self._settings.enabled else None

    def _plan(self, unit: Unit) -> None:
        """Store the next duty, and take back one that is no longer meant."""
        wanted = self._wanted(unit)
        unit.run(delete(duties).where(duties.c.name.startswith(PREFIX), duties.c.due_at > unit.now))
        if wanted is not None:
            desk.schedule(unit, f"{PREFIX}{wanted:%Y-%m-%dT%H%M}", wanted, {})

    def _alarm(self, unit: Unit, actor: Actor, reason: str) -> None:
        if alert(unit, self._ids, AlertCode.BACKUP_FAILED, SUBJECT, {"reason": reason}):
            unit.record(actor, "backup.failed", reason=reason)


def _next(unit: Unit) -> datetime | None:
    """Return when the next backup is due that is not due yet."""
    ahead = [row.due_at for row in desk.ahead(unit, PREFIX)]
    return min(ahead, default=None)


def _book(unit: Unit, actor: Actor, due: list[str], backup: Backup) -> None:
    for name in due:
        desk.finish_duty(unit, name)
    incidents.close_incident(unit, AlertCode.BACKUP_FAILED.value, SUBJECT)
    unit.record(
        actor,
        "backup.made",
        file=backup.file.name,
        size=backup.size,
        revision=backup.manifest.revision,
        dropped=len(backup.dropped),
    )
