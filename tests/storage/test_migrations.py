"""The schema's revisions: they make what the tables say, go back and forth, and refuse what they do not know."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, inspect

from migrations import api
from migrations.engines import run_on
from services.domain.errors import Misconfigured
from services.storage.tables import metadata
from tests.storage.bench import url_of

REVISIONS = [script.revision for script in api.scripts().walk_revisions()][::-1]


@pytest.fixture
def url(tmp_path: Path) -> str:
    return url_of(tmp_path / "state" / "sortie.db")


def _file(url: str) -> Path:
    return Path(url.removeprefix("sqlite:///"))


def _tables(url: str) -> dict[str, list[str]]:
    """Return the names of the tables, each with what its columns and indexes are."""

    def look(connection: Connection) -> dict[str, list[str]]:
        found = inspect(connection)
        return {
            name: [f"{each['name']} {each['type']!r} {each['nullable']}" for each in found.get_columns(name)]
            + sorted(str(each["name"]) for each in found.get_indexes(name))
            for name in found.get_table_names()
        }

    return run_on(url, look)


def _execute(url: str, statement: str) -> None:
    def run(connection: Connection) -> None:
        with connection.begin():
            connection.exec_driver_sql(statement)

    run_on(url, run)


def _differences(connection: Connection) -> list[object]:
    return list(compare_metadata(MigrationContext.configure(connection, opts={"compare_type": True}), metadata))


def test_newest_revision_has_exactly_the_tables_of_the_code(place: str) -> None:
    api.upgrade(place)

    assert run_on(place, _differences) == []


def test_missing_column_is_noticed_by_the_comparison(place: str) -> None:
    api.upgrade(place)
    _execute(place, "ALTER TABLE people DROP COLUMN locale")

    assert run_on(place, _differences) != []


@pytest.mark.parametrize("step", REVISIONS)
def test_stairway_up_down_up(place: str, step: str) -> None:
    below = REVISIONS[REVISIONS.index(step) - 1] if step != REVISIONS[0] else "base"
    api.upgrade(place, step)
    before = _tables(place)
    api.downgrade(place, below)
    assert api.current(place) == (None if below == "base" else below)
    assert below != "base" or set(_tables(place)) == {"alembic_version"}
    api.upgrade(place, step)

    assert api.current(place) == step
    assert _tables(place) == before


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


@pytest.mark.parametrize("call", [asyncio.to_thread, lambda job, url: asyncio.sleep(0, job(url))], ids=["thread", "loop"])
def test_works_in_a_thread_beside_a_running_loop_and_inside_of_one(
    place: str, call: Callable[[Callable[[str], str], str], Awaitable[str]]
) -> None:
    async def start() -> str:
        return await call(api.upgrade, place)

    assert asyncio.run(start()) == api.head()


def test_schema_of_a_newer_build_is_refused_and_left_alone(place: str) -> None:
    api.upgrade(place)
    _execute(place, "UPDATE alembic_version SET version_num = '9999'")

    for refused in (api.upgrade, api.require_head, lambda url: api.downgrade(url, "base")):
        with pytest.raises(Misconfigured, match="SCHEMA_NEWER") as caught:
            refused(place)
        assert caught.value.values["found"] == "9999"
    assert api.current(place) == "9999"


def test_older_schema_does_not_pass_for_the_newest(place: str) -> None:
    with pytest.raises(Misconfigured, match="SCHEMA_OLD") as caught:
        api.require_head(place)
    assert caught.value.values["fix"] == "sortie db upgrade"

    api.upgrade(place)

    api.require_head(place)


def test_failed_step_leaves_nothing_behind(place: str) -> None:
    _execute(place, "CREATE TABLE trades (id VARCHAR(32))")
    before = set(_tables(place))

    with pytest.raises(Exception, match="already exists"):
        api.upgrade(place)

    assert set(_tables(place)) - {"alembic_version"} == before
    assert api.current(place) is None


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

    assert postgresql_sql.count(" NUMERIC") >= amounts > 0
    assert "NUMERIC(" not in postgresql_sql
    assert "TIMESTAMP WITH TIME ZONE" in postgresql_sql


def test_switches_of_strategies_become_states_and_back(place: str) -> None:
    def states(column: str) -> Callable[[Connection], dict[str, object]]:
        return lambda connection: {
            str(name): state for name, state in connection.exec_driver_sql(f"SELECT name, {column} FROM strategies")
        }

    api.upgrade(place, "0017")
    for name, enabled in (("on", "true"), ("off", "false")):
        _execute(
            place, f"INSERT INTO strategies (name, enabled, changed_at) VALUES ('{name}', {enabled}, '2026-01-01 00:00:00')"
        )
    api.upgrade(place, "0018")
    assert run_on(place, states("state")) == {"on": "enabled", "off": "disabled"}
    _execute(place, "UPDATE strategies SET state = 'sandboxed' WHERE name = 'on'")

    api.downgrade(place, "0017")

    assert {name: bool(enabled) for name, enabled in run_on(place, states("enabled")).items()} == {"on": False, "off": False}
