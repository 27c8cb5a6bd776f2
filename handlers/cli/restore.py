"""``sortie restore``: put a backup in the place of the desk's state."""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager
from pathlib import Path

from config.settings import Settings
from handlers.cli.console import explain, say, say_rows
from handlers.cli.halt import shell_actor
from services.domain.errors import Misconfigured, SortieError
from services.domain.ports import Clock, Ids
from services.operations.backup_file import newest_in
from services.operations.judgement import CheckResult
from services.operations.places import backup_folder
from services.operations.restore import Note, Place, Replaced, ReplaceState, RunningLock, Schema
from services.operations.verify import score

RESTORED, NOT_RESTORED = 0, 1


def run_restore(
    settings: Settings,
    clock: Clock,
    ids: Ids,
    *,
    lock: AbstractAsyncContextManager[RunningLock],
    schema: Schema,
    file: Path | None,
    anyway: bool,
) -> int:
    """Restore a file, or the newest that is there, while no desk runs, and say what was done; return the exit code."""

    async def restore() -> Replaced:
        place = Place(
            state_dir=settings.desk.state_dir, url=settings.database_url, busy_timeout_s=settings.database.busy_timeout_s
        )
        async with lock as held:
            replace = ReplaceState(place, clock, schema, held)
            return await replace(file or _newest(settings), Note(actor=shell_actor(ids)), anyway=anyway)

    try:
        replaced = asyncio.run(restore())
    except SortieError as error:
        say(f"nothing was restored: {explain(error)}", error=True)
        return NOT_RESTORED
    show_verified(replaced.results)
    manifest = replaced.manifest
    say(f"restored: the desk as of {manifest.at:%Y-%m-%d %H:%M:%S} UTC, schema {replaced.revision}")
    say(f"what stood there before: {replaced.aside}")
    say("now: sortie doctor, then sortie run; it compares every terminal with its venue before it takes an entry")
    return RESTORED


def _newest(settings: Settings) -> Path:
    folder = backup_folder(settings.backup.dir, settings.desk.state_dir)
    file = newest_in(folder)
    if file is None:
        raise Misconfigured("NO_FILE", file=folder, fix="name a backup: there is none in this folder")
    say(f"the newest: {file}")
    return file


def show_verified(results: tuple[CheckResult, ...]) -> None:
    """Print the ten answers about what is put in place."""
    say_rows([(str(each.number), each.name, each.status.value, each.detail) for each in results])
    say(f"{score(results)} hold")
