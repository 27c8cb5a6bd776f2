"""Conversions name their quote, or are refused."""

from datetime import timedelta
from decimal import Decimal

import pytest

from services.domain.errors import Unavailable
from services.domain.money import Money
from services.market.conversion import convert
from services.market.quotes import QuoteBoard
from tests.venues.hands import BTC, ETH, GRIDS, START, quote

NOW = START + timedelta(seconds=3)
LIMIT = timedelta(seconds=5)


def board() -> QuoteBoard:
    shown = QuoteBoard()
    shown.put(quote("99", "101", START))
    return shown


def test_same_currency_needs_no_quote() -> None:
    money = Money(Decimal(7), "USDT")

    found = convert(money, "USDT", QuoteBoard(), (), NOW, LIMIT)

    assert (found.money, found.symbol, found.age) == (money, None, None)


def test_direct_quote_multiplies() -> None:
    found = convert(Money(Decimal("0.5"), "BTC"), "USDT", board(), GRIDS.values(), NOW, LIMIT)

    assert found.money == Money(Decimal(50), "USDT")
    assert (found.symbol, found.age) == (BTC.symbol, timedelta(seconds=3))


def test_inverse_quote_divides() -> None:
    found = convert(Money(Decimal(50), "USDT"), "BTC", board(), GRIDS.values(), NOW, LIMIT)

    assert found.money == Money(Decimal("0.5"), "BTC")
    assert found.symbol == BTC.symbol


@pytest.mark.parametrize(
    ("source", "wanted", "seconds"), [("BTC", "USDT", 6), ("ETH", "USDT", 3), ("BTC", "EUR", 3)], ids=["old", "none", "no pair"]
)
def test_without_a_fresh_quote_it_is_refused(source: str, wanted: str, seconds: int) -> None:
    with pytest.raises(Unavailable) as caught:
        convert(Money(Decimal(1), source), wanted, board(), (BTC, ETH), START + timedelta(seconds=seconds), LIMIT)

    assert caught.value.code == "NO_CONVERSION"
