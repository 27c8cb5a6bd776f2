"""Move the schema and ask where it stands, from code and from any working directory.

Every function blocks: from a coroutine call it in a thread.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, make_url

from migrations.engines import run_on
from services.domain.errors import Misconfigured

FOLDER = Path(__file__).resolve().parent


@cache
def scripts() -> ScriptDirectory:
    """Return the revisions that this build knows."""
    return ScriptDirectory(str(FOLDER))


def head() -> str:
    """Return the newest revision that this build knows."""
    return scripts().get_heads()[0]


def known() -> frozenset[str]:
    """Return every revision that this build knows."""
    return frozenset(script.revision for script in scripts().walk_revisions())


def current(url: str) -> str | None:
    """Return the database's revision, or None for one that has no schema yet; a missing SQLite file is not created."""
    if _missing(url):
        return None
    return run_on(url, _revision)


def upgrade(url: str, revision: str = "head") -> str:
    """Bring the schema to a revision and return it; raise Misconfigured when a newer build wrote the database."""
    _refuse_newer(url)
    _make_folder(url)
    command.upgrade(_config(url), revision)
    return current(url) or ""


def downgrade(url: str, revision: str) -> str | None:
    """Take the schema back to a revision, or to nothing for ``base``, and return where it stands."""
    _refuse_newer(url)
    command.downgrade(_config(url), revision)
    return current(url)


def require_head(url: str) -> None:
    """Raise Misconfigured unless the schema is the one that this build knows."""
    _refuse_newer(url)
    found = current(url)
    if found != head():
        raise Misconfigured("SCHEMA_OLD", database=_name(url), found=found or "none", needed=head(), fix="sortie db upgrade")


def _refuse_newer(url: str) -> None:
    found = current(url)
    if found is not None and found not in known():
        raise Misconfigured(
            "SCHEMA_NEWER", database=_name(url), found=found, known=head(), fix="run the newer version of Sortie that wrote it"
        )


def _revision(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _config(url: str) -> Config:
    config = Config()
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    config.attributes["url"] = url
    return config


def _name(url: str) -> str:
    return make_url(url).render_as_string(hide_password=True)


def _file(url: str) -> Path | None:
    parsed = make_url(url)
    in_memory = parsed.database in (None, "", ":memory:")
    return None if parsed.get_backend_name() != "sqlite" or in_memory else Path(str(parsed.database))


def _missing(url: str) -> bool:
    file = _file(url)
    return file is not None and not file.exists()


def _make_folder(url: str) -> None:
    file = _file(url)
    if file is not None:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
