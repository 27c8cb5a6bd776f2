"""What the order book shows: best bid and ask around the last price, and the levels behind them."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from random import Random

from sandbox.exchange.course import STEPS
from sandbox.exchange.instruments import Bar, Instrument
from sandbox.exchange.snapshot import Position, Snapshot

# A calm spread is half a basis point; two per cent of the price's range comes on top, so it widens in bursts.
_CALM_SPREAD = 0.00005
_SPREAD_PER_RANGE = 0.02
_LEVEL_DISTANCE = 0.0001


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """A price in ticks and the volume units that rest there, a whole number of the instrument's steps."""

    price: int
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Book:
    """Bids downwards and asks upwards; both empty when trading has ended."""

    update_id: int
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]


def read_book(snapshot: Snapshot, symbol: str, limit: int) -> Book:
    """Read at most `limit` levels a side; the best bid and ask lie within the range of the open bar.

    A bar without a range leaves no room for a spread: there the ask is one tick above it.
    """
    update_id = snapshot.index * STEPS + snapshot.step
    if snapshot.ended(symbol):
        return Book(update_id=update_id, bids=(), asks=())
    instrument, position = snapshot.instrument(symbol), snapshot.position(symbol)
    before = snapshot.bar_before(symbol)
    rng = Random(f"{snapshot.source.name}/{symbol}/{update_id}/book")
    bid, ask = _best(rng, position, before)
    usual = before.volume / STEPS / instrument.units_per_step
    distance = max(1, round(position.price * _LEVEL_DISTANCE))
    sides = zip(_side(rng, instrument, bid, -distance, usual), _side(rng, instrument, ask, distance, usual), strict=True)
    levels = list(islice(sides, limit))
    return Book(
        update_id=update_id,
        bids=tuple(bid for bid, _ in levels if bid.price > 0),
        asks=tuple(ask for _, ask in levels),
    )


def _best(rng: Random, position: Position, before: Bar) -> tuple[int, int]:
    bar, price = position.bar, position.price
    so_far = position.course.prices[: position.step + 1]
    reach = max(before.high - before.low, max(so_far) - min(so_far))
    spread = round((price * _CALM_SPREAD + reach * _SPREAD_PER_RANGE) * rng.uniform(0.75, 1.35))
    spread = max(1, min(spread, bar.high - bar.low))
    bid = max(bar.low, min(price - spread // 2, bar.high - spread))
    return bid, bid + spread


def _side(rng: Random, instrument: Instrument, price: int, distance: int, usual: float) -> Iterator[Level]:
    """Give level after level, the book getting deeper away from the best; `usual` is one trade in steps."""
    depth = 0
    while True:
        steps = max(1, round(usual * rng.uniform(0.4, 2.2) * (1 + 0.25 * depth)))
        yield Level(price=price + distance * depth, size=steps * instrument.units_per_step)
        depth += 1
