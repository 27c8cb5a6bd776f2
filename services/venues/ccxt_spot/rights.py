"""What an exchange says that a key may do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from services.domain.errors import Unavailable
from services.venues.ccxt_spot.calls import Caller, Send
from services.venues.ccxt_spot.outcomes import SUCCESS
from services.venues.ccxt_spot.profiles import Answer

if TYPE_CHECKING:
    from ccxt.async_support.base.exchange import Exchange


def _binance(exchange: Exchange) -> Any:
    return exchange.sapiGetAccountApiRestrictions()


def _bybit(exchange: Exchange) -> Any:
    return exchange.privateGetV5UserQueryApi()


def _okx(exchange: Exchange) -> Any:
    return exchange.privateGetAccountConfig()


# What ccxt raises where the exchange's test network lacks the address; nothing was sent then.
NOT_ON_TEST_NETWORK = "NotSupported"
# How each exchange is asked, and where its answer says that the key may withdraw; Kraken tells nobody.
_ASKED: Mapping[str, tuple[Send, Callable[[Any], bool]]] = {
    "binance": (_binance, lambda told: told["enableWithdrawals"] is True),
    "bybit": (_bybit, lambda told: "Withdraw" in told["result"]["permissions"]["Wallet"]),
    "okx": (_okx, lambda told: "withdraw" in told["data"][0]["perm"].split(",")),
}


async def may_withdraw(caller: Caller, exchange: str) -> bool | None:
    """Tell whether the key may withdraw; None where the exchange does not say. Raise Unavailable when it does not answer."""
    if exchange not in _ASKED:
        return None
    ask, read = _ASKED[exchange]
    reading = await caller.ask(ask, Answer.RECORD)
    if reading.reason == NOT_ON_TEST_NETWORK:
        return None
    if reading.call.status is None:
        raise Unavailable("VENUE_UNREACHABLE", call="key rights")
    if reading.call.status not in SUCCESS:
        return None
    try:
        return read(reading.call.json())
    except (LookupError, TypeError, AttributeError):
        return None
