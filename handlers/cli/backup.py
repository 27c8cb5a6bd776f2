"""``sortie backup``: one file that holds the desk's state, beside a running desk or after it."""

from __future__ import annotations

import asyncio
from pathlib import Path

from config.settings import Settings
from handlers.cli.console import explain, say, say_rows
from services.domain.errors import SortieError
from services.domain.ports import Clock
from services.operations.backup import Backup, MakeBackup
from services.operations.backup_file import PAPER, backups_in, copies_in, read_manifest
from services.operations.places import backup_folder

MADE, NOT_MADE = 0, 1


def make_backup(settings: Settings, clock: Clock, *, version: str, folder: Path | None, keep: int | None) -> int:
    """Make a backup and say where it is; return the exit code."""
    place = folder or backup_folder(settings.backup.dir, settings.desk.state_dir)
    make = MakeBackup(
        settings.desk.state_dir, settings.database_url, clock, version, busy_timeout_s=settings.database.busy_timeout_s
    )
    try:
        backup = asyncio.run(make(place, keep=keep))
    except SortieError as error:
        say(f"no backup was made: {explain(error)}", error=True)
        return NOT_MADE
    _report(backup)
    return MADE


def list_backups(settings: Settings, *, folder: Path | None) -> int:
    """Print the backups that are there, oldest first, then the rolling copies; return the exit code."""
    place = folder or backup_folder(settings.backup.dir, settings.desk.state_dir)
    files = [*backups_in(place), *copies_in(place)]
    if not files:
        say(f"no backup in {place}")
        return NOT_MADE
    say_rows([_row(file) for file in files])
    return MADE


def _row(file: Path) -> tuple[str, ...]:
    try:
        manifest = read_manifest(file)
    except SortieError as error:
        return str(file), "-", "-", explain(error)
    taken = f"{manifest.at:%Y-%m-%d %H:%M:%S} UTC"
    size = sum(member.size for member in manifest.members) if file.is_dir() else file.stat().st_size
    return str(file), taken, f"{size / 1e6:.1f} MB", f"schema {manifest.revision}, {manifest.version}"


def _report(backup: Backup) -> None:
    manifest = backup.manifest
    holds = "the desk and the paper venue's book" if manifest.has(PAPER) else "the desk; there is no paper venue's book"
    say(f"{backup.file}, {backup.size / 1e6:.1f} MB: {holds}, schema {manifest.revision}")
    if backup.dropped:
        say(f"{len(backup.dropped)} older removed, up to {backup.dropped[-1]}")
    say("settings and tokens are not in it: keep sortie.toml and the token's file elsewhere")
