"""Every input of the gate, found in the context's own shape: missing, not a number, or raising, each is a denial."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import is_dataclass, replace
from decimal import Decimal
from types import NoneType
from typing import Any, get_args, get_type_hints

import pytest
from hypothesis import given, settings

from services.domain.signals import Side
from services.risk.context import GateContext
from services.risk.gate import decide
from services.risk.sizing import Costs
from tests.risk.cases import all_on, contexts, passing, with_discipline, with_market, with_plan

Path = tuple[str, ...]


class Raising:
    """An input that cannot be looked at without an error."""

    def _raise(self, *_: object) -> Any:
        raise ValueError("broken")

    __lt__ = __le__ = __gt__ = __ge__ = __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = _raise
    __truediv__ = __rtruediv__ = __mod__ = __rmod__ = __neg__ = __abs__ = __bool__ = __iter__ = __len__ = _raise
    __eq__ = __hash__ = __str__ = __format__ = _raise

    def __getattr__(self, name: str) -> Any:
        raise ValueError("broken")


def leaves(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Yield every input below a record with its declared kind; the limits are rules and no inputs."""
    hints = get_type_hints(type(value))
    for name, hint in hints.items():
        found = getattr(value, name)
        if name == "limits" and not path:
            continue
        yield (*path, name), hint
        if is_dataclass(found):
            yield from leaves(found, (*path, name))


def put(record: Any, path: Path, value: object) -> Any:
    """Return the record with one input replaced."""
    name, *rest = path
    return replace(record, **{name: put(getattr(record, name), tuple(rest), value) if rest else value})


def kinds(hint: Any) -> set[Any]:
    return set(get_args(hint)) or {hint}


WHOLE = all_on(passing())
INPUTS = dict(leaves(WHOLE))
# What may well be missing: the close of a market that never closes, a pause that does not hold, a close that never was, a
# price that only an entry which waits has, a decision where no money is real, a largest order or a date of listing where the
# venue names none.
MAY_BE_MISSING = {
    ("market", "instrument", "max_quantity"),
    ("market", "instrument", "listed_at"),
    ("market", "session", "changes_at"),
    ("plan", "price"),
    ("ledger", "real"),
    ("ledger", "beside", "alike", "as_of"),
    ("ledger", "discipline", "cooldown_until"),
    ("ledger", "discipline", "tilt_until"),
    ("ledger", "beside", "last_close"),
    ("ledger", "beside", "usual", "value"),
}
# What no check decides by: names, what is only shown, and what other kinds of entry or other days need.
NOT_DECIDED_BY = {
    ("config_hash",),
    ("plan", "reach_bps"),
    ("market", "instrument", "symbol"),
    ("market", "instrument", "base"),
    ("market", "instrument", "tier"),
    ("market", "instrument", "listed_at"),
    ("market", "quote", "symbol"),
    ("market", "quote", "bid_size"),
    ("market", "quote", "ask_size"),
    ("ledger", "can_short"),
    ("ledger", "day_ends_at"),
    ("ledger", "reconciled_at"),
    ("ledger", "discipline", "shots_free_at"),
    ("ledger", "discipline", "medic_risk"),
    ("ledger", "discipline", "medic_positions"),
    ("ledger", "discipline", "own_live"),
    ("ledger", "beside", "usual", "samples"),
    ("ledger", "beside", "alike", "required"),
}


def named(paths: set[Path] | list[Path]) -> list[Any]:
    return [pytest.param(path, id=".".join(path)) for path in sorted(paths)]


@pytest.mark.parametrize("path", named({path for path, hint in INPUTS.items() if NoneType in kinds(hint)} - MAY_BE_MISSING))
@given(drawn=contexts())
@settings(max_examples=10, deadline=None)
def test_a_missing_input_always_denies(path: Path, drawn: GateContext) -> None:
    assert not decide(put(all_on(drawn), path, None)).allowed
    assert not decide(put(WHOLE, path, None)).allowed


@pytest.mark.parametrize("text", ["NaN", "sNaN", "Infinity", "-Infinity"])
@pytest.mark.parametrize("side", Side)
def test_what_is_not_an_amount_denies_and_never_raises(side: Side, text: str) -> None:
    context = all_on(passing(side))
    amounts = [path for path, hint in INPUTS.items() if any(getattr(k, "__supertype__", k) is Decimal for k in kinds(hint))]
    allowed = {path for path in amounts if decide(put(context, path, Decimal(text))).allowed}

    # From where a bad day counts as one is a setting, and a share of one there.
    assert allowed <= NOT_DECIDED_BY | {("ledger", "discipline", "medic_from")}
    assert len(amounts) > 20


@pytest.mark.parametrize("path", named(set(INPUTS) - NOT_DECIDED_BY))
def test_an_input_that_raises_denies_and_never_escapes(path: Path) -> None:
    assert not decide(put(WHOLE, path, Raising())).allowed


@pytest.mark.parametrize("path", named(NOT_DECIDED_BY))
def test_what_no_check_decides_by_is_an_input_and_is_not_looked_at(path: Path) -> None:
    assert path in INPUTS
    assert decide(put(WHOLE, path, Raising())).allowed


@pytest.mark.parametrize("side", Side)
def test_amounts_below_zero_deny(side: Side) -> None:
    context, bad = passing(side), Decimal(-1)

    for change in (
        with_plan(context, quantity=bad),
        with_plan(context, worst_price=bad),
        with_plan(context, stop=bad),
        with_market(context, equity=bad),
        with_market(context, free=bad),
        with_discipline(context, day_result=Decimal("-0.1"), medic_risk=bad),
    ):
        assert not decide(change).allowed
    # A rebate of the fee is an amount.
    assert decide(with_plan(context, costs=Costs(fee=Decimal("-0.0001"), slippage=Decimal(0)))).allowed
