"""The event loop of a backtest, compiled: candle after candle, several instruments on one account.

What happens in a row, in this order: funding, then what is left at the open, then market entries in the order of the
instruments, then what each candle did inside, then the account's value, then what the strategies say at the close, which acts
from the next candle on. Everything compiled stands in this file, because the compiled code is kept by the file's own date.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np

from services.research.compiling import compiled, inlined
from services.research.layouts import Counts, Finer, Play, Reason, Refusal, Row, Rows, Said
from services.research.rules import Entry, SameBar, Sizing, Trail

Bar: TypeAlias = tuple[float, float, float]
"""Open, high and low."""

DAY_MS = 86_400_000
STOP, MOVED_STOP, TARGET, LEFT, TIME, END, RUIN = (int(each) for each in Reason)
HELD, BEYOND_STOP, FULL, COOLING, DAY_OVER, TOO_SMALL, NOT_REACHED = (int(each) for each in Refusal)
LIMIT, TARGET_FIRST = int(Entry.LIMIT), int(SameBar.TARGET_FIRST)
QUANTITY, NOTIONAL, RISK = int(Sizing.QUANTITY), int(Sizing.NOTIONAL), int(Sizing.RISK)
PERCENT, BY_RISK, GIVEN = int(Trail.PERCENT), int(Trail.RISK), int(Trail.GIVEN)
ALL = 1 - 1e-9


@compiled
def play(world: Play, terms: Row) -> None:
    """Play all rows by the terms; what comes of them is written into the world's own arrays."""
    # The world is handed on only where something happens: handing it on costs more than a candle.
    open_, high, low, close = world.market.open, world.market.high, world.market.low, world.market.close
    side, leave, positions, equity = world.said.side, world.said.leave, world.positions, world.equity
    account = world.account[0]
    rows, count = close.shape
    daily, funded, timed = terms.daily_loss > 0, world.market.funding.shape[0] > 0, terms.time_stop > 0
    for row in range(rows):
        if daily:
            _new_day(account, world.market.time[row] // DAY_MS)
        for place in range(count):
            position = positions[place]
            if position.side != 0 and (position.leaving != 0 or funded or timed) and close[row, place] == close[row, place]:
                _at_open(world, terms, row, place)
        for place in range(count):
            position = positions[place]
            if position.waiting >= 0 and terms.entry != LIMIT and close[row, place] == close[row, place]:
                cost = side[position.waiting, place] * terms.cost
                _enter(world, terms, row, place, open_[row, place] * (1 + cost), terms.taker)
        for place in range(count):
            position = positions[place]
            if (position.side == 0 and position.waiting < 0) or close[row, place] != close[row, place]:
                continue
            if position.side != 0 and _quiet(position, high[row, place], low[row, place]):
                distance = world.market.trail[row, place] if terms.trail == GIVEN else 0.0
                _follow(terms, position, high[row, place], low[row, place], False, distance)
            else:
                _inside(world, terms, row, place)
            position.mark = close[row, place]
        account.equity = account.cash if account.open == 0 else _value(positions, account)
        if account.equity <= 0 and account.ruined == 0:
            _ruin(world, terms, row)
        equity[row] = account.equity
        if daily and account.equity <= account.day_equity * (1 - terms.daily_loss):
            account.day_over = 1
        for place in range(count):
            if side[row, place] != 0 or leave[row, place] != 0:
                _listen(world.said, positions[place], world.refused, row, place)
    for place in range(count):
        if positions[place].side != 0:
            _leave(world, terms, positions[place].mark, rows - 1, place, END)
            equity[rows - 1] = account.cash


@inlined
def _quiet(position: Row, high: float, low: float) -> bool:
    """Tell whether a candle reaches neither the stop nor the next target."""
    if position.side > 0:
        return bool(low > position.stop and not high >= position.target)
    return bool(high < position.stop and not low <= position.target)


@inlined
def _new_day(account: Row, day: int) -> None:
    if day != account.day:
        account.day = day
        account.day_equity = account.equity
        account.day_over = account.ruined


@inlined
def _at_open(world: Play, terms: Row, row: int, place: int) -> None:
    """Charge funding, and leave where that was said or the time is over."""
    position, price = world.positions[place], world.market.open[row, place]
    if world.market.funding.shape[0] > 0:
        cost = position.side * world.market.funding[row, place] * price * position.quantity
        position.funding += cost
        world.account[0].cash -= cost
    if position.leaving != 0:
        _leave(world, terms, price, row, place, LEFT)
    elif terms.time_stop > 0 and row - position.opened >= terms.time_stop:
        _leave(world, terms, price, row, place, TIME)


@inlined
def _enter(world: Play, terms: Row, row: int, place: int, price: float, fee: float) -> None:
    """Open a position at a price, unless something stands against it."""
    position, account, said = world.positions[place], world.account[0], world.said
    call = position.waiting
    side = said.side[call, place]
    shift = price - said.entry[call, place] if terms.from_fill != 0 else 0.0
    stop = said.stop[call, place] + shift
    position.waiting = -1
    refusal = _refusal(terms, position, account, side * (price - stop), row)
    quantity = 0.0
    if refusal < 0:
        quantity = _quantity(world, terms, call, place, price, abs(price - stop))
        refusal = -1 if quantity > 0 else TOO_SMALL
    if refusal >= 0:
        world.refused[refusal] += 1
        return
    position.side, position.opened, position.call = side, row, call
    position.quantity = position.whole = quantity
    position.entry = position.best = position.worst = position.mark = price
    position.stop = position.first_stop = stop
    position.gained = position.sold = position.funding = 0.0
    position.fees = fee * price * quantity
    position.leaving = position.rung = position.rungs = 0
    for rung in range(said.targets.shape[2]):
        target = said.targets[call, place, rung] + shift
        if target == target:
            world.targets[place, position.rungs] = target
            position.rungs += 1
    position.target = world.targets[place, 0] if position.rungs > 0 else np.nan
    account.cash -= position.fees
    account.open += 1


@inlined
def _refusal(terms: Row, position: Row, account: Row, room: float, row: int) -> int:
    """Return why there is no entry, -1 for no reason; ``room`` is how far the stop lies behind the price."""
    if account.day_over != 0:
        return DAY_OVER
    if not room > 0:
        return BEYOND_STOP
    if terms.positions > 0 and account.open >= terms.positions:
        return FULL
    if position.closed >= 0 and row - position.closed < terms.cooldown:
        return COOLING
    return -1


@inlined
def _quantity(world: Play, terms: Row, call: int, place: int, price: float, risk: float) -> float:
    """Return the quantity on its grid, 0 where it is below what an order must have; equity is that of the last close."""
    equity, grid = world.account[0].equity, world.grid
    if terms.sizing == QUANTITY:
        quantity = terms.size
    elif terms.sizing == NOTIONAL:
        quantity = terms.size / price
    elif terms.sizing == RISK:
        quantity = terms.size * equity / risk
    else:
        swing = world.market.volatility[call, place]
        quantity = terms.size * equity / swing if swing > 0 else 0.0
    if terms.leverage > 0:
        held = 0.0
        for other in range(world.positions.shape[0]):
            if world.positions[other].side != 0:
                held += world.positions[other].quantity * world.positions[other].mark
        quantity = min(quantity, max(0.0, (terms.leverage * equity - held) / price))
    quantity = _floored(quantity, grid.step[place])
    return quantity if quantity >= grid.quantity[place] and quantity * price >= grid.notional[place] else 0.0


@inlined
def _floored(quantity: float, step: float) -> float:
    """Return the quantity rounded down to its step; a hair below a step counts as the step."""
    return float(int(quantity / step + 1e-9)) * step if step > 0 else quantity


@inlined
def _inside(world: Play, terms: Row, row: int, place: int) -> None:
    """Play one candle, or the finer candles within it where they are all there and the one alone does not tell the order."""
    position, market, finer = world.positions[place], world.market, world.finer
    high, low = market.high[row, place], market.low[row, place]
    if position.waiting >= 0 and row - position.waiting > terms.limit_bars:
        _give_up(position, world.refused)
    fine = False
    if finer.first.shape[0] > 0 and _undecided(world, place, high, low):
        first, end = finer.first[row], finer.first[row + 1]
        fine = _covered(finer, first, end, place, high, low)
        if fine:
            for part in range(first, end):
                if finer.high[part, place] == finer.high[part, place]:
                    bar = finer.open[part, place], finer.high[part, place], finer.low[part, place]
                    _bar(world, terms, row, place, bar)
    if not fine:
        _bar(world, terms, row, place, (market.open[row, place], high, low))
    if position.waiting >= 0 and row - position.waiting >= terms.limit_bars:
        _give_up(position, world.refused)


@inlined
def _give_up(position: Row, refused: Counts) -> None:
    position.waiting = -1
    refused[NOT_REACHED] += 1


@inlined
def _undecided(world: Play, place: int, high: float, low: float) -> bool:
    """Tell whether a candle leaves open what came first: a limit entry and the rest of it, or stop and target."""
    position = world.positions[place]
    side = position.side
    if side == 0:
        return bool(position.waiting >= 0 and low <= world.said.entry[position.waiting, place] <= high)
    worst, best = (low, high) if side > 0 else (high, low)
    return bool(side * (worst - position.stop) <= 0 and side * (best - position.target) >= 0)


@inlined
def _covered(finer: Finer, first: int, end: int, place: int, high: float, low: float) -> bool:
    """Tell whether the finer candles reach as far as the one that they are part of."""
    top, bottom = low, high
    for part in range(first, end):
        if finer.high[part, place] > top:
            top = finer.high[part, place]
        if finer.low[part, place] < bottom:
            bottom = finer.low[part, place]
    return bool(top >= high and bottom <= low)


@inlined
def _bar(world: Play, terms: Row, row: int, place: int, bar: Bar) -> None:
    """Fill a waiting limit, then stop and targets, then move the stop. A fill inside a candle reaches no target in it."""
    position = world.positions[place]
    open_, high, low = bar
    fresh = False
    if position.waiting >= 0 and position.side == 0:
        side, limit = world.said.side[position.waiting, place], world.said.entry[position.waiting, place]
        better = side * (open_ - limit) <= 0
        if better or low <= limit <= high:
            _enter(world, terms, row, place, open_ if better else limit, terms.maker)
            fresh = not better
    if position.side != 0:
        _exits(world, terms, row, place, bar, fresh)
    if position.side != 0:
        distance = world.market.trail[row, place] if terms.trail == GIVEN else 0.0
        _follow(terms, position, high, low, fresh, distance)


@inlined
def _exits(world: Play, terms: Row, row: int, place: int, bar: Bar, fresh: bool) -> None:
    position = world.positions[place]
    open_, high, low = bar
    side = position.side
    worst, best = (low, high) if side > 0 else (high, low)
    if not fresh:
        if side * (open_ - position.stop) <= 0:
            _stop_out(world, terms, open_, row, place)
            return
        _take_targets(world, terms, row, place, open_, best if terms.same_bar == TARGET_FIRST else open_)
    if position.side != 0 and side * (worst - position.stop) <= 0:
        _stop_out(world, terms, position.stop, row, place)
    elif position.side != 0 and not fresh:
        _take_targets(world, terms, row, place, open_, best)


@inlined
def _stop_out(world: Play, terms: Row, price: float, row: int, place: int) -> None:
    position = world.positions[place]
    _leave(world, terms, price, row, place, STOP if position.stop == position.first_stop else MOVED_STOP)


@inlined
def _leave(world: Play, terms: Row, price: float, row: int, place: int, reason: int) -> None:
    """Sell what is left at the market."""
    position = world.positions[place]
    _close(world, price * (1 - position.side * terms.cost), terms.taker, row, place, reason)


@inlined
def _take_targets(world: Play, terms: Row, row: int, place: int, open_: float, reach: float) -> None:
    """Take off the share of each target up to ``reach``, at the target or at an open beyond it."""
    position = world.positions[place]
    side = position.side
    while position.side != 0 and position.rung < position.rungs:
        target = position.target
        if side * (reach - target) < 0:
            return
        price = open_ if side * (open_ - target) >= 0 else target
        shares, rung = world.shares[position.rungs - 1], position.rung
        part = _floored(shares[rung] * position.whole, world.grid.step[place])
        position.rung += 1
        position.target = world.targets[place, position.rung] if position.rung < position.rungs else np.nan
        if shares[: rung + 1].sum() >= ALL or part >= position.quantity:
            _close(world, price, terms.maker, row, place, TARGET)
        elif part > 0:
            _sell(position, world.account[0], part, price, terms.maker)


@inlined
def _sell(position: Row, account: Row, quantity: float, price: float, fee: float) -> None:
    gained = position.side * (price - position.entry) * quantity
    cost = fee * price * quantity
    position.gained += gained
    position.fees += cost
    position.sold += price * quantity
    position.quantity -= quantity
    account.cash += gained - cost
    _reach(position, price, price)


@inlined
def _close(world: Play, price: float, fee: float, row: int, place: int, reason: int) -> None:
    """Sell what is left, and book the trade."""
    position, account = world.positions[place], world.account[0]
    _sell(position, account, position.quantity, price, fee)
    side, risk = position.side, abs(position.entry - position.first_stop)
    trade = world.trades[account.trades]
    trade.instrument, trade.side, trade.reason = place, side, reason
    trade.call, trade.opened, trade.closed = position.call, position.opened, row
    trade.entry, trade.stop, trade.quantity = position.entry, position.first_stop, position.whole
    trade.exit = position.sold / position.whole
    trade.fees, trade.funding = position.fees, position.funding
    trade.pnl = position.gained - position.fees - position.funding
    trade.r = trade.pnl / (risk * position.whole)
    trade.mae = side * (position.worst - position.entry) / risk
    trade.mfe = side * (position.best - position.entry) / risk
    position.side = 0
    position.closed = row
    account.trades += 1
    account.open -= 1


@inlined
def _reach(position: Row, best: float, worst: float) -> None:
    if position.side * (best - position.best) > 0:
        position.best = best
    if position.side * (worst - position.worst) < 0:
        position.worst = worst


@inlined
def _follow(terms: Row, position: Row, high: float, low: float, fresh: bool, distance: float) -> None:
    """Note how far price went, and tighten the stop for what comes next."""
    side = position.side
    worst, best = (low, high) if side > 0 else (high, low)
    _reach(position, position.best if fresh else best, worst)
    risk = abs(position.entry - position.first_stop)
    stop = position.stop
    if terms.trail == PERCENT:
        stop = position.best * (1 - side * terms.trail_distance)
    elif terms.trail == BY_RISK:
        stop = position.best - side * terms.trail_distance * risk
    elif terms.trail == GIVEN and distance > 0:
        stop = position.best - side * terms.trail_distance * distance
    far = terms.break_even_r > 0 and side * (position.best - position.entry) >= terms.break_even_r * risk
    if (far or 0 < terms.break_even_after <= position.rung) and side * (position.entry - stop) > 0:
        stop = position.entry
    if side * (stop - position.stop) > 0:
        position.stop = stop


@inlined
def _value(positions: Rows, account: Row) -> float:
    value: float = account.cash
    for place in range(positions.shape[0]):
        position = positions[place]
        if position.side != 0:
            value += position.side * (position.mark - position.entry) * position.quantity
    return value


@inlined
def _ruin(world: Play, terms: Row, row: int) -> None:
    """Close everything and trade no more: nothing is left."""
    account = world.account[0]
    account.ruined = account.day_over = 1
    for place in range(world.positions.shape[0]):
        if world.positions[place].side != 0:
            _leave(world, terms, world.positions[place].mark, row, place, RUIN)
    account.equity = account.cash


@inlined
def _listen(said: Said, position: Row, refused: Counts, row: int, place: int) -> None:
    """Take what the strategy says at the close: who is in gets out, who calls waits for the next candle."""
    leave = said.leave[row, place]
    if leave != 0:
        if position.side != 0 and (leave == 2 or leave == position.side):
            position.leaving = 1
        if position.waiting >= 0 and (leave == 2 or leave == said.side[position.waiting, place]):
            _give_up(position, refused)
    if said.side[row, place] != 0:
        if position.side != 0 and position.leaving == 0:
            refused[HELD] += 1
        else:
            if position.waiting >= 0:
                _give_up(position, refused)
            position.waiting = row
