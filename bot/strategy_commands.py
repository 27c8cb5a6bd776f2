"""``sortie strategy``: strategies of one's own. Nothing heavy is imported until a command runs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bot.command_settings import command_settings

if TYPE_CHECKING:
    from services.domain.market import CandleSeries
    from services.domain.ports import Strategy

strategy = typer.Typer(help="Write a strategy of one's own, and try strategies for faults.", no_args_is_help=True)

MADE_UP_CANDLES = 3_000


@strategy.command("new")
def strategy_new(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Lower-case letters, digits and underscores.")],
    folder: Annotated[Path, typer.Option(help="Where the two files go; it is made.")] = Path("strategies"),
) -> None:
    """Write a strategy to begin from, with a test that is green."""
    from handlers.cli.strategy import new_strategy

    raise typer.Exit(new_strategy(name, folder))


@strategy.command("check")
def strategy_check(
    name: Annotated[str, typer.Argument(metavar="NAME|FILE", help="A loaded strategy, or the file of one.")],
    data: Annotated[Path | None, typer.Option(metavar="FILE", help="Candles to try it on; made-up ones without.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for programs.")] = False,
) -> None:
    """Look whether a strategy peeks at what comes, or says another thing when it is shown a longer history."""
    from handlers.cli.console import explain, say
    from handlers.cli.strategy import check_strategy
    from services.domain.errors import SortieError

    try:
        tried = _strategy(name)
        series = _series(data, tried)
    except SortieError as error:
        say(explain(error), error=True)
        raise typer.Exit(1) from error
    raise typer.Exit(check_strategy(tried, series, as_json=as_json))


def _strategy(name: str) -> Strategy:
    """Return a strategy with its parameters of the settings; a file's has its own."""
    from services.domain.errors import NotFound
    from services.strategies.registry import load_file, load_strategies

    settings = command_settings(keys_needed=False).strategies
    if name.endswith(".py"):
        return load_file(Path(name), settings.parameters.get(Path(name).stem, {}))
    registry = load_strategies(settings.folders, parameters=settings.parameters)
    found = registry.get(name)
    if found is None:
        raise NotFound("STRATEGY", reference=name[:40], known=", ".join(registry.names()))
    return found


def _series(data: Path | None, tried: Strategy) -> CandleSeries:
    """Return the candles of a file, or made-up ones; raise Misconfigured for a file that cannot be taken as it is."""
    if data is None:
        from services.strategies.made_up import rough_series

        return rough_series(1, tried.warm_up * 2 + MADE_UP_CANDLES)
    from bot.extras import RESEARCH, ensure
    from bot.system import SystemClock
    from handlers.cli.strategy import series_of
    from services.domain.errors import Misconfigured

    ensure(RESEARCH)
    from services.market.store.files import read_candles

    reading = read_candles(data, symbol=data.stem, timeframe=None, now=SystemClock().now())
    if reading.refused:
        fix = f"mend the file; `sortie candles import {data}` names every line"
        raise Misconfigured("CANDLES_REFUSED", file=str(data), problem=str(reading.findings[0]), fix=fix)
    return series_of(reading.history)
