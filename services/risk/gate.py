"""The gate: a pure function of a frozen context. Every check has a code, a limit and a value; a missing value is a denial."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from services.domain.verdicts import Check, CheckCode, Unit, Verdict
from services.risk.checks import account, breakers, discipline, exposure, grade, inputs, pace, price, size, standing
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
    CheckCode.LIVE_DECISION: standing.live_decision,
    CheckCode.IN_DOUBT: standing.in_doubt,
    CheckCode.DEADLINE: standing.deadline,
    CheckCode.SESSION: standing.session,
    CheckCode.DATA_AGE: price.data_age,
    CheckCode.EQUITY_AGE: account.equity_age,
    CheckCode.UNIVERSE: standing.universe,
    CheckCode.TERMINAL_SIDE: standing.terminal_side,
    CheckCode.GRADE: grade.grade,
    CheckCode.MODE: grade.mode,
    CheckCode.STOP_SIDE: price.stop_side,
    CheckCode.SPREAD: price.spread,
    CheckCode.PRICE_COLLAR: price.collar,
    CheckCode.GRID: size.grid,
    CheckCode.MIN_SIZE: size.min_size,
    CheckCode.MAX_SIZE: size.max_size,
    CheckCode.RISK_PER_TRADE: size.risk_per_trade,
    CheckCode.NOTIONAL: size.notional,
    CheckCode.FREE_FUNDS: size.free_funds,
    CheckCode.CASH_RESERVE: exposure.cash_reserve,
    CheckCode.MARGIN: exposure.margin,
    CheckCode.LEVERAGE: exposure.leverage,
    CheckCode.INSTRUMENT_SHARE: exposure.instrument_share,
    CheckCode.TIER_SHARE: exposure.tier_share,
    CheckCode.GROUP_SHARE: exposure.group_share,
    CheckCode.GROSS_EXPOSURE: exposure.gross,
    CheckCode.NET_EXPOSURE: exposure.net,
    CheckCode.UNUSUAL_SIZE: exposure.unusual_size,
    CheckCode.OPEN_POSITIONS: account.open_positions,
    CheckCode.WEEKEND: account.weekend,
    CheckCode.DESK_POSITIONS: pace.desk_positions,
    CheckCode.PERSON_POSITIONS: pace.person_positions,
    CheckCode.STRATEGY_POSITIONS: pace.strategy_positions,
    CheckCode.INSTRUMENT_POSITIONS: pace.instrument_positions,
    CheckCode.MESSAGE_RATE: pace.message_rate,
    CheckCode.TRADES_PER_HOUR: pace.trades_per_hour,
    CheckCode.INSTRUMENT_COOLDOWN: pace.instrument_cooldown,
    CheckCode.MIN_SCORE: pace.min_score,
    CheckCode.NEWS: inputs.news,
    CheckCode.VITALITY: inputs.vitality,
    CheckCode.CALIBRATION: inputs.calibration,
    CheckCode.OPPOSITE: standing.opposite,
    CheckCode.DUPLICATE: standing.duplicate,
    CheckCode.WEEKLY_LOSS: pace.weekly_loss,
    CheckCode.DAILY_LOSS: account.daily_loss,
    CheckCode.BREAKER_PERSON: breakers.person,
    CheckCode.BREAKER_TERMINAL: breakers.terminal,
    CheckCode.BREAKER_INSTRUMENT: breakers.instrument,
    CheckCode.COOLDOWN: discipline.cooldown,
    CheckCode.TILT: discipline.tilt,
    CheckCode.SHOTS: discipline.shots,
    CheckCode.MEDIC_POSITIONS: discipline.medic_positions,
    CheckCode.MEDIC_RISK: discipline.medic_risk,
}

# What a smaller size would pass.
SIZE_CODES = frozenset(
    {
        CheckCode.MAX_SIZE,
        CheckCode.RISK_PER_TRADE,
        CheckCode.NOTIONAL,
        CheckCode.FREE_FUNDS,
        CheckCode.CASH_RESERVE,
        CheckCode.MARGIN,
        CheckCode.LEVERAGE,
        CheckCode.INSTRUMENT_SHARE,
        CheckCode.TIER_SHARE,
        CheckCode.GROUP_SHARE,
        CheckCode.GROSS_EXPOSURE,
        CheckCode.NET_EXPOSURE,
        CheckCode.UNUSUAL_SIZE,
        CheckCode.MEDIC_RISK,
    }
)
REFRESH_CODES = frozenset({CheckCode.PRICE_COLLAR})
