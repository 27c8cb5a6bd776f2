"""Bybit, OKX and Kraken spot: what goes out, how an order is found by its client id, and what a refusal looks like there."""

from __future__ import annotations

import json
import secrets
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from config.groups import VenueSettings
from services.domain.errors import VenueDoubt, VenueRejected
from services.domain.orders import OrderType
from services.domain.states import OrderState
from services.venues.ccxt_spot import CcxtVenue
from tests.venues.ccxt_bench import RealClock
from tests.venues.conformance import ACCOUNT
from tests.venues.hands import BTC, Board, order

NAME = "instruct0000000100"


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """An exchange's replies: markets by path, then to a new order, to questions about it, and a refusal."""

    exchange: str
    markets: Mapping[str, object]
    place: str
    taken: object
    refused: object
    open_orders: str
    ended_orders: str
    nothing: object
    one: Callable[[str], object]
    cancel: str
    canceled: object
    sent_name: str
    stops: bool


def _kraken_order(status: str) -> object:
    return {
        "refid": None,
        "cl_ord_id": NAME,
        "status": status,
        "opentm": 1772443800.5,
        "descr": {
            "pair": "XBTUSDT",
            "type": "buy",
            "ordertype": "limit",
            "price": "90.00",
            "price2": "0",
            "order": "buy 1.00000000 XBTUSDT @ limit 90.00",
        },
        "vol": "1.00000000",
        "vol_exec": "0.25000000",
        "cost": "22.5",
        "fee": "0.05",
        "price": "90.00",
        "stopprice": "0.00000",
    }


KRAKEN = Case(
    exchange="kraken",
    markets={
        "/0/public/Time": {"error": [], "result": {"unixtime": 1772443800, "rfc1123": ""}},
        "/0/public/Assets": {
            "error": [],
            "result": {
                "XXBT": {"aclass": "currency", "altname": "XBT", "decimals": 10, "display_decimals": 5},
                "USDT": {"aclass": "currency", "altname": "USDT", "decimals": 8, "display_decimals": 4},
            },
        },
        "/0/public/AssetPairs": {
            "error": [],
            "result": {
                "XBTUSDT": {
                    "altname": "XBTUSDT",
                    "wsname": "XBT/USDT",
                    "base": "XXBT",
                    "quote": "USDT",
                    "pair_decimals": 2,
                    "lot_decimals": 3,
                    "cost_decimals": 5,
                    "lot_multiplier": 1,
                    "fees": [[0, 0.26]],
                    "fees_maker": [[0, 0.16]],
                    "ordermin": "0.001",
                    "costmin": "0.5",
                    "tick_size": "0.01",
                    "status": "online",
                    "leverage_buy": [],
                    "leverage_sell": [],
                }
            },
        },
    },
    place="/0/private/AddOrder",
    taken={"error": [], "result": {"txid": ["OABCDE-12345-FGHIJK"], "descr": {"order": "buy 1.000 XBTUSDT @ limit 90.00"}}},
    refused={"error": ["EOrder:Insufficient funds"]},
    open_orders="/0/private/OpenOrders",
    ended_orders="/0/private/ClosedOrders",
    nothing={"error": [], "result": {"open": {}, "closed": {}}},
    one=lambda status: {"error": [], "result": {status: {"OABCDE-12345-FGHIJK": _kraken_order(status)}}},
    cancel="/0/private/CancelOrder",
    canceled={"error": [], "result": {"count": 1}},
    sent_name="cl_ord_id",
    stops=True,
)


def _bybit_order(status: str) -> object:
    return {
        "orderId": "1523347543495541248",
        "orderLinkId": NAME,
        "symbol": "BTCUSDT",
        "price": "90.00",
        "qty": "1.000",
        "side": "Buy",
        "orderStatus": {"open": "PartiallyFilled", "closed": "PartiallyFilledCanceled"}[status],
        "orderType": "Limit",
        "timeInForce": "GTC",
        "cumExecQty": "0.250",
        "cumExecValue": "22.5",
        "avgPrice": "90",
        "createdTime": "1772443800000",
        "updatedTime": "1772443801000",
        "triggerPrice": "0.00",
    }


