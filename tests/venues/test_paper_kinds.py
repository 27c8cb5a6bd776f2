"""Orders that take all or nothing, and orders that never take, at the paper venue; files of an earlier version."""

from __future__ import annotations

import sqlite3
from decimal import Decimal
from pathlib import Path

import pytest

from services.domain.errors import VenueRejected
from services.domain.orders import TimeInForce
from services.domain.states import OrderState
from tests.venues.conformance import ACCOUNT
from tests.venues.hands import BTC, order
from tests.venues.paper_bench import PaperBench, paper_bench


async def state_of(bench: PaperBench, client_id: str) -> tuple[OrderState, Decimal]:
    found = await bench.venue.find(ACCOUNT, BTC.symbol, client_id)
    assert found is not None
    return found.state, found.filled


@pytest.mark.parametrize(("wanted", "state"), [("5", OrderState.FILLED), ("6", OrderState.EXPIRED)])
async def test_fill_or_kill_takes_all_within_its_price_or_nothing(tmp_path: Path, wanted: str, state: OrderState) -> None:
    async with paper_bench(tmp_path / "paper.db") as bench:
        await bench.show("99.99", "100.00", size="5")

        await bench.venue.place(ACCOUNT, order("entry00", "buy", wanted, price="100.00", time_in_force=TimeInForce.FOK))
        await bench.show("99.99", "100.00", size="5")

        assert await state_of(bench, "entry00") == (state, Decimal(5) if state is OrderState.FILLED else Decimal(0))


@pytest.mark.parametrize(("side", "price"), [("buy", "100.00"), ("sell", "99.99")])
async def test_post_only_is_refused_where_it_would_take(tmp_path: Path, side: str, price: str) -> None:
    async with paper_bench(tmp_path / "paper.db") as bench:
        await bench.show("99.99", "100.00")

        with pytest.raises(VenueRejected) as caught:
            await bench.venue.place(ACCOUNT, order("entry00", side, "1", price=price, time_in_force=TimeInForce.POST))

        assert caught.value.code == "POST_ONLY"


async def test_post_only_that_the_price_met_on_its_way_expires(tmp_path: Path) -> None:
    async with paper_bench(tmp_path / "paper.db", latency_ms=100) as bench:
        await bench.show("99.99", "100.00")
        await bench.venue.place(ACCOUNT, order("entry00", "buy", "1", price="99.99", time_in_force=TimeInForce.POST))

        await bench.show("99.97", "99.98")

        assert await state_of(bench, "entry00") == (OrderState.EXPIRED, Decimal(0))


async def test_fills_tell_whether_they_rested_or_took(tmp_path: Path) -> None:
    async with paper_bench(tmp_path / "paper.db") as bench:
        await bench.show("99.99", "100.00")
        await bench.venue.place(ACCOUNT, order("entry00", "buy", "1", price="99.99", time_in_force=TimeInForce.POST))
        await bench.venue.place(ACCOUNT, order("entry01", "buy", "1", price="100.00", time_in_force=TimeInForce.IOC))
        await bench.show("99.99", "100.00")
        await bench.show("99.98", "99.99")

        fills = {fill.client_id: (fill.price, fill.maker) for fill in await bench.venue.fills_since(ACCOUNT, 0)}
        assert fills == {"entry00": (Decimal("99.99"), True), "entry01": (Decimal("100.00"), False)}


async def test_a_file_of_the_first_version_is_read_on(tmp_path: Path) -> None:
    path = tmp_path / "paper.db"
    async with paper_bench(path) as bench:
        await bench.show("99.99", "100.00")
        await bench.venue.place(ACCOUNT, order("entry00", "buy", "1"))
        await bench.show("99.99", "100.00")
    with sqlite3.connect(path) as earlier:
        earlier.execute("DROP TABLE silences")
        earlier.execute("ALTER TABLE fills DROP COLUMN maker")
        earlier.execute("UPDATE meta SET version = 1")
    earlier.close()

    async with paper_bench(path) as bench:
        fills = await bench.venue.fills_since(ACCOUNT, 0)

    assert [fill.maker for fill in fills] == [None]
