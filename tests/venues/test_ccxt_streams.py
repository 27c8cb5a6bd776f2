"""The account's stream: it hints, it comes back, and while it stands and is silent the account is asked less."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from decimal import Decimal

from sandbox.exchange.orders import Side
from tests.venues.conformance import ACCOUNT, filled, working
from tests.venues.hands import order
from tests.venues.sandbox_bench import SandboxBench, sandbox_bench
from tests.venues.test_ccxt_account import by_hand

DEADLINE_S = 40


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while not holds():
            await asyncio.sleep(0.01)


@asynccontextmanager
async def listening(balances: dict[str, Decimal] | None = None) -> AsyncIterator[SandboxBench]:
    """Open a venue whose stream is connected."""
    async with sandbox_bench(balances=balances, streams=True) as bench:
        await bench.show("99.99", "100.00")
        stream = asyncio.ensure_future(bench.venue.run_streams())
        try:
            await until(lambda: bool(bench.news))
            yield bench
        finally:
            stream.cancel()
            await asyncio.gather(stream, return_exceptions=True)


async def test_a_connection_is_followed_by_a_look_and_each_event_by_a_hint() -> None:
    async with listening() as bench:
        connected = len(bench.news)

        by_hand(bench, Side.BUY, "1")
        await until(lambda: len(bench.news) > connected)

        assert set(bench.news) == {ACCOUNT}
        assert [fill.client_id for fill in await filled(bench)] == ["web_by_hand"]


async def test_after_a_drop_it_connects_again_and_what_was_missed_is_asked_for() -> None:
    async with listening() as bench:
        assert await filled(bench) == []
        bench.clock.forward(20)
        before = len(bench.news)

        await bench.http.post("/market/disconnect")
        by_hand(bench, Side.BUY, "1")
        await until(lambda: len(bench.news) >= before + 2)

        assert [fill.client_id for fill in await filled(bench)] == ["web_by_hand"]


async def test_while_the_stream_is_silent_working_orders_are_asked_for_less_often() -> None:
    async with listening() as bench:
        heard = len(bench.news)
        await bench.venue.place(ACCOUNT, order("rest00", "buy", "1", price="90.00"))
        await until(lambda: len(bench.news) > heard)
        asked = bench.exchange.weights.used
        first = await working(bench)
        cost = bench.exchange.weights.used - asked
        again = [await working(bench) for _ in range(5)]
        quiet = bench.exchange.weights.used - asked - cost
        bench.clock.forward(5.5)
        later = await working(bench)

        assert first == later == ["rest00"]
        assert again == [["rest00"]] * 5
        assert (cost > 0, quiet) == (True, 0)
        assert bench.exchange.weights.used > asked + cost


async def test_a_write_makes_the_next_look_a_fresh_one() -> None:
    async with listening() as bench:
        before = await working(bench)

        await bench.venue.place(ACCOUNT, order("rest00", "buy", "1", price="90.00"))

        assert (before, await working(bench)) == ([], ["rest00"])


async def test_without_streams_by_settings_nothing_is_listened_to() -> None:
    async with sandbox_bench(streams=False) as bench:
        await bench.venue.run_streams()

        assert bench.news == []
