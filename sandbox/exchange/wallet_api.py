"""What clients ask of /sapi/v1 when they start: coins, trade fees, and the margin pairs that there are none of."""

from typing import Any

from sandbox.exchange.amounts import ZERO, text
from sandbox.exchange.orders import Balance
from sandbox.exchange.payloads import Payload
from sandbox.exchange.private_call import PrivateCall, PrivateEndpoint, weigh


def coins(call: PrivateCall) -> Any:
    """List every asset that is traded or held, with the account's balance; nothing can be deposited or withdrawn."""
    call.engine.advance()
    traded = {asset for each in call.engine.instruments.values() for asset in (each.traded_asset, each.quote_asset)}
    return [_coin(asset, call.seen.balance(asset)) for asset in sorted(traded | set(call.seen.balances))]


def trade_fees(call: PrivateCall) -> Any:
    """List what trading costs, for a symbol or for all."""
    symbol = call.optional_symbol()
    terms = call.account.terms
    return [
        {"symbol": each, "makerCommission": str(terms.maker), "takerCommission": str(terms.taker)}
        for each in call.engine.instruments
        if symbol in (None, each)
    ]


def no_pairs(call: PrivateCall) -> Any:
    """List no pairs: nothing is traded on margin here."""
    return []


def key_rights(call: PrivateCall) -> Any:
    """Tell what a key may do: read and trade on the spot market; nothing can be withdrawn here."""
    return {"ipRestrict": False, "enableReading": True, "enableSpotAndMarginTrading": True, "enableWithdrawals": False}


def _coin(asset: str, held: Balance) -> Payload:
    nothing = text(ZERO)
    return {
        "coin": asset,
        "depositAllEnable": False,
        "free": text(held.free),
        "freeze": nothing,
        "ipoable": nothing,
        "ipoing": nothing,
        "isLegalMoney": False,
        "locked": text(held.locked),
        "name": asset,
        "networkList": [],
        "storage": nothing,
        "trading": True,
        "withdrawAllEnable": False,
        "withdrawing": nothing,
    }


WALLET_ENDPOINTS = (
    PrivateEndpoint(method="GET", path="account/apiRestrictions", answer=key_rights, weight=weigh(1)),
    PrivateEndpoint(method="GET", path="capital/config/getall", answer=coins, weight=weigh(10)),
    PrivateEndpoint(method="GET", path="asset/tradeFee", answer=trade_fees, weight=weigh(1), optional=("symbol",)),
    PrivateEndpoint(method="GET", path="margin/allPairs", answer=no_pairs, weight=weigh(1), optional=("symbol",)),
    PrivateEndpoint(method="GET", path="margin/isolated/allPairs", answer=no_pairs, weight=weigh(10), optional=("symbol",)),
)
