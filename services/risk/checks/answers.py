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
