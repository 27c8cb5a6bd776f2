"""The compiled loop does what its rules say: it equals the slow one, trade by trade and candle by candle."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.market.history import History
from services.research.layouts import Reason, Refusal
from services.research.rules import Entry, Rules, SameBar, Sizing, Trail
from services.research.simulation import Entrant, Funding, Outcome, simulate
from services.strategies.calls import Calls
from tests.research.slow import SlowDesk

HOUR = 3_600_000
QUARTER = HOUR // 4
FIELDS = ("entry", "exit", "quantity", "fees", "funding", "pnl", "r", "mae", "mfe")


def calls_of(
    rows: int,
    *,
    at: dict[int, int] | None = None,
    entry: float = 100.0,
    stop: float = 98.0,
    targets: tuple[float, ...] = (104.0,),
    leave: dict[int, int] | None = None,
) -> Calls:
    """Return calls on the rows of ``at``, all with the same levels."""
    side, out = np.zeros(rows, dtype=np.int8), np.zeros(rows, dtype=np.int8)
    for row, value in (at or {}).items():
        side[row] = value
    for row, value in (leave or {}).items():
        out[row] = value
    return Calls(
        side=side,
        entry=np.full(rows, entry),
        stop=np.full(rows, stop),
        targets=np.tile(np.array(targets, dtype=np.float64), (rows, 1)),
        setup=np.zeros(rows),
        leave=out,
        explain=lambda row: (str(row), {}),
    )


def history_of(*bars: tuple[float, float, float, float], step: int = HOUR, start: int = 0) -> History:
    """Return candles from open, high, low and close."""
    opens, highs, lows, closes = (np.array(column, dtype=np.float64) for column in zip(*bars, strict=True))
    return History(
        symbol="BTC/USDT",
        timeframe={HOUR: "1h", QUARTER: "15m"}[step],
        time=start + np.arange(len(bars), dtype=np.int64) * step,
        open=opens,
        high=highs,
        low=lows,
        close=closes,
        volume=np.ones(len(bars)),
    )


def plain(**changes: object) -> Rules:
    """Return rules without costs, one unit at a time."""
    return dataclasses.replace(Rules(maker=0, taker=0, sizing=Sizing.QUANTITY, size=1.0, leverage=0), **changes)  # type: ignore[arg-type]


FLAT = (100.0, 101.0, 99.0, 100.0)
BOTH = (100.0, 105.0, 97.0, 100.0)


def one(outcome: Outcome) -> tuple[Reason, float]:
    """Return why the only trade ended, and its exit."""
    (trade,) = outcome.trades
    return Reason(trade["reason"]), float(trade["exit"])


def test_a_call_is_filled_at_the_next_open_and_never_at_its_own_close() -> None:
    history = history_of(FLAT, (100.5, 101, 100, 100), FLAT)

    trades = simulate([Entrant(history=history, calls=calls_of(3, at={0: 1}))], plain()).trades

    assert (trades["call"][0], trades["opened"][0], trades["entry"][0]) == (0, 1, 100.5)


@pytest.mark.parametrize(
    ("rule", "expected"), [(SameBar.STOP_FIRST, (Reason.STOP, 98.0)), (SameBar.TARGET_FIRST, (Reason.TARGET, 104.0))]
)
def test_a_candle_with_both_stop_and_target_goes_by_the_rule(rule: SameBar, expected: tuple[Reason, float]) -> None:
    entrant = Entrant(history=history_of(FLAT, BOTH, FLAT), calls=calls_of(3, at={0: 1}))

    assert one(simulate([entrant], plain(same_bar=rule))) == expected


@pytest.mark.parametrize(
    ("quarters", "expected"),
    [
        ([(100, 105, 100, 104), (104, 104, 97, 98), FLAT, FLAT], (Reason.TARGET, 104.0)),
        ([(100, 100, 97, 98), (98, 105, 98, 104), FLAT, FLAT], (Reason.STOP, 98.0)),
        ([(100, 105, 97, 100), FLAT, FLAT, FLAT], (Reason.STOP, 98.0)),
        ([(100, 104.5, 100, 104), FLAT], (Reason.STOP, 98.0)),
    ],
    ids=["target came first", "stop came first", "both in one again", "some are missing"],
)
def test_finer_candles_tell_what_came_first_where_they_are_all_there(
    quarters: list[tuple[float, float, float, float]], expected: tuple[Reason, float]
) -> None:
    finer = history_of(*quarters, step=QUARTER, start=HOUR)
    entrant = Entrant(history=history_of(FLAT, BOTH, FLAT), calls=calls_of(3, at={0: 1}), finer=finer)

    assert one(simulate([entrant], plain())) == expected


def test_a_gap_through_the_stop_is_paid_at_the_open_with_slippage() -> None:
    entrant = Entrant(history=history_of(FLAT, FLAT, (90, 91, 89, 90)), calls=calls_of(3, at={0: 1}))

    assert one(simulate([entrant], plain(slippage_bps=100))) == (Reason.STOP, pytest.approx(90 * 0.99))


def test_a_limit_filled_inside_a_candle_reaches_no_target_in_it() -> None:
    calls = calls_of(4, at={0: 1}, entry=99.0)
    history = history_of((102, 103, 101, 102), (102, 105, 98.5, 103), (103, 104.5, 102, 103), FLAT)

    trades = simulate([Entrant(history=history, calls=calls)], plain(entry=Entry.LIMIT)).trades

    assert (trades["opened"][0], trades["entry"][0], trades["closed"][0], trades["exit"][0]) == (1, 99.0, 2, 104.0)


def test_an_order_below_the_minimum_and_an_entry_beyond_its_stop_are_refused_and_counted() -> None:
    small = Entrant(history=history_of(FLAT, FLAT), calls=calls_of(2, at={0: 1}), min_quantity=2.0)
    late = Entrant(history=history_of(FLAT, (97, 98, 96, 97)), calls=calls_of(2, at={0: 1}))

    assert simulate([small], plain()).refused[Refusal.TOO_SMALL] == 1
    assert simulate([late], plain()).refused[Refusal.BEYOND_STOP] == 1


def test_an_account_that_is_ruined_trades_no_more() -> None:
    history = history_of(FLAT, (100, 100, 60, 60), (60, 61, 59, 60), (60, 61, 59, 60))
    calls = calls_of(4, at={0: 1, 2: 1}, stop=1.0, targets=(900.0,))

    outcome = simulate([Entrant(history=history, calls=calls)], plain(capital=30.0))

    assert one(outcome)[0] is Reason.RUIN
    assert (outcome.equity[1:] == -10).all()


BAD = {
    "a price that is none": {"close": float("nan")},
    "a price below zero": {"low": -1.0},
    "an endless price": {"high": float("inf")},
}


@pytest.mark.parametrize("change", BAD.values(), ids=list(BAD))
def test_candles_that_are_none_are_refused_by_name_and_row(change: dict[str, float]) -> None:
    history = history_of(FLAT, FLAT, FLAT)
    for name, value in change.items():
        getattr(history, name)[1] = value

    with pytest.raises(ValueError, match=f"BTC/USDT: {next(iter(change))} of candle 1"):
        simulate([Entrant(history=history, calls=calls_of(3))], plain())


def test_a_call_without_a_stop_is_refused() -> None:
    with pytest.raises(ValueError, match="call on candle 1 has the stop nan"):
        simulate([Entrant(history=history_of(FLAT, FLAT), calls=calls_of(2, at={1: 1}, stop=float("nan")))], plain())


@st.composite
def walks(draw: st.DrawFn, rows: int, start: int, keep: float) -> History:
    """Draw a walk on a coarse grid, so that levels are met exactly, with candles missing."""
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    closes = np.maximum(20, 100 + np.cumsum(random.integers(-8, 9, rows) / 4))
    opens = np.maximum(10, np.roll(closes, 1) + random.integers(-4, 5, rows) / 4)
    highs = np.maximum(opens, closes) + random.integers(0, 9, rows) / 4
    lows = np.maximum(5, np.minimum(opens, closes) - random.integers(0, 9, rows) / 4)
    kept = np.flatnonzero(random.random(rows) < keep)
    kept = kept if len(kept) else np.arange(1)
    return History(
        symbol=f"X{start}/USDT",
        timeframe="1h",
        time=(start + np.arange(rows, dtype=np.int64) * HOUR)[kept],
        open=opens[kept],
        high=highs[kept],
        low=lows[kept],
        close=closes[kept],
        volume=np.ones(len(kept)),
    )


def quarters_of(history: History, random: np.random.Generator) -> History:
    """Split candles into four each that reach as far, now and then without one."""
    rows: list[tuple[int, float, float, float]] = []
    for time, opening, high, low in zip(history.time, history.open, history.high, history.low, strict=True):
        inner = random.uniform(low, high, (4, 3))
        tops, bottoms = inner.max(axis=1), inner.min(axis=1)
        tops[random.integers(4)], bottoms[random.integers(4)] = high, low
        opens = inner[:, 0].clip(bottoms, tops)
        opens[0] = opening
        tops[0], bottoms[0] = max(tops[0], opening), min(bottoms[0], opening)
        rows += [
            (int(time) + part * QUARTER, opens[part], tops[part], bottoms[part]) for part in range(4) if random.random() > 0.03
        ]
    rows = rows or [(int(history.time[0]), history.open[0], history.high[0], history.low[0])]
    times, opens_, highs, lows = (np.array(column) for column in zip(*rows, strict=True))
    return History(
        symbol=history.symbol,
        timeframe="15m",
        time=times.astype(np.int64),
        open=opens_,
        high=highs,
        low=lows,
        close=opens_,
        volume=np.ones(len(times)),
    )


@st.composite
def entrants(draw: st.DrawFn, rungs: int) -> Entrant:
    history = draw(walks(draw(st.integers(2, 60)), draw(st.sampled_from([0, 3 * HOUR])), draw(st.sampled_from([1.0, 0.8]))))
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    rows = len(history)
    side = random.choice([0, 0, 0, 1, -1], rows).astype(np.int8)
    width = random.integers(1, 13, rows) / 4
    entry = history.close - side * random.integers(-2, 5, rows) / 4
    targets = entry[:, None] + side[:, None] * np.cumsum(random.integers(1, 9, (rows, rungs)) / 4, axis=1)
    targets[random.random((rows, rungs)) < 0.2] = np.nan
    funding = Funding(time=np.arange(0, 60, 8, dtype=np.int64) * HOUR, rate=random.normal(0, 0.001, 8))
    return Entrant(
        history=history,
        calls=Calls(
            side=side,
            entry=entry,
            stop=entry - side * width,
            targets=targets,
            setup=np.zeros(rows),
            leave=random.choice([0, 0, 0, 0, 1, -1, 2], rows).astype(np.int8),
            explain=lambda row: (str(row), {}),
        ),
        funding=draw(st.sampled_from([None, funding])),
        trail=random.choice([np.nan, 0.5, 1.0, 2.0], rows),
        volatility=random.choice([np.nan, 0.5, 1.0, 2.0], rows),
        finer=draw(st.sampled_from([None, quarters_of(history, random)])),
        step=draw(st.sampled_from([0.0, 0.1, 1.0])),
        min_quantity=draw(st.sampled_from([0.0, 0.5])),
        min_notional=draw(st.sampled_from([0.0, 20.0])),
    )


@st.composite
def rules(draw: st.DrawFn) -> Rules:
    sizing = draw(st.sampled_from(Sizing))
    size = {Sizing.QUANTITY: [1.0, 7.0], Sizing.NOTIONAL: [500.0], Sizing.RISK: [0.01, 0.5], Sizing.VOLATILITY: [0.02]}
    trail = draw(st.sampled_from(Trail))
    distance = {Trail.NONE: [0.0], Trail.PERCENT: [0.01, 0.03], Trail.RISK: [0.5, 1.0], Trail.GIVEN: [1.0, 1.5]}
    return Rules(
        capital=draw(st.sampled_from([200.0, 10_000.0])),
        maker=draw(st.sampled_from([0.0, -0.0002, 0.001])),
        taker=draw(st.sampled_from([0.0, 0.001])),
        spread_bps=draw(st.sampled_from([0.0, 4.0])),
        slippage_bps=draw(st.sampled_from([0.0, 7.0])),
        entry=draw(st.sampled_from(Entry)),
        limit_bars=draw(st.integers(1, 4)),
        sizing=sizing,
        size=draw(st.sampled_from(size[sizing])),
        leverage=draw(st.sampled_from([0.0, 1.0, 3.0])),
        positions=draw(st.integers(0, 2)),
        from_fill=draw(st.booleans()),
        shares=draw(st.sampled_from([(), (0.5, 0.25), (0.5, 0.5), (0.25, 0.25, 0.5), (1.0,)])),
        trail=trail,
        trail_distance=draw(st.sampled_from(distance[trail])),
        break_even_after=draw(st.integers(0, 2)),
        break_even_r=draw(st.sampled_from([0.0, 0.5, 1.0])),
        time_stop=draw(st.sampled_from([0, 1, 5])),
        cooldown=draw(st.sampled_from([0, 1, 4])),
        daily_loss=draw(st.sampled_from([0.0, 0.01, 0.2])),
        same_bar=draw(st.sampled_from(SameBar)),
    )


@settings(max_examples=400)
@given(data=st.data(), by=rules())
def test_every_rule_in_any_mixture_equals_the_slow_desk(data: st.DataObject, by: Rules) -> None:
    rungs = data.draw(st.integers(1, 3))
    playing = data.draw(st.lists(entrants(rungs), min_size=1, max_size=3))

    fast, slow = simulate(playing, by), SlowDesk(playing, by).run()

    assert [
        (int(t["instrument"]), int(t["side"]), Reason(t["reason"]), int(t["opened"]), int(t["closed"])) for t in fast.trades
    ] == [(t.place, t.side, t.reason, t.opened, t.closed) for t in slow.done]
    for name in FIELDS:
        assert fast.trades[name] == pytest.approx([getattr(t, name) for t in slow.done], rel=1e-9, abs=1e-7), name
    assert fast.equity == pytest.approx(slow.curve, rel=1e-9, abs=1e-7)
    assert np.isfinite(fast.equity).all()
