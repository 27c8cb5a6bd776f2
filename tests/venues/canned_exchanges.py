"""What Bybit, OKX and Kraken spot reply, written down: markets, an order, a cancel, balances, trades and a refusal."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

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
    account: tuple[str, object]
    trades: tuple[str, object]
    sent_name: str
    stops: bool
    countdown: str | None = None
    counting: object = None
    counted: Mapping[str, str] = field(default_factory=dict)


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
    account=(
        "/0/private/BalanceEx",
        {
            "error": [],
            "result": {
                "XXBT": {"balance": "0.7500000000", "hold_trade": "0.25"},
                "USDT": {"balance": "100.00000000", "hold_trade": "40"},
            },
        },
    ),
    trades=(
        "/0/private/TradesHistory",
        {
            "error": [],
            "result": {
                "trades": {
                    "TABCDE-12345-FGHIJK": {
                        "ordertxid": "OABCDE-12345-FGHIJK",
                        "pair": "XBTUSDT",
                        "time": 1772443801.25,
                        "type": "buy",
                        "ordertype": "limit",
                        "price": "90.00",
                        "cost": "22.50",
                        "fee": "0.05850",
                        "vol": "0.25000000",
                        "maker": True,
                        "trade_id": 9,
                    }
                },
                "count": 1,
            },
        },
    ),
    sent_name="cl_ord_id",
    stops=True,
    countdown="/0/private/CancelAllOrdersAfter",
    counting={"error": [], "result": {"currentTime": "2026-03-02T09:30:00Z", "triggerTime": "2026-03-02T09:31:00Z"}},
    counted={"60": "timeout=60", "0": "timeout=0"},
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
    account=(
        "/v5/account/wallet-balance",
        {
            "retCode": 0,
            "result": {
                "list": [
                    {
                        "accountType": "UNIFIED",
                        "coin": [
                            {"coin": "BTC", "walletBalance": "0.75", "equity": "0.75", "locked": "0.25"},
                            {"coin": "USDT", "walletBalance": "100", "equity": "100", "locked": "40"},
                        ],
                    }
                ]
            },
            "time": 1,
        },
    ),
    trades=(
        "/v5/execution/list",
        {
            "retCode": 0,
            "result": {
                "category": "spot",
                "list": [
                    {
                        "symbol": "BTCUSDT",
                        "orderId": "1523347543495541248",
                        "orderLinkId": NAME,
                        "side": "Buy",
                        "execId": "2100000000007764263",
                        "execPrice": "90.00",
                        "execQty": "0.250",
                        "execValue": "22.5",
                        "execFee": "0.00025",
                        "feeCurrency": "BTC",
                        "feeRate": "0.001",
                        "isMaker": True,
                        "execTime": "1772443801250",
                    }
                ],
            },
            "time": 1,
        },
    ),
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
    account=(
        "/api/v5/account/balance",
        {
            "code": "0",
            "msg": "",
            "data": [
                {
                    "uTime": "1772443801000",
                    "details": [
                        {
                            "ccy": "BTC",
                            "eq": "0.75",
                            "availBal": "0.5",
                            "frozenBal": "0.25",
                            "cashBal": "0.75",
                            "availEq": "0.5",
                        },
                        {"ccy": "USDT", "eq": "100", "availBal": "60", "frozenBal": "40", "cashBal": "100", "availEq": "60"},
                    ],
                }
            ],
        },
    ),
    trades=(
        "/api/v5/trade/fills-history",
        {
            "code": "0",
            "msg": "",
            "data": [
                {
                    "instType": "SPOT",
                    "instId": "BTC-USDT",
                    "tradeId": "123",
                    "ordId": "312269865356374016",
                    "clOrdId": NAME,
                    "side": "buy",
                    "fillPx": "90.00",
                    "fillSz": "0.25",
                    "fee": "-0.00025",
                    "feeCcy": "BTC",
                    "execType": "M",
                    "ts": "1772443801250",
                }
            ],
        },
    ),
    sent_name="clOrdId",
    stops=False,
    countdown="/api/v5/trade/cancel-all-after",
    counting={"code": "0", "msg": "", "data": [{"triggerTime": "1772443860000", "tag": "sortieentry", "ts": "1772443800000"}]},
    counted={"60": '{"timeOut":60,"tag":"sortieentry"}', "0": '{"timeOut":0,"tag":"sortieentry"}'},
)
