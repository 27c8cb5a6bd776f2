"""The rules of a backtest once more, in plain Python and one candle at a time: what the compiled loop must equal."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from services.research.layouts import Reason
from services.research.rules import Entry, Rules, SameBar, Sizing, Trail
from services.research.simulation import Entrant

DAY = 24 * 60 * 60 * 1000


@dataclass
class Done:
    place: int
    side: int
    reason: Reason
    opened: int
    closed: int
    entry: float
    exit: float
    quantity: float
    fees: float
    funding: float
    pnl: float
    r: float
    mae: float
    mfe: float


@dataclass
class Held:
    side: int
    row: int
    entry: float
    stop: float
    size: float
    ladder: list[tuple[float, float]]
    """Target and the quantity that is taken off there; infinity for all that is left."""
    fees: float
    first_stop: float = 0.0
    open_size: float = 0.0
    funding: float = 0.0
    passed: int = 0
    sales: list[tuple[float, float]] = field(default_factory=list)
    far: float = 0.0
    deep: float = 0.0

    def __post_init__(self) -> None:
        self.first_stop, self.open_size, self.far, self.deep = self.stop, self.size, self.entry, self.entry

    @property
    def risk(self) -> float:
        return abs(self.entry - self.first_stop)

    def seen(self, price: float) -> None:
        if (price - self.far) * self.side > 0:
            self.far = price
        if (price - self.deep) * self.side < 0:
            self.deep = price


@dataclass
class Candle:
    row: int
    own: int
    """Its row among the instrument's own candles."""
    open: float
    high: float
    low: float
    close: float


