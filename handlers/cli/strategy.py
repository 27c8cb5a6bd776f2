"""``sortie strategy``: a new strategy to begin from, and the faults that make one's results worthless."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from handlers.cli.console import explain, say, say_json, say_rows
from services.domain.errors import Misconfigured
from services.domain.market import Candle, CandleSeries
from services.domain.ports import Strategy
from services.market.history import History
from services.strategies.lint import Fault, Finding, lint
from services.strategies.made_up import MADE_UP
from services.strategies.new import write_strategy

DONE, FAILED = 0, 1
MOST_CANDLES = 20_000
_MEANING = {
    Fault.LOOK_AHEAD: "says something else once later candles are cut off: it knew what came",
    Fault.RECURSION: "says something else on warm_up candles than on a longer history: warm_up is too small",
    Fault.COLD: "calls before warm_up candles are there: no desk would hear it",
    Fault.UNSTEADY: "answers the same question differently: it has a memory, a clock or randomness",
}


def new_strategy(name: str, folder: Path) -> int:
    """Write a strategy and its test; return the exit code."""
    try:
        written = write_strategy(name, folder)
    except Misconfigured as error:
        say(explain(error), error=True)
        return FAILED
    say(f"{written.strategy} and {written.test} are there.")
    say(f"Try them: python -m pytest {written.test}; sortie strategy check {written.strategy}")
    say(f'Load it: folders = ["{folder}"] under [strategies] in sortie.toml; then /enable {name} in the chat.')
    return DONE


def check_strategy(strategy: Strategy, series: CandleSeries, *, as_json: bool) -> int:
    """Try a strategy for faults and name those found; return the exit code."""
    series = CandleSeries(instrument=series.instrument, timeframe=series.timeframe, candles=series.candles[-MOST_CANDLES:])
    needed = 2 * strategy.warm_up
    if len(series.candles) < needed:
        say(f"{len(series.candles)} candles are too few: {strategy.name} is tried on {needed} or more", error=True)
        return FAILED
    found = lint(strategy, series)
    if as_json:
        say_json([_fields(each, series) for each in found])
    elif found:
        say_rows([["fault", "candle", "said", "should be"], *(list(_fields(each, series).values()) for each in found)])
        for each in found:
            say(f"{each.fault.value}: {strategy.name} {_MEANING[each.fault]}.")
    else:
        say(f"{strategy.name} {strategy.version}: no fault found on {len(series.candles)} candles.")
    return FAILED if found else DONE


def series_of(history: History) -> CandleSeries:
    """Return a history as a strategy is shown it, the newest candles of it."""
    first = max(0, len(history) - MOST_CANDLES)
    rows = zip(*(column[first:].tolist() for _, column in (("time", history.time), *history.columns())), strict=True)
    candles = [Candle(datetime.fromtimestamp(time / 1_000, UTC), *prices) for time, *prices in rows]
    return CandleSeries(instrument=MADE_UP, timeframe=history.timeframe, candles=candles)


def _fields(finding: Finding, series: CandleSeries) -> dict[str, str]:
    at = series.candles[finding.row].time.strftime("%Y-%m-%d %H:%M")
    return {"fault": finding.fault.value, "candle": at, "said": finding.said, "expected": finding.expected}
