"""The daily backup as a tick of the scheduler."""

from __future__ import annotations

from bot.release import VERSION
from bot.scheduler import Tick
from config.settings import Settings
from services.domain.people import Actor
from services.domain.ports import Clock, Ids
from services.operations.backup import MakeBackup
from services.operations.daily_backup import BackUpDaily
from services.operations.places import backup_folder
from services.storage.database import Database

LOOK_EVERY_S = 60


def backup_tick(settings: Settings, database: Database, clock: Clock, ids: Ids) -> Tick:
    """Return what looks whether a backup is due, and makes it."""
    state = settings.desk.state_dir
    make = MakeBackup(state, settings.database_url, clock, f"sortie {VERSION}", settings.database.busy_timeout_s)
    daily = BackUpDaily(database, make, backup_folder(settings.backup.dir, state), settings.backup, settings.desk.zone, ids)

    async def tick() -> None:
        await daily(Actor.job("backup", f"backup-{ids.row()}"))

    return tick
