"""What every venue adapter must do, as numbered cards.

An adapter's test file subclasses ``VenueConformance`` and gives it a ``bench`` fixture. The account starts flat with
10,000 USDT; prices are around 100 USDT per BTC, and a quote shows 5 BTC a side unless told otherwise. Cards of what a venue
does not offer are skipped by its capabilities. Fees may be charged in base or quote.
"""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Protocol

import pytest

from services.domain.errors import Unavailable, VenueRejected
from services.domain.money import truncate_to
from services.domain.orders import OrderRequest, OrderSide, OrderType, TimeInForce, VenueFill
from services.domain.ports import Venue
from services.domain.states import LIVE_ORDER_STATES, OrderState
from services.domain.trades import position_change
from tests.venues.hands import BTC, exits, order

ACCOUNT = "terminal-1"


class Bench(Protocol):
    """A venue with a market that the test moves; ``own_market`` when it trades at quotes that the desk does not give it."""

    venue: Venue
    own_market: bool

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


async def working(bench: Bench) -> list[str | None]:
    return [each.client_id for each in await bench.venue.open_orders(ACCOUNT)]


async def state_of(bench: Bench, client_id: str) -> OrderState:
    found = await bench.venue.find(ACCOUNT, BTC.symbol, client_id)
    assert found is not None
    return found.state


async def refusal(awaitable: Awaitable[object]) -> str:
    with pytest.raises(VenueRejected) as caught:
        await awaitable
    return caught.value.code


def bought(fills: Sequence[VenueFill]) -> Decimal:
    return sum((position_change(fill, BTC) for fill in fills), Decimal(0))


def traded(fills: Sequence[VenueFill], side: OrderSide = OrderSide.BUY) -> Decimal:
    return sum((fill.quantity for fill in fills if fill.side is side), Decimal(0))


def need(offered: bool, what: str) -> None:
    if not offered:
        pytest.skip(f"the venue has no {what}")


async def open_long(bench: Bench, quantity: str) -> str:
    """Buy, and return what can be sold of it."""
    await bench.show("99.99", "100.00")
    await bench.venue.place(ACCOUNT, order("entry00", "buy", quantity))
    await bench.show("99.99", "100.00")
    assert traded(await filled(bench)) == Decimal(quantity)
    return str(truncate_to(await held(bench), BTC.step))


