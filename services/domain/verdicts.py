"""What the gate says: allow or deny, with every check, its limit and its measured value."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum


class CheckCode(StrEnum):
    """The gate's checks in their order; each is the code of the refusal too."""

    HALT = "HALT"
    RECONCILED = "RECONCILED"
    LIVE_DECISION = "LIVE_DECISION"
    IN_DOUBT = "IN_DOUBT"
    DEADLINE = "DEADLINE"
    SESSION = "SESSION"
    DATA_AGE = "DATA_AGE"
    EQUITY_AGE = "EQUITY_AGE"
    UNIVERSE = "UNIVERSE"
    TERMINAL_SIDE = "TERMINAL_SIDE"
    GRADE = "GRADE"
    MODE = "MODE"
    STOP_SIDE = "STOP_SIDE"
    SPREAD = "SPREAD"
    PRICE_COLLAR = "PRICE_COLLAR"
    GRID = "GRID"
    MIN_SIZE = "MIN_SIZE"
    MAX_SIZE = "MAX_SIZE"
    RISK_PER_TRADE = "RISK_PER_TRADE"
    NOTIONAL = "NOTIONAL"
    FREE_FUNDS = "FREE_FUNDS"
    CASH_RESERVE = "CASH_RESERVE"
    MARGIN = "MARGIN"
    LEVERAGE = "LEVERAGE"
    INSTRUMENT_SHARE = "INSTRUMENT_SHARE"
    TIER_SHARE = "TIER_SHARE"
    GROUP_SHARE = "GROUP_SHARE"
    GROSS_EXPOSURE = "GROSS_EXPOSURE"
    NET_EXPOSURE = "NET_EXPOSURE"
    UNUSUAL_SIZE = "UNUSUAL_SIZE"
    OPEN_POSITIONS = "OPEN_POSITIONS"
    WEEKEND = "WEEKEND"
    DESK_POSITIONS = "DESK_POSITIONS"
    PERSON_POSITIONS = "PERSON_POSITIONS"
    STRATEGY_POSITIONS = "STRATEGY_POSITIONS"
    INSTRUMENT_POSITIONS = "INSTRUMENT_POSITIONS"
    MESSAGE_RATE = "MESSAGE_RATE"
    TRADES_PER_HOUR = "TRADES_PER_HOUR"
    INSTRUMENT_COOLDOWN = "INSTRUMENT_COOLDOWN"
    MIN_SCORE = "MIN_SCORE"
    NEWS = "NEWS"
    VITALITY = "VITALITY"
    CALIBRATION = "CALIBRATION"
    OPPOSITE = "OPPOSITE"
    DUPLICATE = "DUPLICATE"
    WEEKLY_LOSS = "WEEKLY_LOSS"
    DAILY_LOSS = "DAILY_LOSS"
    BREAKER_PERSON = "BREAKER_PERSON"
    BREAKER_TERMINAL = "BREAKER_TERMINAL"
    BREAKER_INSTRUMENT = "BREAKER_INSTRUMENT"
    COOLDOWN = "COOLDOWN"
    TILT = "TILT"
    SHOTS = "SHOTS"
    MEDIC_POSITIONS = "MEDIC_POSITIONS"
    MEDIC_RISK = "MEDIC_RISK"


class Unit(StrEnum):
    """How a check's value and limit are read."""

    STATE = "state"
    SECONDS = "s"
    BPS = "bps"
    FRACTION = "fraction"
    PRICE = "price"
    COUNT = "count"
    QUANTITY = "quantity"
    MONEY = "money"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One rule applied: ``value`` measured against ``limit`` in ``unit``; None means that the value is missing, a denial.

    ``use`` is the share of the limit in use, 0 to 1 and beyond, where the rule has one; ``frees_at`` says when a denial
    ends by itself; ``scope`` says whose limit it is, ``desk`` or a narrower one such as ``person:7``.
    """

    code: CheckCode
    passed: bool
    value: str | None
    limit: str
    unit: Unit
    use: Decimal | None = None
    frees_at: datetime | None = None
    note: str = ""
    scope: str = "desk"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The gate's answer: all checks in order; ``config_hash`` names the settings that were in force."""

    checks: tuple[Check, ...]
    config_hash: str
    decided_at: datetime

    @property
    def allowed(self) -> bool:
        """Tell whether every check passed; a verdict without checks is a denial."""
        return bool(self.checks) and all(check.passed for check in self.checks)

    @property
    def denials(self) -> tuple[Check, ...]:
        """Return the failed checks, the deciding one first."""
        return tuple(check for check in self.checks if not check.passed)

    @property
    def nearest(self) -> tuple[Check, ...]:
        """Return the two passed checks that are nearest to their limit."""
        measured = [check for check in self.checks if check.passed and check.use is not None]
        return tuple(sorted(measured, key=lambda check: check.use or Decimal(0), reverse=True)[:2])
