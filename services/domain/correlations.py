"""How two instruments move together, as far as it was measured."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Correlation:
    """The correlation of returns, -1 to 1; ``as_of`` is when the older of both instruments' newest candles ended."""

    value: Decimal
    as_of: datetime


class Correlator(Protocol):
    """What was measured last."""

    def between(self, one: str, other: str) -> Correlation | None:
        """Return how two instruments move together, or None where that was not measured."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Alike:
    """What an account holds in instruments that move with the entry's, itself among them.

    ``value`` is None where a correlation that is needed was not measured; ``as_of`` is the oldest measurement that counts, None
    where none was needed. Without data a rule that is ``required`` denies.
    """

    value: Decimal | None
    symbols: tuple[str, ...]
    as_of: datetime | None
    max_age_s: float
    required: bool

    def known_at(self, now: datetime) -> Decimal | None:
        """Return the value, or None where it is not known or measured too long ago, or in the future."""
        age_s = (now - self.as_of).total_seconds() if self.as_of is not None else 0.0
        return self.value if -1 <= age_s <= self.max_age_s else None
