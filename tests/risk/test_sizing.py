"""Sizes: the largest passes and one step more does not, everything rounds toward less risk, nothing comes of nothing."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from config.limits import RiskSettings
from services.domain.market import Instrument
from services.domain.money import Price, on_grid
from services.domain.signals import Side
from services.risk.context import GateContext
from services.risk.gate import SIZE_CODES, decide
from services.risk.limits import book_of
from services.risk.sizing import Costs, Sizes, funds_needed, loss_at_stop, loss_per_unit, offered_sizes, size_caps, worst_entry
from services.risk.surroundings import value_room
from tests.risk.cases import ALONE, BTC, NOW, amounts, passing, quote, with_market, with_plan

thorough = settings(max_examples=500, deadline=None)


@dataclass(frozen=True, kw_only=True)
class Terms:
    """What a size is worked out from."""

    side: Side
    entry: Price
    stop: Price
    equity: Decimal
    free: Decimal
    instrument: Instrument
    costs: Costs
    limits: RiskSettings

    def sizes(self) -> Sizes:
        limits = book_of(self.limits).at({})
        unit_loss = loss_per_unit(self.entry, self.stop, self.costs)
        usual = self.equity * self.limits.default_per_trade / unit_loss if unit_loss else None
        room = value_room(ALONE, limits, self.side, self.equity, NOW)
        return offered_sizes(
            entry=self.entry,
            stop=self.stop,
            instrument=self.instrument,
            costs=self.costs,
            caps=size_caps(self.equity, self.free, limits, usual, room, Decimal(0)),
        )

    def context(self, quantity: Decimal) -> GateContext:
        """Return the gate's question about one size."""
        asked = with_plan(passing(self.side), quantity=quantity, worst_price=self.entry, stop=self.stop, costs=self.costs)
        asked = with_market(asked, equity=self.equity, free=self.free, instrument=self.instrument)
        return replace(asked, limits=book_of(self.limits).at({}))

    def too_large(self, quantity: Decimal) -> bool:
        """Tell whether the gate refuses this size for its size."""
        return bool({check.code for check in decide(self.context(quantity)).denials} & SIZE_CODES)


@st.composite
def terms(draw: st.DrawFn) -> Terms:
    """Draw prices from a hundred-millionth to ten billions, with grids that fit them."""
    side = draw(st.sampled_from(Side))
    tick = Decimal(1).scaleb(draw(st.integers(-10, 4)))
    entry = draw(st.integers(10, 10**6)) * tick
    distance = draw(st.integers(1, int(entry / tick) - 1)) * tick
    # A step is worth between a cent and about a hundred in money, as exchanges choose them.
    step = Decimal(1).scaleb(-entry.adjusted() + draw(st.integers(-2, 1)))
    return Terms(
        side=side,
        entry=Price(entry),
        stop=Price(entry - distance * side.sign),
        equity=draw(amounts("0", "100000000", 2)),
        free=draw(amounts("0", "100000000", 2)),
        instrument=replace(
            BTC, tick=tick, step=step, min_quantity=step, max_quantity=draw(st.none() | st.integers(0, 10**4).map(step.__mul__))
        ),
        costs=Costs(fee=draw(amounts("0", "0.01", 5)), slippage=draw(amounts("0", "0.01", 5))),
        limits=RiskSettings(
            per_trade=draw(amounts("0.001", "0.5", 3)),
            default_per_trade=Decimal("0.001"),
            max_notional=draw(amounts("0.1", "10", 1)),
            margin_left=draw(st.none() | amounts("0.1", "0.9", 1)),
        ),
    )


@given(terms())
@thorough
def test_the_largest_size_passes_the_gate_and_one_step_more_does_not(drawn: Terms) -> None:
    largest = drawn.sizes().largest

    assert largest == 0 or not drawn.too_large(largest)
    assert drawn.too_large(largest + drawn.instrument.step)


