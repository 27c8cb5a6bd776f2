"""The gate: a pure function of a frozen context. Every check has a code, a limit and a value; a missing value is a denial."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from services.domain.verdicts import Check, CheckCode, Unit, Verdict
from services.risk.checks import account, price, size, standing
from services.risk.context import GateContext


def decide(context: GateContext) -> Verdict:
    """Apply every check in order and return them all; the first failure is the deciding one, and an error is a no."""
    checks = tuple(_applied(code, check, context) for code, check in _CHECKS.items())
    return Verdict(checks=checks, config_hash=context.config_hash, decided_at=context.now)


def _applied(code: CheckCode, check: Callable[[GateContext], Check], context: GateContext) -> Check:
    try:
        return check(context)
    except (ArithmeticError, LookupError, ValueError) as error:
        note = f"not computable: {type(error).__name__}"
        return Check(code=code, passed=False, value=None, limit="computable", unit=Unit.STATE, note=note)


_CHECKS: Mapping[CheckCode, Callable[[GateContext], Check]] = {
    CheckCode.HALT: standing.halt,
    CheckCode.RECONCILED: standing.reconciled,
    CheckCode.IN_DOUBT: standing.in_doubt,
    CheckCode.DEADLINE: standing.deadline,
    CheckCode.DATA_AGE: price.data_age,
    CheckCode.EQUITY_AGE: account.equity_age,
    CheckCode.UNIVERSE: standing.universe,
    CheckCode.TERMINAL_SIDE: standing.terminal_side,
    CheckCode.STOP_SIDE: price.stop_side,
    CheckCode.SPREAD: price.spread,
    CheckCode.PRICE_COLLAR: price.collar,
    CheckCode.GRID: size.grid,
    CheckCode.MIN_SIZE: size.min_size,
    CheckCode.RISK_PER_TRADE: size.risk_per_trade,
    CheckCode.NOTIONAL: size.notional,
    CheckCode.FREE_FUNDS: size.free_funds,
    CheckCode.OPEN_POSITIONS: account.open_positions,
    CheckCode.DUPLICATE: standing.duplicate,
    CheckCode.DAILY_LOSS: account.daily_loss,
}

SIZE_CODES = frozenset({CheckCode.RISK_PER_TRADE, CheckCode.NOTIONAL, CheckCode.FREE_FUNDS})
REFRESH_CODES = frozenset({CheckCode.PRICE_COLLAR})
