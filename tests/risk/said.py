"""What every check says, word for word, for contexts around its limit: ``python -m tests.risk.said`` writes said.txt anew.

A check that changes its words, its limit, its unit or the side on which it lies shows there, and somebody reads the difference.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from types import NoneType

from services.domain.breakers import BreakerKind, BreakerState
from services.domain.entries import EntryKind
from services.domain.signals import Side
from services.domain.verdicts import Check
from services.risk.context import GateContext
from services.risk.gate import decide
from tests.risk.cases import NOW, all_on, breaker, passing, with_discipline, with_ledger, with_plan
from tests.risk.test_gate import DENYING, WORSE
from tests.risk.test_inputs import INPUTS, WHOLE, Raising, kinds, put

FILE = Path(__file__).with_name("said.txt")
STEPS = (Decimal("0.01"), Decimal(1), Decimal(50), Decimal(3000))
PRICES = ("60800.0095", "60800.0094", "63000", "64000", "64000.01", "64000.02", "67200.0105", "67200.0106")


def line_of(check: Check) -> str:
    """Return one check on one line."""
    use = "" if check.use is None else f", used {check.use:.6f}"
    frees = "" if check.frees_at is None else f", free {check.frees_at:%d.%m. %H:%M:%S}"
    where = "" if check.scope == "desk" else f", of {check.scope}"
    note = f", {check.note!r}" if check.note else ""
    verdict = "ok" if check.passed else "NO"
    return f"{check.code.value} {verdict} {check.value} / {check.limit} {check.unit.value}{use}{frees}{where}{note}"


def contexts() -> Iterator[tuple[str, GateContext]]:
    """Yield contexts by name."""
    for side in Side:
        usual, whole = passing(side), all_on(passing(side))
        yield from ((side.value, usual), (f"{side.value}, all rules in force", whole))
        yield from ((f"{side.value}, {code.value} denied", change(usual)) for code, change in DENYING.items())
        yield from ((f"{side.value}, {name}", context) for name, context in _waiting(usual))
    for number, (code, worse, _) in enumerate(WORSE):
        yield from ((f"{number} {code.value} worse by {step}", worse(WHOLE, step)) for step in STEPS)
    for path, hint in sorted(INPUTS.items(), key=lambda each: each[0]):
        name = ".".join(path)
        if NoneType in kinds(hint):
            yield f"no {name}", put(WHOLE, path, None)
        if any(getattr(kind, "__supertype__", kind) in (Decimal, int) for kind in kinds(hint)):
            yield f"{name} is zero", put(WHOLE, path, Decimal(0) if int not in kinds(hint) else 0)
    yield "equity raises", put(WHOLE, ("market", "equity"), Raising())
    yield from _held_back()


def _waiting(usual: GateContext) -> Iterator[tuple[str, GateContext]]:
    for kind in EntryKind:
        for price in PRICES:
            bound = Decimal(price)
            yield (
                f"{kind.value} at {price}",
                with_plan(usual, kind=kind, price=bound, worst_price=bound, reach_bps=Decimal(500)),
            )


def _held_back() -> Iterator[tuple[str, GateContext]]:
    usual = passing()
    for kind in BreakerKind:
        for state in BreakerState:
            yield f"breaker {kind.value} {state.value}", with_ledger(usual, breakers=(breaker(kind, state),))
        yield f"breaker {kind.value} for good", with_ledger(usual, breakers=(breaker(kind, closes_at=None),))
    for lost in ("-0.0299", "-0.03", "-0.1"):
        for live in (0, 1, 2):
            yield f"day {lost}, {live} live", with_discipline(usual, day_result=Decimal(lost), own_live=live)
    for left in (-1, 0, 1, 3600):
        until = NOW + timedelta(seconds=left)
        yield f"cooldown for {left} s", with_discipline(usual, cooldown_until=until)
        yield f"tilt for {left} s", with_discipline(usual, tilt_until=until)
    for shots in (48, 49, 50, 51):
        yield f"{shots} shots", with_discipline(usual, shots=shots)
    yield "no limit of shots left", with_ledger(usual, discipline=replace(usual.ledger.discipline, shots_limit=1))


def everything_said() -> str:
    """Return the file's text: of each context what no other one before it said."""
    parts = []
    seen: set[str] = set()
    for name, context in contexts():
        lines = [line for line in map(line_of, decide(context).checks) if line not in seen]
        seen.update(lines)
        if lines:
            parts.append("\n".join([f"[{name}]", *lines]))
    return "\n\n".join(parts) + "\n"


if __name__ == "__main__":
    FILE.write_text(everything_said(), encoding="utf-8")
