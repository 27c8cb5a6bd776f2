"""Runs a backtest from its job to its report: load, ask, play, figures, chance."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from services.domain.errors import Refused
from services.domain.ports import Strategy
from services.market.history import History
from services.research.asking import ask
from services.research.chance import at_random, redraw
from services.research.job import Job
from services.research.loading import entrant_of, histories_of, strategy_of
from services.research.report import Report, report_of
from services.research.rules import Sizing, Trail
from services.research.simulation import Entrant, simulate
from services.strategies.calls import Calls

SWING_CANDLES = 14
"""Trails and volatility sizes of a backtest count in the average true range of so many candles."""

Heard = Callable[[str, float], None]
"""Hears which stage runs and what share of it is done."""


def run_backtest(job: Job, heard: Heard = lambda stage, share: None) -> Report:
    """Run a job; raise SortieError with a clear code for whatever keeps it from a result."""
    strategy = strategy_of(job)
    entrants = []
    for number, source in enumerate(job.sources):
        heard("candles", number / len(job.sources))
        history, finer, funding = histories_of(job, source)
        if len(history) < strategy.warm_up + 2:
            raise Refused("TOO_FEW_CANDLES", value=f"{len(history)} of {history.symbol}", limit=strategy.warm_up + 2)
        heard("calls", number / len(job.sources))
        calls = _calls(strategy, history, lambda share: heard("calls", share))
        entrants.append(_entrant(job, history, calls, finer, funding))
    if len({each.history.timeframe for each in entrants}) > 1:
        raise Refused("TIMEFRAMES", value=", ".join(each.history.timeframe for each in entrants), limit="one timeframe")
    heard("trades", 0.0)
    try:
        outcome = simulate(entrants, job.rules)
    except ValueError as error:
        raise Refused("NOT_PLAYED", problem=error) from error
    heard("chance", 0.0)
    return report_of(
        outcome,
        entrants,
        strategy=strategy.name,
        version=strategy.version,
        parameters=_parameters(strategy),
        redrawn=redraw(outcome.trades, job.rules.capital, runs=job.draws, seed=job.seed),
        at_random=at_random(outcome, entrants, runs=job.runs, seed=job.seed, progress=lambda share: heard("chance", share)),
    )


def _calls(strategy: Strategy, history: History, progress: Callable[[float], None]) -> Calls:
    try:
        return ask(strategy, history, progress)
    except MemoryError:
        raise
    except Exception as error:
        # A plug-in may do anything.
        problem = f"{type(error).__name__}: {error}"
        raise Refused("STRATEGY_FAILED", value=strategy.name, symbol=history.symbol, problem=problem) from error


def _entrant(job: Job, history: History, calls: Calls, finer: Any, funding: Any) -> Entrant:
    if job.rules.trail is Trail.GIVEN or job.rules.sizing is Sizing.VOLATILITY:
        return entrant_of(history, calls, finer, funding, trail_period=SWING_CANDLES)
    return Entrant(history=history, calls=calls, finer=finer, funding=funding)


def _parameters(strategy: Strategy) -> dict[str, object]:
    given = getattr(strategy, "parameters", None)
    return dataclasses.asdict(given) if dataclasses.is_dataclass(given) and not isinstance(given, type) else {}
