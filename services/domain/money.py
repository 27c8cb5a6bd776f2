"""Amounts that carry their unit, all exact decimals."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_DOWN, ROUND_FLOOR, ROUND_HALF_EVEN, Decimal, InvalidOperation
from typing import NewType

Price = NewType("Price", Decimal)
Quantity = NewType("Quantity", Decimal)
Fraction = NewType("Fraction", Decimal)

ZERO = Decimal(0)


def exact(text: str | int | Decimal) -> Decimal:
    """Parse an amount; raise ValueError for NaN, infinity and anything that is not a decimal number."""
    try:
        value = Decimal(text)
    except InvalidOperation as error:
        raise ValueError(f"not a decimal number: {text!r}") from error
    if not value.is_finite():
        raise ValueError(f"not a finite number: {text!r}")
    return value


def canonical(value: Decimal) -> str:
    """Write an amount as plain text: no exponent, no trailing zeros, no negative zero."""
    if not value.is_finite():
        raise ValueError(f"not a finite number: {value}")
    if value == 0:
        return "0"
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in one currency; adding two currencies raises ValueError."""

    amount: Decimal
    currency: str

    def __post_init__(self) -> None:
        if not self.amount.is_finite():
            raise ValueError(f"not a finite amount: {self.amount}")

    def __add__(self, other: Money) -> Money:
        return Money(self.amount + self._same(other).amount, self.currency)

    def __sub__(self, other: Money) -> Money:
        return Money(self.amount - self._same(other).amount, self.currency)

    def __neg__(self) -> Money:
        return Money(-self.amount, self.currency)

    def _same(self, other: Money) -> Money:
        if other.currency != self.currency:
            raise ValueError(f"cannot combine {self.currency} with {other.currency}")
        return other

    @classmethod
    def zero(cls, currency: str) -> Money:
        """Return nothing of ``currency``."""
        return cls(ZERO, currency)


def floor_to(value: Decimal, grid: Decimal) -> Decimal:
    """Round down to a multiple of ``grid`` (toward minus infinity)."""
    return (value / grid).to_integral_value(ROUND_FLOOR) * grid


def ceil_to(value: Decimal, grid: Decimal) -> Decimal:
    """Round up to a multiple of ``grid`` (toward plus infinity)."""
    return (value / grid).to_integral_value(ROUND_CEILING) * grid


def truncate_to(value: Decimal, grid: Decimal) -> Decimal:
    """Round toward zero to a multiple of ``grid``."""
    return (value / grid).to_integral_value(ROUND_DOWN) * grid


def nearest_to(value: Decimal, grid: Decimal) -> Decimal:
    """Round to the nearest multiple of ``grid``."""
    return (value / grid).to_integral_value(ROUND_HALF_EVEN) * grid


def on_grid(value: Decimal, grid: Decimal) -> bool:
    """Tell whether ``value`` is a multiple of ``grid``."""
    return value % grid == 0
