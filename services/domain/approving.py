"""Which entries wait for a second person: thresholds of loss and value, and places, modes and strategies that always ask."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from services.domain.trades import TerminalMode


class Why(StrEnum):
    """What an entry has that makes it wait; CURRENCY is an amount that cannot be held against a threshold."""

    LOSS = "loss"
    VALUE = "value"
    CURRENCY = "currency"
    TERMINAL = "terminal"
    MODE = "mode"
    STRATEGY = "strategy"


@dataclass(frozen=True, slots=True, kw_only=True)
class Thresholds:
    """From which amounts on, in ``currency``, and where an entry waits; None and an empty set ask nothing."""

    currency: str
    loss: Decimal | None = None
    value: Decimal | None = None
    terminals: frozenset[str] = frozenset()
    modes: frozenset[TerminalMode] = frozenset()
    strategies: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Weight:
    """What an entry comes to: its loss at the stop with costs and its value, both at its worst price, and where it is made."""

    loss: Decimal
    value: Decimal
    currency: str
    terminal: str
    mode: TerminalMode
    strategy: str


def reasons(thresholds: Thresholds, entry: Weight) -> tuple[Why, ...]:
    """Return why an entry waits for a second person; nothing means that it does not.

    There is no rate between currencies here, so an amount in another one than the thresholds' waits.
    """
    counts = thresholds.loss is not None or thresholds.value is not None
    measured = entry.currency == thresholds.currency
    found = {
        Why.LOSS: measured and thresholds.loss is not None and not entry.loss < thresholds.loss,
        Why.VALUE: measured and thresholds.value is not None and not entry.value < thresholds.value,
        Why.CURRENCY: counts and not measured,
        Why.TERMINAL: entry.terminal in thresholds.terminals,
        Why.MODE: entry.mode in thresholds.modes,
        Why.STRATEGY: entry.strategy in thresholds.strategies,
    }
    return tuple(why for why, holds in found.items() if holds)
