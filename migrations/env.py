"""What Alembic runs: the connection, the tables to compare with, and how revisions are written."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

from alembic import context
from alembic.operations import MigrationScript
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, make_url

from config.settings import load_settings
from migrations.engines import run_on
from services.storage.tables import Amount, Instant, metadata


def _url() -> str:
    given = context.get_x_argument(as_dictionary=True).get("url")
    return str(given or context.config.attributes.get("url") or load_settings().database_url)


def _render(kind: str, item: object, autogen: Any) -> str | Literal[False]:
    """Write the application's own types as the plain ones of migrations/column_types.py."""
    if kind != "type" or not isinstance(item, Amount | Instant):
        return False
    name = "amount" if isinstance(item, Amount) else "instant"
    autogen.imports.add(f"from migrations.column_types import {name}")
    return f"{name}()"


def _number(_context: MigrationContext, _revision: Any, directives: Iterable[MigrationScript]) -> None:
    """Count revisions up, 0001, 0002 ..., so that a folder listing is their order."""
    head = ScriptDirectory.from_config(context.config).get_current_head()
    for directive in directives:
        directive.rev_id = f"{int(head or 0) + 1:04d}"


def _options() -> dict[str, Any]:
    return {
        "target_metadata": metadata,
        "compare_type": True,
        # SQLite changes a table by copying it; on PostgreSQL the same operations become plain ALTERs.
        "render_as_batch": True,
        "render_item": _render,
        "process_revision_directives": _number,
        "transaction_per_migration": True,
        # SQLite can roll DDL back; Alembic assumes that no driver begins a transaction for it, ours does.
        "transactional_ddl": True,
    }


def _migrate(connection: Connection) -> None:
    context.configure(connection=connection, **_options())
    with context.begin_transaction():
        context.run_migrations()


def run() -> None:
    """Migrate over a connection, or write the SQL when asked to."""
    if context.is_offline_mode():
        context.configure(
            dialect_name=make_url(_url()).get_backend_name(),
            literal_binds=True,
            dialect_opts={"paramstyle": "named"},
            **_options(),
        )
        with context.begin_transaction():
            context.run_migrations()
        return
    run_on(_url(), _migrate)


run()
