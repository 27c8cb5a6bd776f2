"""Results over closed trades."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.domain.money import Money, Price, Quantity
from services.domain.signals import Side
from services.domain.states import TradeState
from services.domain.trades import Trade
from services.portfolio.results import by_currency, periods, results_of, slippage_bps, win_rate

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
LEAST = 10
D = Decimal


def closed(
    number: int,
    exit_price: str,
    *,
    side: Side = Side.LONG,
    entry: str = "100",
    fees: str = "0",
    ago: timedelta = timedelta(hours=1),
    currency: str = "USDT",
) -> Trade:
    """Return a trade of one unit decided at 100 with ten to risk."""
    stop = Price(D(90) if side is Side.LONG else D(110))
    return Trade(
        id=f"T{number}",
        number=number,
        mission_id="M",
        person_id=1001,
        terminal_id="paper-1001",
        symbol="BTC/USDT",
        side=side,
        state=TradeState.CLOSED,
        quantity=Quantity(D(1)),
        decision_price=Price(D(100)),
        worst_price=Price(D(101)),
        stop=stop,
        initial_stop=stop,
        targets=(),
        risk_money=D(10),
        currency=currency,
        tapped_at=NOW - ago - timedelta(hours=1),
        correlation="c",
        entry_quantity=D(1),
        entry_cost=D(entry),
        exit_quantity=D(1),
        exit_cost=D(exit_price),
        fees=D(fees),
        closed_at=NOW - ago,
        close_reason="TARGET",
    )


def test_results_add_up_in_r_and_money_after_fees() -> None:
    results = results_of([closed(1, "120", fees="1"), closed(2, "90", fees="1"), closed(3, "110", side=Side.SHORT)], LEAST)

    assert results.total_r == D("-0.2")
    assert results.money == (Money(D(-2), "USDT"),)
    assert results.fees == (Money(D(2), "USDT"),)
    assert (results.win_rate.wins, results.win_rate.n) == (1, 3)
    assert results.best is not None and results.best.number == 1
    assert results.worst is not None and results.worst.r == D("-1.1")
    assert results.expectancy_r == D("-0.2") / 3


def test_nothing_closed_has_no_rate_and_no_mean() -> None:
    results = results_of([], LEAST)

    assert (results.n, results.total_r, results.money) == (0, 0, ())
    assert (results.best, results.worst, results.expectancy_r, results.slippage_bps) == (None, None, None, None)
    assert results.win_rate.rate is None
    assert not results.win_rate.enough


@pytest.mark.parametrize(
    ("side", "entry", "bps"), [(Side.LONG, "100.1", 10), (Side.LONG, "99.9", -10), (Side.SHORT, "99.9", 10)]
)
def test_slippage_is_positive_when_worse(side: Side, entry: str, bps: int) -> None:
    assert slippage_bps(closed(1, "100", side=side, entry=entry)) == bps


def test_currencies_are_never_added_together() -> None:
    results = results_of([closed(1, "110"), closed(2, "110", currency="EUR"), closed(3, "110")], LEAST)

    assert results.money == (Money(D(10), "EUR"), Money(D(20), "USDT"))
    assert by_currency([]) == ()


def test_wilsons_interval_has_its_published_values() -> None:
    rate = win_rate(13, 21, LEAST)

    assert rate.low is not None and rate.high is not None
    assert round(rate.low, 3) == D("0.409")
    assert round(rate.high, 3) == D("0.792")
    assert rate.enough


def test_a_rate_needs_its_sample() -> None:
    assert not win_rate(5, LEAST - 1, LEAST).enough
    assert win_rate(5, LEAST, LEAST).enough


@given(st.integers(1, 5000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_the_interval_holds_the_rate_and_stays_a_share(sample: tuple[int, int]) -> None:
    rate = win_rate(*sample, LEAST)

    assert rate.rate is not None and rate.low is not None and rate.high is not None
    slack = D("0.000001")
    assert 0 <= rate.low <= rate.rate + slack
    assert rate.rate - slack <= rate.high <= 1


@given(st.lists(st.integers(50, 150), min_size=1, max_size=60))
def test_parts_make_the_whole(exits: list[int]) -> None:
    trades = [closed(number, str(price), fees="0.5") for number, price in enumerate(exits)]

    results = results_of(trades, LEAST)

    assert results.money[0].amount == sum((t.realized for t in trades), D(0))
    assert results.total_r * 10 == results.money[0].amount
    assert results.best is not None and results.worst is not None
    assert results.best.money.amount >= results.worst.money.amount


def test_periods_hold_what_closed_in_them() -> None:
    trades = [
        closed(1, "110", ago=timedelta(hours=1)),
        closed(2, "110", ago=timedelta(hours=30)),
        closed(3, "110", ago=timedelta(days=20)),
        closed(4, "110", ago=timedelta(days=31)),
    ]

    found = periods(trades, day_start=NOW - timedelta(hours=12), now=NOW, least=LEAST)

    assert [(period.name, period.results.n) for period in found] == [("today", 1), ("7 days", 2), ("30 days", 3)]
