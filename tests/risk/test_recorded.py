"""What is kept of the gate's inputs is enough to ask it again, exactly."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.domain.entries import EntryKind
from services.risk import recorded
from services.risk.context import GateContext
from services.risk.gate import decide
from tests.risk.cases import BTC, HALTED, amounts, contexts, passing, with_ledger, with_market, with_plan


def through_json(context: GateContext) -> GateContext:
    return recorded.load(json.loads(json.dumps(recorded.dump(context))))


@settings(max_examples=100)
@given(context=contexts(), price=st.none() | amounts("0", "70000", 7), kind=st.sampled_from(EntryKind), bare=st.booleans())
def test_a_recorded_context_comes_back_equal_and_gets_the_same_verdict(
    context: GateContext, price: Any, kind: EntryKind, bare: bool
) -> None:
    context = with_plan(context, kind=kind, price=price)
    if bare:
        context = with_market(context, instrument=None, quote=None, equity=None, free=None, equity_at=None)

    assert through_json(context) == context
    assert decide(through_json(context)) == decide(context)


def test_amounts_keep_every_digit_and_broken_ones_stay_broken() -> None:
    kept = through_json(with_market(passing(), equity=BTC.step * 0, free=type(BTC.step)("NaN")))

    assert str(kept.market.equity) == "0.00000"
    assert kept.market.free is not None
    assert kept.market.free.is_nan()


def test_more_in_the_row_is_left_alone_and_less_is_named() -> None:
    facts = recorded.dump(with_ledger(passing(), halts=(HALTED,)))
    facts["gate_s"] = 0.001

    assert recorded.load(facts).ledger.halts == (HALTED,)
    with pytest.raises(recorded.NotRecorded, match=r"before plan was kept"):
        recorded.load({"now": facts["now"], "bid": "1"})


@pytest.mark.parametrize("value", ["much", 5, None, True, ["1"]], ids=["word", "number", "none", "flag", "list"])
def test_a_value_that_was_changed_to_nonsense_is_refused(value: object) -> None:
    facts: dict[str, Any] = json.loads(json.dumps(recorded.dump(passing())))
    facts["plan"]["quantity"] = value

    with pytest.raises(ValueError, match=r"plan\.quantity"):
        recorded.load(facts)
