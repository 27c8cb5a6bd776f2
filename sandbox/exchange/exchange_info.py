"""What the exchange says about itself: limits, symbols and their filters."""

from collections.abc import Sequence

from sandbox.exchange.instruments import Instrument
from sandbox.exchange.limits import (
    ASK_RANGE,
    BID_RANGE,
    ICEBERG_PARTS,
    LARGEST_NOTIONAL,
    LARGEST_PRICE,
    LARGEST_QUANTITY,
    MOST_ALGO_ORDERS,
    MOST_OPEN_ORDERS,
    ORDER_LIMITS,
)
from sandbox.exchange.orders import OrderType
from sandbox.exchange.payloads import Payload
from sandbox.exchange.weights import WEIGHT_PER_MINUTE

_RATE_LIMITS = (
    ("REQUEST_WEIGHT", "MINUTE", 1, WEIGHT_PER_MINUTE),
    *(("ORDERS", limit.interval, limit.number, limit.most) for limit in ORDER_LIMITS),
    ("RAW_REQUESTS", "MINUTE", 5, 61_000),
)


def exchange_info_payload(instruments: Sequence[tuple[Instrument, bool]], server_time: int) -> Payload:
    """Write exchangeInfo for instruments, each with whether it still trades."""
    return {
        "timezone": "UTC",
        "serverTime": server_time,
        "rateLimits": [
            {"rateLimitType": kind, "interval": interval, "intervalNum": number, "limit": limit}
            for kind, interval, number, limit in _RATE_LIMITS
        ],
        "exchangeFilters": [],
        "symbols": [_symbol(instrument, trading) for instrument, trading in instruments],
    }


def _symbol(instrument: Instrument, trading: bool) -> Payload:
    return {
        "symbol": instrument.symbol,
        "status": "TRADING" if trading else "BREAK",
        "baseAsset": instrument.traded_asset,
        "baseAssetPrecision": 8,
        "quoteAsset": instrument.quote_asset,
        "quotePrecision": 8,
        "quoteAssetPrecision": 8,
        "baseCommissionPrecision": 8,
        "quoteCommissionPrecision": 8,
        "orderTypes": list(OrderType),
        "icebergAllowed": True,
        "ocoAllowed": True,
        "otoAllowed": True,
        "opoAllowed": False,
        "quoteOrderQtyMarketAllowed": True,
        "allowTrailingStop": False,
        "cancelReplaceAllowed": True,
        "amendAllowed": False,
        "pegInstructionsAllowed": False,
        "isSpotTradingAllowed": True,
        "isMarginTradingAllowed": False,
        "filters": _filters(instrument),
        "permissions": [],
        "permissionSets": [["SPOT"]],
        "defaultSelfTradePreventionMode": "NONE",
        "allowedSelfTradePreventionModes": ["NONE"],
    }


def _filters(instrument: Instrument) -> list[Payload]:
    quantities = {"minQty": instrument.step, "maxQty": f"{LARGEST_QUANTITY:.8f}", "stepSize": instrument.step}
    return [
        {
            "filterType": "PRICE_FILTER",
            "minPrice": instrument.tick,
            "maxPrice": f"{LARGEST_PRICE:.8f}",
            "tickSize": instrument.tick,
        },
        {"filterType": "LOT_SIZE", **quantities},
        {"filterType": "ICEBERG_PARTS", "limit": ICEBERG_PARTS},
        {"filterType": "MARKET_LOT_SIZE", **quantities},
        {
            "filterType": "PERCENT_PRICE_BY_SIDE",
            "bidMultiplierUp": str(BID_RANGE[1]),
            "bidMultiplierDown": str(BID_RANGE[0]),
            "askMultiplierUp": str(ASK_RANGE[1]),
            "askMultiplierDown": str(ASK_RANGE[0]),
            "avgPriceMins": 5,
        },
        {
            "filterType": "NOTIONAL",
            "minNotional": instrument.min_notional,
            "applyMinToMarket": True,
            "maxNotional": f"{LARGEST_NOTIONAL:.8f}",
            "applyMaxToMarket": False,
            "avgPriceMins": 5,
        },
        {"filterType": "MAX_NUM_ORDERS", "maxNumOrders": MOST_OPEN_ORDERS},
        {"filterType": "MAX_NUM_ALGO_ORDERS", "maxNumAlgoOrders": MOST_ALGO_ORDERS},
    ]