@given(terms())
@thorough
def test_sizes_are_ordered_on_the_grid_and_rounded_toward_less_risk(drawn: Terms) -> None:
    sizes, step = drawn.sizes(), drawn.instrument.step

    assert 0 <= sizes.half <= sizes.full <= sizes.largest
    assert all(on_grid(size, step) for size in (sizes.half, sizes.full, sizes.largest))
    assert sizes.half * 2 <= sizes.full
    assert loss_at_stop(sizes.full, drawn.entry, drawn.stop, drawn.costs) <= drawn.equity * drawn.limits.default_per_trade
    assert funds_needed(sizes.largest, drawn.entry, drawn.costs) <= drawn.free


@given(terms(), amounts("0", "1", 3))
@thorough
def test_less_money_or_a_farther_stop_never_gives_a_larger_size(drawn: Terms, share: Decimal) -> None:
    farther = Price(drawn.stop - drawn.instrument.tick * drawn.side.sign)
    assume(farther > 0)
    # With less equity a share of it that must stay free is less, too.
    drawn = replace(drawn, limits=drawn.limits.model_copy(update={"margin_left": None}))
    for worse in (
        replace(drawn, equity=drawn.equity * share),
        replace(drawn, free=drawn.free * share),
        replace(drawn, stop=farther),
    ):
        assert worse.sizes().largest <= drawn.sizes().largest


@pytest.mark.parametrize(
    "nothing",
    [
        {"equity": Decimal(0)},
        {"equity": Decimal(-5)},
        {"free": Decimal(0)},
        {"free": Decimal(-5)},
        {"entry": Price(Decimal(0)), "stop": Price(Decimal(0))},
        {"entry": Price(Decimal(64_000)), "stop": Price(Decimal(64_000)), "costs": Costs(fee=Decimal(0), slippage=Decimal(0))},
    ],
)
@pytest.mark.parametrize("side", Side)
def test_nothing_comes_of_nothing(side: Side, nothing: dict[str, object]) -> None:
    plain = passing(side)
    given_terms = Terms(
        side=side,
        entry=Price(plain.plan.worst_price),
        stop=Price(plain.plan.stop),
        equity=Decimal(10_000),
        free=Decimal(10_000),
        instrument=BTC,
        costs=plain.plan.costs,
        limits=RiskSettings(),
    )
    assert given_terms.sizes().half > 0

    sizes = replace(given_terms, **nothing).sizes()  # type: ignore[arg-type]  # one field by its name
    assert {sizes.half, sizes.full, sizes.largest} == {Decimal(0)}


def test_a_size_that_no_decimal_can_hold_is_none_rather_than_a_search_without_end() -> None:
    sizes = Terms(
        side=Side.LONG,
        entry=Price(Decimal("1E-8")),
        stop=Price(Decimal("9E-9")),
        equity=Decimal("1E24"),
        free=Decimal("1E24"),
        instrument=replace(BTC, tick=Decimal("1E-9"), step=Decimal("1E-9")),
        costs=Costs(fee=Decimal("0.001"), slippage=Decimal(0)),
        limits=RiskSettings(),
    ).sizes()

    assert sizes.largest >= 0


@given(
    side=st.sampled_from(Side),
    ticks=st.integers(10, 10**8),
    spread=st.integers(1, 5),
    away=st.integers(-3, 10**6),
    exponent=st.integers(-10, 4),
)
@example(side=Side.SHORT, ticks=10, spread=5, away=-3, exponent=-10)
@thorough
def test_the_worst_entry_is_on_the_grid_and_within_both_bounds(
    side: Side, ticks: int, spread: int, away: int, exponent: int
) -> None:
    tick = Decimal(1).scaleb(exponent)
    instrument, limits = replace(BTC, tick=tick), RiskSettings()
    shown = quote(ticks * tick, (ticks + spread) * tick)
    touch = shown.ask if side is Side.LONG else shown.bid
    stop = Price(touch - away * tick * side.sign)
    assume(stop > 0)
    worst = worst_entry(shown, side, stop, instrument, limits)

    room = (worst - touch) * side.sign
    assert on_grid(worst, tick)
    assert 0 <= room <= abs(touch - stop) * limits.collar_share
    assert room <= touch * limits.collar_cap_bps / 10_000
    assert worst > 0
