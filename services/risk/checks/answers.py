"""The shapes in which checks answer."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from services.domain.money import canonical
from services.domain.verdicts import Check, CheckCode, Unit
from services.risk.context import GateContext


def percent(value: Decimal) -> str:
    """Write a share with six decimals."""
    return canonical(value.quantize(Decimal("0.000001")))


def state(code: CheckCode, passed: bool, value: str | None, limit: str, note: str = "") -> Check:
    """Answer in words: ``value`` against the one that passes."""
    return Check(code=code, passed=passed, value=value, limit=limit, unit=Unit.STATE, note=note)


def missing(code: CheckCode, limit: str, unit: Unit) -> Check:
    """Deny because what the rule measures is not known."""
    return Check(code=code, passed=False, value=None, limit=limit, unit=unit, note="no data")


def finite(value: Decimal | None) -> Decimal | None:
    """Return an amount that can be measured against; NaN and infinity are as good as missing."""
    return value if value is not None and value.is_finite() else None


def age(code: CheckCode, at: datetime | None, now: datetime, limit_s: float) -> Check:
    """Check an age in seconds; a stamp that is missing or from the future is not fresh."""
    if at is None:
        return missing(code, f"{limit_s:g}", Unit.SECONDS)
    # A stamp from the future is a broken clock, not a fresh value.
    age = (now - at).total_seconds()
    passed = -1 <= age <= limit_s
    return Check(
        code=code,
        passed=passed,
        value=f"{age:.1f}",
        limit=f"{limit_s:g}",
        unit=Unit.SECONDS,
        use=Decimal(str(max(age, 0.0))) / Decimal(str(limit_s)),
    )


def share_of_equity(c: GateContext, code: CheckCode, amount: Decimal, limit: Decimal) -> Check:
    """Check an amount in the quote currency against a share of the account."""
    equity = finite(c.market.equity)
    if equity is None or equity <= 0:
        return missing(code, canonical(limit), Unit.FRACTION)
    return Check(
        code=code,
        passed=amount <= equity * limit,
        value=percent(amount / equity),
        limit=canonical(limit),
        unit=Unit.FRACTION,
        use=amount / (equity * limit),
    )
