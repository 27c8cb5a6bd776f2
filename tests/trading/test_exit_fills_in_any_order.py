"""The exits' acknowledgement, fills and end, in any order and repeated: the trade is closed once, in exact decimals."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.domain.orders import Purpose, VenueFill
from services.domain.states import InstructionState, OrderState, TradeState
from tests.in_full import promised
from tests.trading.any_order import Event, Outcome, Stage, executions, expected_fees, expected_position, order_of, stage_at

EXAMPLES = promised(2_500, in_suite=400)


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with stage_at(tmp_path_factory.mktemp("desk"), Purpose.PROTECT) as made:
        yield made


@pytest.fixture(scope="module")
def before(stage: Stage) -> Outcome:
    """Return how the filled trade stands before its exits are answered."""
    with stage.told() as told:
        return told.outcome()


def words(stage: Stage, fills: list[VenueFill]) -> list[Event]:
    """Return everything that the venue says once: it took the list, the stop was filled, the targets were taken away."""
    write, zero = stage.write, Decimal(0)
    taken = [order_of(write, index, OrderState.ACCEPTED, zero) for index in range(len(write.orders))]
    filled = sum((fill.quantity for fill in fills), zero)
    ended = [
        order_of(write, 0, OrderState.FILLED, filled),
        *(order_of(write, index, OrderState.CANCELED, zero) for index in range(1, len(write.orders))),
    ]
    said: list[Event] = [lambda told: told.acknowledge(taken)]
    for each in ended:
        said.append(lambda told, order=each: told.report(found=[order]))  # type: ignore[misc]
    for each_fill in fills:
        said.append(lambda told, fill=each_fill: told.report(fills=[fill]))  # type: ignore[misc]
    return said


@settings(max_examples=EXAMPLES, deadline=None, derandomize=True, database=None)
@given(data=st.data())
def test_a_stop_that_fills_closes_its_trade_in_any_order(stage: Stage, before: Outcome, data: st.DataObject) -> None:
    fills = data.draw(executions(stage.write, 0, whole=True))
    said = words(stage, fills)
    again = data.draw(st.lists(st.sampled_from(said), max_size=3))
    order = data.draw(st.permutations([*said, *again]))

    with stage.told() as told:
        for event in order:
            event(told)
        told.report()
        outcome = told.outcome()

    cost = sum((fill.quantity * fill.price for fill in fills), Decimal(0))
    assert outcome.exit == (before.entry[0], cost)
    assert outcome.state == TradeState.CLOSED.value
    assert outcome.position == expected_position(fills, before.position)
    assert outcome.fees == before.fees + expected_fees(fills)
    assert outcome.realized == cost - before.entry[1] - outcome.fees
    assert outcome.write == InstructionState.ACCEPTED.value
    assert {state for _, state, _ in outcome.orders[1:]} == {OrderState.CANCELED.value}
    assert outcome.orders[0][1:] == (OrderState.FILLED.value, before.entry[0])
    assert outcome.fills == tuple(sorted((*before.fills, *(fill.venue_fill_id for fill in fills))))
