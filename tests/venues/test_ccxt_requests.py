"""What goes out to Binance for each kind of order: its type, exact amounts, and nothing that was not asked for."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.domain.errors import VenueRejected
from services.domain.orders import OrderRequest, OrderRole, OrderSide, OrderType, TimeInForce
from services.venues.ccxt_spot.orders import beyond, put_on_grid
from tests.venues.ccxt_bench import scripted_venue
from tests.venues.conformance import ACCOUNT
from tests.venues.hands import BTC, exits, order
from tests.venues.scripted_exchange import TYPES, Asked, Reply, answer, taken

NAME = "instruct0000000100"
OLD_TYPES = [each for each in TYPES if each not in ("STOP_LOSS", "TAKE_PROFIT")]
ALWAYS = {"timestamp", "recvWindow", "signature", "newOrderRespType", "symbol", "newClientOrderId"}
SENT: list[tuple[str, OrderRequest, dict[str, str]]] = [
    ("market", order(NAME, "sell", "0.5"), {"side": "SELL", "type": "MARKET", "quantity": "0.5"}),
    (
        "limit",
        order(NAME, "buy", "1.25", price="90.10"),
        {"side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "1.25", "price": "90.1"},
    ),
    (
        "ioc",
        order(NAME, "buy", "1", price="90", time_in_force=TimeInForce.IOC),
        {"side": "BUY", "type": "LIMIT", "timeInForce": "IOC", "quantity": "1", "price": "90"},
    ),
    (
        "fok",
        order(NAME, "buy", "1", price="90", time_in_force=TimeInForce.FOK),
        {"side": "BUY", "type": "LIMIT", "timeInForce": "FOK", "quantity": "1", "price": "90"},
    ),
    (
        "post-only",
        order(NAME, "buy", "1", price="90", time_in_force=TimeInForce.POST),
        {"side": "BUY", "type": "LIMIT_MAKER", "quantity": "1", "price": "90"},
    ),
    (
        "stop",
        order(NAME, "sell", "1", stop_price="80.55"),
        {"side": "SELL", "type": "STOP_LOSS", "quantity": "1", "stopPrice": "80.55"},
    ),
]


@pytest.mark.parametrize(("asked", "sent"), [case[1:] for case in SENT], ids=[case[0] for case in SENT])
async def test_each_kind_of_order_goes_out_as_it_is(asked: OrderRequest, sent: dict[str, str]) -> None:
    async with scripted_venue(lambda each: answer(taken(each))) as here:
        await here.venue.place(ACCOUNT, asked)

    (write,) = here.exchange.writes
    assert (write.method, write.path) == ("POST", "order")
    assert write.params["newClientOrderId"] == NAME
    assert write.params["recvWindow"] == "5000"
    assert _exact({name: value for name, value in write.params.items() if name not in ALWAYS}) == _exact(sent)


async def test_a_stop_where_none_trades_at_market_carries_a_limit_beyond_its_trigger() -> None:
    async with scripted_venue(lambda each: answer(taken(each)), types=OLD_TYPES, stop_limit_bps=50) as here:
        await here.venue.place(ACCOUNT, order(NAME, "sell", "1", stop_price="80.00"))

    sent = here.exchange.writes[0].params
    assert (sent["type"], sent["timeInForce"]) == ("STOP_LOSS_LIMIT", "GTC")
    assert (Decimal(sent["stopPrice"]), Decimal(sent["price"])) == (80, Decimal("79.60"))


@pytest.mark.parametrize("types", [TYPES, OLD_TYPES], ids=["stop at market", "stop with a limit"])
async def test_a_list_is_one_request_with_both_legs(types: list[str]) -> None:
    def script(asked: Asked) -> Reply:
        legs = [
            taken(asked, orderId=number, orderListId=9, clientOrderId=asked.params[f"{leg}ClientOrderId"])
            for number, leg in enumerate(("above", "below"), start=1)
        ]
        return answer({"orderListId": 9, "contingencyType": "OCO", "orderReports": legs})

    async with scripted_venue(script, types=types) as here:
        placed = await here.venue.place_list(ACCOUNT, exits("instruct00000002", "sell", ("1", "80.00"), ("1", "110.00")))

    (write,) = here.exchange.writes
    legs = {name: value for name, value in write.params.items() if name.startswith(("above", "below"))}
    assert (write.path, write.params["side"], write.params["quantity"]) == ("orderList/oco", "SELL", "1")
    assert legs == {
        "aboveType": "LIMIT_MAKER",
        "aboveClientOrderId": "instruct0000000201",
        "abovePrice": "110",
        "belowClientOrderId": "instruct0000000200",
        "belowStopPrice": "80",
    } | ({"belowType": "STOP_LOSS"} if types is TYPES else _limited("79.2"))
    assert [(each.client_id, each.list_id) for each in placed] == [
        ("instruct0000000200", "9"),
        ("instruct0000000201", "9"),
    ]


@pytest.mark.parametrize("missing", ["above", "below"])
async def test_a_list_whose_reply_lacks_a_leg_is_unknown(missing: str) -> None:
    def script(asked: Asked) -> Reply:
        legs = [taken(asked, clientOrderId=asked.params[f"{leg}ClientOrderId"]) for leg in ("above", "below") if leg != missing]
        return answer({"orderListId": 9, "orderReports": legs})

    async with scripted_venue(script) as here:
        with pytest.raises(Exception, match="UNCLEAR_ANSWER"):
            await here.venue.place_list(ACCOUNT, exits("instruct00000002", "sell", ("1", "80.00"), ("1", "110.00")))

    assert len(here.exchange.writes) == 1


async def test_canceling_a_list_by_one_leg_reports_both() -> None:
    working: dict[str, Any] = {"orderListId": 9, "status": "NEW"}

    def script(asked: Asked) -> Reply:
        if asked.method == "GET":
            return answer(taken(asked, **working, orderId=int(asked.params["origClientOrderId"][-1]) + 1))
        reports = [
            taken(asked, orderListId=9, orderId=number, status="CANCELED", clientOrderId="c", origClientOrderId=f"list0{leg}")
            for number, leg in ((1, 0), (2, 1))
        ]
        return answer({"orderListId": 9, "orderReports": reports})

    async with scripted_venue(script) as here:
        reported = await here.venue.cancel(ACCOUNT, BTC.symbol, ["list00", "list01"])

    assert [(each.method, each.path) for each in here.exchange.writes] == [("DELETE", "order")]
    assert {each.client_id: each.state.value for each in reported} == {"list00": "canceled", "list01": "canceled"}


_PRICES = st.decimals(min_value="0.01", max_value="100000", places=6)
_SIZES = st.decimals(min_value="0.000001", max_value="1000", places=6)


@given(side=st.sampled_from(OrderSide), price=_PRICES, quantity=_SIZES, stop=st.booleans(), enters=st.booleans())
def test_the_grid_is_reached_toward_less_exposure(
    side: OrderSide, price: Decimal, quantity: Decimal, stop: bool, enters: bool
) -> None:
    bound = {"stop_price": str(price)} if stop else {"price": str(price)}
    role = OrderRole.ENTRY if enters else OrderRole.STOP
    asked = order(NAME, side.value, str(quantity), **bound, role=role)
    try:
        placed = put_on_grid(asked, BTC)
    except VenueRejected as error:
        assert error.code in ("LOT_SIZE", "MIN_NOTIONAL", "PRICE_FILTER")
        return

    assert placed.quantity % BTC.step == 0
    assert quantity - BTC.step < placed.quantity <= quantity
    moved = placed.stop_price if stop else placed.price
    assert moved is not None
    assert moved % BTC.tick == 0
    assert abs(moved - price) < BTC.tick
    # A buy's limit and a protecting buy's stop go down, an entering buy's stop goes up; a sale mirrors it.
    up = (side is OrderSide.BUY) is (stop and enters)
    assert moved >= price if up else moved <= price


@given(side=st.sampled_from(OrderSide), stop=_PRICES, bps=st.integers(0, 10_000))
def test_a_stops_limit_is_never_better_than_its_trigger(side: OrderSide, stop: Decimal, bps: int) -> None:
    limit = beyond(stop, side, Decimal(bps), BTC)

    assert limit % BTC.tick == 0
    assert limit > 0
    assert limit >= stop if side is OrderSide.BUY else limit <= max(stop, BTC.tick)


@pytest.mark.parametrize(
    "asked",
    [
        order(NAME, "buy", "1", price="90", type=OrderType.MARKET),
        order(NAME, "sell", "1", stop_price="90", time_in_force=TimeInForce.IOC),
        order(NAME, "buy", "1", time_in_force=TimeInForce.POST),
        order("not-a-name", "buy", "1"),
        order(NAME + "0", "buy", "1"),
        order(NAME, "buy", "NaN"),
        order(NAME, "buy", "1", price="Infinity"),
    ],
    ids=["price of a market order", "hurried stop", "market that rests", "odd name", "long name", "no size", "no price"],
)
async def test_what_makes_no_sense_is_refused_before_anything_leaves(asked: OrderRequest) -> None:
    async with scripted_venue(lambda each: answer(taken(each))) as here:
        with pytest.raises(VenueRejected):
            await here.venue.place(ACCOUNT, asked)

        assert here.exchange.asked == []


def _exact(params: dict[str, str]) -> dict[str, object]:
    return {name: Decimal(value) if value.replace(".", "").isdigit() else value for name, value in params.items()}


def _limited(price: str) -> dict[str, str]:
    return {"belowType": "STOP_LOSS_LIMIT", "belowPrice": price, "belowTimeInForce": "GTC"}
