"""What every venue adapter must do, as numbered cards.

An adapter's test file subclasses ``VenueConformance`` and gives it a ``bench`` fixture. The account starts flat with
10,000 USDT; prices are around 100 USDT per BTC, and a quote shows 5 BTC a side unless told otherwise.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Protocol

import pytest

from services.domain.errors import Unavailable, VenueRejected
from services.domain.orders import OrderSide, TimeInForce, VenueFill
from services.domain.ports import Venue
from services.domain.states import OrderState
from tests.venues.hands import BTC, exits, order

ACCOUNT = "terminal-1"


class Bench(Protocol):
    """A venue with a market that the test moves."""

    venue: Venue

    async def show(self, bid: str, ask: str, *, size: str = "5") -> None:
        """Show a new quote and let the venue match until nothing more happens."""

    async def silence(self) -> None:
        """Let so much time pass without a quote that the last one is stale."""

    def now(self) -> datetime:
        """Return the venue's time."""


async def filled(bench: Bench, since: int = 0) -> list[VenueFill]:
    return list(await bench.venue.fills_since(ACCOUNT, since))


async def held(bench: Bench) -> Decimal:
    return sum((each.quantity for each in await bench.venue.positions(ACCOUNT)), Decimal(0))


async def state_of(bench: Bench, client_id: str) -> OrderState:
    found = await bench.venue.find(ACCOUNT, BTC.symbol, client_id)
    assert found is not None
    return found.state


async def refusal(awaitable: object) -> str:
    with pytest.raises(VenueRejected) as caught:
        await awaitable  # type: ignore[misc]
    return caught.value.code


