"""Signals and missions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from services.domain.money import Fraction, Price
from services.domain.states import MissionState


class Side(StrEnum):
    """The direction of a trade."""

    LONG = "long"
    SHORT = "short"

    @property
    def sign(self) -> int:
        """Return +1 for long and -1 for short."""
        return 1 if self is Side.LONG else -1


class StrategyState(StrEnum):
    """What becomes of a strategy's calls: offered, recorded alone, or never asked for."""

    ENABLED = "enabled"
    SANDBOXED = "sandboxed"
    DISABLED = "disabled"


class DropCode(StrEnum):
    """Why a signal was not offered."""

    SCORE_LOW = "SCORE_LOW"
    COOLDOWN = "COOLDOWN"
    DUPLICATE = "DUPLICATE"
    NOT_IN_UNIVERSE = "NOT_IN_UNIVERSE"
    NO_TERMINAL_FOR_SIDE = "NO_TERMINAL_FOR_SIDE"
    STALE = "STALE"
    HALTED = "HALTED"
    MALFORMED = "MALFORMED"
    STRATEGY_DISABLED = "STRATEGY_DISABLED"
    SANDBOXED = "SANDBOXED"
    CONFLICT = "CONFLICT"
    CAPACITY = "CAPACITY"
    NO_DATA = "NO_DATA"
    PRICE_FAR = "PRICE_FAR"
    SOURCE_MUTED = "SOURCE_MUTED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A price at which a share of the position is taken off; the shares of a signal add up to one."""

    price: Price
    share: Fraction


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """A call: instrument, side, entry band, stop and targets, with where it came from.

    ``source`` is ``strategy:<name>@<version>``, ``person:<id>`` or ``outside:<name>``; ``facts`` are the inputs that explain
    the call; ``score`` is 0-100 and the sum of ``score_parts``.
    """

    id: str
    source: str
    symbol: str
    timeframe: str
    side: Side
    entry_low: Price
    entry_high: Price
    stop: Price
    targets: tuple[Target, ...]
    score: int
    score_parts: Mapping[str, int]
    created_at: datetime
    expires_at: datetime
    candle_time: datetime | None
    reason: str
    facts: Mapping[str, float] = field(default_factory=dict)

    @property
    def entry(self) -> Price:
        """Return the side's reference price: the far end of the band, where risk is largest."""
        return self.entry_high if self.side is Side.LONG else self.entry_low

    @property
    def risk(self) -> Decimal:
        """Return the distance from entry to stop in price units; one R for one unit of base."""
        return abs(self.entry - self.stop)

    def r_multiple(self, price: Decimal) -> Decimal:
        """Return the distance of ``price`` from entry in R, positive when in the trade's favour."""
        return (price - self.entry) * self.side.sign / self.risk if self.risk else Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mission:
    """A signal offered to the desk; ``number`` is what people type."""

    id: str
    number: int
    signal: Signal
    state: MissionState
    created_at: datetime
    closed_at: datetime | None = None


def strategy_of(source: str) -> str:
    """Return a source without the version of its strategy: ``trend`` of ``strategy:trend@1.2``, a person's as it is."""
    return source.removeprefix("strategy:").partition("@")[0]


def targets_of(prices: Sequence[Price]) -> tuple[Target, ...]:
    """Split a position over target prices: half at the first of two, equal shares otherwise, the last takes the rest."""
    if not prices:
        return ()
    share = (Decimal(1) / len(prices)).quantize(Decimal("0.01"))
    shares = [share] * (len(prices) - 1)
    shares.append(Decimal(1) - sum(shares, Decimal(0)))
    return tuple(Target(price=price, share=Fraction(each)) for price, each in zip(prices, shares, strict=True))


def malformed(signal: Signal) -> str | None:
    """Say what is wrong with a signal's geometry, or None: stop and targets must lie on their sides of the entry."""
    prices = [signal.entry_low, signal.entry_high, signal.stop, *(t.price for t in signal.targets)]
    if any(not price.is_finite() or price <= 0 for price in prices):
        return "prices must be positive"
    if signal.entry_low > signal.entry_high:
        return "entry band is upside down"
    near = signal.entry_low if signal.side is Side.LONG else signal.entry_high
    if (near - signal.stop) * signal.side.sign <= 0:
        return "stop is on the wrong side of the entry"
    if any((target.price - signal.entry) * signal.side.sign <= 0 for target in signal.targets):
        return "a target is on the wrong side of the entry"
    if signal.targets and sum(target.share for target in signal.targets) != 1:
        return "target shares do not add up to one"
    return None
