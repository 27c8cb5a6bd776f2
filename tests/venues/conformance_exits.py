"""More cards of every venue: orders that must not rest or must not take, exits of several targets, reduce-only, dust."""

from __future__ import annotations

from decimal import Decimal

from services.domain.errors import VenueRejected
from services.domain.money import truncate_to
from services.domain.orders import OrderSide, TimeInForce
from services.domain.states import LIVE_ORDER_STATES, OrderState
from tests.venues.conformance import (
    ACCOUNT,
    Bench,
    VenueConformance,
    filled,
    held,
    need,
    open_long,
    refusal,
    state_of,
    traded,
    working,
)
from tests.venues.hands import BTC, exits, order


def need_ladder(bench: Bench) -> None:
    offered = bench.venue.capabilities
    need(offered.order_lists and offered.list_size > 2, "lists of several targets under one stop")


def need_pairs(bench: Bench) -> None:
    offered = bench.venue.capabilities
    need(offered.order_lists and offered.list_size == 2 and offered.exits_lock, "lists of two that hold the position")


class FullVenueConformance(VenueConformance):
    """All cards."""

    async def test_va_22_fok_takes_everything_or_nothing(self, bench: Bench) -> None:
        need(TimeInForce.FOK in bench.venue.capabilities.times_in_force, "fill-or-kill")
        await bench.show("99.99", "100.00", size="1")
        await bench.venue.place(ACCOUNT, order("all00", "buy", "3", price="100.00", time_in_force=TimeInForce.FOK))
        await bench.show("99.99", "100.00", size="4")
        nothing = traded(await filled(bench)), await state_of(bench, "all00")

        await bench.venue.place(ACCOUNT, order("all10", "buy", "3", price="100.00", time_in_force=TimeInForce.FOK))
        await bench.show("99.99", "100.00", size="4")

        # A venue that matches at the next quote may have taken the first order too; in part it never is.
        assert nothing in [(0, OrderState.EXPIRED), (3, OrderState.FILLED)]
        assert await state_of(bench, "all10") is OrderState.FILLED
        assert traded(await filled(bench)) in (3, 6)

    async def test_va_23_post_only_rests_or_is_refused(self, bench: Bench) -> None:
        need(TimeInForce.POST in bench.venue.capabilities.times_in_force, "post-only")
        await bench.show("99.99", "100.00")

        resting = await bench.venue.place(ACCOUNT, order("post00", "buy", "1", price="99.00", time_in_force=TimeInForce.POST))
        code = await refusal(
            bench.venue.place(ACCOUNT, order("post10", "buy", "1", price="100.50", time_in_force=TimeInForce.POST))
        )

        assert resting.state is OrderState.ACCEPTED
        assert code == "POST_ONLY"
        assert await working(bench) == ["post00"]
        assert await filled(bench) == []

    async def test_va_24_a_cancel_after_a_part_keeps_the_part(self, bench: Bench) -> None:
        await bench.show("99.99", "100.00")
        await bench.venue.place(ACCOUNT, order("entry00", "buy", "3", price="99.00"))
        await bench.show("98.99", "99.00", size="1")

        reported = await bench.venue.cancel(ACCOUNT, BTC.symbol, ["entry00"])
        await bench.show("98.99", "99.00", size="5")

        part = traded(await filled(bench))
        assert 0 < part < 3
        assert [(each.state, each.filled) for each in reported] == [(OrderState.CANCELED, part)]
        assert await state_of(bench, "entry00") is OrderState.CANCELED

    async def test_va_25_a_stop_on_the_wrong_side_never_rests(self, bench: Bench) -> None:
        quantity = await open_long(bench, "1")

        try:
            await bench.venue.place(ACCOUNT, order("stop00", "sell", quantity, stop_price="105.00"))
        except VenueRejected as error:
            assert error.code == "WOULD_TRIGGER"
        else:
            await bench.show("99.99", "100.00")
            assert await held(bench) == 0
        assert await working(bench) == []

    async def test_va_26_what_is_under_the_step_stays_and_cannot_be_sold(self, bench: Bench) -> None:
        quantity = await open_long(bench, "1.011")

        await bench.venue.place(ACCOUNT, order("close00", "sell", quantity, reduce_only=True))
        await bench.show("99.99", "100.00")

        left = await held(bench)
        assert 0 <= left < BTC.step
        code = await refusal(bench.venue.place(ACCOUNT, order("close10", "sell", "0.0009", reduce_only=True)))
        assert code == "LOT_SIZE"

    async def test_va_27_a_partly_filled_target_leaves_only_its_rest_at_work(self, bench: Bench) -> None:
        need(bench.venue.capabilities.order_lists, "order lists")
        quantity = await open_long(bench, "2")
        await bench.venue.place_list(ACCOUNT, exits("list", "sell", (quantity, "95.00"), (quantity, "110.00")))

        await bench.show("110.00", "110.01", size="0.5")

        sold = traded(await filled(bench), OrderSide.SELL)
        left = {each.client_id: each.quantity - each.filled for each in await bench.venue.open_orders(ACCOUNT)}
        assert 0 < sold < Decimal(quantity)
        assert left["list01"] == Decimal(quantity) - sold
        assert left.get("list00", left["list01"]) == left["list01"]

        await bench.venue.cancel(ACCOUNT, BTC.symbol, ["list00", "list01"])

        assert await working(bench) == []

    async def test_va_28_target_is_taken_off_the_stop(self, bench: Bench) -> None:
        need_ladder(bench)
        await open_long(bench, "2")
        await bench.venue.place_list(ACCOUNT, exits("list", "sell", ("2", "95.00"), ("1.5", "110.00")))

        await bench.show("110.00", "110.01")
        after_target = {each.client_id: each.quantity - each.filled for each in await bench.venue.open_orders(ACCOUNT)}
        await bench.show("94.00", "94.01")

        assert after_target == {"list00": Decimal("0.5")}
        assert await held(bench) == 0
        assert traded(await filled(bench), OrderSide.SELL) == 2

    async def test_va_29_targets_that_take_everything_end_the_stop(self, bench: Bench) -> None:
        need_ladder(bench)
        await open_long(bench, "2")
        await bench.venue.place_list(ACCOUNT, exits("list", "sell", ("2", "95.00"), ("1", "110.00"), ("1", "120.00")))

        await bench.show("121.00", "121.01")

        assert await held(bench) == 0
        assert await working(bench) == []
        assert await state_of(bench, "list00") is OrderState.CANCELED

    async def test_va_30_replace_list_is_all_or_nothing(self, bench: Bench) -> None:
        need(bench.venue.capabilities.replace_lists, "exchange of lists")
        await open_long(bench, "2")
        await bench.venue.place_list(ACCOUNT, exits("list", "sell", ("2", "95.00"), ("1", "110.00")))
        bad = exits("news", "sell", ("2", "97.00"), ("3", "110.00"))
        good = exits("next", "sell", ("2", "97.00"), ("1", "112.00"))

        code = await refusal(bench.venue.replace_list(ACCOUNT, ["list00", "list01"], bad))
        after_bad = set(await working(bench))
        await bench.venue.replace_list(ACCOUNT, ["list00", "list01"], good)
        after_good = set(await working(bench))

        assert code == "LIST_SHAPE"
        assert after_bad == {"list00", "list01"}
        assert after_good == {"next00", "next01"}
        assert await state_of(bench, "list00") is OrderState.CANCELED
        assert await bench.venue.find(ACCOUNT, BTC.symbol, "news00") is None

    async def test_va_31_replacing_what_has_ended_is_refused(self, bench: Bench) -> None:
        need(bench.venue.capabilities.replace_lists, "exchange of lists")
        await open_long(bench, "2")
        await bench.venue.place_list(ACCOUNT, exits("list", "sell", ("2", "95.00"), ("1", "110.00")))
        await bench.show("110.00", "110.01")

        code = await refusal(bench.venue.replace_list(ACCOUNT, ["list00", "list01"], exits("next", "sell", ("2", "99.00"))))

        assert code == "ORDER_FINAL"
        assert await working(bench) == ["list00"]

    async def test_va_32_reduce_only_never_turns_a_position(self, bench: Bench) -> None:
        need(bench.venue.capabilities.reduce_only, "reduce-only orders")
        await open_long(bench, "1")
        await bench.venue.place_list(ACCOUNT, exits("list", "sell", ("1", "95.00")))

        await bench.venue.place(ACCOUNT, order("close00", "sell", "3", reduce_only=True))
        await bench.show("99.99", "100.00")
        code = await refusal(bench.venue.place(ACCOUNT, order("close10", "sell", "1", reduce_only=True)))

        assert await held(bench) == 0
        assert await working(bench) == []
        assert code == "REDUCE_ONLY"

    async def test_va_33_exits_that_hold_the_position_keep_it_from_being_sold(self, bench: Bench) -> None:
        need_pairs(bench)
        quantity = await open_long(bench, "1")
        await bench.venue.place_list(ACCOUNT, exits("list", "sell", (quantity, "95.00"), (quantity, "110.00")))

        code = await refusal(bench.venue.place(ACCOUNT, order("close00", "sell", quantity, reduce_only=True)))
        await bench.venue.cancel(ACCOUNT, BTC.symbol, ["list00"])
        await bench.venue.place(ACCOUNT, order("close10", "sell", quantity, reduce_only=True))

        assert code == "INSUFFICIENT_BALANCE"
        assert truncate_to(await held(bench), BTC.step) == 0

    async def test_va_34_two_lists_are_two_writes(self, bench: Bench) -> None:
        need_pairs(bench)
        await open_long(bench, "2")
        for stem in ("one", "two"):
            await bench.venue.place_list(ACCOUNT, exits(stem, "sell", ("0.9", "95.00"), ("0.9", "110.00")))

        code = await refusal(bench.venue.cancel(ACCOUNT, BTC.symbol, ["one00", "one01", "two00", "two01"]))
        swapped = await refusal(bench.venue.replace_list(ACCOUNT, ["one00", "one01"], exits("new", "sell", ("0.9", "96.00"))))

        assert (code, swapped) == ("ONE_WRITE", "NOT_OFFERED")
        assert len(await working(bench)) == 4

    async def test_va_35_an_ended_leg_does_not_work_again(self, bench: Bench) -> None:
        need_pairs(bench)
        quantity = await open_long(bench, "1")
        await bench.venue.place_list(ACCOUNT, exits("list", "sell", (quantity, "95.00"), (quantity, "110.00")))
        await bench.show("110.00", "110.01")

        reported = await bench.venue.cancel(ACCOUNT, BTC.symbol, ["list00", "list01"])

        assert {each.client_id for each in reported} == {"list00", "list01"}
        assert all(each.state not in LIVE_ORDER_STATES for each in reported)
