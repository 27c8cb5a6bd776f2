"""What was acknowledged survives a kill; what was not is there whole or not at all."""

from __future__ import annotations

import asyncio
import sqlite3
import subprocess
import sys
import threading
from decimal import Decimal
from pathlib import Path

import pytest

from services.domain import crashpoints
from services.domain.errors import Misconfigured, Unavailable, VenueRejected
from services.domain.states import OrderState
from tests.venues.conformance import ACCOUNT
from tests.venues.hands import BTC, HandClock, exits, order
from tests.venues.paper_bench import PaperBench, paper_bench
from tests.venues.paper_child import STEPS

CHILD = Path(__file__).with_name("paper_child.py")


def kill_in(path: Path, point: str, step: str) -> list[str]:
    """Run the child until it dies in the step; return the steps that it had acknowledged."""
    done = subprocess.run(
        [sys.executable, str(CHILD), str(path), point, "1", step], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 9, done.stderr
    return [line for line in done.stdout.splitlines() if line in STEPS]


async def seen(bench: PaperBench) -> dict[str, OrderState]:
    found = {}
    for client_id in ("entry00", "list00", "list01", "next00", "next01"):
        each = await bench.venue.find(ACCOUNT, BTC.symbol, client_id)
        if each is not None:
            found[client_id] = each.state
    return found


A, F, C = OrderState.ACCEPTED, OrderState.FILLED, OrderState.CANCELED
AFTER = {
    "place": {"entry00": A},
    "fill": {"entry00": F},
    "list": {"entry00": F, "list00": A, "list01": A},
    "replace": {"entry00": F, "list00": C, "list01": C, "next00": A, "next01": A},
    "cancel": {"entry00": F, "list00": C, "list01": C, "next00": C, "next01": C},
}


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("point", ["paper.commit.before", "paper.commit.after"])
async def test_kill_at_a_commit_leaves_the_step_whole_or_undone(tmp_path: Path, point: str, step: str) -> None:
    path = tmp_path / "paper.db"
    before = STEPS[STEPS.index(step) - 1] if step != STEPS[0] else None
    expected = AFTER[step] if point.endswith("after") else AFTER[before] if before else {}

    acknowledged = await asyncio.to_thread(kill_in, path, point, step)

    async with paper_bench(path) as bench:
        fills = await bench.venue.fills_since(ACCOUNT, 0)
        assert acknowledged == list(STEPS[: STEPS.index(step)])
        assert await seen(bench) == expected
        assert sum(fill.quantity for fill in fills) == (2 if expected.get("entry00") is F else 0)
        assert sum(each.quantity for each in await bench.venue.positions(ACCOUNT)) == sum(f.quantity for f in fills)


async def test_resting_orders_work_on_after_a_restart(tmp_path: Path) -> None:
    clock = HandClock()
    async with paper_bench(tmp_path / "paper.db", clock) as bench:
        await bench.show("99.99", "100.00")
        await bench.venue.place(ACCOUNT, order("entry00", "buy", "1"))
        await bench.show("99.99", "100.00")
        await bench.venue.place_list(ACCOUNT, exits("list", "sell", ("1", "95.00"), ("0.4", "110.00")))
        await bench.show("110.00", "110.01")
        cash = (await bench.venue.balance(ACCOUNT)).equity

    async with paper_bench(tmp_path / "paper.db", clock) as bench:
        await bench.show("110.00", "110.01")
        after = (await bench.venue.balance(ACCOUNT)).equity
        await bench.show("94.00", "94.01")
        fills = await bench.venue.fills_since(ACCOUNT, 0)

        assert after == cash
        assert [fill.quantity for fill in fills] == [1, Decimal("0.4"), Decimal("0.6")]
        assert [fill.sequence for fill in fills] == [1, 2, 3]
        assert await bench.venue.positions(ACCOUNT) == []


async def test_market_order_that_a_kill_interrupted_expires_at_the_next_start(tmp_path: Path) -> None:
    clock = HandClock()
    async with paper_bench(tmp_path / "paper.db", clock) as bench:
        await bench.show("99.99", "100.00")
        await bench.venue.place(ACCOUNT, order("entry00", "buy", "1"))

    async with paper_bench(tmp_path / "paper.db", clock) as bench:
        clock.move(60)
        await bench.venue.settle()

        assert await seen(bench) == {"entry00": OrderState.EXPIRED}


async def test_final_client_id_is_remembered_over_a_restart(tmp_path: Path) -> None:
    clock = HandClock()
    async with paper_bench(tmp_path / "paper.db", clock) as bench:
        await bench.show("99.99", "100.00")
        await bench.venue.place(ACCOUNT, order("entry00", "buy", "1"))
        await bench.show("99.99", "100.00")

    async with paper_bench(tmp_path / "paper.db", clock) as bench:
        await bench.show("99.99", "100.00")
        with pytest.raises(VenueRejected) as caught:
            await bench.venue.place(ACCOUNT, order("entry00", "buy", "1"))

        assert caught.value.code == "DUPLICATE_CLIENT_ID"


async def test_caller_that_stops_waiting_does_not_tear_a_write(tmp_path: Path) -> None:
    async with paper_bench(tmp_path / "paper.db") as bench:
        await bench.show("99.99", "100.00")
        for step in range(12):
            write = asyncio.create_task(bench.venue.place(ACCOUNT, order(f"rest{step:02d}", "buy", "1", price="9.00")))
            for _ in range(step):
                await asyncio.sleep(0)
            write.cancel()
            await asyncio.gather(write, return_exceptions=True)

        working = {each.client_id for each in await bench.venue.open_orders(ACCOUNT)}
        found = [await bench.venue.find(ACCOUNT, BTC.symbol, f"rest{step:02d}") for step in range(12)]

        assert working == {each.client_id for each in found if each is not None}
        assert len(working) >= 10


async def test_two_processes_on_one_store_see_each_other(tmp_path: Path) -> None:
    clock = HandClock()
    async with (
        paper_bench(tmp_path / "paper.db", clock) as desk,
        paper_bench(tmp_path / "paper.db", clock) as shell,
    ):
        await desk.show("99.99", "100.00")
        await desk.venue.place(ACCOUNT, order("rest00", "buy", "1", price="95.00"))
        await desk.venue.place(ACCOUNT, order("rest01", "buy", "1", price="95.00"))

        canceled = await shell.venue.cancel(ACCOUNT, BTC.symbol, ["rest00"])
        await desk.show("94.00", "94.01")

        assert [each.state for each in canceled] == [OrderState.CANCELED]
        assert [fill.client_id for fill in await desk.venue.fills_since(ACCOUNT, 0)] == ["rest01"]
        assert [each.quantity for each in await shell.venue.positions(ACCOUNT)] == [1]


async def test_writer_that_was_overtaken_decides_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = HandClock()
    async with (
        paper_bench(tmp_path / "paper.db", clock) as desk,
        paper_bench(tmp_path / "paper.db", clock) as shell,
    ):
        await desk.show("99.99", "100.00")
        await desk.venue.place(ACCOUNT, order("rest00", "buy", "1", price="95.00"))
        lookup = shell.venue._store.orders  # the last thing a writer reads before it commits

        loop = asyncio.get_running_loop()

        def overtaken(account: str, client_ids: list[str]) -> object:
            monkeypatch.undo()
            known = lookup(account, client_ids)
            asyncio.run_coroutine_threadsafe(desk.show("94.00", "94.01"), loop).result(40)
            return known

        monkeypatch.setattr(shell.venue._store, "orders", overtaken)
        reported = await shell.venue.cancel(ACCOUNT, BTC.symbol, ["rest00"])

        assert [(each.state, each.filled) for each in reported] == [(OrderState.FILLED, 1)]
        assert [each.quantity for each in await shell.venue.positions(ACCOUNT)] == [1]


async def test_writers_at_once_wait_for_each_other(tmp_path: Path) -> None:
    clock = HandClock()
    async with (
        paper_bench(tmp_path / "paper.db", clock) as desk,
        paper_bench(tmp_path / "paper.db", clock) as shell,
    ):
        await desk.show("99.99", "100.00")
        shell.board.quotes = desk.board.quotes
        requests = [order(f"rest{index:02d}", "buy", "1", price="50.00") for index in range(40)]

        placed = await asyncio.gather(
            *(bench.venue.place(ACCOUNT, each) for bench, each in zip([desk, shell] * 20, requests, strict=True))
        )

        assert len({each.venue_id for each in placed}) == 40
        assert len(await desk.venue.open_orders(ACCOUNT)) == 40


async def test_store_of_a_later_program_is_refused(tmp_path: Path) -> None:
    async with paper_bench(tmp_path / "paper.db"):
        pass
    with sqlite3.connect(tmp_path / "paper.db") as later:
        later.execute("UPDATE meta SET version = version + 1")
    later.close()

    with pytest.raises(Misconfigured) as caught:
        await PaperBench(tmp_path / "paper.db").venue.open()

    assert caught.value.code == "PAPER_STORE_VERSION"


@pytest.mark.parametrize("kind", ["a folder", "no database"])
async def test_store_that_cannot_be_opened_is_unavailable(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "paper.db"
    if kind == "a folder":
        path.mkdir()
    else:
        path.write_text("not a database, and long enough to be looked at as one" * 40)

    before = set(threading.enumerate())

    with pytest.raises(Unavailable):
        await PaperBench(path).venue.open()

    assert set(threading.enumerate()) <= before


async def test_store_is_in_wal_mode_and_synced_in_full(tmp_path: Path) -> None:
    async with paper_bench(tmp_path / "paper.db") as bench:
        pragmas = [bench.venue._store._rows(f"PRAGMA {name}")[0][0] for name in ("journal_mode", "synchronous", "foreign_keys")]

        assert pragmas == ["wal", 2, 1]


async def test_amounts_are_stored_as_exact_text(tmp_path: Path) -> None:
    async with paper_bench(tmp_path / "paper.db", taker_bps=Decimal("7.5")) as bench:
        await bench.show("99.99", "100.01")
        await bench.venue.place(ACCOUNT, order("entry00", "buy", "0.123"))
        await bench.show("99.99", "100.01")

    with sqlite3.connect(tmp_path / "paper.db") as file:
        row = file.execute("SELECT quantity, price, fee, typeof(fee) FROM fills").fetchone()
        cash = file.execute("SELECT cash FROM accounts").fetchone()[0]
    file.close()
    assert row == ("0.123", "100.01", "0.00922593", "text")
    assert cash == "9999.99077407"


def test_crash_points_stand_on_both_sides_of_the_commit(tmp_path: Path) -> None:
    reached: list[str] = []

    async def work() -> None:
        async with paper_bench(tmp_path / "paper.db"):
            pass

    crashpoints.install(reached.append)
    try:
        asyncio.run(work())
    finally:
        crashpoints.install(None)

    assert reached[:2] == ["paper.commit.before", "paper.commit.after"]
