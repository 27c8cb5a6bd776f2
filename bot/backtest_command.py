"""``sortie backtest``: a strategy over past candles. Nothing heavy is imported until the command runs."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from bot.command_settings import command_settings

FOLDER = "backtests"
Moment = Annotated[str | None, typer.Option(metavar="TIME", help="2024-01-31 or with a time; UTC.")]


def backtest(
    strategy: Annotated[str, typer.Argument(metavar="STRATEGY", help="A strategy's name, or the file of a plug-in.")],
    symbol: Annotated[list[str] | None, typer.Option(help="Such as BTC/USDT; several share one account.")] = None,
    timeframe: Annotated[str | None, typer.Option(help="Such as 5m or 1h.")] = None,
    venue: Annotated[str | None, typer.Option(help="Where the stored candles are from, if from several.")] = None,
    file: Annotated[list[Path] | None, typer.Option(metavar="FILE", help="Candles from CSV, CSV.gz or Parquet.")] = None,
    since: Moment = None,
    until: Moment = None,
    set_: Annotated[list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="A parameter, fast=12.")] = None,
    rule: Annotated[list[str] | None, typer.Option(metavar="NAME=VALUE", help="A rule, taker=0.0005 or size=0.02.")] = None,
    finer: Annotated[str | None, typer.Option(metavar="TIMEFRAME", help="Stored candles that tell what came first.")] = None,
    funding: Annotated[Path | None, typer.Option(metavar="FILE", help="A perpetual's funding rates, CSV.")] = None,
    draws: Annotated[int, typer.Option(min=0, max=100_000, help="How often trades are drawn again.")] = 1_000,
    runs: Annotated[int, typer.Option(min=0, max=10_000, help="How often entries at random are played.")] = 100,
    seed: Annotated[int, typer.Option(min=0, help="Of everything that is drawn.")] = 1,
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="Folder of the report.")] = None,
    page: Annotated[bool, typer.Option("--page/--no-page", help="Write report.html beside report.json.")] = True,
    memory: Annotated[int, typer.Option(min=256, metavar="MIB", help="The most memory it may take.")] = 2_048,
    idle: Annotated[bool, typer.Option("--idle/--no-idle", help="Let everything else on the machine go first.")] = True,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for programs.")] = False,
) -> None:
    """Play a strategy over past candles by the desk's rules, and write a report with its figures."""
    settings = command_settings(keys_needed=False)
    from bot.extras import RESEARCH, ensure

    ensure(RESEARCH)
    from bot.system import SystemClock
    from handlers.cli.backtest import FAILED, fresh_folder, parameters_of, rules_of, run_job, sources_of
    from handlers.cli.console import explain, say
    from services.domain.errors import SortieError
    from services.market.history import milliseconds
    from services.market.store.candle_store import CandleStore
    from services.market.store.places import candle_folder
    from services.research.job import Job

    now = SystemClock().now()
    folder = candle_folder(settings.desk.state_dir)
    try:
        job = Job(
            strategy=strategy,
            sources=sources_of(
                CandleStore(folder),
                folder,
                symbols=symbol or (),
                timeframe=timeframe,
                venue=venue,
                files=file or (),
                finer=finer,
                funding=funding,
            ),
            rules=rules_of(rule or ()),
            parameters=settings.strategies.parameters.get(strategy, {}) | parameters_of(set_ or ()),
            strategy_folders=tuple(str(each) for each in settings.strategies.folders),
            out=str(out or fresh_folder(settings.desk.state_dir / FOLDER, strategy, f"{now:%Y%m%d-%H%M%S}")),
            now=milliseconds(now),
            since=milliseconds(_instant(since, "--since")) if since is not None else None,
            until=milliseconds(_instant(until, "--until")) if until is not None else None,
            draws=draws,
            runs=runs,
            seed=seed,
            page=page,
            memory_mib=memory,
            idle=idle,
        )
    except SortieError as error:
        say(f"no backtest: {explain(error)}", error=True)
        raise typer.Exit(FAILED) from error
    raise typer.Exit(run_job(job, as_json=as_json))


def _instant(text: str, option: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter(f"{text!r} is no time such as 2024-01-31 or 2024-01-31T12:00", param_hint=option) from error
    return at.astimezone(UTC) if at.tzinfo is not None else at.replace(tzinfo=UTC)
