"""The tape: every trade that the market has printed, rebuilt from the courses of its bars."""

from dataclasses import dataclass

from sandbox.exchange.course import STEPS
from sandbox.exchange.instruments import Bar
from sandbox.exchange.snapshot import Snapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class Print:
    """One trade: price in ticks, quantity in units, time in milliseconds.

    The id is the bar's index times the steps of a bar, plus the step; ids rise, and steps without a trade leave holes.
    """

    id: int
    price: int
    quantity: int
    at: int
    buyer_is_maker: bool


def latest_prints(snapshot: Snapshot, symbol: str, limit: int, *, until: int | None = None) -> list[Print]:
    """List the newest trades, up to a time in milliseconds where one is given, oldest first."""
    last = snapshot.index if until is None else min(snapshot.index, snapshot.grid.index_at(until))
    found: list[Print] = []
    for bar in reversed(snapshot.source.bars(symbol, 0, last, limit=limit, newest=True)):
        found = [trade for trade in _of_bar(snapshot, symbol, bar) if until is None or trade.at <= until] + found
        if len(found) >= limit:
            break
    return found[-limit:]


def prints_from(
    snapshot: Snapshot, symbol: str, limit: int, *, first_id: int = 0, start: int = 0, until: int | None = None
) -> list[Print]:
    """List the oldest trades from an id and a time on, up to another time; times in milliseconds, all included."""
    first = max(first_id // STEPS, snapshot.grid.index_at(start))
    found: list[Print] = []
    for bar in snapshot.source.bars(symbol, first, snapshot.index, limit=limit + 1):
        trades = _of_bar(snapshot, symbol, bar)
        found += [trade for trade in trades if trade.id >= first_id and trade.at >= start]
        if len(found) >= limit or (until is not None and found and found[-1].at > until):
            break
    return [trade for trade in found[:limit] if until is None or trade.at <= until]


def _of_bar(snapshot: Snapshot, symbol: str, bar: Bar) -> list[Print]:
    """List the trades of a bar as far as it has unfolded."""
    course = snapshot.courses.course(symbol, bar)
    steps = snapshot.step + 1 if bar.index == snapshot.index else STEPS
    return [
        Print(
            id=bar.index * STEPS + step,
            price=course.prices[step],
            quantity=course.quantities[step],
            at=snapshot.grid.step_time(bar.index, step),
            buyer_is_maker=not course.buyer_takes[step],
        )
        for step in range(steps)
        if course.quantities[step]
    ]
