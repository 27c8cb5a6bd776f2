"""Bring a desk's state to what this build knows: a backup, then the backup brought up to date and verified in its place."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import structlog
from sqlalchemy import make_url

from services.domain.errors import Misconfigured
from services.domain.people import Actor
from services.operations.backup import Backup, MakeBackup
from services.operations.restore import Note, Replaced, ReplaceState, Schema

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Upgraded:
    """What was done: from which revision to which, the backup made before, and how the result verified."""

    before: str
    after: str
    backup: Backup
    replaced: Replaced


class UpgradeDesk:
    """Upgrade a desk that does not run.

    Nothing is changed in place: the backup is unpacked beside the state, migrated and verified there, and takes its place when
    all of that went well. So there is nothing to roll back when it did not.
    """

    def __init__(self, url: str, schema: Schema, make: MakeBackup, replace: ReplaceState) -> None:
        self._url = url
        self._schema = schema
        self._make = make
        self._replace = replace

    async def __call__(self, folder: Path, actor: Actor, *, keep: int, anyway: bool = False) -> Upgraded | None:
        """Return what was done, None when the state is up to date; raise as backup and restore do, with all as it was."""
        before = self._schema.current(self._url)
        after = self._schema.head()
        if before is None:
            raise Misconfigured(
                "NO_DATABASE", cause="there is no desk to upgrade", fix="`sortie init`, or check desk.state_dir"
            )
        if before == after:
            return None
        backup = await self._make(folder, keep=keep, tag=f"before-{after}")
        replaced = await self._replace(backup.file, Note(actor=actor, upgrade=True), anyway=anyway)
        if make_url(self._url).get_backend_name() == "sqlite":
            # The backup holds the same, and another copy of it would only fill the disk.
            shutil.rmtree(replaced.aside, ignore_errors=True)
        log.info("desk.upgraded", before=before, after=after, backup=backup.file.name)
        return Upgraded(before=before, after=after, backup=backup, replaced=replaced)
