"""What a closed trade leaves is dust when the venue would not have taken its sale; a fee in the base asset leaves nothing."""

from __future__ import annotations

from decimal import Decimal
from types import SimpleNamespace

import pytest

from services.execution.moves import DUST
from services.operations.venue_checks import _trade_sums

GRID = {"ETH/USDT": {"base": "ETH", "min_quantity": "0.0001", "step": "0.0001", "min_notional": "5"}}
BOUGHT, PRICE = Decimal("16.3656"), Decimal(3000)
# By name: the fee, its currency, what is left unsold, and whether that is a violation.
CLOSED = {
    "fee in the base asset": ("0.0163656", "ETH", "0.0164", False),
    "fee in the base asset and more": ("0.0163656", "ETH", "0.0264", True),
    "worth less than the venue takes": ("49.09", "USDT", "0.0016", False),
    "worth more than the venue takes": ("49.09", "USDT", "0.0017", True),
    "nothing left": ("49.09", "USDT", "0", False),
}


@pytest.mark.parametrize("name", CLOSED)
def test_remainder_of_a_closed_trade(name: str) -> None:
    fee, currency, left, wrong = CLOSED[name]
    buy = fill("buy", BOUGHT, fee=Decimal(fee), currency=currency)
    sell = fill("sell", BOUGHT - Decimal(left), fee=Decimal(0), currency="USDT")
    trade = SimpleNamespace(
        number=1,
        side="long",
        symbol="ETH/USDT",
        state="closed",
        close_reason=DUST,
        entry_quantity=buy.quantity,
        entry_cost=buy.quantity * PRICE,
        exit_quantity=sell.quantity,
        exit_cost=sell.quantity * PRICE,
        fees=Decimal(fee) * (PRICE if currency == "ETH" else 1),
        dust=Decimal(left),
    )

    found = _trade_sums(SimpleNamespace(grid=GRID), trade, [buy, sell])  # type: ignore[arg-type]

    assert [text.endswith("left, more than dust") for text in found] == [True] * wrong


def fill(side: str, quantity: Decimal, *, fee: Decimal, currency: str) -> SimpleNamespace:
    return SimpleNamespace(
        side=side,
        quantity=quantity,
        price=PRICE,
        fee=fee,
        fee_currency=currency,
        fee_counted=None,
        taken=None,
        symbol="ETH/USDT",
    )
