"""The schema's revisions: they make what the tables say, go back and forth, and refuse what they do not know."""

from __future__ import annotations

import asyncio
import io
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection

from migrations import api
from migrations.engines import run_on
from services.domain.errors import Misconfigured
from services.storage.tables import metadata

REVISIONS = [script.revision for script in api.scripts().walk_revisions()][::-1]


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'state' / 'sortie.db'}"


def _file(url: str) -> Path:
    return Path(url.removeprefix("sqlite:///"))


def _tables(url: str) -> set[str]:
    with closing(sqlite3.connect(_file(url))) as connection:
        return {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}


def _differences(connection: Connection) -> list[object]:
    return list(compare_metadata(MigrationContext.configure(connection, opts={"compare_type": True}), metadata))


def test_newest_revision_has_exactly_the_tables_of_the_code(url: str) -> None:
    api.upgrade(url)

    assert run_on(url, _differences) == []


def test_missing_column_is_noticed_by_the_comparison(url: str) -> None:
    api.upgrade(url)
    with closing(sqlite3.connect(_file(url))) as connection:
        connection.execute("ALTER TABLE people DROP COLUMN locale")

    assert run_on(url, _differences) != []


@pytest.mark.parametrize("step", REVISIONS)
def test_stairway_up_down_up(url: str, step: str) -> None:
    below = REVISIONS[REVISIONS.index(step) - 1] if step != REVISIONS[0] else "base"
    api.upgrade(url, step)
    before = _tables(url)
    api.downgrade(url, below)
    assert api.current(url) == (None if below == "base" else below)
    assert below != "base" or _tables(url) == {"alembic_version"}
    api.upgrade(url, step)

    assert api.current(url) == step
    assert _tables(url) == before


def test_revisions_are_one_line_of_numbers() -> None:
    assert [f"{number:04d}" for number in range(1, len(REVISIONS) + 1)] == REVISIONS
    assert len(api.scripts().get_heads()) == 1


def test_works_from_any_folder_and_makes_the_state_folder(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)

    assert api.upgrade(url) == api.head() == api.current(url)
    assert not list(elsewhere.iterdir())


def test_asking_does_not_create_a_database(url: str) -> None:
    assert api.current(url) is None
    assert not _file(url).exists()


def test_works_in_a_thread_beside_a_running_loop(url: str) -> None:
    async def start() -> str:
        return await asyncio.to_thread(api.upgrade, url)

    assert asyncio.run(start()) == api.head()


def test_schema_of_a_newer_build_is_refused_and_left_alone(url: str) -> None:
    api.upgrade(url)
    with closing(sqlite3.connect(_file(url))) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")

    for refused in (api.upgrade, api.require_head, lambda url: api.downgrade(url, "base")):
        with pytest.raises(Misconfigured, match="SCHEMA_NEWER") as caught:
            refused(url)
        assert caught.value.values["found"] == "9999"
    assert api.current(url) == "9999"


def test_older_schema_does_not_pass_for_the_newest(url: str) -> None:
    with pytest.raises(Misconfigured, match="SCHEMA_OLD") as caught:
        api.require_head(url)
    assert caught.value.values["fix"] == "sortie db upgrade"

    api.upgrade(url)

    api.require_head(url)


def test_failed_step_leaves_nothing_behind(url: str) -> None:
    _file(url).parent.mkdir()
    with closing(sqlite3.connect(_file(url))) as connection, connection:
        connection.execute("CREATE TABLE trades (id TEXT)")
    before = _tables(url)

    with pytest.raises(Exception, match="already exists"):
        api.upgrade(url)

    assert _tables(url) - {"alembic_version"} == before
    assert api.current(url) is None


@pytest.fixture
def postgresql_sql() -> Iterator[str]:
    written = io.StringIO()
    config = Config(output_buffer=written)
    config.set_main_option("script_location", str(api.FOLDER))
    config.attributes["url"] = "postgresql://nobody@127.0.0.1/none"
    command.upgrade(config, "head", sql=True)
    yield written.getvalue()


def test_postgresql_gets_its_own_types(postgresql_sql: str) -> None:
    amounts = sum(type(column.type).__name__ == "Amount" for table in metadata.tables.values() for column in table.columns)

    assert postgresql_sql.count("NUMERIC(38, 18)") >= amounts > 0
    assert "TIMESTAMP WITH TIME ZONE" in postgresql_sql