BYBIT = Case(
    exchange="bybit",
    markets={
        "/v5/market/time": {"retCode": 0, "result": {"timeSecond": "1772443800"}, "time": 1772443800000},
        "/v5/market/instruments-info": {
            "retCode": 0,
            "result": {
                "category": "spot",
                "list": [
                    {
                        "symbol": "BTCUSDT",
                        "baseCoin": "BTC",
                        "quoteCoin": "USDT",
                        "status": "Trading",
                        "marginTrading": "none",
                        "lotSizeFilter": {
                            "basePrecision": "0.001",
                            "quotePrecision": "0.00000001",
                            "minOrderQty": "0.001",
                            "maxOrderQty": "100",
                            "minOrderAmt": "5",
                            "maxOrderAmt": "1000000",
                        },
                        "priceFilter": {"tickSize": "0.01"},
                    }
                ],
            },
        },
        "/v5/user/query-api": {"retCode": 0, "result": {"uta": 1}},
        "/v5/account/info": {"retCode": 0, "result": {"unifiedMarginStatus": 4, "marginMode": "REGULAR_MARGIN"}},
    },
    place="/v5/order/create",
    taken={"retCode": 0, "retMsg": "OK", "result": {"orderId": "1523347543495541248", "orderLinkId": NAME}, "time": 1},
    refused={"retCode": 170131, "retMsg": "Insufficient balance.", "result": {}, "time": 1},
    open_orders="/v5/order/realtime",
    ended_orders="/v5/order/history",
    nothing={"retCode": 0, "retMsg": "OK", "result": {"category": "spot", "list": []}, "time": 1},
    one=lambda status: {"retCode": 0, "result": {"category": "spot", "list": [_bybit_order(status)]}, "time": 1},
    cancel="/v5/order/cancel",
    canceled={"retCode": 0, "retMsg": "OK", "result": {"orderId": "1523347543495541248", "orderLinkId": NAME}, "time": 1},
    sent_name="orderLinkId",
    stops=False,
)


def _okx_order(status: str) -> object:
    return {
        "instType": "SPOT",
        "instId": "BTC-USDT",
        "ordId": "312269865356374016",
        "clOrdId": NAME,
        "px": "90.00",
        "sz": "1",
        "side": "buy",
        "ordType": "limit",
        "state": {"open": "partially_filled", "closed": "canceled"}[status],
        "accFillSz": "0.25",
        "fillPx": "90",
        "avgPx": "90",
        "cTime": "1772443800000",
        "uTime": "1772443801000",
        "fee": "0",
        "feeCcy": "BTC",
    }


OKX = Case(
    exchange="okx",
    markets={
        "/api/v5/public/time": {"code": "0", "msg": "", "data": [{"ts": "1772443800000"}]},
        "/api/v5/public/instruments": {
            "code": "0",
            "msg": "",
            "data": [
                {
                    "instType": "SPOT",
                    "instId": "BTC-USDT",
                    "baseCcy": "BTC",
                    "quoteCcy": "USDT",
                    "tickSz": "0.01",
                    "lotSz": "0.001",
                    "minSz": "0.001",
                    "state": "live",
                }
            ],
        },
    },
    place="/api/v5/trade/batch-orders",
    taken={"code": "0", "msg": "", "data": [{"ordId": "312269865356374016", "clOrdId": NAME, "sCode": "0", "sMsg": ""}]},
    refused={"code": "1", "msg": "", "data": [{"ordId": "", "clOrdId": NAME, "sCode": "51008", "sMsg": "Insufficient"}]},
    open_orders="/api/v5/trade/order",
    ended_orders="/api/v5/trade/order",
    nothing={"code": "51603", "msg": "Order does not exist", "data": []},
    one=lambda status: {"code": "0", "msg": "", "data": [_okx_order(status)]},
    cancel="/api/v5/trade/cancel-order",
    canceled={"code": "0", "msg": "", "data": [{"ordId": "312269865356374016", "clOrdId": NAME, "sCode": "0", "sMsg": ""}]},
    sent_name="clOrdId",
    stops=False,
)

CASES = pytest.mark.parametrize("case", [BYBIT, KRAKEN, OKX], ids=lambda case: case.exchange)


class Canned:
    """Serves a case; ``replies`` are by path, ``asked`` what came."""

    def __init__(self, case: Case) -> None:
        self.replies: dict[str, object] = dict(case.markets)
        self.asked: list[tuple[str, str, str]] = []

    async def handle(self, request: web.Request) -> web.Response:
        body = await request.text()
        self.asked.append((request.method, request.path, f"{request.query_string}&{body}"))
        return web.json_response(self.replies.get(request.path, {}))

    def writes_to(self, path: str) -> list[str]:
        return [said for method, asked, said in self.asked if (method, asked) == ("POST", path)]


