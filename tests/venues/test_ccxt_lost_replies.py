"""Replies that get lost on the way: each instruction is one write, and a question by client id says what became of it."""

from __future__ import annotations

import asyncio
import itertools
from decimal import Decimal

from sandbox.exchange.order_counts import OrderCounts
from services.domain.errors import VenueDoubt
from services.domain.orders import OrderRequest, TimeInForce
from services.domain.states import OrderState
from tests.venues.conformance import ACCOUNT
from tests.venues.hands import BTC, exits, order
from tests.venues.sandbox_bench import Lost, SandboxBench, sandbox_bench

EACH = 500
RICH = {"USDT": Decimal(10_000_000), "BTC": Decimal(1_000)}


class Uncounted(OrderCounts):
    """Counts orders and refuses none: a thousand in a second are no real trader's."""

    def check(self, account: str, orders: int, now: int) -> None:
        """Let everything pass."""


def request(number: int) -> OrderRequest:
    """Write orders that fill, that fill in no part, and that rest."""
    name = f"instruct{number:08d}00"
    kind = number % 4
    if kind == 0:
        return order(name, "buy", "0.1")
    if kind == 1:
        return order(name, "sell", "0.1")
    if kind == 2:
        return order(name, "buy", "0.1", price="90.00", time_in_force=TimeInForce.IOC)
    return order(name, "buy", "0.1", price="100.00", time_in_force=TimeInForce.FOK)


async def send_and_look(bench: SandboxBench, numbers: range) -> list[OrderState]:
    """Send each order with its reply lost, then ask by its client id."""
    states = []
    for number in numbers:
        asked = request(number)
        try:
            await bench.venue.place(ACCOUNT, asked)
        except VenueDoubt:
            found = await bench.venue.find(ACCOUNT, BTC.symbol, asked.client_id)
            assert found is not None
            assert found.client_id == asked.client_id
            states.append(found.state)
    return states


async def test_a_thousand_lost_replies_are_a_thousand_writes_and_all_resolved() -> None:
    async with sandbox_bench(balances=RICH) as one, sandbox_bench(balances=RICH) as two:
        for bench in (one, two):
            bench.exchange.counts = Uncounted()
            bench.lose = itertools.cycle(Lost)
            await bench.show("99.99", "100.00", size="1000")
        halves = await asyncio.gather(send_and_look(one, range(EACH)), send_and_look(two, range(EACH, 2 * EACH)))

        asked = [request(number).client_id for number in range(2 * EACH)]
        written = [one.writes_of(name) + two.writes_of(name) for name in asked]
        at_the_exchange = [each.ticket.client_id for bench in (one, two) for each in bench.account.orders.values()]
        fills = await one.venue.fills_since(ACCOUNT, 0) + await two.venue.fills_since(ACCOUNT, 0)

    states = [state for half in halves for state in half]
    assert len(states) == 2 * EACH
    assert set(states) == {OrderState.FILLED, OrderState.EXPIRED}
    assert written == [1] * (2 * EACH)
    assert sorted(at_the_exchange) == sorted(asked)
    assert sum(fill.quantity for fill in fills) == Decimal("0.1") * states.count(OrderState.FILLED)


async def test_lost_replies_to_lists_and_cancels_are_found_out_leg_by_leg() -> None:
    async with sandbox_bench(balances=RICH) as bench:
        await bench.show("99.99", "100.00")
        bench.lose = itertools.cycle([Lost.RESET])
        for ask in (
            lambda: bench.venue.place_list(ACCOUNT, exits("list", "sell", ("1", "95.00"), ("1", "110.00"))),
            lambda: bench.venue.cancel(ACCOUNT, BTC.symbol, ["list00", "list01"]),
        ):
            try:
                await ask()
            except VenueDoubt:
                found = [await bench.venue.find(ACCOUNT, BTC.symbol, name) for name in ("list00", "list01")]
                states = {each.state for each in found if each is not None}
            else:
                raise AssertionError("the reply was to be lost")
            expected = OrderState.CANCELED if bench.writes_of("list00") == 2 else OrderState.ACCEPTED
            assert (len(found), states) == (2, {expected})

        assert [each.method for each in bench.exchange.writes.writes] == ["POST", "DELETE"]


async def test_an_order_that_never_arrived_is_none_only_when_it_cannot_arrive_any_more() -> None:
    async with sandbox_bench() as bench:
        await bench.show("99.99", "100.00")
        bench.account.hidden_orders = {1}
        bench.lose = itertools.cycle([Lost.RESET])
        said = []
        try:
            await bench.venue.place(ACCOUNT, order("entry00", "buy", "1"))
        except VenueDoubt as error:
            said.append(error.code)
        try:
            await bench.venue.find(ACCOUNT, BTC.symbol, "entry00")
        except VenueDoubt as error:
            said.append(error.code)
        bench.clock.forward(7)

        assert said == ["NO_ANSWER", "ON_ITS_WAY"]
        assert await bench.venue.find(ACCOUNT, BTC.symbol, "entry00") is None
