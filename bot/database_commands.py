"""``sortie db``: move the schema, or say where it stands."""

from __future__ import annotations

import typer

from config.settings import Settings
from migrations import api


def upgrade_database(settings: Settings, revision: str) -> int:
    """Bring the schema up to date and say from where to where; return the exit code."""
    before = api.current(settings.database_url)
    after = api.upgrade(settings.database_url, revision)
    typer.echo(f"schema {after}, already" if before == after else f"schema {before or 'none'} -> {after}")
    return 0


def downgrade_database(settings: Settings, revision: str, *, sure: bool) -> int:
    """Take the schema back after a question; return the exit code."""
    before = api.current(settings.database_url)
    if before is None:
        typer.echo("the database has no schema; there is nothing to take back", err=True)
        return 1
    if not sure and not typer.confirm(f"Schema {before} -> {revision}: what newer tables hold is lost. Go on?"):
        return 1
    typer.echo(f"schema {before} -> {api.downgrade(settings.database_url, revision) or 'none'}")
    return 0


def show_current(settings: Settings) -> int:
    """Print the database's revision and the newest known one; return 0 when they agree, else 1."""
    found, newest = api.current(settings.database_url), api.head()
    typer.echo(f"database {found or 'none'}, newest {newest}")
    return 0 if found == newest else 1
