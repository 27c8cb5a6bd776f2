"""An entry's acknowledgement, fills and end, in any order and repeated: the same final state, in exact decimals."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.domain.orders import Purpose, VenueFill
from services.domain.states import InstructionState, OrderState, TradeState
from tests.in_full import promised
from tests.trading.any_order import (
    Event,
    Stage,
    executions,
    expected_fees,
    expected_position,
    order_of,
    stage_at,
    unnamed,
)

EXAMPLES = promised(2_500, in_suite=400)


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with stage_at(tmp_path_factory.mktemp("desk"), Purpose.ENTRY) as made:
        yield made


def words(stage: Stage, fills: list[VenueFill]) -> list[Event]:
    """Return everything that the venue says once: it took the order, executed it, and it is over."""
    write = stage.write
    filled = sum((fill.quantity for fill in fills), Decimal(0))
    end = OrderState.FILLED if filled == write.orders[0].quantity else OrderState.CANCELED
    said: list[Event] = [
        lambda told: told.acknowledge([order_of(write, 0, OrderState.ACCEPTED, Decimal(0))]),
        lambda told: told.report(found=[order_of(write, 0, end, filled)]),
    ]
    for each in fills:
        said.append(lambda told, fill=each: told.report(fills=[fill]))  # type: ignore[misc]
    return said


@settings(max_examples=EXAMPLES, deadline=None, derandomize=True, database=None)
@given(data=st.data())
def test_the_words_of_a_venue_come_to_the_same_in_any_order(stage: Stage, data: st.DataObject) -> None:
    fills = data.draw(executions(stage.write, 0))
    filled = sum((fill.quantity for fill in fills), Decimal(0))
    whole = filled == stage.write.orders[0].quantity
    said = words(stage, fills)
    if whole and data.draw(st.booleans()):
        # The fills alone say that it is over.
        said.pop(1)
    again = data.draw(st.lists(st.sampled_from(said), max_size=3))
    order = data.draw(st.permutations([*said, *again]))

    with stage.told() as told:
        for event in order:
            event(told)
        # The next look has nothing new to say.
        told.report()
        outcome = told.outcome()

    assert outcome.entry == (filled, sum((fill.quantity * fill.price for fill in fills), Decimal(0)))
    assert outcome.position == expected_position(fills, Decimal(0))
    assert outcome.fees == expected_fees(fills) == -outcome.realized
    assert outcome.write == InstructionState.ACCEPTED.value
    assert outcome.state == (TradeState.OPEN if fills else TradeState.CANCELED).value
    ended = OrderState.FILLED if whole else OrderState.CANCELED
    assert outcome.orders == ((stage.write.orders[0].client_id, ended.value, filled),)
    assert outcome.fills == tuple(sorted(fill.venue_fill_id for fill in fills))


@settings(max_examples=200, deadline=None, derandomize=True, database=None)
@given(data=st.data())
def test_fills_that_name_only_the_venues_order_wait_for_its_acknowledgement(stage: Stage, data: st.DataObject) -> None:
    fills = data.draw(executions(stage.write, 0, whole=True))
    told_once = [unnamed(fill) for fill in fills]
    said = words(stage, [])[:1]
    for each in told_once:
        said.append(lambda told, fill=each: told.report(fills=[fill]))  # type: ignore[misc]
    order = data.draw(st.permutations(said))

    with stage.told() as told:
        for event in order:
            event(told)
        told.report(fills=told_once)
        outcome = told.outcome()

    assert outcome.entry[0] == stage.write.orders[0].quantity
    assert outcome.fills == tuple(sorted(fill.venue_fill_id for fill in fills))
    assert outcome.orders == ((stage.write.orders[0].client_id, OrderState.FILLED.value, outcome.entry[0]),)