class VenueConformance:
    """The cards; run with a ``bench`` whose account is open."""

    async def test_va_01_market_buy_fills_at_the_ask_or_worse(self, bench: Bench) -> None:
        await bench.show("99.99", "100.00")

        accepted = await bench.venue.place(ACCOUNT, order("entry00", "buy", "1"))
        await bench.show("99.99", "100.00")

        fills = await filled(bench)
        assert accepted.state in (OrderState.ACCEPTED, OrderState.FILLED)
        assert (accepted.client_id, accepted.quantity, accepted.type) == ("entry00", 1, OrderType.MARKET)
        assert traded(fills) == 1
        assert all(fill.price >= Decimal("100.00") and fill.client_id == "entry00" for fill in fills)
        assert all(fill.fee > 0 and fill.fee_currency in ("BTC", "USDT") and fill.maker is not True for fill in fills)
        assert await state_of(bench, "entry00") is OrderState.FILLED
        assert await held(bench) == bought(fills)

    async def test_va_02_market_sell_opens_a_short(self, bench: Bench) -> None:
        need(bench.venue.capabilities.short, "shorts")
        await bench.show("100.00", "100.01")

        await bench.venue.place(ACCOUNT, order("entry00", "sell", "1"))
        await bench.show("100.00", "100.01")

        assert await held(bench) == -1
        assert all(fill.price <= Decimal("100.00") for fill in await filled(bench))

    async def test_va_03_limit_rests_and_fills_at_its_price(self, bench: Bench) -> None:
        await bench.show("99.99", "100.00")
        await bench.venue.place(ACCOUNT, order("entry00", "buy", "1", price="99.50"))

        await bench.show("99.80", "99.81")
        resting = await working(bench)
        await bench.show("99.40", "99.45")

        fills = await filled(bench)
        assert resting == ["entry00"]
        assert [(fill.price, fill.maker) for fill in fills] in ([(Decimal("99.50"), True)], [(Decimal("99.50"), None)])
        assert await working(bench) == []

    async def test_va_04_limit_never_fills_beyond_its_price(self, bench: Bench) -> None:
        await bench.show("99.99", "100.00", size="1")

        await bench.venue.place(ACCOUNT, order("entry00", "buy", "3", price="100.01"))
        await bench.show("99.99", "100.00", size="1")

        fills = await filled(bench)
        assert fills
        assert all(fill.price <= Decimal("100.01") for fill in fills)

    async def test_va_05_ioc_takes_what_is_there_and_the_rest_expires(self, bench: Bench) -> None:
        await bench.show("99.99", "100.00", size="1")

        await bench.venue.place(ACCOUNT, order("entry00", "buy", "3", price="100.00", time_in_force=TimeInForce.IOC))
        await bench.show("99.99", "100.00", size="1")

        found = await bench.venue.find(ACCOUNT, BTC.symbol, "entry00")
        assert found is not None
        assert (found.state, found.filled) == (OrderState.EXPIRED, 1)
        assert traded(await filled(bench)) == 1

    async def test_va_06_partial_fills_add_up_to_the_order(self, bench: Bench) -> None:
        await bench.show("99.99", "100.00")
        await bench.venue.place(ACCOUNT, order("entry00", "buy", "5", price="99.00"))

        seen = []
        for _ in range(5):
            await bench.show("98.99", "99.00", size="1")
            seen.append(await state_of(bench, "entry00"))

        assert seen[0] is OrderState.PARTIAL
        assert seen[-1] is OrderState.FILLED
        assert traded(await filled(bench)) == 5

    async def test_va_07_a_client_id_is_taken_once_and_for_ever(self, bench: Bench) -> None:
        await bench.show("99.99", "100.00")
        await bench.venue.place(ACCOUNT, order("entry00", "buy", "1"))
        live = await refusal(bench.venue.place(ACCOUNT, order("entry00", "buy", "1")))
        await bench.show("99.99", "100.00")

        final = await refusal(bench.venue.place(ACCOUNT, order("entry00", "buy", "1")))
        await bench.show("99.99", "100.00")

        assert (live, final) == ("DUPLICATE_CLIENT_ID", "DUPLICATE_CLIENT_ID")
        assert traded(await filled(bench)) == 1

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
        again = await bench.venue.cancel(ACCOUNT, BTC.symbol, ["rest00"])
        never = await bench.venue.cancel(ACCOUNT, BTC.symbol, ["never00"])
        await bench.show("89.00", "89.01")

        assert {each.client_id: each.state for each in reported} == {
            "done00": OrderState.FILLED,
            "rest00": OrderState.CANCELED,
        }
        assert [each.state for each in again] == [OrderState.CANCELED]
        assert list(never) == []
        assert traded(await filled(bench)) == 1

    async def test_va_10_minimums_funds_and_names_are_refused_with_codes(self, bench: Bench) -> None:
        await bench.show("99.99", "100.00")

        codes = [
            await refusal(bench.venue.place(ACCOUNT, order("b00", "buy", "0.0005"))),
            await refusal(bench.venue.place(ACCOUNT, order("d00", "buy", "0.01"))),
            await refusal(bench.venue.place(ACCOUNT, order("e00", "buy", "200", price="100.00"))),
            await refusal(bench.venue.place(ACCOUNT, order("f00", "buy", "1", symbol="NO/SUCH"))),
            await refusal(bench.venue.place(ACCOUNT, order("not-a-name", "buy", "1"))),
            await refusal(bench.venue.place(ACCOUNT, order("g00", "buy", "1", price="-1"))),
        ]

        limits = ["LOT_SIZE", "MIN_NOTIONAL", "INSUFFICIENT_BALANCE", "UNKNOWN_SYMBOL", "BAD_CLIENT_ID", "PRICE_FILTER"]
        assert codes == limits
        assert await working(bench) == []

    @pytest.mark.parametrize(
        ("asked", "price", "quantity"),
        [
            (order("a00", "buy", "1", price="89.995"), Decimal("89.99"), Decimal(1)),
            (order("a00", "buy", "1.0009", price="90.00"), Decimal("90.00"), Decimal(1)),
        ],
        ids=["price", "quantity"],
    )
    async def test_va_11_off_the_grid_is_refused_or_put_on_it_toward_less_exposure(
        self, bench: Bench, asked: OrderRequest, price: Decimal, quantity: Decimal
    ) -> None:
        await bench.show("99.99", "100.00")

        try:
            placed = await bench.venue.place(ACCOUNT, asked)
        except VenueRejected as error:
            assert error.code in ("PRICE_FILTER", "LOT_SIZE")
        else:
            assert (placed.price, placed.quantity) == (price, quantity)

    async def test_va_12_stale_quotes_give_no_equity(self, bench: Bench) -> None:
        await open_long(bench, "1")
        await bench.silence()

        with pytest.raises(Unavailable):
            await bench.venue.balance(ACCOUNT)

    async def test_va_13_stale_market_takes_no_entry(self, bench: Bench) -> None:
        need(not bench.own_market, "need of the desk's quotes")
        await bench.show("99.99", "100.00")
        await bench.silence()

        assert await refusal(bench.venue.place(ACCOUNT, order("entry10", "buy", "1"))) == "NO_QUOTE"

    async def test_va_14_lone_stop_triggers_and_fills_where_the_market_is(self, bench: Bench) -> None:
        need(OrderType.STOP in bench.venue.capabilities.order_types, "stops")
        quantity = await open_long(bench, "2")
        placed = await bench.venue.place(ACCOUNT, order("stop00", "sell", quantity, stop_price="95.00"))
        await bench.show("95.01", "95.02")
        before = await working(bench)

        await bench.show("90.00", "90.01")

        assert (placed.type, placed.stop_price, placed.price) == (OrderType.STOP, 95, None)
        assert before == ["stop00"]
        assert await held(bench) == 0
        assert all(fill.price <= 90 for fill in await filled(bench) if fill.side is OrderSide.SELL)
        assert await state_of(bench, "stop00") is OrderState.FILLED

    async def test_va_15_a_stop_in_a_list_ends_the_target(self, bench: Bench) -> None:
        need(bench.venue.capabilities.order_lists, "order lists")
        quantity = await open_long(bench, "2")
        placed = await bench.venue.place_list(ACCOUNT, exits("list", "sell", (quantity, "95.00"), (quantity, "110.00")))

        await bench.show("90.00", "90.01")

        assert [each.client_id for each in placed] == ["list00", "list01"]
        assert len({each.list_id for each in placed}) == 1
        assert placed[0].list_id is not None
        assert await held(bench) == 0
        assert await state_of(bench, "list00") is OrderState.FILLED
        assert await state_of(bench, "list01") in (OrderState.CANCELED, OrderState.EXPIRED)
        assert await working(bench) == []

    async def test_va_16_a_target_that_takes_everything_ends_the_stop(self, bench: Bench) -> None:
        need(bench.venue.capabilities.order_lists, "order lists")
        quantity = await open_long(bench, "2")
        await bench.venue.place_list(ACCOUNT, exits("list", "sell", (quantity, "95.00"), (quantity, "110.00")))

        await bench.show("110.00", "110.01")

        assert await held(bench) == 0
        assert {fill.price for fill in await filled(bench) if fill.side is OrderSide.SELL} == {Decimal("110.00")}
        assert await state_of(bench, "list01") is OrderState.FILLED
        assert await state_of(bench, "list00") not in LIVE_ORDER_STATES
        assert await working(bench) == []

    async def test_va_17_a_list_is_taken_away_with_one_cancel(self, bench: Bench) -> None:
        need(bench.venue.capabilities.order_lists, "order lists")
        quantity = await open_long(bench, "1")
        await bench.venue.place_list(ACCOUNT, exits("list", "sell", (quantity, "95.00"), (quantity, "110.00")))

        reported = await bench.venue.cancel(ACCOUNT, BTC.symbol, ["list00", "list01"])
        await bench.show("90.00", "90.01")

        assert {each.client_id: each.state for each in reported} == dict.fromkeys(["list00", "list01"], OrderState.CANCELED)
        assert await working(bench) == []
        assert str(truncate_to(await held(bench), BTC.step)) == quantity

    async def test_va_18_a_list_of_another_shape_is_refused(self, bench: Bench) -> None:
        need(bench.venue.capabilities.order_lists, "order lists")
        quantity = await open_long(bench, "1")
        more = str(Decimal(quantity) + 1)

        codes = [
            await refusal(bench.venue.place_list(ACCOUNT, exits("more", "sell", (quantity, "95.00"), (more, "110.00")))),
            await refusal(bench.venue.place_list(ACCOUNT, exits("turn", "sell", (quantity, "95.00"), (quantity, "94.00")))),
        ]

        assert codes == ["LIST_SHAPE", "LIST_SHAPE"]
        assert await working(bench) == []

    async def test_va_19_fills_are_told_in_order_and_have_ids_of_their_own(self, bench: Bench) -> None:
        quantity = await open_long(bench, "1")
        await bench.venue.place(ACCOUNT, order("close00", "sell", quantity, reduce_only=True))
        await bench.show("99.99", "100.00")

        fills = await filled(bench)
        later = await filled(bench, since=fills[0].sequence)

        assert [fill.sequence for fill in fills] == sorted(fill.sequence for fill in fills)
        assert len({fill.venue_fill_id for fill in fills}) == len(fills)
        assert later == [fill for fill in fills if fill.sequence > fills[0].sequence]
        assert later
        assert await filled(bench, since=fills[-1].sequence) == []

    async def test_va_20_equity_follows_the_position_and_fees(self, bench: Bench) -> None:
        await bench.show("99.99", "100.00")
        start = (await bench.venue.balance(ACCOUNT)).equity
        await bench.venue.place(ACCOUNT, order("entry00", "buy", "1"))
        await bench.show("109.99", "110.01")
        fills = await filled(bench)

        balance = await bench.venue.balance(ACCOUNT)

        in_quote = sum((fill.fee for fill in fills if fill.fee_currency == "USDT"), Decimal(0))
        cash = start - sum((fill.price * fill.quantity for fill in fills), Decimal(0)) - in_quote
        assert start == 10_000
        assert balance.equity == cash + 110 * bought(fills)
        assert balance.free == balance.equity - 110 * bought(fills)
        assert balance.received_at == bench.now()

    async def test_va_21_opening_an_account_again_changes_nothing(self, bench: Bench) -> None:
        quantity = await open_long(bench, "1")

        await bench.venue.open_account(ACCOUNT, "USDT")

        assert str(truncate_to(await held(bench), BTC.step)) == quantity
