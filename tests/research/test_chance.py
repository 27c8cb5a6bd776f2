"""Luck is told from skill: entries that know the future beat random ones, entries drawn by a die do not."""

from __future__ import annotations

import dataclasses

import numpy as np

from services.market.history import History
from services.research.chance import at_random, redraw
from services.research.figures import LEAST_TRADES
from services.research.rules import Rules, Sizing
from services.research.simulation import Entrant, Outcome, simulate
from services.strategies.calls import Calls, Sides
from tests.research.test_figures import trades_of
from tests.research.test_known_answer import walk

RULES = Rules(sizing=Sizing.NOTIONAL, size=100.0, maker=0, taker=0, time_stop=12)


def called(history: History, side: Sides) -> Entrant:
    """Return an entrant with stops at 3 % and targets at 4 %."""
    close, sign = history.close, side.astype(np.float64)
    return Entrant(
        history=history,
        calls=Calls(
            side=side,
            entry=close,
            stop=close * (1 - 0.03 * sign),
            targets=(close * (1 + 0.04 * sign))[:, None],
            setup=np.zeros(len(close)),
            leave=np.zeros(len(close), dtype=np.int8),
            explain=lambda row: (str(row), {}),
        ),
    )


def drawn_by_a_die(history: History) -> Entrant:
    side = (np.random.default_rng(3).random(len(history)) < 0.02).astype(np.int8)
    return called(history, side)


def knowing_the_future(history: History) -> Entrant:
    ahead = np.append(history.close[12:], np.full(12, history.close[-1])) / history.close
    return called(history, (ahead > 1.02).astype(np.int8))


def played(entrant: Entrant) -> Outcome:
    return simulate([entrant], RULES)


def test_entries_that_know_the_future_beat_every_random_run() -> None:
    entrant = knowing_the_future(walk(1, 4_000, 0.01))

    found = at_random(played(entrant), [entrant], runs=40, seed=7)

    assert found is not None
    assert found.beaten == 1.0


def test_entries_of_a_die_are_among_the_random_runs_which_have_as_many_trades() -> None:
    entrant = drawn_by_a_die(walk(1, 4_000, 0.01))
    outcome = played(entrant)

    found = at_random(outcome, [entrant], runs=60, seed=7)

    assert found is not None
    assert 0.03 < found.beaten < 0.97
    assert abs(found.trades / len(outcome.trades) - 1) < 0.15


def test_the_same_seed_says_the_same_and_another_something_else() -> None:
    entrant = drawn_by_a_die(walk(2, 3_000, 0.01))
    outcome = played(entrant)

    first, again, other = (at_random(outcome, [entrant], runs=8, seed=seed) for seed in (1, 1, 2))
    redrawn, twice, else_ = (redraw(outcome.trades, 100.0, runs=50, seed=seed) for seed in (1, 1, 2))

    assert first == again != other
    assert redrawn == twice != else_


def test_redrawn_trades_spread_about_what_was_made() -> None:
    found = redraw(trades_of([1.0, -1.0, 2.0, -0.5] * 20), 100.0, runs=2_000, seed=1)

    assert found is not None
    assert found.pnl[0] < 30 < found.pnl[2]
    assert abs(found.pnl[1] - 30) < 3
    assert found.losing < 0.05
    assert 0 < found.fall[0] <= found.fall[1] <= found.fall[2] < 1


def test_too_few_trades_say_nothing() -> None:
    entrant = drawn_by_a_die(walk(2, 3_000, 0.01))
    outcome = played(entrant)
    few = dataclasses.replace(outcome, trades=outcome.trades[: LEAST_TRADES - 1])

    assert at_random(few, [entrant], runs=5, seed=1) is None
    assert redraw(few.trades, 100.0, runs=5, seed=1) is None
