"""The shapes in which checks answer."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from services.domain.limits import Effective
from services.domain.money import canonical
from services.domain.verdicts import Check, CheckCode, Unit
from services.risk.context import GateContext


def percent(value: Decimal) -> str:
    """Write a share with six decimals."""
    return canonical(value.quantize(Decimal("0.000001")))


def state(code: CheckCode, passed: bool, value: str | None, limit: str, note: str = "") -> Check:
    """Answer in words: ``value`` against the one that passes."""
    return Check(code=code, passed=passed, value=value, limit=limit, unit=Unit.STATE, note=note)


def missing(code: CheckCode, limit: str, unit: Unit, scope: str = "desk") -> Check:
    """Deny because what the rule measures is not known."""
    return Check(code=code, passed=False, value=None, limit=limit, unit=unit, note="no data", scope=scope)


def off(code: CheckCode) -> Check:
    """Pass because the rule is not configured, and say so."""
    return Check(code=code, passed=True, value="not configured", limit="not configured", unit=Unit.STATE)


def count(code: CheckCode, limit: Effective, after: int) -> Check:
    """Check a number that must not exceed its limit."""
    return Check(
        code=code,
        passed=after <= limit.value,
        value=str(after),
        limit=canonical(limit.value),
        unit=Unit.COUNT,
        use=after / limit.value,
        scope=limit.named,
    )


def share(code: CheckCode, limit: Effective, amount: Decimal | None, of: Decimal | None) -> Check:
    """Check an amount against a share of another; either of them missing, or nothing to be a share of, denies."""
    amount, of = finite(amount), finite(of)
    if amount is None or of is None or of <= 0:
        return missing(code, canonical(limit.value), Unit.FRACTION, limit.named)
    return Check(
        code=code,
        passed=amount <= of * limit.value,
        value=percent(amount / of),
        limit=canonical(limit.value),
        unit=Unit.FRACTION,
        use=max(amount, Decimal(0)) / (of * limit.value),
        scope=limit.named,
    )


def finite(value: Decimal | None) -> Decimal | None:
    """Return an amount that can be measured against; NaN and infinity are as good as missing."""
    return value if value is not None and value.is_finite() else None


def age(code: CheckCode, at: datetime | None, now: datetime, limit: Effective) -> Check:
    """Check an age in seconds; a stamp that is missing or from the future is not fresh."""
    if at is None:
        return missing(code, canonical(limit.value), Unit.SECONDS, limit.named)
    # A stamp from the future is a broken clock, not a fresh value.
    seconds = (now - at).total_seconds()
    return Check(
        code=code,
        passed=-1 <= seconds <= limit.value,
        value=f"{seconds:.1f}",
        limit=canonical(limit.value),
        unit=Unit.SECONDS,
        use=Decimal(str(max(seconds, 0.0))) / limit.value,
        scope=limit.named,
    )


def share_of_equity(c: GateContext, code: CheckCode, amount: Decimal, limit: Decimal, scope: str = "desk") -> Check:
    """Check an amount in the quote currency against a share of the account."""
    equity = finite(c.market.equity)
    if equity is None or equity <= 0:
        return missing(code, canonical(limit), Unit.FRACTION, scope)
    return Check(
        code=code,
        passed=amount <= equity * limit,
        value=percent(amount / equity),
        limit=canonical(limit),
        unit=Unit.FRACTION,
        use=amount / (equity * limit),
        scope=scope,
    )
