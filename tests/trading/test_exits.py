"""The exits that a trade should have: all that is open behind one stop, split over its targets, never more."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from services.domain.market import Instrument
from services.domain.money import Price, Quantity, on_grid
from services.domain.orders import Order, OrderRequest, OrderRole, OrderType, exit_side
from services.domain.signals import Side, targets_of
from services.domain.states import OrderState, TradeState
from services.domain.trades import Trade
from services.execution.protection import covers, large_enough, live_exits, requests_for, wanted_exits
from tests.trading.rig import BTC

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
thorough = settings(max_examples=500, deadline=None)


def trade(side: Side, entered: Decimal, exited: Decimal, prices: list[Decimal], dust: Decimal = Decimal(0)) -> Trade:
    return Trade(
        id="t",
        number=1,
        mission_id="m",
        person_id=1,
        terminal_id="paper",
        symbol=BTC.symbol,
        side=side,
        state=TradeState.OPEN,
        quantity=Quantity(entered),
        decision_price=Price(Decimal(64_000)),
        worst_price=Price(Decimal(64_000)),
        stop=Price(Decimal(64_000) - 1_000 * side.sign),
        initial_stop=Price(Decimal(64_000) - 1_000 * side.sign),
        targets=targets_of([Price(price) for price in prices]),
        risk_money=Decimal(50),
        currency="USDT",
        tapped_at=NOW,
        correlation="c",
        entry_quantity=entered,
        entry_cost=entered * 64_000,
        exit_quantity=exited,
        exit_cost=exited * 64_000,
        dust=dust,
    )


def working(request: OrderRequest, filled: Decimal = Decimal(0), state: OrderState = OrderState.ACCEPTED) -> Order:
    """Return a request as an order that the venue took."""
    return Order(
        client_id=request.client_id,
        venue_id=request.client_id,
        instruction_id=request.client_id[:16],
        trade_id="t",
        terminal_id="paper",
        symbol=request.symbol,
        role=request.role,
        side=request.side,
        type=request.type,
        quantity=request.quantity,
        filled=Quantity(filled),
        price=request.price,
        stop_price=request.stop_price,
        state=state,
        updated_at=NOW,
    )


@st.composite
def situations(draw: st.DrawFn) -> tuple[Trade, list[Order], Instrument]:
    """Draw a trade somewhere on its way: its targets partly filled, the rest closed by hand or not."""
    side = draw(st.sampled_from(Side))
    entered, step = draw(st.integers(1, 500)), Decimal("0.001")
    # Often so that the venue takes a half or the whole at some targets and not at others.
    part = draw(st.sampled_from(["0", "0.25", "0.49", "0.5", "0.98", "1", "1.02"]))
    instrument = replace(
        BTC,
        step=step,
        min_quantity=draw(st.integers(1, 30)) * step,
        min_notional=max(Decimal(5), entered * step * 64_000 * Decimal(part)),
    )
    count = draw(st.integers(0, 4))
    prices = [Decimal(64_000 + 1_000 * (n + 1) * side.sign) for n in range(count)]
    taken = [draw(st.integers(0, entered // count)) for _ in range(count)]
    by_hand = draw(st.integers(0, entered - sum(taken)))
    bound = trade(side, entered * instrument.step, (sum(taken) + by_hand) * instrument.step, prices)
    placed = [
        working(
            OrderRequest(
                client_id=f"{'x' * 16}{n:02d}",
                symbol=BTC.symbol,
                side=exit_side(side),
                type=OrderType.LIMIT,
                role=OrderRole.TARGET,
                quantity=Quantity(max(filled, 1) * instrument.step),
                price=Price(price),
            ),
            filled * instrument.step,
            OrderState.FILLED if filled and draw(st.booleans()) else OrderState.CANCELED,
        )
        for n, (price, filled) in enumerate(zip(prices, taken, strict=True))
    ]
    return bound, placed, instrument


@given(situations())
@thorough
def test_one_stop_covers_all_that_is_open_and_the_targets_share_it_out(drawn: tuple[Trade, list[Order], Instrument]) -> None:
    bound, placed, instrument = drawn
    wanted = wanted_exits(bound, placed, instrument)

    sizes = [size for _, size in wanted.targets]
    assert wanted.quantity == bound.open_quantity
    assert wanted.stop == bound.stop
    assert sum(sizes, Decimal(0)) in (Decimal(0), bound.open_quantity)
    assert all(on_grid(size, instrument.step) for size in sizes)
    assert all(large_enough(size, price, instrument) for price, size in wanted.targets)
    assert {price for price, _ in wanted.targets} <= {target.price for target in bound.targets}


@given(situations())
@thorough
def test_nothing_is_left_without_a_target_that_could_take_it(drawn: tuple[Trade, list[Order], Instrument]) -> None:
    bound, placed, instrument = drawn
    lacking = [
        target.price
        for target, order in zip(bound.targets, placed, strict=True)
        if order.state is not OrderState.FILLED and bound.entry_quantity * target.share - order.filled >= instrument.step
    ]
    could = [price for price in lacking if large_enough(bound.open_quantity, price, instrument)]

    assert bool(wanted_exits(bound, placed, instrument).targets) is bool(could)


@given(situations())
@thorough
def test_exits_that_were_placed_as_wanted_are_what_is_wanted(drawn: tuple[Trade, list[Order], Instrument]) -> None:
    bound, placed, instrument = drawn
    wanted = wanted_exits(bound, placed, instrument)
    requests = requests_for(bound, wanted, "y" * 16)
    exits = [working(request) for request in requests]

    assert covers(wanted, live_exits([*placed, *exits]))
    assert len({request.client_id for request in requests}) == len(requests)
    assert all(request.reduce_only and request.side is exit_side(bound.side) for request in requests)
    for missing in range(len(exits)):
        assert not covers(wanted, exits[:missing] + exits[missing + 1 :])
    for odd in (
        replace(exits[0], quantity=Quantity(exits[0].quantity + instrument.step)),
        replace(exits[0], stop_price=Price(Decimal(1))),
    ):
        assert not covers(wanted, [odd, *exits[1:]])


def test_exits_that_are_being_taken_away_protect_nothing() -> None:
    bound = trade(Side.LONG, Decimal("0.1"), Decimal(0), [])
    wanted = wanted_exits(bound, [], BTC)
    stop = working(requests_for(bound, wanted, "y" * 16)[0])

    assert covers(wanted, live_exits([stop]))
    assert not covers(wanted, live_exits([replace(stop, state=OrderState.PENDING_CANCEL)]))


def test_two_targets_take_half_each_and_the_second_takes_the_odd_step() -> None:
    bound = trade(Side.LONG, Decimal("0.00777"), Decimal(0), [Decimal(66_000), Decimal(67_500)])

    assert [size for _, size in wanted_exits(bound, [], BTC).targets] == [Decimal("0.00388"), Decimal("0.00389")]


def test_a_rest_too_small_for_the_last_target_of_a_short_goes_to_the_one_before() -> None:
    """0.016 is worth 1,008 at the first target and 992 at the second, where the venue takes 1,000 at least."""
    coarse = replace(BTC, step=Decimal("0.001"), min_notional=Decimal(1_000))
    bound = trade(Side.SHORT, Decimal("0.032"), Decimal(0), [Decimal(63_000), Decimal(62_000)])

    assert wanted_exits(bound, [], coarse).targets == ((Decimal(63_000), Decimal("0.032")),)
