"""Whether the market moves, and from which bar and moment: held, waiting for its first reader, or running."""

from dataclasses import dataclass

from sandbox.exchange.grid import Grid


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """Nothing moves and no price is given until a start."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """Bar `index` is open and stands still; from the first look at candles on it closes after `close_in` ms."""

    index: int
    close_in: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """Bar `index` opened, or opens, at `opens_at` (milliseconds since 1970); time does the rest."""

    index: int
    opens_at: int


Placement = Held | Waiting | Running


def grid_of(placement: Waiting | Running, now: int, bar: int) -> Grid:
    """Lay the grid; that of a waiting market travels with `now`, so its open bar stands still."""
    if isinstance(placement, Waiting):
        return Grid(index=placement.index, opens_at=now + placement.close_in - bar, bar=bar)
    return Grid(index=placement.index, opens_at=placement.opens_at, bar=bar)
