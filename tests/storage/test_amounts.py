"""Amounts are exact: text in the file, the same decimals back, and nothing that is not a number."""

from __future__ import annotations

import random
import sqlite3
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import insert, select
from sqlalchemy.dialects import sqlite
from sqlalchemy.exc import StatementError

from services.domain.trades import Terminal, TerminalMode
from services.storage import terminals
from services.storage.database import Database
from services.storage.tables import Amount, metadata, positions
from tests.storage.bench import NOW, database_at


def decimals(count: int) -> list[Decimal]:
    """Return amounts of up to twelve digits before and eighteen after the point, both signs, the edges among them."""
    chance = random.Random(2026)
    edges = [
        "0",
        "-0",
        "1E-18",
        "-1E-18",
        "999999999999.999999999999999999",
        "1E+12",
        "0.1",
        "100",
        "12345678901.123456789012345678",
    ]
    drawn = [
        Decimal(chance.choice((1, -1)) * chance.randrange(10 ** chance.randrange(1, 30))).scaleb(-chance.randrange(0, 19))
        for _ in range(count - len(edges))
    ]
    return [Decimal(each) for each in edges] + drawn


async def add_terminal(database: Database) -> None:
    terminal = Terminal(
        id="t",
        name="t",
        venue="paper",
        mode=TerminalMode.PAPER,
        owner_id=None,
        currency="USDT",
        can_short=True,
        active=True,
        reconciled_at=None,
    )
    await database.write(lambda unit: terminals.add(unit, terminal))


async def test_ten_thousand_decimals_come_back_exactly(tmp_path: Path) -> None:
    file, wanted = tmp_path / "desk.db", decimals(10_000)
    rows = [{"terminal_id": "t", "symbol": str(n), "quantity": value, "updated_at": NOW} for n, value in enumerate(wanted)]
    async with database_at(file) as database:
        await add_terminal(database)
        await database.write(lambda unit: unit.run(insert(positions), rows))
        found = await database.read(lambda unit: unit.all(select(positions.c.symbol, positions.c.quantity)))

    back = {int(row.symbol): row.quantity for row in found}
    assert [back[n] for n in range(len(wanted))] == wanted
    plain = sqlite3.connect(file)
    kinds = plain.execute("SELECT DISTINCT typeof(quantity) FROM positions").fetchall()
    plain.close()
    assert kinds == [("text",)]


def test_twin_a_float_column_would_not_bring_them_back() -> None:
    wanted = decimals(10_000)

    assert [Decimal(str(float(value))) for value in wanted] != wanted


def test_every_amount_is_a_text_column_on_sqlite() -> None:
    columns = [column for table in metadata.tables.values() for column in table.columns if isinstance(column.type, Amount)]
    kinds = {column.type.dialect_impl(sqlite.dialect()).compile(dialect=sqlite.dialect()) for column in columns}

    assert len(columns) > 30
    assert kinds == {"VARCHAR(64)"}


@pytest.mark.parametrize("text", ["NaN", "sNaN", "Infinity", "-Infinity"])
async def test_what_is_no_number_is_not_stored(tmp_path: Path, text: str) -> None:
    async with database_at(tmp_path / "desk.db") as database:
        await add_terminal(database)
        with pytest.raises((ValueError, StatementError), match="finite"):
            await database.write(lambda unit: terminals.set_position(unit, "t", "BTC/USDT", Decimal(text)))

        assert await database.read(lambda unit: terminals.positions_of(unit, "t")) == []


async def test_a_time_without_a_zone_is_not_stored(tmp_path: Path) -> None:
    async with database_at(tmp_path / "desk.db") as database:
        await add_terminal(database)
        with pytest.raises((ValueError, StatementError), match="aware"):
            await database.write(lambda unit: terminals.set_reconciled(unit, "t", NOW.replace(tzinfo=None)))
