"""What the exchange says about itself: limits, symbols and their filters."""

from collections.abc import Sequence

from sandbox.exchange.instruments import Instrument
from sandbox.exchange.payloads import Payload
from sandbox.exchange.weights import WEIGHT_PER_MINUTE

_ORDER_TYPES = (
    "LIMIT",
    "LIMIT_MAKER",
    "MARKET",
    "STOP_LOSS",
    "STOP_LOSS_LIMIT",
    "TAKE_PROFIT",
    "TAKE_PROFIT_LIMIT",
)
_RATE_LIMITS = (
    ("REQUEST_WEIGHT", "MINUTE", 1, WEIGHT_PER_MINUTE),
    ("ORDERS", "SECOND", 10, 100),
    ("ORDERS", "DAY", 1, 200_000),
    ("RAW_REQUESTS", "MINUTE", 5, 61_000),
)
_LARGEST_PRICE = "1000000.00000000"
_LARGEST_QUANTITY = "9000000.00000000"
_LARGEST_NOTIONAL = "9000000.00000000"


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
        "orderTypes": list(_ORDER_TYPES),
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
    quantities = {"minQty": instrument.step, "maxQty": _LARGEST_QUANTITY, "stepSize": instrument.step}
    return [
        {
            "filterType": "PRICE_FILTER",
            "minPrice": instrument.tick,
            "maxPrice": _LARGEST_PRICE,
            "tickSize": instrument.tick,
        },
        {"filterType": "LOT_SIZE", **quantities},
        {"filterType": "ICEBERG_PARTS", "limit": 10},
        {"filterType": "MARKET_LOT_SIZE", **quantities},
        {
            "filterType": "PERCENT_PRICE_BY_SIDE",
            "bidMultiplierUp": "5",
            "bidMultiplierDown": "0.2",
            "askMultiplierUp": "5",
            "askMultiplierDown": "0.2",
            "avgPriceMins": 5,
        },
        {
            "filterType": "NOTIONAL",
            "minNotional": instrument.min_notional,
            "applyMinToMarket": True,
            "maxNotional": _LARGEST_NOTIONAL,
            "applyMaxToMarket": False,
            "avgPriceMins": 5,
        },
        {"filterType": "MAX_NUM_ORDERS", "maxNumOrders": 200},
        {"filterType": "MAX_NUM_ALGO_ORDERS", "maxNumAlgoOrders": 5},
    ]
