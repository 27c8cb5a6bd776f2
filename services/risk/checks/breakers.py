"""Circuit breakers: none that covers the person, the terminal or the instrument is open, or is trying another entry."""

from __future__ import annotations

from services.domain.breakers import BreakerKind, BreakerScope, BreakerState, first_blocking
from services.domain.verdicts import Check, CheckCode, Unit
from services.risk.context import GateContext


def person(c: GateContext) -> Check:
    """Check that no breaker and no bench holds the person."""
    return _closed(c, CheckCode.BREAKER_PERSON, BreakerScope.PERSON)


def terminal(c: GateContext) -> Check:
    """Check that no breaker holds the terminal."""
    return _closed(c, CheckCode.BREAKER_TERMINAL, BreakerScope.TERMINAL)


def instrument(c: GateContext) -> Check:
    """Check that no breaker holds the instrument."""
    return _closed(c, CheckCode.BREAKER_INSTRUMENT, BreakerScope.INSTRUMENT)


def _closed(c: GateContext, code: CheckCode, scope: BreakerScope) -> Check:
    found = first_blocking(c.ledger.breakers, scope)
    if found is None:
        trying = any(each.scope is scope and each.state is BreakerState.HALF_OPEN for each in c.ledger.breakers)
        note = "this entry is the one that is tried" if trying else ""
        return Check(
            code=code, passed=True, value="half-open" if trying else "closed", limit="closed", unit=Unit.STATE, note=note
        )
    benched = found.kind is BreakerKind.BENCH
    trying = found.state is BreakerState.HALF_OPEN
    note = f"by {found.by}: {found.reason}" if benched else "another entry is tried now" if trying else found.reason
    return Check(
        code=code,
        passed=False,
        value="benched" if benched else found.kind.value.replace("_", " "),
        limit="closed",
        unit=Unit.STATE,
        frees_at=found.closes_at,
        note=note,
    )
