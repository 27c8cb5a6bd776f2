"""Statements that go straight to SQLite's driver say the same as SQLAlchemy does."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Engine,
    Integer,
    MetaData,
    Row,
    Select,
    String,
    Table,
    bindparam,
    insert,
    select,
    update,
)
from sqlalchemy.exc import OperationalError

import services.storage
from services.storage.database import Unit, sqlite_engine
from services.storage.prepared import prepare
from services.storage.statements import insert_once, upsert
from services.storage.tables import metadata
from services.storage.tables.columns import Amount, Instant

NOW = datetime(2026, 3, 1, 12, 30, 1, 250, UTC)
kinds = Table(
    "kinds",
    MetaData(),
    Column("id", Integer, primary_key=True),
    Column("key", String),
    Column("amount", Amount),
    Column("at", Instant),
    Column("facts", JSON),
    Column("on", Boolean),
)
_ROW = insert(kinds)
_ALL = select(kinds).order_by(kinds.c.id)
_EARLY = _ALL.where(kinds.c.at < bindparam("end"), kinds.c.key.in_(["a", "b"])).limit(bindparam("most"))
_AMONG = select(kinds.c.id).where(kinds.c.id.in_(bindparam("ids", expanding=True)))
_CHANGE = update(kinds).where(kinds.c.id == bindparam("which"))


def row(number: int, **other: object) -> dict[str, object]:
    values = {"key": "a", "amount": Decimal("1.50"), "at": NOW, "facts": {"x": [1]}, "on": True}
    return {"id": number, **values, **other}


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    made = sqlite_engine(f"sqlite:///{tmp_path / 'desk.db'}", 1.0, begin="BEGIN", single=False)
    kinds.create(made)
    metadata.create_all(made)
    yield made
    made.dispose()


@pytest.fixture
def unit(engine: Engine) -> Iterator[Unit]:
    with engine.connect() as connection:
        yield Unit(connection, NOW)


def test_values_are_written_and_read_as_sqlalchemy_does(unit: Unit) -> None:
    for number in range(1, 4):
        unit.run(_ROW, row(number, key=None if number == 3 else "a"))
    by_sqlalchemy = unit.connection.execute(_ALL).all()

    for _ in range(3):
        assert [each._asdict() for each in unit.all(_ALL)] == [each._asdict() for each in by_sqlalchemy]
    assert not isinstance(unit.first(_ALL), Row)
    assert unit.first(_ALL).amount == Decimal("1.5")
    assert unit.first(_ALL).at == NOW


def test_parameters_and_lists_of_the_statement_keep_their_places(unit: Unit) -> None:
    unit.run(_ROW, [row(1), row(2, key="b"), row(3, key="c"), row(4, at=NOW + timedelta(hours=1))])

    for most in (2, 1, 2):
        found = unit.all(_EARLY, end=NOW + timedelta(minutes=1), most=most)

        assert [each.id for each in found] == [1, 2][:most]


def test_a_list_of_any_length_is_found_each_time(unit: Unit) -> None:
    unit.run(_ROW, [row(number) for number in range(1, 6)])

    for ids in ([1, 2], [], [3], [4, 5, 1]):
        assert {each.id for each in unit.all(_AMONG, ids=ids)} == set(ids)


def test_other_columns_change_by_the_same_statement(unit: Unit) -> None:
    unit.run(_ROW, [row(1), row(2)])

    for change in ({"key": "z"}, {"key": "y", "on": False}, {"amount": Decimal(2)}) * 2:
        assert unit.run(_CHANGE, {"which": 1, **change}).rowcount == 1
    assert unit.run(_CHANGE, {"which": 9, "key": "z"}).rowcount == 0

    changed, same = unit.all(_ALL)
    assert (changed.key, changed.on, changed.amount) == ("y", False, Decimal(2))
    assert (same.key, same.on, same.amount) == ("a", True, Decimal("1.5"))


def test_the_second_insert_of_a_key_says_that_it_was_none(unit: Unit) -> None:
    assert [insert_once(unit, kinds, row(1, key=key)) for key in ("a", "b", "c")] == [True, False, False]

    for key in ("d", "e", "f"):
        upsert(unit, kinds, {"id": 1}, {"key": key})
        assert unit.first(_ALL).key == key


def test_what_sqlite_refuses_is_said_alike_whoever_took_the_statement(tmp_path: Path) -> None:
    made = sqlite_engine(f"sqlite:///{tmp_path / 'empty.db'}", 1.0, begin="BEGIN", single=False)
    absent = select(kinds.c.id).where(kinds.c.key == bindparam("key"))

    for _ in range(3):
        with made.connect() as connection, pytest.raises(OperationalError, match="no such table") as raised:
            Unit(connection, NOW).first(absent, key="what was asked for")
        assert "what was asked for" not in str(raised.value)
    made.dispose()


def test_a_read_sees_one_moment_throughout(engine: Engine) -> None:
    for number in range(1, 5):
        with engine.connect() as connection, engine.connect() as other:
            reading = Unit(connection, NOW)
            before = len(reading.all(_ALL))
            Unit(other, NOW).run(_ROW, row(number))
            other.commit()

            assert len(reading.all(_ALL)) == before == number - 1


def kept_selects() -> dict[str, Select[tuple[object, ...]]]:
    found = {}
    for module in pkgutil.iter_modules(services.storage.__path__, "services.storage."):
        for name, value in vars(importlib.import_module(module.name)).items():
            if isinstance(value, Select):
                found[f"{module.name.rpartition('.')[2]}.{name}"] = value
    return found


@pytest.mark.parametrize("name", sorted(kept_selects()))
def test_what_is_kept_is_read_by_the_same_names(unit: Unit, name: str) -> None:
    statement = kept_selects()[name]
    asked = {key for key, bind in statement.compile().binds.items() if bind.required}
    values = {key: 1 if key in ("most", "limit") else None for key in asked}
    names = list(unit.connection.execute(statement, values).keys())

    kept = prepare(statement, tuple(values), unit.connection.dialect)

    assert kept is not None
    assert list(kept.columns) == names
