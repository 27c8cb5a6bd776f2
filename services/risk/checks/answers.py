"""The shapes in which checks answer."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import TypeVar

from services.domain.limits import RULES, Effective, Limit
from services.domain.money import canonical
from services.domain.verdicts import Check, CheckCode, Unit
from services.risk.context import GateContext

T = TypeVar("T")


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


def optional(c: GateContext, key: Limit, measured: T | None, applied: Callable[[Limit, Effective, T], Check]) -> Check:
    """Apply a rule that may be off: without a limit it passes and says so, without what it measures it denies."""
    rule, limit = RULES[key], c.limits.get(key)
    if limit is None:
        return off(rule.code)
    return unknown(key, limit) if measured is None else applied(key, limit, measured)


def unknown(key: Limit, limit: Effective) -> Check:
    """Deny because what is held to the limit is not known."""
    return missing(RULES[key].code, canonical(limit.value), RULES[key].unit, limit.named)


def against(
    key: Limit,
    limit: Effective,
    *,
    passed: bool,
    value: str,
    use: Decimal | None = None,
    frees_at: datetime | None = None,
) -> Check:
    """Answer with what was measured beside the limit that it was held to."""
    rule = RULES[key]
    return Check(
        code=rule.code,
        passed=passed,
        value=value,
        limit=canonical(limit.value),
        unit=rule.unit,
        use=use,
        frees_at=frees_at,
        scope=limit.named,
    )


def count(key: Limit, limit: Effective, after: int) -> Check:
    """Check a number that must not exceed its limit."""
    use = after / limit.value if limit.value else None
    return against(key, limit, passed=after <= limit.value, value=str(after), use=use)


def share(key: Limit, limit: Effective, amount: Decimal | None, of: Decimal | None) -> Check:
    """Check an amount against a share of another; either of them missing, or nothing to be a share of, denies."""
    amount, of = finite(amount), finite(of)
    if amount is None or of is None or of <= 0:
        return unknown(key, limit)
    use = max(amount, Decimal(0)) / (of * limit.value)
    return against(key, limit, passed=amount <= of * limit.value, value=percent(amount / of), use=use)


def at_least(key: Limit, limit: Effective, amount: Decimal | None, of: Decimal | None) -> Check:
    """Check that an amount is no smaller than a share of another; either of them missing denies."""
    amount, of = finite(amount), finite(of)
    if amount is None or of is None or of <= 0:
        return unknown(key, limit)
    return against(key, limit, passed=amount >= of * limit.value, value=percent(amount / of))


def finite(value: Decimal | None) -> Decimal | None:
    """Return an amount that can be measured against; NaN and infinity are as good as missing."""
    return value if value is not None and value.is_finite() else None


def age(c: GateContext, key: Limit, at: datetime | None) -> Check:
    """Check an age in seconds; a stamp that is missing or from the future is not fresh."""
    limit = c.limits[key]
    if at is None:
        return unknown(key, limit)
    # A stamp from the future is a broken clock, not a fresh value.
    seconds = (c.now - at).total_seconds()
    use = Decimal(str(max(seconds, 0.0))) / limit.value
    return against(key, limit, passed=-1 <= seconds <= limit.value, value=f"{seconds:.1f}", use=use)


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
