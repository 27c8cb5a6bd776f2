"""How much of a result is luck: the same trades drawn again, and entries at random with the same exits."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from services.research.figures import LEAST_TRADES
from services.research.layouts import Counts, Floats, Rows, Signs
from services.research.rules import Rules
from services.research.simulation import Entrant, Outcome, simulate
from services.strategies.calls import Calls

SHARES = (0.05, 0.5, 0.95)
_AT_ONCE = 2_000_000
_ROUNDS = 6

Progress = Callable[[float], None]
"""Hears the share that is done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Redrawn:
    """The trades drawn again with replacement, ``runs`` times: what they made and how deep they fell, at 5, 50 and 95 %.

    ``pnl`` is in the quote currency, ``fall`` a share of the capital and what was made before; ``losing`` is the share of runs
    that lost money.
    """

    runs: int
    seed: int
    pnl: tuple[float, float, float]
    fall: tuple[float, float, float]
    losing: float


@dataclass(frozen=True, slots=True, kw_only=True)
class AtRandom:
    """What as many entries at random moments made with the same exits, ``runs`` times.

    ``beaten`` is the share of them whose mean R the strategy exceeds; ``mean_r`` and ``pnl`` are at 5, 50 and 95 %; ``trades``
    is how many trades they had on average.
    """

    runs: int
    seed: int
    trades: float
    mean_r: tuple[float, float, float]
    pnl: tuple[float, float, float]
    beaten: float


def redraw(trades: Rows, capital: float, *, runs: int, seed: int) -> Redrawn | None:
    """Draw the trades again; None where they are too few to say anything, or no run is asked for."""
    pnl: Floats = np.ascontiguousarray(trades["pnl"])
    if runs == 0 or len(pnl) < LEAST_TRADES:
        return None
    random = np.random.default_rng(seed)
    made, fall = np.empty(runs), np.empty(runs)
    step = max(1, _AT_ONCE // len(pnl))
    for first in range(0, runs, step):
        part = slice(first, min(runs, first + step))
        drawn = pnl[random.integers(0, len(pnl), (part.stop - first, len(pnl)))]
        equity = capital + np.cumsum(drawn, axis=1)
        peaks = np.maximum(np.maximum.accumulate(equity, axis=1), capital)
        made[part], fall[part] = equity[:, -1] - capital, (1 - equity / peaks).max(axis=1)
    return Redrawn(runs=runs, seed=seed, pnl=_spread(made), fall=_spread(fall), losing=float((made < 0).mean()))


def at_random(
    outcome: Outcome, entrants: Sequence[Entrant], *, runs: int, seed: int, progress: Progress = lambda share: None
) -> AtRandom | None:
    """Enter at random moments instead, with the sides, stops and targets of the trades that were made, in any order.

    Distances are carried over as shares of the price. What asks to leave stays as it is. Where entries meet a position that is
    open, more are drawn, until there are as many trades or six draws are over. None where there are too few trades.
    """
    if runs == 0 or len(outcome.trades) < LEAST_TRADES:
        return None
    random = np.random.default_rng(seed)
    patterns = [_Pattern(entrant, _called(outcome, place, entrant)) for place, entrant in enumerate(entrants)]
    mean_r, pnl, trades = np.empty(runs), np.empty(runs), np.empty(runs)
    for run in range(runs):
        made = _one(patterns, outcome.rules, random)
        mean_r[run] = made["r"].mean() if len(made) else 0.0
        pnl[run], trades[run] = made["pnl"].sum(), len(made)
        progress((run + 1) / runs)
    mine = float(outcome.trades["r"].mean())
    return AtRandom(
        runs=runs,
        seed=seed,
        trades=float(trades.mean()),
        mean_r=_spread(mean_r),
        pnl=_spread(pnl),
        beaten=float((mean_r < mine).mean()),
    )


def _called(outcome: Outcome, place: int, entrant: Entrant) -> Counts:
    """Return on which of the entrant's own candles its trades were called."""
    mine = outcome.trades[outcome.trades["instrument"] == place]
    rows: Counts = np.searchsorted(entrant.history.time, outcome.time[mine["call"]])
    return rows


def _one(patterns: Sequence[_Pattern], rules: Rules, random: np.random.Generator) -> Rows:
    chosen = [pattern.draw(random, pattern.count) for pattern in patterns]
    wanted = sum(pattern.count for pattern in patterns)
    for _ in range(_ROUNDS):
        outcome = simulate([pattern.entrant_with(rows) for pattern, rows in zip(patterns, chosen, strict=True)], rules)
        if len(outcome.trades) >= wanted:
            break
        for place, pattern in enumerate(patterns):
            missing = pattern.count - int((outcome.trades["instrument"] == place).sum())
            if missing > 0:
                more = np.union1d(chosen[place], pattern.draw(random, missing))
                chosen[place] = random.permutation(more)
    return outcome.trades


class _Pattern:
    """The calls of one entrant that became trades, apart from when they came."""

    def __init__(self, entrant: Entrant, called: Counts) -> None:
        self.entrant, self.count = entrant, len(called)
        calls = entrant.calls
        self.side: Signs = calls.side[called]
        entry = calls.entry[called]
        self.entry = entry / entrant.history.close[called]
        self.stop = calls.stop[called] / entry
        self.targets = calls.targets[called] / entry[:, None]

    def draw(self, random: np.random.Generator, count: int) -> Counts:
        """Draw rows that differ, the last candle left out."""
        rows = len(self.entrant.history) - 1
        return random.choice(rows, min(count, rows), replace=False).astype(np.int64)

    def entrant_with(self, rows: Counts) -> Entrant:
        """Return the entrant with calls on these rows; the n-th has the levels of the n-th trade, again from the first."""
        calls, close = self.entrant.calls, self.entrant.history.close
        if not len(rows):
            return dataclasses.replace(self.entrant, calls=dataclasses.replace(calls, side=np.zeros_like(calls.side)))
        like = np.arange(len(rows)) % self.count
        side, entry, stop = np.zeros_like(calls.side), np.zeros(len(close)), np.zeros(len(close))
        targets = np.full(calls.targets.shape, np.nan)
        side[rows] = self.side[like]
        entry[rows] = close[rows] * self.entry[like]
        stop[rows] = entry[rows] * self.stop[like]
        targets[rows] = entry[rows, None] * self.targets[like]
        drawn = Calls(
            side=side,
            entry=entry,
            stop=stop,
            targets=targets,
            setup=calls.setup,
            leave=calls.leave,
            explain=lambda row: ("at random", {}),
        )
        return dataclasses.replace(self.entrant, calls=drawn)


def _spread(samples: Floats) -> tuple[float, float, float]:
    low, middle, high = (float(each) for each in np.quantile(samples, SHARES))
    return low, middle, high
