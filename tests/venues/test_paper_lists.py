"""Exits of the paper venue: stops, targets and the lists that link them."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from services.domain.errors import VenueRejected
from services.domain.orders import OrderRequest
from services.domain.states import OrderState
from tests.venues.conformance import ACCOUNT
from tests.venues.hands import BTC, exits, order
from tests.venues.paper_bench import PaperBench, buy, fills, sell_short

D = Decimal


async def test_stops_take_before_market_orders_and_better_limits_before_earlier_ones(bench: PaperBench) -> None:
    for account in ("two", "three", "four"):
        await bench.venue.open_account(account, "USDT")
    await buy(bench, "1")
    await buy(bench, "1", account="two")
    await bench.venue.place("two", order("market00", "sell", "1", reduce_only=True))
    await bench.venue.place_list(ACCOUNT, exits("list", "sell", ("1", "98.00")))
    await bench.venue.place("three", order("worse00", "buy", "1", price="98.50"))
    await bench.venue.place("four", order("better00", "buy", "1", price="98.60"))

    await bench.show("97.00", "97.01", size="0.1")

    assert [fill.client_id for fill in await fills(bench, ACCOUNT)][1:] == ["list00"] * 10
    assert [fill.client_id for fill in await fills(bench, "two")][1:] == []
    assert len(await fills(bench, "four")) == 10
    assert await fills(bench, "three") == []


async def test_gap_through_the_stop_fills_at_the_market(bench: PaperBench) -> None:
    await sell_short(bench, "1")
    await bench.venue.place_list(ACCOUNT, exits("list", "buy", ("1", "105.00"), ("1", "90.00")))
    await bench.show("104.98", "104.99")
    before = await fills(bench)

    await bench.show("119.99", "120.00")

    assert len(before) == 1
    assert [fill.price for fill in (await fills(bench))[1:]] == [120]
    assert await bench.venue.positions(ACCOUNT) == []


async def test_triggered_stop_goes_on_until_it_is_done_even_when_the_price_comes_back(bench: PaperBench) -> None:
    await buy(bench, "3")
    await bench.venue.place_list(ACCOUNT, exits("list", "sell", ("3", "95.00"), ("1", "110.00")))
    await bench.show("94.00", "94.01", size="0.1")
    after_trigger = await bench.venue.open_orders(ACCOUNT)

    await bench.show("97.00", "97.01")

    assert [(each.client_id, each.filled) for each in after_trigger] == [("list00", 1)]
    assert await bench.venue.positions(ACCOUNT) == []
    assert [fill.price for fill in (await fills(bench))[-1:]] == [97]


async def test_stop_that_is_already_crossed_triggers_at_its_first_match(bench: PaperBench) -> None:
    await buy(bench, "1")

    await bench.venue.place_list(ACCOUNT, exits("list", "sell", ("1", "100.50"), ("1", "110.00")))
    await bench.show("99.99", "100.00")

    assert await bench.venue.positions(ACCOUNT) == []


async def test_partial_target_fills_are_taken_off_the_stop_one_by_one(bench: PaperBench) -> None:
    await buy(bench, "2")
    await bench.venue.place_list(ACCOUNT, exits("list", "sell", ("2", "95.00"), ("2", "110.00")))
    await bench.show("105.00", "105.01")

    left = []
    for _ in range(3):
        await bench.show("110.00", "110.01", size="0.5")
        stop = await bench.venue.find(ACCOUNT, BTC.symbol, "list00")
        assert stop is not None
        left.append((stop.quantity - stop.filled, stop.state))
    await bench.show("90.00", "90.01")

    assert left == [
        (D("1.5"), OrderState.ACCEPTED),
        (D("1.0"), OrderState.ACCEPTED),
        (D("0.5"), OrderState.ACCEPTED),
    ]
    assert [(fill.quantity, fill.price) for fill in (await fills(bench))[1:]] == [
        (D("0.5"), 110),
        (D("0.5"), 110),
        (D("0.5"), 110),
        (D("0.5"), 90),
    ]


async def test_canceling_one_order_of_a_list_leaves_the_others(bench: PaperBench) -> None:
    await buy(bench, "1")
    await bench.venue.place_list(ACCOUNT, exits("list", "sell", ("1", "95.00"), ("1", "110.00")))

    await bench.venue.cancel(ACCOUNT, BTC.symbol, ["list01"])

    assert [each.client_id for each in await bench.venue.open_orders(ACCOUNT)] == ["list00"]


@pytest.mark.parametrize(
    "requests",
    [
        pytest.param(exits("x", "sell", ("1", "95.00"))[:0], id="empty"),
        pytest.param(exits("x", "sell", ("1", "95.00"), ("1", "110.00"))[1:], id="no stop"),
        pytest.param([*exits("x", "sell", ("1", "95.00")), *exits("y", "sell", ("1", "94.00"))], id="two stops"),
        pytest.param(exits("x", "sell", ("1", "95.00"), ("0.6", "110.00"), ("0.5", "120.00")), id="too much"),
        pytest.param(exits("x", "sell", ("1", "95.00"), ("1", "94.00")), id="target behind the stop"),
        pytest.param([*exits("x", "sell", ("1", "95.00")), order("x01", "sell", "1", price="110.00")], id="not reduce-only"),
        pytest.param(
            [*exits("x", "sell", ("1", "95.00")), order("x01", "buy", "1", price="110.00", reduce_only=True)],
            id="two sides",
        ),
        pytest.param([*exits("x", "sell", ("1", "95.00")), order("x01", "sell", "1", reduce_only=True)], id="market order"),
    ],
)
async def test_list_of_another_shape_is_refused_whole(bench: PaperBench, requests: list[OrderRequest]) -> None:
    await buy(bench, "1")

    with pytest.raises(VenueRejected) as caught:
        await bench.venue.place_list(ACCOUNT, requests)

    assert caught.value.code == "LIST_SHAPE"
    assert await bench.venue.open_orders(ACCOUNT) == []


async def test_list_with_one_client_id_twice_is_refused(bench: PaperBench) -> None:
    await buy(bench, "1")
    requests = exits("x", "sell", ("1", "95.00"), ("1", "110.00"))

    with pytest.raises(VenueRejected) as caught:
        await bench.venue.place_list(ACCOUNT, [requests[0], replace(requests[1], client_id="x00")])

    assert caught.value.code == "DUPLICATE_CLIENT_ID"


async def test_protection_is_taken_while_the_feed_is_down(bench: PaperBench) -> None:
    await buy(bench, "1")
    await bench.silence()

    await bench.venue.place_list(ACCOUNT, exits("list", "sell", ("1", "95.00"), ("1", "110.00")))
    await bench.show("94.00", "94.01")

    assert await bench.venue.positions(ACCOUNT) == []


async def test_plain_order_may_turn_a_position_and_ends_exits_of_the_old_side(bench: PaperBench) -> None:
    await buy(bench, "1")
    await bench.venue.place_list(ACCOUNT, exits("list", "sell", ("1", "95.00"), ("1", "110.00")))

    await bench.venue.place(ACCOUNT, order("turn00", "sell", "3"))
    await bench.show("99.99", "100.00")

    assert [each.quantity for each in await bench.venue.positions(ACCOUNT)] == [-2]
    assert await bench.venue.open_orders(ACCOUNT) == []