@asynccontextmanager
async def trading(case: Case) -> AsyncIterator[tuple[CcxtVenue, Canned, RealClock]]:
    canned = Canned(case)
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", canned.handle)
    async with TestServer(app, host="127.0.0.1") as server:
        keys: dict[str, Any] = {"api_key": secrets.token_hex(16), "secret": secrets.token_hex(32)}
        settings = VenueSettings(
            exchange=case.exchange, base_url=str(server.make_url("")), password=secrets.token_hex(4), streams=False, **keys
        )
        clock = RealClock()
        venue = CcxtVenue("here", settings, clock, lambda: [BTC], Board(), lambda account: None)
        try:
            await venue.open_account(ACCOUNT, "USDT")
            yield venue, canned, clock
        finally:
            await venue.close()


@CASES
async def test_an_order_leaves_once_under_its_client_id_with_exact_amounts(case: Case) -> None:
    async with trading(case) as (venue, canned, _):
        canned.replies[case.place] = case.taken
        placed = await venue.place(ACCOUNT, order(NAME, "buy", "1.0009", price="90.019"))

    (sent,) = canned.writes_to(case.place)
    assert (placed.client_id, placed.state, placed.quantity) == (NAME, OrderState.ACCEPTED, 1)
    assert placed.venue_id
    assert NAME in sent
    assert case.sent_name in sent
    assert "90.01" in sent
    assert "90.02" not in sent
    assert "1.0009" not in sent


@CASES
async def test_a_listed_refusal_is_one_and_an_unlisted_answer_is_unknown(case: Case) -> None:
    async with trading(case) as (venue, canned, _):
        canned.replies[case.place] = case.refused
        with pytest.raises(VenueRejected) as caught:
            await venue.place(ACCOUNT, order(NAME, "buy", "1", price="90"))
        canned.replies[case.place] = json.loads(json.dumps(case.refused).replace("170131", "999999").replace("51008", "99999"))
        if case.exchange == "kraken":
            canned.replies[case.place] = {"error": ["EService:Busy"]}
        with pytest.raises(VenueDoubt):
            await venue.place(ACCOUNT, order(NAME, "buy", "1", price="90"))

    assert caught.value.code == "INSUFFICIENT_BALANCE"
    assert len(canned.writes_to(case.place)) == 2


@CASES
async def test_an_order_is_found_by_client_id_while_it_works_and_after(case: Case) -> None:
    async with trading(case) as (venue, canned, clock):
        canned.replies[case.open_orders] = canned.replies[case.ended_orders] = case.nothing
        never = await venue.find(ACCOUNT, BTC.symbol, NAME)
        canned.replies[case.open_orders] = case.one("open")
        clock.ahead += 20
        working = await venue.find(ACCOUNT, BTC.symbol, NAME)
        canned.replies[case.open_orders] = case.nothing
        canned.replies[case.ended_orders] = case.one("closed")
        clock.ahead += 20
        ended = await venue.find(ACCOUNT, BTC.symbol, NAME)
        canned.replies[case.open_orders] = canned.replies[case.ended_orders] = {}
        clock.ahead += 20
        with pytest.raises(VenueDoubt):
            await venue.find(ACCOUNT, BTC.symbol, NAME)

    assert never is None
    assert working is not None
    assert (working.state, working.filled, working.client_id) == (OrderState.PARTIAL, working.quantity / 4, NAME)
    assert ended is not None
    assert (ended.state, ended.price) == (OrderState.CANCELED, 90)


@CASES
async def test_a_cancel_names_the_client_id_and_reports_what_stands_afterwards(case: Case) -> None:
    async with trading(case) as (venue, canned, _):
        canned.replies[case.cancel] = case.canceled
        canned.replies[case.open_orders] = case.nothing
        canned.replies[case.ended_orders] = case.one("closed")
        reported = await venue.cancel(ACCOUNT, BTC.symbol, [NAME])

    (sent,) = canned.writes_to(case.cancel)
    assert NAME in sent
    assert case.sent_name in sent
    assert [(each.client_id, each.state) for each in reported] == [(NAME, OrderState.CANCELED)]


@CASES
async def test_what_cannot_be_looked_up_is_not_offered(case: Case) -> None:
    async with trading(case) as (venue, canned, _):
        offered = venue.capabilities

        assert (OrderType.STOP in offered.order_types) is case.stops
        assert not offered.order_lists
        if not case.stops:
            with pytest.raises(VenueRejected) as caught:
                await venue.place(ACCOUNT, order(NAME, "sell", "1", stop_price="90"))
            assert caught.value.code == "NOT_OFFERED"
            assert canned.writes_to(case.place) == []
