"""``sortie upgrade``: a backup, then the state brought up to what this build knows; nothing changes when it does not work."""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager

from config.settings import Settings
from handlers.cli.console import explain, say
from handlers.cli.halt import shell_actor
from handlers.cli.restore import show_verified
from services.domain.errors import SortieError
from services.domain.ports import Clock, Ids
from services.operations.backup import MakeBackup
from services.operations.places import backup_folder
from services.operations.restore import Place, ReplaceState, RunningLock, Schema
from services.operations.upgrade import Upgraded, UpgradeDesk

UPGRADED, NOT_UPGRADED = 0, 1


def run_upgrade(
    settings: Settings,
    clock: Clock,
    ids: Ids,
    *,
    version: str,
    lock: AbstractAsyncContextManager[RunningLock],
    schema: Schema,
    anyway: bool,
) -> int:
    """Upgrade while no desk runs and say what was done; return the exit code."""
    state, url, busy = settings.desk.state_dir, settings.database_url, settings.database.busy_timeout_s

    async def upgrade() -> Upgraded | None:
        async with lock as held:
            make = MakeBackup(state, url, clock, version, busy_timeout_s=busy)
            replace = ReplaceState(Place(state_dir=state, url=url, busy_timeout_s=busy), clock, schema, held)
            upgrading = UpgradeDesk(url, schema, make, replace)
            folder = backup_folder(settings.backup.dir, state)
            return await upgrading(folder, shell_actor(ids), keep=settings.backup.keep, anyway=anyway)

    try:
        upgraded = asyncio.run(upgrade())
    except SortieError as error:
        say(f"nothing was changed: {explain(error)}", error=True)
        return NOT_UPGRADED
    if upgraded is None:
        say(f"the database is at {schema.head()}, the newest that this build knows")
        return UPGRADED
    show_verified(upgraded.replaced.results)
    say(f"schema {upgraded.before} -> {upgraded.after}")
    say(f"to go back: check out {upgraded.backup.manifest.version} and `sortie restore {upgraded.backup.file}`")
    say("now: sortie run")
    return UPGRADED