class VenueConformance:
    """The cards; run with a ``bench`` whose account is open."""

    async def test_va_01_market_buy_fills_at_the_ask_or_worse(self, bench: Bench) -> None:
        await bench.show("99.99", "100.00")

        accepted = await bench.venue.place(ACCOUNT, order("entry00", "buy", "1"))
        await bench.show("99.99", "100.00")

        fills = await filled(bench)
        assert accepted.state is OrderState.ACCEPTED
        assert accepted.client_id == "entry00"
        assert sum(fill.quantity for fill in fills) == 1
        assert all(fill.price >= Decimal("100.00") and fill.side is OrderSide.BUY for fill in fills)
        assert all(fill.fee > 0 and fill.fee_currency == "USDT" for fill in fills)
        assert await state_of(bench, "entry00") is OrderState.FILLED
        assert await held(bench) == 1

    async def test_va_02_market_sell_opens_a_short(self, bench: Bench) -> None:
        if not bench.venue.capabilities.short:
            pytest.skip("the venue takes no shorts")
        await bench.show("100.00", "100.01")

        await bench.venue.place(ACCOUNT, order("entry00", "sell", "1"))
        await bench.show("100.00", "100.01")

        assert await held(bench) == -1
        assert all(fill.price <= Decimal("100.00") for fill in await filled(bench))

    async def test_va_03_limit_rests_and_fills_at_its_price(self, bench: Bench) -> None:
        await bench.show("99.99", "100.00")
        await bench.venue.place(ACCOUNT, order("entry00", "buy", "1", price="99.50"))

        await bench.show("99.80", "99.81")
        resting = await bench.venue.open_orders(ACCOUNT)
        await bench.show("99.40", "99.45")

        assert [each.client_id for each in resting] == ["entry00"]
        assert [fill.price for fill in await filled(bench)] == [Decimal("99.50")]
        assert await bench.venue.open_orders(ACCOUNT) == []

    async def test_va_04_limit_never_fills_beyond_its_price(self, bench: Bench) -> None:
        await bench.show("99.99", "100.00", size="1")

        await bench.venue.place(ACCOUNT, order("entry00", "buy", "3", price="100.01"))
        await bench.show("99.99", "100.00", size="1")

        assert all(fill.price <= Decimal("100.01") for fill in await filled(bench))

    async def test_va_05_ioc_takes_what_is_there_and_the_rest_expires(self, bench: Bench) -> None:
        await bench.show("99.99", "100.00", size="1")

        await bench.venue.place(ACCOUNT, order("entry00", "buy", "3", price="100.00", time_in_force=TimeInForce.IOC))
        await bench.show("99.99", "100.00", size="1")

        found = await bench.venue.find(ACCOUNT, BTC.symbol, "entry00")
        assert found is not None
        assert (found.state, found.filled) == (OrderState.EXPIRED, 1)
        assert await held(bench) == 1

    async def test_va_06_partial_fills_add_up_to_the_order(self, bench: Bench) -> None:
        await bench.show("99.99", "100.00")
        await bench.venue.place(ACCOUNT, order("entry00", "buy", "5", price="99.00"))

        seen = []
        for _ in range(5):
            await bench.show("98.99", "99.00", size="1")
            seen.append(await state_of(bench, "entry00"))

        assert seen[0] is OrderState.PARTIAL
        assert seen[-1] is OrderState.FILLED
        assert sum(fill.quantity for fill in await filled(bench)) == 5

    async def test_va_07_a_client_id_is_taken_once_and_for_ever(self, bench: Bench) -> None:
        await bench.show("99.99", "100.00")
        await bench.venue.place(ACCOUNT, order("entry00", "buy", "1"))
        live = await refusal(bench.venue.place(ACCOUNT, order("entry00", "buy", "1")))
        await bench.show("99.99", "100.00")

        final = await refusal(bench.venue.place(ACCOUNT, order("entry00", "buy", "1")))
        await bench.show("99.99", "100.00")

        assert (live, final) == ("DUPLICATE_CLIENT_ID", "DUPLICATE_CLIENT_ID")
        assert await held(bench) == 1

    async def test_va_08_find_knows_every_state_and_nothing_else(self, bench: Bench) -> None:
        await bench.show("99.99", "100.00")
        await bench.venue.place(ACCOUNT, order("rest00", "buy", "1", price="90.00"))
        await bench.venue.place(ACCOUNT, order("gone00", "buy", "1", price="90.00"))
        await bench.venue.cancel(ACCOUNT, BTC.symbol, ["gone00"])
        await bench.venue.place(ACCOUNT, order("done00", "buy", "1"))
        await bench.show("99.99", "100.00")

        states = [await state_of(bench, client_id) for client_id in ("rest00", "gone00", "done00")]

        assert states == [OrderState.ACCEPTED, OrderState.CANCELED, OrderState.FILLED]
        assert await bench.venue.find(ACCOUNT, BTC.symbol, "never00") is None

    async def test_va_09_cancel_ends_live_orders_and_reports_final_ones(self, bench: Bench) -> None:
        await bench.show("99.99", "100.00")
        await bench.venue.place(ACCOUNT, order("done00", "buy", "1"))
        await bench.show("99.99", "100.00")
        await bench.venue.place(ACCOUNT, order("rest00", "buy", "1", price="90.00"))

        reported = await bench.venue.cancel(ACCOUNT, BTC.symbol, ["done00", "rest00", "never00"])
        await bench.show("89.00", "89.01")

        assert {each.client_id: each.state for each in reported} == {
            "done00": OrderState.FILLED,
            "rest00": OrderState.CANCELED,
        }
        assert await held(bench) == 1

    async def test_va_10_grid_and_size_are_refused_with_codes(self, bench: Bench) -> None:
        await bench.show("99.99", "100.00")

        codes = [
            await refusal(bench.venue.place(ACCOUNT, order("a00", "buy", "1", price="99.995"))),
            await refusal(bench.venue.place(ACCOUNT, order("b00", "buy", "0.0005"))),
            await refusal(bench.venue.place(ACCOUNT, order("c00", "buy", "1.0005"))),
            await refusal(bench.venue.place(ACCOUNT, order("d00", "buy", "0.01"))),
            await refusal(bench.venue.place(ACCOUNT, order("e00", "buy", "200"))),
            await refusal(bench.venue.place(ACCOUNT, order("f00", "buy", "1", symbol="NO/SUCH"))),
        ]

        assert codes == [
            "PRICE_FILTER",
            "LOT_SIZE",
            "LOT_SIZE",
            "MIN_NOTIONAL",
            "INSUFFICIENT_BALANCE",
            "UNKNOWN_SYMBOL",
        ]
        assert await bench.venue.open_orders(ACCOUNT) == []

    async def test_va_11_stale_market_takes_no_entry_and_gives_no_equity(self, bench: Bench) -> None:
        await bench.show("99.99", "100.00")
        await bench.venue.place(ACCOUNT, order("entry00", "buy", "1"))
        await bench.show("99.99", "100.00")
        await bench.silence()

        code = await refusal(bench.venue.place(ACCOUNT, order("entry10", "buy", "1")))

        assert code == "NO_QUOTE"
        with pytest.raises(Unavailable):
            await bench.venue.balance(ACCOUNT)

    async def test_va_12_stop_triggers_and_fills_where_the_market_is(self, bench: Bench) -> None:
        await self._open_long(bench, "2")
        await bench.venue.place_list(ACCOUNT, exits("list", "sell", ("2", "95.00"), ("1", "110.00")))
        await bench.show("95.01", "95.02")
        before = await held(bench)

        await bench.show("90.00", "90.01")

        assert before == 2
        assert await held(bench) == 0
        assert all(fill.price <= 90 for fill in await filled(bench) if fill.side is OrderSide.SELL)
        assert await state_of(bench, "list01") is OrderState.CANCELED
        assert await bench.venue.open_orders(ACCOUNT) == []

    async def test_va_13_target_is_taken_off_the_stop(self, bench: Bench) -> None:
        await self._open_long(bench, "2")
        await bench.venue.place_list(ACCOUNT, exits("list", "sell", ("2", "95.00"), ("1.5", "110.00")))

        await bench.show("110.00", "110.01")
        after_target = {each.client_id: each.quantity - each.filled for each in await bench.venue.open_orders(ACCOUNT)}
        await bench.show("94.00", "94.01")

        assert after_target == {"list00": Decimal("0.5")}
        assert await held(bench) == 0
        assert sum(fill.quantity for fill in await filled(bench) if fill.side is OrderSide.SELL) == 2

    async def test_va_14_targets_that_take_everything_end_the_stop(self, bench: Bench) -> None:
        await self._open_long(bench, "2")
        await bench.venue.place_list(ACCOUNT, exits("list", "sell", ("2", "95.00"), ("1", "110.00"), ("1", "120.00")))

        await bench.show("121.00", "121.01")

        assert await held(bench) == 0
        assert await bench.venue.open_orders(ACCOUNT) == []
        assert await state_of(bench, "list00") is OrderState.CANCELED

    async def test_va_15_replace_list_is_all_or_nothing(self, bench: Bench) -> None:
        await self._open_long(bench, "2")
        await bench.venue.place_list(ACCOUNT, exits("list", "sell", ("2", "95.00"), ("1", "110.00")))
        bad = exits("news", "sell", ("2", "97.00"), ("3", "110.00"))
        good = exits("next", "sell", ("2", "97.00"), ("1", "112.00"))

        code = await refusal(bench.venue.replace_list(ACCOUNT, ["list00", "list01"], bad))
        after_bad = {each.client_id for each in await bench.venue.open_orders(ACCOUNT)}
        await bench.venue.replace_list(ACCOUNT, ["list00", "list01"], good)
        after_good = {each.client_id for each in await bench.venue.open_orders(ACCOUNT)}

        assert code == "LIST_SHAPE"
        assert after_bad == {"list00", "list01"}
        assert after_good == {"next00", "next01"}
        assert await state_of(bench, "list00") is OrderState.CANCELED
        assert await bench.venue.find(ACCOUNT, BTC.symbol, "news00") is None

    async def test_va_16_replacing_what_has_ended_is_refused(self, bench: Bench) -> None:
        await self._open_long(bench, "2")
        await bench.venue.place_list(ACCOUNT, exits("list", "sell", ("2", "95.00"), ("1", "110.00")))
        await bench.show("110.00", "110.01")

        code = await refusal(bench.venue.replace_list(ACCOUNT, ["list00", "list01"], exits("next", "sell", ("2", "99.00"))))

        assert code == "ORDER_FINAL"
        assert [each.client_id for each in await bench.venue.open_orders(ACCOUNT)] == ["list00"]

    async def test_va_17_reduce_only_never_turns_a_position(self, bench: Bench) -> None:
        await self._open_long(bench, "1")
        await bench.venue.place_list(ACCOUNT, exits("list", "sell", ("1", "95.00")))

        await bench.venue.place(ACCOUNT, order("close00", "sell", "3", reduce_only=True))
        await bench.show("99.99", "100.00")
        code = await refusal(bench.venue.place(ACCOUNT, order("close10", "sell", "1", reduce_only=True)))

        assert await held(bench) == 0
        assert await bench.venue.open_orders(ACCOUNT) == []
        assert code == "REDUCE_ONLY"

    async def test_va_18_fills_have_a_sequence_and_an_id_of_their_own(self, bench: Bench) -> None:
        await self._open_long(bench, "1")
        await bench.venue.place(ACCOUNT, order("close00", "sell", "1", reduce_only=True))
        await bench.show("99.99", "100.00")

        fills = await filled(bench)
        later = await filled(bench, since=fills[0].sequence)

        assert [fill.sequence for fill in fills] == sorted({fill.sequence for fill in fills})
        assert len({fill.venue_fill_id for fill in fills}) == len(fills)
        assert later == fills[1:]
        assert await filled(bench, since=fills[-1].sequence) == []

    async def test_va_19_equity_follows_the_position_and_fees(self, bench: Bench) -> None:
        await bench.show("99.99", "100.01")
        start = (await bench.venue.balance(ACCOUNT)).equity
        await bench.venue.place(ACCOUNT, order("entry00", "buy", "1"))
        await bench.show("109.99", "110.01")
        fills = await filled(bench)

        balance = await bench.venue.balance(ACCOUNT)

        cost = sum((fill.price * fill.quantity + fill.fee for fill in fills), Decimal(0))
        assert start == 10_000
        assert balance.equity == start - cost + 110
        assert balance.free == balance.equity - 110
        assert balance.received_at == bench.now()

    async def test_va_20_opening_an_account_again_changes_nothing(self, bench: Bench) -> None:
        await self._open_long(bench, "1")

        await bench.venue.open_account(ACCOUNT, "USDT")

        assert await held(bench) == 1

    async def _open_long(self, bench: Bench, quantity: str) -> None:
        await bench.show("99.99", "100.00")
        await bench.venue.place(ACCOUNT, order("entry00", "buy", quantity))
        await bench.show("99.99", "100.00")
        assert await held(bench) == Decimal(quantity)
