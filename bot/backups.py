"""The daily backup as a tick of the scheduler, the rolling copy as a stage with a tick that looks whether it keeps up."""

from __future__ import annotations

from functools import partial

import structlog

from bot.graph import Graph
from bot.release import VERSION
from bot.scheduler import Tick
from config.settings import Settings
from services.domain.people import Actor
from services.domain.ports import Clock, Ids
from services.operations.backup import MakeBackup
from services.operations.daily_backup import BackUpDaily
from services.operations.places import backup_folder
from services.operations.rolling_copy import RollingCopy, Source
from services.operations.rolling_watch import WatchRolling
from services.storage.database import Database

log = structlog.get_logger()
LOOK_EVERY_S = 60
WATCH_EVERY_S = 5


def backup_tick(settings: Settings, database: Database, clock: Clock, ids: Ids) -> Tick:
    """Return what looks whether a backup is due, and makes it."""
    state = settings.desk.state_dir
    make = MakeBackup(state, settings.database_url, clock, f"sortie {VERSION}", settings.database.busy_timeout_s)
    daily = BackUpDaily(database, make, backup_folder(settings.backup.dir, state), settings.backup, settings.desk.zone, ids)

    async def tick() -> None:
        await daily(Actor.job("backup", f"backup-{ids.row()}"))

    return tick


def rolling_copy(settings: Settings, database: Database, clock: Clock) -> RollingCopy | None:
    """Return what keeps the rolling copy, or None when the settings or the kind of database leave it out."""
    every_s = settings.backup.rolling_s
    if not every_s:
        log.info("rolling.off", reason="backup.rolling_s is 0")
        return None
    if not database.is_sqlite:
        log.info("rolling.off", reason="the server's own base backup and WAL archive keep what a rolling copy would")
        return None
    state = settings.desk.state_dir
    source = Source(
        state_dir=state,
        url=settings.database_url,
        busy_timeout_s=settings.database.busy_timeout_s,
        version=f"sortie {VERSION}",
    )
    return RollingCopy(database, source, backup_folder(settings.backup.dir, state), every_s, clock)


def start_backups(graph: Graph) -> None:
    """Begin with the daily backup and the rolling copy."""
    settings, database = graph.settings, graph.trading.database
    graph.ticker.every(LOOK_EVERY_S, "backup", backup_tick(settings, database, graph.clock, graph.ids))
    rolling = rolling_copy(settings, database, graph.clock)
    if rolling is not None:
        watch = WatchRolling(database, rolling, settings.backup.rolling_s, graph.ids)
        graph.nursery.stage("rolling", rolling.run)
        graph.ticker.every(WATCH_EVERY_S, "rolling", partial(watch, Actor.job("rolling", f"rolling-{graph.ids.row()}")))
