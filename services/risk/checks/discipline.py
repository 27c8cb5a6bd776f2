"""What holds a person back, whatever their role: pauses after losses, entries of the day, less on a bad day."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from services.domain.money import canonical
from services.domain.verdicts import Check, CheckCode, Unit
from services.risk.checks.answers import finite, missing, share_of_equity, state
from services.risk.context import GateContext
from services.risk.sizing import loss_at_stop

USUAL = "usual day"


def cooldown(c: GateContext) -> Check:
    """Check that the pause after the last loss is over."""
    return _over(c, CheckCode.COOLDOWN, c.ledger.discipline.cooldown_until, "")


def tilt(c: GateContext) -> Check:
    """Check that no lock after losses close together holds."""
    held = c.ledger.discipline
    return _over(c, CheckCode.TILT, held.tilt_until, f"{held.tilt_losses} losses close together")


def shots(c: GateContext) -> Check:
    """Check that the day's entries are not used up."""
    held = c.ledger.discipline
    after = held.shots + 1
    passed = after <= held.shots_limit
    return Check(
        code=CheckCode.SHOTS,
        passed=passed,
        value=str(after),
        limit=str(held.shots_limit),
        unit=Unit.COUNT,
        use=Decimal(after) / held.shots_limit,
        frees_at=None if passed else held.shots_free_at,
    )


def medic_positions(c: GateContext) -> Check:
    """Check that on a bad day few trades of the person are live."""
    held = c.ledger.discipline
    result = finite(held.day_result)
    if result is None:
        return missing(CheckCode.MEDIC_POSITIONS, str(held.medic_positions), Unit.COUNT)
    if not held.medic:
        return state(CheckCode.MEDIC_POSITIONS, True, USUAL, USUAL)
    after = held.own_live + 1
    return Check(
        code=CheckCode.MEDIC_POSITIONS,
        passed=after <= held.medic_positions,
        value=str(after),
        limit=str(held.medic_positions),
        unit=Unit.COUNT,
        note=_lost(result),
    )


def medic_risk(c: GateContext) -> Check:
    """Check that on a bad day the trade risks less."""
    held = c.ledger.discipline
    result = finite(held.day_result)
    if result is None:
        return missing(CheckCode.MEDIC_RISK, canonical(held.medic_risk), Unit.FRACTION)
    if not held.medic:
        return state(CheckCode.MEDIC_RISK, True, USUAL, USUAL)
    loss = loss_at_stop(c.plan.quantity, c.plan.worst_price, c.plan.stop, c.plan.costs)
    checked = share_of_equity(c, CheckCode.MEDIC_RISK, loss, held.medic_risk)
    return checked if checked.value is None else replace(checked, note=_lost(result))


def _over(c: GateContext, code: CheckCode, until: datetime | None, note: str) -> Check:
    left = (until - c.now).total_seconds() if until is not None else 0.0
    passed = left <= 0
    return Check(
        code=code,
        passed=passed,
        value=f"{max(left, 0.0):.1f}",
        limit="0",
        unit=Unit.SECONDS,
        frees_at=None if passed else until,
        note="" if passed else note,
    )


def _lost(result: Decimal) -> str:
    return f"medic mode, {canonical((result * 100).quantize(Decimal('0.1')))} % today"
