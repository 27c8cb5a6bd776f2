"""A terminal at an exchange's own address would trade real money: the start stops with the way out."""

from __future__ import annotations

import pytest

from config.groups import VenueSettings
from services.domain.errors import Misconfigured
from services.venues.ccxt_client import require_play_money


@pytest.mark.parametrize(
    ("exchange", "address"),
    [
        ("binance", None),
        ("binance", "https://api.binance.com"),
        ("binance", "https://API.binance.com:443/"),
        ("kraken", "https://api.kraken.com"),
        ("bybit", "https://api.bybit.com"),
        ("okx", None),
    ],
)
def test_the_exchanges_own_address_is_refused(exchange: str, address: str | None) -> None:
    with pytest.raises(Misconfigured) as raised:
        require_play_money("mine", VenueSettings(exchange=exchange, base_url=address))

    assert raised.value.code == "REAL_MONEY"
    assert raised.value.values["key"] == "venues.mine.base_url"


@pytest.mark.parametrize(
    ("exchange", "address"), [("binance", "https://testnet.binance.vision"), ("binance", "http://127.0.0.1:8080/exchange")]
)
def test_another_address_is_taken(exchange: str, address: str) -> None:
    require_play_money("mine", VenueSettings(exchange=exchange, base_url=address))
