"""Plays calls over histories by the rules: from histories to columns, through the kernel, to trades and equity."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

import numpy as np

from services.domain.money import Price
from services.domain.signals import targets_of
from services.market.history import History
from services.research.layouts import (
    ACCOUNT,
    POSITION,
    TERMS,
    TRADE,
    Counts,
    Finer,
    Floats,
    Grid,
    Market,
    Play,
    Refusal,
    Row,
    Rows,
    Said,
    Signs,
)
from services.research.rules import Rules, Sizing, Trail
from services.strategies.calls import Calls


@dataclass(frozen=True, slots=True, kw_only=True)
class Funding:
    """A perpetual's funding: instants in milliseconds UTC, ascending, and the rate that longs pay to shorts at each."""

    time: Counts
    rate: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Entrant:
    """One instrument of a backtest: its candles, what is called on each of them, and its grid.

    ``trail`` and ``volatility`` are price distances by candle, for the rules that ask for them; ``finer`` the same instrument's
    candles of a smaller timeframe, which tell what came first inside one. ``step``, ``min_quantity`` and ``min_notional`` are
    0 for none.
    """

    history: History
    calls: Calls
    funding: Funding | None = None
    trail: Floats | None = None
    volatility: Floats | None = None
    finer: History | None = None
    step: float = 0.0
    min_quantity: float = 0.0
    min_notional: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of it: trades in the order of their exits (see :data:`~services.research.layouts.TRADE`) and equity.

    ``time`` is the common axis, milliseconds UTC; rows of trades are rows of it. ``refused`` counts calls that became none.
    """

    symbols: tuple[str, ...]
    time: Counts
    trades: Rows
    equity: Floats
    refused: dict[Refusal, int]
    rules: Rules


def simulate(entrants: Sequence[Entrant], rules: Rules) -> Outcome:
    """Play the entrants on one account; raise ValueError for candles, calls or columns that cannot be played."""
    from services.research.kernel import play

    world = world_of(entrants, rules)
    play(world, terms_of(rules))
    made = int(world.account[0]["trades"])
    return Outcome(
        symbols=tuple(each.history.symbol for each in entrants),
        time=world.market.time,
        trades=world.trades[:made],
        equity=world.equity,
        refused={each: int(world.refused[each]) for each in Refusal},
        rules=rules,
    )


def terms_of(rules: Rules) -> Row:
    """Return the rules as the kernel reads them."""
    terms = np.zeros(1, dtype=TERMS)
    for name in TERMS.names or ():
        terms[name] = rules.market_cost if name == "cost" else getattr(rules, name)
    return terms[0]


def world_of(entrants: Sequence[Entrant], rules: Rules) -> Play:
    """Return everything that the kernel reads, and empty arrays for what it writes."""
    if not entrants:
        raise ValueError("there is no instrument to play")
    for entrant in entrants:
        _check(entrant, rules)
    axis = _Axis(entrants)
    count, rungs = len(entrants), max(each.calls.targets.shape[1] for each in entrants)
    account = np.zeros(1, dtype=ACCOUNT)
    for name in ("cash", "equity", "day_equity"):
        account[name] = rules.capital
    account["day"] = -1
    positions = np.zeros(count, dtype=POSITION)
    for name in ("waiting", "closed"):
        positions[name] = -1
    return Play(
        market=_market(axis, entrants, rules),
        said=_said(axis, entrants, rungs),
        finer=_finer(axis, entrants),
        grid=Grid(
            step=np.array([each.step for each in entrants]),
            quantity=np.array([each.min_quantity for each in entrants]),
            notional=np.array([each.min_notional for each in entrants]),
        ),
        shares=_shares(rules, max(1, rungs)),
        positions=positions,
        targets=np.full((count, max(1, rungs)), np.nan),
        account=account,
        trades=np.zeros(sum(int(np.count_nonzero(each.calls.side)) for each in entrants), dtype=TRADE),
        refused=np.zeros(len(Refusal), dtype=np.int64),
        equity=np.empty(len(axis.time)),
    )


class _Axis:
    """The common time axis, and columns put on it; one instrument's columns are only seen in another shape."""

    def __init__(self, entrants: Sequence[Entrant]) -> None:
        times = [each.history.time for each in entrants]
        same = all(np.array_equal(each, times[0]) for each in times[1:])
        self.time = times[0] if same else np.unique(np.concatenate(times))
        self.rows = [None if same else np.searchsorted(self.time, each) for each in times]

    def floats(self, columns: Sequence[Floats]) -> Floats:
        """Put one column of each instrument beside each other, NaN where one has no candle."""
        return self._put(columns, np.full((len(self.time), len(columns), *columns[0].shape[1:]), np.nan))

    def signs(self, columns: Sequence[Signs]) -> Signs:
        """Do the same with what is called, 0 for nothing."""
        return self._put(columns, np.zeros((len(self.time), len(columns)), dtype=np.int8))

    def _put(self, columns: Sequence[Rows], whole: Rows) -> Rows:
        if len(columns) == 1:
            return np.ascontiguousarray(columns[0])[:, None]
        for place, (column, rows) in enumerate(zip(columns, self.rows, strict=True)):
            whole[slice(None) if rows is None else rows, place] = column
        return whole


