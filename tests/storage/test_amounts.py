"""Amounts and times are exact: the same decimals and microseconds back, and nothing that is not a number or has no zone."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import insert, select, text
from sqlalchemy.dialects import sqlite
from sqlalchemy.exc import StatementError

from services.domain.money import canonical
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


async def test_ten_thousand_decimals_come_back_exactly(place: str) -> None:
    wanted = decimals(10_000)
    rows = [{"terminal_id": "t", "symbol": str(n), "quantity": value, "updated_at": NOW} for n, value in enumerate(wanted)]
    kind = "typeof" if place.startswith("sqlite") else "pg_typeof"
    kinds_used = text(f"SELECT DISTINCT CAST({kind}(quantity) AS text) FROM positions")
    async with database_at(place) as database:
        await add_terminal(database)
        await database.write(lambda unit: unit.run(insert(positions), rows))
        found = await database.read(lambda unit: unit.all(select(positions.c.symbol, positions.c.quantity)))
        kinds = await database.read(lambda unit: unit.all(kinds_used))

    back = {int(row.symbol): row.quantity for row in found}
    assert [canonical(back[n]) for n in range(len(wanted))] == [canonical(each) for each in wanted]
    assert [tuple(row) for row in kinds] == [("text",) if place.startswith("sqlite") else ("numeric",)]


async def test_ten_thousand_times_come_back_to_the_microsecond_and_in_utc(place: str) -> None:
    chance = random.Random(2026)
    zones = [UTC, timezone(timedelta(hours=5, minutes=45)), timezone(timedelta(hours=-11)), ZoneInfo("Europe/Berlin")]
    edges = [
        datetime(1, 1, 2, tzinfo=UTC),
        datetime(1969, 12, 31, 23, 59, 59, 999_999, UTC),
        datetime(9999, 12, 30, tzinfo=UTC),
    ]
    drawn = [NOW + timedelta(microseconds=chance.randrange(-(10**15), 10**15)) for _ in range(10_000 - len(edges))]
    wanted = edges + [each.astimezone(chance.choice(zones)) for each in drawn]
    rows = [{"terminal_id": "t", "symbol": str(n), "quantity": Decimal(1), "updated_at": at} for n, at in enumerate(wanted)]
    async with database_at(place) as database:
        await add_terminal(database)
        await database.write(lambda unit: unit.run(insert(positions), rows))
        found = await database.read(lambda unit: unit.all(select(positions.c.symbol, positions.c.updated_at)))

    back = {int(row.symbol): row.updated_at for row in found}
    assert [back[n] for n in range(len(wanted))] == wanted
    assert {each.tzinfo for each in back.values()} == {UTC}


async def test_more_places_than_any_exchange_has_are_kept(place: str) -> None:
    """A share of a share may have them; text keeps them, and so does NUMERIC as long as it is given no scale."""
    small = Decimal("0.1234567890123456789012345678")
    async with database_at(place) as database:
        await add_terminal(database)
        await database.write(lambda unit: terminals.set_position(unit, "t", "BTC/USDT", small))
        (kept,) = await database.read(lambda unit: terminals.positions_of(unit, "t"))

    assert kept.quantity == small


def test_twin_a_float_column_would_not_bring_them_back() -> None:
    wanted = decimals(10_000)

    assert [Decimal(str(float(value))) for value in wanted] != wanted


def test_every_amount_is_a_text_column_on_sqlite() -> None:
    columns = [column for table in metadata.tables.values() for column in table.columns if isinstance(column.type, Amount)]
    kinds = {column.type.dialect_impl(sqlite.dialect()).compile(dialect=sqlite.dialect()) for column in columns}

    assert len(columns) > 30
    assert kinds == {"VARCHAR(64)"}


@pytest.mark.parametrize("words", ["NaN", "sNaN", "Infinity", "-Infinity"])
async def test_what_is_no_number_is_not_stored(place: str, words: str) -> None:
    async with database_at(place) as database:
        await add_terminal(database)
        with pytest.raises((StatementError, ValueError), match="finite"):
            await database.write(lambda unit: terminals.set_position(unit, "t", "BTC/USDT", Decimal(words)))

        assert await database.read(lambda unit: terminals.positions_of(unit, "t")) == []


async def test_a_time_without_a_zone_is_not_stored(place: str) -> None:
    async with database_at(place) as database:
        await add_terminal(database)
        with pytest.raises((StatementError, ValueError), match="aware"):
            await database.write(lambda unit: terminals.set_reconciled(unit, "t", NOW.replace(tzinfo=None)))
