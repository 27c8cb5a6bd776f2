"""The state machines: only listed moves, every state reachable, and a store that makes no other."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import pytest

from services.domain.errors import IllegalMove
from services.domain.states import (
    DOUBTFUL_INSTRUCTION_STATES,
    HALT_MOVES,
    INSTRUCTION_MOVES,
    LIVE_ORDER_STATES,
    LIVE_TRADE_STATES,
    MISSION_MOVES,
    ORDER_MOVES,
    TRADE_MOVES,
    HaltState,
    InstructionState,
    MissionState,
    OrderState,
    TradeState,
    is_final,
    move,
)

Table = Mapping[Any, frozenset[Any]]
MACHINES: list[tuple[Table, type[StrEnum], frozenset[StrEnum]]] = [
    (INSTRUCTION_MOVES, InstructionState, frozenset({InstructionState.INTENT})),
    (ORDER_MOVES, OrderState, frozenset({OrderState.ACCEPTED})),
    # A trade starts waiting for an approval, or working when it needs none.
    (TRADE_MOVES, TradeState, frozenset({TradeState.AWAITING_APPROVAL, TradeState.WORKING})),
    (MISSION_MOVES, MissionState, frozenset({MissionState.OPEN})),
    (HALT_MOVES, HaltState, frozenset({HaltState.ACTIVE})),
]
every_machine = pytest.mark.parametrize(("table", "states", "starts"), MACHINES, ids=lambda each: getattr(each, "__name__", ""))


@every_machine
def test_only_listed_moves_happen(table: Table, states: type[StrEnum], starts: frozenset[StrEnum]) -> None:
    assert set(table) == set(states)
    for current in states:
        for wanted in states:
            if wanted in table[current]:
                assert move(table, current, wanted) is wanted
            else:
                with pytest.raises(IllegalMove, match=f"current={current.value}, wanted={wanted.value}"):
                    move(table, current, wanted)


@every_machine
def test_every_state_can_be_reached_and_none_moves_to_itself(
    table: Table, states: type[StrEnum], starts: frozenset[StrEnum]
) -> None:
    reached, waiting = set(starts), list(starts)
    while waiting:
        for following in table[waiting.pop()] - reached:
            reached.add(following)
            waiting.append(following)

    assert reached == set(states)
    assert all(state not in table[state] for state in states)


def test_a_write_is_never_sent_twice_whatever_way_its_instruction_goes() -> None:
    """No state leads back to sent or to intent."""
    assert [state for state in InstructionState if InstructionState.SENT in INSTRUCTION_MOVES[state]] == [
        InstructionState.INTENT
    ]
    assert not any(InstructionState.INTENT in following for following in INSTRUCTION_MOVES.values())


def test_what_is_doubtful_or_live_can_still_change() -> None:
    assert not any(is_final(INSTRUCTION_MOVES, state) for state in DOUBTFUL_INSTRUCTION_STATES)
    assert not any(is_final(ORDER_MOVES, state) for state in LIVE_ORDER_STATES)
    assert not any(is_final(TRADE_MOVES, state) for state in LIVE_TRADE_STATES)


def test_exposure_re_opens_whatever_was_booked_as_over() -> None:
    """A fill may come late: a trade that was over can only become open again, and no other way out is listed."""
    for state in (TradeState.CANCELED, TradeState.FAILED, TradeState.CLOSED):
        assert TRADE_MOVES[state] == {TradeState.OPEN}
