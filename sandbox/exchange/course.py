"""How a bar unfolds: the course of its price and trades, step by step, from its open to its close.

The course is derived from the bar and the names of source and instrument alone: it touches the high and the low on
its way, never leaves them, and its trades add up to the bar's volume, so a bar that has unfolded is the bar itself.
"""

from collections import OrderedDict
from dataclasses import dataclass
from itertools import accumulate, pairwise
from random import Random

from sandbox.exchange.instruments import Bar

STEPS = 60
_LAST = STEPS - 1
_COURSES_IN_MEMORY = 256
_TOTALS_IN_MEMORY = 32_768


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """A bar as far as it has unfolded: prices in ticks, volumes in units, quote amounts in ticks times units."""

    high: int
    low: int
    close: int
    volume: int
    quote: int
    trades: int
    taker_volume: int
    taker_quote: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """One price, traded quantity and taker side for each step; a quantity of 0 is a step without a trade."""

    prices: tuple[int, ...]
    quantities: tuple[int, ...]
    buyer_takes: tuple[bool, ...]

    def totals(self, step: int) -> Totals:
        """Add up the steps from the open to `step`, included."""
        prices, quantities = self.prices[: step + 1], self.quantities[: step + 1]
        bought = [quantity if takes else 0 for quantity, takes in zip(quantities, self.buyer_takes, strict=False)]
        return Totals(
            high=max(prices),
            low=min(prices),
            close=prices[-1],
            volume=sum(quantities),
            quote=sum(price * quantity for price, quantity in zip(prices, quantities, strict=True)),
            trades=sum(map(bool, quantities)),
            taker_volume=sum(bought),
            taker_quote=sum(price * quantity for price, quantity in zip(prices, bought, strict=True)),
        )


def chart_course(source_name: str, symbol: str, bar: Bar) -> Course:
    """Work out the course of a bar, the same one each time."""
    rng = Random(f"{source_name}/{symbol}/{bar.index}/course")
    prices = _prices(rng, bar)
    moves = [0, *(after - before for before, after in pairwise(prices))]
    return Course(
        prices=tuple(prices),
        quantities=_quantities(rng, bar, moves),
        buyer_takes=tuple(move > 0 or (move == 0 and rng.random() < 0.5) for move in moves),
    )


def _prices(rng: Random, bar: Bar) -> list[int]:
    prices = [bar.open]
    for step, price in _turning_points(rng, bar):
        prices += _bridge(rng, prices[-1], price, step + 1 - len(prices), bar)
    return prices


def _turning_points(rng: Random, bar: Bar) -> list[tuple[int, int]]:
    """Choose when the extremes are reached: three rising bars in four see their low first, falling ones their high."""
    low_first = (bar.close >= bar.open) == (rng.random() < 0.75)
    extremes = (bar.low, bar.high) if low_first else (bar.high, bar.low)
    steps = (rng.randint(4, 28), rng.randint(31, 54))
    passed = (bar.open, bar.close)
    turns = [(step, price) for step, price in zip(steps, extremes, strict=True) if price not in passed]
    return [*turns, (_LAST, bar.close)]


def _bridge(rng: Random, start: int, end: int, count: int, bar: Bar) -> list[int]:
    """Wander from a price to another in `count` steps within the bar, arriving exactly."""
    swing = (bar.high - bar.low) * 0.16
    detours = list(accumulate((rng.random() - 0.5) * swing for _ in range(count)))
    slope = (end - start - detours[-1]) / count
    way = [_inside(bar, round(start + slope * number + detour)) for number, detour in enumerate(detours, start=1)]
    way[-1] = end
    return way


def _inside(bar: Bar, price: int) -> int:
    """Turn a price that leaves the bar back by as much as it left, so that it does not stick to the edge."""
    if price > bar.high:
        price = 2 * bar.high - price
    elif price < bar.low:
        price = 2 * bar.low - price
    return min(bar.high, max(bar.low, price))


def _quantities(rng: Random, bar: Bar, moves: list[int]) -> tuple[int, ...]:
    """Spread the bar's volume over its steps, more where the price moves."""
    reach = max(1, bar.high - bar.low)
    shares = list(accumulate(0.2 + rng.random() + 4 * abs(move) / reach for move in moves))
    traded = [int(bar.volume * share / shares[-1]) for share in shares]
    traded[-1] = bar.volume
    return tuple(after - before for before, after in pairwise([0, *traded]))


class CourseBook:
    """Keep the courses lately looked at, and the totals of many more whole bars."""

    def __init__(self, source_name: str) -> None:
        self._source_name = source_name
        self._courses: OrderedDict[tuple[str, int], Course] = OrderedDict()
        self._totals: OrderedDict[tuple[str, int], Totals] = OrderedDict()

    def course(self, symbol: str, bar: Bar) -> Course:
        """Give the course of a bar of the source."""
        key = (symbol, bar.index)
        course = self._courses.get(key)
        if course is None:
            course = self._courses[key] = chart_course(self._source_name, symbol, bar)
            if len(self._courses) > _COURSES_IN_MEMORY:
                self._courses.popitem(last=False)
        return course

    def whole(self, symbol: str, bar: Bar) -> Totals:
        """Give the totals of a whole bar of the source."""
        key = (symbol, bar.index)
        totals = self._totals.get(key)
        if totals is None:
            totals = self._totals[key] = chart_course(self._source_name, symbol, bar).totals(_LAST)
            if len(self._totals) > _TOTALS_IN_MEMORY:
                self._totals.popitem(last=False)
        return totals
