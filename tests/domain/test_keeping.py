"""The rules that keep a stop: where it goes, and that it only ever tightens."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.domain.keeping import Keep, Market, Trail, break_even, dump_keep, kept_stop, load_keep
from services.domain.money import Price, Quantity
from services.domain.signals import Side, targets_of
from services.domain.states import TradeState
from services.domain.trades import Trade
from tests.trading.rig import BTC, START

NONE = Decimal(0)


def trade_of(side: Side = Side.LONG, stop: str = "63000") -> Trade:
    """Return a trade of one coin that was entered at 64000 for a fee of 64, with one R of 1000."""
    initial = Price(Decimal(64_000 - 1000 * side.sign))
    return Trade(
        id="t",
        number=1,
        mission_id="m",
        person_id=1,
        terminal_id="x",
        symbol=BTC.symbol,
        side=side,
        state=TradeState.OPEN,
        quantity=Quantity(Decimal(1)),
        decision_price=Price(Decimal(64_000)),
        worst_price=Price(Decimal(64_100)),
        stop=Price(Decimal(stop)) if side is Side.LONG else initial,
        initial_stop=initial,
        targets=targets_of([Price(Decimal(64_000 + 5000 * side.sign))]),
        risk_money=Decimal(1000),
        currency="USDT",
        tapped_at=START,
        correlation="c",
        entry_quantity=Decimal(1),
        entry_cost=Decimal(64_000),
        fees=Decimal(64),
        opened_at=START,
    )


def market(near: str, true_range: str | None = None, swing: str | None = None) -> Market:
    """Return what the rules look at."""
    return Market(
        near=Price(Decimal(near)),
        true_range=Decimal(true_range) if true_range else None,
        swing=Price(Decimal(swing)) if swing else None,
    )


def keep(trail: Trail = Trail.OFF, distance: str = "1", **more: object) -> Keep:
    """Return rules."""
    return Keep(trail=trail, distance=Decimal(distance), **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("rules", "seen", "stop"),
    [
        (keep(Trail.R), market("64500"), "63500"),
        (keep(Trail.R), market("63900"), None),
        (keep(Trail.PERCENT), market("65000"), "64350"),
        (keep(Trail.ATR, "3"), market("65000", "200"), "64400"),
        (keep(Trail.ATR, "3"), market("65000"), None),
        (keep(Trail.STRUCTURE, "10"), market("65000", swing="64200.5"), "64200.49"),
        (keep(Trail.STRUCTURE, "10"), market("65000", swing="65100"), None),
        (keep(break_even_r=Decimal(1)), market("65000"), "64128"),
        (keep(break_even_r=Decimal(1)), market("64999"), None),
        (keep(Trail.R, break_even_r=Decimal(1)), market("65500"), "64500"),
        (keep(), market("70000"), None),
    ],
    ids=[
        "one-r-behind",
        "never-wider",
        "one-percent-behind",
        "three-ranges-behind",
        "no-range-no-move",
        "a-tick-under-the-swing",
        "not-beyond-the-market",
        "break-even-with-costs",
        "not-before-one-r",
        "the-tighter-of-two",
        "off",
    ],
)
def test_where_a_stop_goes(rules: Keep, seen: Market, stop: str | None) -> None:
    assert kept_stop(trade_of(), rules, seen, BTC, NONE) == (Decimal(stop) if stop else None)


def test_a_short_is_the_mirror_image() -> None:
    short = trade_of(Side.SHORT)

    assert kept_stop(short, keep(Trail.R), market("63500"), BTC, NONE) == Decimal(64_500)
    assert break_even(short) == Decimal(63_872)


def test_a_move_that_is_hardly_one_is_left_out() -> None:
    assert kept_stop(trade_of(stop="63490"), keep(Trail.R), market("64500"), BTC, Decimal(5)) is None


def test_rules_come_back_as_they_were_stored() -> None:
    rules = keep(Trail.PERCENT, "1.5", break_even_r=Decimal("0.8"), minutes=90)

    assert load_keep(dump_keep(rules)) == rules


@given(
    side=st.sampled_from(Side),
    trail=st.sampled_from([Trail.R, Trail.PERCENT, Trail.ATR]),
    prices=st.lists(st.decimals("50000", "80000", places=2), min_size=1, max_size=20),
)
def test_a_stop_only_ever_tightens_and_stays_on_its_side(side: Side, trail: Trail, prices: list[Decimal]) -> None:
    trade = trade_of(side)
    for near in prices:
        seen = Market(near=Price(near), true_range=Decimal(150), swing=None)
        stop = kept_stop(trade, keep(trail, break_even_r=Decimal(1)), seen, BTC, NONE)
        if stop is not None:
            assert (stop - trade.stop) * side.sign > 0
            assert (near - stop) * side.sign > 0
            assert stop % BTC.tick == 0
            trade = replace(trade, stop=stop)
