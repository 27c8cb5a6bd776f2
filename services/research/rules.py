"""By which rules a backtest trades: costs, sizes, exits and limits, each with its unit."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import IntEnum


class Entry(IntEnum):
    """How a call becomes a position."""

    MARKET = 0
    """At the next candle's open."""
    LIMIT = 1
    """At the call's entry price or better, within ``limit_bars`` candles."""


class Sizing(IntEnum):
    """What ``size`` counts."""

    QUANTITY = 0
    """Units of the base currency."""
    NOTIONAL = 1
    """Units of the quote currency."""
    RISK = 2
    """The share of equity that is lost from the fill to the stop, before costs."""
    VOLATILITY = 3
    """The share of equity that one ``volatility`` of the entrant is worth."""


class Trail(IntEnum):
    """How far the stop follows the best price since the entry."""

    NONE = 0
    PERCENT = 1
    """A share of the best price."""
    RISK = 2
    """Multiples of R."""
    GIVEN = 3
    """Multiples of the entrant's ``trail`` at each candle."""


class SameBar(IntEnum):
    """What a candle did first that reached both stop and target, where no finer candles tell."""

    STOP_FIRST = 0
    TARGET_FIRST = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What every trade of a backtest is held to.

    ``capital`` is in the quote currency. ``maker``, ``taker`` are shares of the value traded: 0.001 is 0.1 %. ``spread_bps`` is
    the whole spread, of which a market order pays half, ``slippage_bps`` what it pays beyond; stops and leaving are market
    orders, targets and limit entries are not. ``leverage`` bounds the value of all positions in multiples of equity, 0 for no
    bound; ``positions`` how many there may be at once, 0 for any number. ``from_fill`` moves stop and targets with the fill,
    else they stay where the call put them. ``shares`` are the parts taken off at each target; empty for the desk's own (half
    and half of two, equal parts otherwise); where they add up to less than one, the rest runs.

    A stop only tightens, and moves between candles: by ``trail`` with its ``trail_distance``, to the entry after so many
    targets (``break_even_after``, 0 for never), or once price went so far (``break_even_r`` in R, 0 for never). ``time_stop``
    is how many candles after its entry a position is left, 0 for never; ``cooldown`` how many must lie between an exit and the
    next entry on that instrument. ``daily_loss`` is the share of a UTC day's first equity that ends its entries, 0 for none.

    Raises ValueError for a value that cannot be.
    """

    capital: float = 10_000.0
    maker: float = 0.001
    taker: float = 0.001
    spread_bps: float = 0.0
    slippage_bps: float = 0.0
    entry: Entry = Entry.MARKET
    limit_bars: int = 3
    sizing: Sizing = Sizing.RISK
    size: float = 0.01
    leverage: float = 1.0
    positions: int = 0
    from_fill: bool = False
    shares: tuple[float, ...] = ()
    trail: Trail = Trail.NONE
    trail_distance: float = 0.0
    break_even_after: int = 0
    break_even_r: float = 0.0
    time_stop: int = 0
    cooldown: int = 0
    daily_loss: float = 0.0
    same_bar: SameBar = SameBar.STOP_FIRST

    def __post_init__(self) -> None:
        for name in ("capital", "size"):
            _check(name, getattr(self, name), above=0)
        for name in ("maker", "taker"):
            # A rebate is a negative fee.
            _check(name, getattr(self, name), at_least=-0.01, at_most=0.1)
        for name in ("spread_bps", "slippage_bps"):
            _check(name, getattr(self, name), at_least=0, at_most=2_000)
        for name in ("leverage", "positions", "break_even_after", "break_even_r", "time_stop", "cooldown", "trail_distance"):
            _check(name, getattr(self, name), at_least=0)
        _check("limit_bars", self.limit_bars, at_least=1)
        _check("daily_loss", self.daily_loss, at_least=0, at_most=1)
        for share in self.shares:
            _check("shares", share, above=0, at_most=1)
        if sum(self.shares) > 1 + 1e-9:
            raise ValueError(f"shares add up to {sum(self.shares):g}, but must not exceed 1")
        if (self.trail is Trail.NONE) != (self.trail_distance == 0):
            raise ValueError(f"trail is {self.trail.name.lower()} with a trail_distance of {self.trail_distance:g}")
        if self.trail is Trail.PERCENT:
            _check("trail_distance", self.trail_distance, at_most=0.999)
        if self.sizing is Sizing.RISK:
            _check("size", self.size, at_most=1)

    @property
    def market_cost(self) -> float:
        """Return what a market order pays beyond the price, as a share of it."""
        return (self.spread_bps / 2 + self.slippage_bps) / 10_000


def _check(
    name: str, value: float, *, above: float | None = None, at_least: float | None = None, at_most: float | None = None
) -> None:
    if not math.isfinite(value):
        raise ValueError(f"{name} is {value}, but must be a number")
    if above is not None and value <= above:
        raise ValueError(f"{name} is {value:g}, but must be above {above:g}")
    if at_least is not None and value < at_least:
        raise ValueError(f"{name} is {value:g}, but must be at least {at_least:g}")
    if at_most is not None and value > at_most:
        raise ValueError(f"{name} is {value:g}, but must be at most {at_most:g}")