def _market(axis: _Axis, entrants: Sequence[Entrant], rules: Rules) -> Market:
    none = np.empty((0, 0))
    histories = [each.history for each in entrants]
    trails = [each.trail for each in entrants if each.trail is not None]
    volatilities = [each.volatility for each in entrants if each.volatility is not None]
    return Market(
        time=axis.time,
        open=axis.floats([each.open for each in histories]),
        high=axis.floats([each.high for each in histories]),
        low=axis.floats([each.low for each in histories]),
        close=axis.floats([each.close for each in histories]),
        funding=_funding(axis, entrants),
        trail=axis.floats(trails) if rules.trail is Trail.GIVEN else none,
        volatility=axis.floats(volatilities) if rules.sizing is Sizing.VOLATILITY else none,
    )


def _funding(axis: _Axis, entrants: Sequence[Entrant]) -> Floats:
    """Return the rate by row; what fell between candles is charged at the next one."""
    if all(each.funding is None for each in entrants):
        return np.empty((0, 0))
    charged = []
    for entrant in entrants:
        column = np.zeros(len(entrant.history))
        if entrant.funding is not None:
            rows = np.searchsorted(entrant.history.time, entrant.funding.time)
            inside = (rows < len(column)) & (entrant.funding.time >= entrant.history.time[0])
            np.add.at(column, rows[inside], entrant.funding.rate[inside])
        charged.append(column)
    return np.nan_to_num(axis.floats(charged))


def _said(axis: _Axis, entrants: Sequence[Entrant], rungs: int) -> Said:
    calls = [each.calls for each in entrants]

    def widened(targets: Floats) -> Floats:
        missing = rungs - targets.shape[1]
        return np.pad(targets, ((0, 0), (0, missing)), constant_values=np.nan) if missing else targets

    return Said(
        side=axis.signs([each.side for each in calls]),
        entry=axis.floats([each.entry for each in calls]),
        stop=axis.floats([each.stop for each in calls]),
        targets=axis.floats([widened(each.targets) for each in calls]),
        leave=axis.signs([each.leave for each in calls]),
    )


def _finer(axis: _Axis, entrants: Sequence[Entrant]) -> Finer:
    given = [each.finer for each in entrants if each.finer is not None]
    if not given:
        none = np.empty((0, 0))
        return Finer(first=np.empty(0, dtype=np.int64), open=none, high=none, low=none)
    time = np.unique(np.concatenate([each.time for each in given]))
    open_, high, low = (np.full((len(time), len(entrants)), np.nan) for _ in range(3))
    for place, entrant in enumerate(entrants):
        if entrant.finer is not None:
            rows = np.searchsorted(time, entrant.finer.time)
            open_[rows, place], high[rows, place], low[rows, place] = (
                entrant.finer.open,
                entrant.finer.high,
                entrant.finer.low,
            )
    ends = np.searchsorted(time, axis.time + entrants[0].history.step)
    first = np.append(np.searchsorted(time, axis.time), ends[-1] if len(ends) else 0)
    return Finer(first=first.astype(np.int64), open=open_, high=high, low=low)


def _shares(rules: Rules, rungs: int) -> Floats:
    table = np.zeros((rungs, rungs))
    for count in range(1, rungs + 1):
        parts = rules.shares[:count] or [float(each.share) for each in targets_of([Price(Decimal(1))] * count)]
        table[count - 1, : len(parts)] = parts
    return table


def _check(entrant: Entrant, rules: Rules) -> None:
    """Raise ValueError for what would make a number that is none, or a trade that cannot be."""
    history, calls, name = entrant.history, entrant.calls, entrant.history.symbol
    if len(history) == 0:
        raise ValueError(f"{name}: there is no candle")
    if len(calls) != len(history):
        raise ValueError(f"{name}: {len(calls)} rows of calls for {len(history)} candles")
    for label, column in history.columns()[:4]:
        # A minimum is NaN when one of its values is.
        low, high = float(column.min()), float(column.max())
        if not (0 < low <= high < np.inf):
            row = int(np.flatnonzero(~(np.isfinite(column) & (column > 0)))[0])
            raise ValueError(f"{name}: {label} of candle {row} is {column[row]}, but must be above 0")
    called = np.flatnonzero(calls.side)
    for label, levels in (("entry", calls.entry), ("stop", calls.stop)):
        bad = called[~(np.isfinite(levels[called]) & (levels[called] > 0))]
        if len(bad):
            raise ValueError(f"{name}: the call on candle {bad[0]} has the {label} {levels[bad[0]]}")
    for label, column_or_none, asked in (
        ("trail", entrant.trail, rules.trail is Trail.GIVEN),
        ("volatility", entrant.volatility, rules.sizing is Sizing.VOLATILITY),
    ):
        if asked and (column_or_none is None or len(column_or_none) != len(history)):
            raise ValueError(f"{name}: the rules need a {label} for each candle")
    if entrant.finer is not None and entrant.finer.step >= history.step:
        raise ValueError(f"{name}: {entrant.finer.timeframe} is not finer than {history.timeframe}")
    if min(entrant.step, entrant.min_quantity, entrant.min_notional) < 0:
        raise ValueError(f"{name}: a step or minimum is below 0")