class SlowDesk:
    def __init__(self, entrants: Sequence[Entrant], rules: Rules) -> None:
        self.entrants, self.rules = entrants, rules
        self.axis = sorted({int(time) for each in entrants for time in each.history.time})
        self.candles = [
            {
                int(time): Candle(
                    self.axis.index(int(time)),
                    own,
                    float(each.history.open[own]),
                    float(each.history.high[own]),
                    float(each.history.low[own]),
                    float(each.history.close[own]),
                )
                for own, time in enumerate(each.history.time)
            }
            for each in entrants
        ]
        self.cash = self.equity = rules.capital
        self.held: dict[int, Held] = {}
        self.leaving: set[int] = set()
        self.waiting: dict[int, Candle] = {}
        self.last_exit: dict[int, int] = {}
        self.last_close: dict[int, float] = {}
        self.done: list[Done] = []
        self.curve: list[float] = []
        self.cost = (rules.spread_bps / 2 + rules.slippage_bps) / 10_000
        self.ruined = self.day_over = False

    def run(self) -> SlowDesk:
        day, day_equity = None, 0.0
        for row, time in enumerate(self.axis):
            if time // DAY != day:
                day, day_equity, self.day_over = time // DAY, self.equity, self.ruined
            now = {place: found[time] for place, found in enumerate(self.candles) if time in found}
            for place, candle in now.items():
                self.morning(place, candle, time)
            if self.rules.entry is Entry.MARKET:
                for place, candle in now.items():
                    if place in self.waiting:
                        side = int(self.entrants[place].calls.side[self.waiting[place].own])
                        self.enter(place, candle, candle.open * (1 + side * self.cost), self.rules.taker)
            for place, candle in now.items():
                self.through(place, candle)
                self.last_close[place] = candle.close
            self.equity = self.cash + sum(
                (self.last_close[place] - held.entry) * held.side * held.open_size for place, held in self.held.items()
            )
            if self.equity <= 0 and not self.ruined:
                self.ruined = self.day_over = True
                for place in list(self.held):
                    self.market_exit(place, self.last_close[place], row, Reason.RUIN)
                self.equity = self.cash
            self.curve.append(self.equity)
            if self.rules.daily_loss and self.equity <= day_equity * (1 - self.rules.daily_loss):
                self.day_over = True
            for place, candle in now.items():
                self.hear(place, candle)
        for place in sorted(self.held):
            self.market_exit(place, self.last_close[place], len(self.axis) - 1, Reason.END)
            self.curve[-1] = self.cash
        return self

    def morning(self, place: int, candle: Candle, time: int) -> None:
        held, funding = self.held.get(place), self.entrants[place].funding
        if held is None:
            return
        if funding is not None:
            before = self.entrants[place].history.time[candle.own - 1] if candle.own else time - 1
            for at, rate in zip(funding.time, funding.rate, strict=True):
                if before < at <= time:
                    paid = float(rate) * candle.open * held.open_size * held.side
                    held.funding += paid
                    self.cash -= paid
        if place in self.leaving:
            self.market_exit(place, candle.open, candle.row, Reason.LEFT)
        elif self.rules.time_stop and candle.row >= held.row + self.rules.time_stop:
            self.market_exit(place, candle.open, candle.row, Reason.TIME)

    def enter(self, place: int, candle: Candle, price: float, fee: float) -> None:
        entrant, call = self.entrants[place], self.waiting.pop(place).own
        calls, rules = entrant.calls, self.rules
        side = int(calls.side[call])
        moved = price - float(calls.entry[call]) if rules.from_fill else 0.0
        stop = float(calls.stop[call]) + moved
        cooling = place in self.last_exit and candle.row < self.last_exit[place] + rules.cooldown
        full = bool(rules.positions) and len(self.held) >= rules.positions
        if self.day_over or (price - stop) * side <= 0 or full or cooling:
            return
        size = self.size_of(entrant, call, price, abs(price - stop))
        if size <= 0 or size < entrant.min_quantity or size * price < entrant.min_notional:
            return
        prices = [float(each) + moved for each in calls.targets[call] if not math.isnan(each)]
        self.held[place] = Held(
            side, candle.row, price, stop, size, self.ladder(prices, size, entrant.step), fee * price * size
        )
        self.cash -= fee * price * size
        self.last_close[place] = price

    def ladder(self, prices: list[float], size: float, step: float) -> list[tuple[float, float]]:
        shares = list(self.rules.shares[: len(prices)])
        if not shares:
            even = round(1 / len(prices), 2) if prices else 0.0
            shares = [even] * (len(prices) - 1) + [1.0] if prices else []
            whole = True
        else:
            shares += [0.0] * (len(prices) - len(shares))
            whole = False
        found, sum_of = [], 0.0
        for index, (price, share) in enumerate(zip(prices, shares, strict=True)):
            sum_of += share
            everything = index == len(prices) - 1 if whole else sum_of >= 1 - 1e-9
            found.append((price, math.inf if everything else self.down(share * size, step)))
        return found

    def size_of(self, entrant: Entrant, call: int, price: float, risk: float) -> float:
        rules = self.rules
        if rules.sizing is Sizing.VOLATILITY:
            assert entrant.volatility is not None
            unit = float(entrant.volatility[call])
            if not unit > 0:
                return 0.0
        else:
            unit = risk
        size = {
            Sizing.QUANTITY: rules.size,
            Sizing.NOTIONAL: rules.size / price,
            Sizing.RISK: rules.size * self.equity / unit,
            Sizing.VOLATILITY: rules.size * self.equity / unit,
        }[rules.sizing]
        if rules.leverage:
            # In the order of the instruments, as floats do not add up the same in any order.
            used = sum(self.held[place].open_size * self.last_close[place] for place in sorted(self.held))
            size = min(size, max(0.0, (rules.leverage * self.equity - used) / price))
        return self.down(size, entrant.step)

    @staticmethod
    def down(size: float, step: float) -> float:
        return math.floor(size / step + 1e-9) * step if step else size

    def through(self, place: int, candle: Candle) -> None:
        bar = (candle.open, candle.high, candle.low)
        waits = self.waiting.get(place)
        if waits is not None and candle.row > waits.row + self.rules.limit_bars:
            del self.waiting[place]
        bars = [bar]
        if self.open_question(place, candle):
            inner = self.inner(place, candle)
            if inner and max(each[1] for each in inner) >= candle.high and min(each[2] for each in inner) <= candle.low:
                bars = inner
        for each in bars:
            self.bar(place, candle, *each)
        waits = self.waiting.get(place)
        if waits is not None and candle.row >= waits.row + self.rules.limit_bars:
            del self.waiting[place]

    def inner(self, place: int, candle: Candle) -> list[tuple[float, float, float]]:
        finer, history = self.entrants[place].finer, self.entrants[place].history
        if finer is None:
            return []
        begin = self.axis[candle.row]
        return [
            (float(finer.open[i]), float(finer.high[i]), float(finer.low[i]))
            for i, time in enumerate(finer.time)
            if begin <= time < begin + history.step
        ]

    def open_question(self, place: int, candle: Candle) -> bool:
        if place in self.held:
            held = self.held[place]
            worst, best = (candle.low, candle.high) if held.side > 0 else (candle.high, candle.low)
            ahead = held.ladder[held.passed :]
            return bool(ahead) and (worst - held.stop) * held.side <= 0 and (best - ahead[0][0]) * held.side >= 0
        if place in self.waiting:
            return candle.low <= float(self.entrants[place].calls.entry[self.waiting[place].own]) <= candle.high
        return False

    def bar(self, place: int, candle: Candle, opening: float, high: float, low: float) -> None:
        inside = False
        if place in self.waiting and place not in self.held:
            calls, call = self.entrants[place].calls, self.waiting[place].own
            limit, side = float(calls.entry[call]), int(calls.side[call])
            if (opening <= limit) if side > 0 else (opening >= limit):
                self.enter(place, candle, opening, self.rules.maker)
            elif low <= limit <= high:
                self.enter(place, candle, limit, self.rules.maker)
                inside = True
        held = self.held.get(place)
        if held is None:
            return
        self.exits(place, held, candle.row, opening, high, low, inside)
        if place not in self.held:
            return
        held.seen(low if held.side > 0 else high)
        if not inside:
            held.seen(high if held.side > 0 else low)
        self.tighten(place, held, candle)

    def exits(self, place: int, held: Held, row: int, opening: float, high: float, low: float, inside: bool) -> None:
        worst, best = (low, high) if held.side > 0 else (high, low)
        moved = Reason.STOP if held.stop == held.first_stop else Reason.MOVED_STOP
        if inside:
            steps = ["stop"]
        elif self.rules.same_bar is SameBar.TARGET_FIRST:
            steps = ["gap", "targets", "stop"]
        else:
            steps = ["gap", "open targets", "stop", "targets"]
        for step in steps:
            if place not in self.held:
                return
            if step == "gap" and (opening - held.stop) * held.side <= 0:
                self.market_exit(place, opening, row, moved)
            elif step == "stop" and (worst - held.stop) * held.side <= 0:
                self.market_exit(place, held.stop, row, moved)
            elif step.endswith("targets"):
                self.climb(place, held, row, opening, opening if step == "open targets" else best)

    def climb(self, place: int, held: Held, row: int, opening: float, reach: float) -> None:
        while place in self.held and held.passed < len(held.ladder):
            target, part = held.ladder[held.passed]
            if (reach - target) * held.side < 0:
                break
            held.passed += 1
            price = max(target, opening) if held.side > 0 else min(target, opening)
            self.sell(place, held, min(part, held.open_size), price, self.rules.maker)
            if held.open_size == 0:
                self.book(place, held, row, Reason.TARGET)

    def tighten(self, place: int, held: Held, candle: Candle) -> None:
        rules, side = self.rules, held.side
        wanted = [held.stop]
        if rules.trail is Trail.PERCENT:
            wanted.append(held.far * (1 - side * rules.trail_distance))
        if rules.trail is Trail.RISK:
            wanted.append(held.far - side * rules.trail_distance * held.risk)
        if rules.trail is Trail.GIVEN:
            column = self.entrants[place].trail
            assert column is not None
            if column[candle.own] > 0:
                wanted.append(held.far - side * rules.trail_distance * float(column[candle.own]))
        gone = (held.far - held.entry) * side
        if (rules.break_even_r and gone >= rules.break_even_r * held.risk) or (
            rules.break_even_after and held.passed >= rules.break_even_after
        ):
            wanted.append(held.entry)
        held.stop = max(wanted) if side > 0 else min(wanted)

    def market_exit(self, place: int, price: float, row: int, reason: Reason) -> None:
        held = self.held[place]
        self.sell(place, held, held.open_size, price * (1 - held.side * self.cost), self.rules.taker)
        self.book(place, held, row, reason)

    def sell(self, place: int, held: Held, size: float, price: float, fee: float) -> None:
        if size == 0:
            return
        held.fees += fee * price * size
        held.sales.append((price, size))
        held.open_size -= size
        held.seen(price)
        self.cash += (price - held.entry) * held.side * size - fee * price * size

    def book(self, place: int, held: Held, row: int, reason: Reason) -> None:
        gained = sum((price - held.entry) * held.side * size for price, size in held.sales)
        pnl = gained - held.fees - held.funding
        mean = sum(price * size for price, size in held.sales) / held.size
        self.done.append(
            Done(
                place,
                held.side,
                reason,
                held.row,
                row,
                held.entry,
                mean,
                held.size,
                held.fees,
                held.funding,
                pnl,
                pnl / held.risk / held.size,
                (held.deep - held.entry) * held.side / held.risk,
                (held.far - held.entry) * held.side / held.risk,
            )
        )
        self.last_exit[place] = row
        del self.held[place]
        self.leaving.discard(place)

    def hear(self, place: int, candle: Candle) -> None:
        calls = self.entrants[place].calls
        out, side = int(calls.leave[candle.own]), int(calls.side[candle.own])
        if place in self.held and out in (2, self.held[place].side):
            self.leaving.add(place)
        if place in self.waiting and out in (2, int(calls.side[self.waiting[place].own])):
            del self.waiting[place]
        if side and (place not in self.held or place in self.leaving):
            self.waiting[place] = candle
