"""The paper venue working in the background: woken by quotes and by its latency, never by a timer of its own."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from services.domain.errors import VenueDoubt
from services.domain.states import OrderState
from services.venues.paper.store import Store
from tests.venues.conformance import ACCOUNT
from tests.venues.hands import BTC, order
from tests.venues.paper_bench import PaperBench, paper_bench


@asynccontextmanager
async def running(path: Path) -> AsyncIterator[PaperBench]:
    async with paper_bench(path) as bench:
        loop = asyncio.create_task(bench.venue.run())
        yield bench
        loop.cancel()
        await asyncio.gather(loop, return_exceptions=True)


async def until(condition: Callable[[], bool]) -> None:
    for _ in range(200_000):
        if condition():
            return
        await asyncio.sleep(0)
    raise AssertionError("the venue never got there")


async def test_order_executes_once_its_latency_is_over(tmp_path: Path) -> None:
    async with running(tmp_path / "paper.db") as bench:
        bench.venue.offer(bench.post("99.99", "100.00"))
        await bench.venue.place(ACCOUNT, order("entry00", "buy", "1"))
        await until(lambda: bench.clock.next_wake is not None)
        wake = bench.clock.next_wake
        before = await bench.venue.fills_since(ACCOUNT, 0)

        bench.clock.move(0.12)
        await until(lambda: bench.changes == 1)

        assert wake == pytest.approx(0.12)
        assert before == []
        assert len(await bench.venue.fills_since(ACCOUNT, 0)) == 1


async def test_resting_orders_need_no_timer(tmp_path: Path) -> None:
    async with running(tmp_path / "paper.db") as bench:
        bench.venue.offer(bench.post("99.99", "100.00"))
        await bench.venue.place(ACCOUNT, order("rest00", "buy", "1", price="95.00"))
        await until(lambda: bench.clock.next_wake is not None)
        bench.clock.move(0.12)
        await until(lambda: bench.clock.next_wake is None)
        slept = len(bench.clock.slept)

        bench.clock.move(1)
        bench.venue.offer(bench.post("94.00", "94.01"))
        await until(lambda: bench.changes == 1)

        assert len(bench.clock.slept) == slept
        assert (await bench.venue.fills_since(ACCOUNT, 0))[0].client_id == "rest00"


async def test_loop_survives_a_store_that_does_not_write_and_fills_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(tmp_path / "paper.db") as bench:
        bench.venue.offer(bench.post("99.99", "100.00"))
        await bench.venue.place(ACCOUNT, order("rest00", "buy", "1", price="95.00"))
        failures = fail_commits(monkeypatch)
        bench.clock.move(1)
        bench.venue.offer(bench.post("94.00", "94.01"))
        await until(lambda: len(failures) == 1)
        with pytest.raises(VenueDoubt):
            await bench.venue.place(ACCOUNT, order("more00", "buy", "1"))
        monkeypatch.undo()
        bench.clock.move(1)

        bench.venue.offer(bench.post("94.00", "94.01"))
        await until(lambda: bench.changes == 1)

        found = await bench.venue.find(ACCOUNT, BTC.symbol, "rest00")
        assert found is not None
        assert found.state is OrderState.FILLED
        assert await bench.venue.find(ACCOUNT, BTC.symbol, "more00") is None


def fail_commits(monkeypatch: pytest.MonkeyPatch) -> list[None]:
    """Make every write of the store fail as on a full disk, and count them."""
    failures: list[None] = []

    def write(_store: Store, _draft: object) -> None:
        failures.append(None)
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(Store, "write", write)
    return failures
