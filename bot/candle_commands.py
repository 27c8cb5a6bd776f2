"""``sortie candles``: the history of candles on this machine. Nothing heavy is imported until a command runs."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bot.command_settings import command_settings

if TYPE_CHECKING:
    from config.settings import Settings
    from services.market.store.candle_store import CandleStore

candles = typer.Typer(help="Keep candles of venues and files, for backtests.", no_args_is_help=True)

Venue = Annotated[str, typer.Argument(help="A venue of the settings, or an exchange such as binance.")]
Symbol = Annotated[str, typer.Argument(help="Such as BTC/USDT.")]
Timeframe = Annotated[str, typer.Argument(help="Such as 5m or 1h.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
Day = Annotated[str | None, typer.Option(metavar="TIME", help="Up to here, 2024-06-01 or with a time; UTC.")]


@candles.command("import")
def candles_import(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="CSV, CSV.gz or Parquet.")],
    venue: Annotated[str, typer.Option(help="Where the candles are from.")],
    symbol: Annotated[str, typer.Option(help="Such as BTC/USDT.")],
    timeframe: Annotated[str, typer.Option(help="Such as 5m or 1h.")],
    skip_bad: Annotated[bool, typer.Option("--skip-bad", help="Take the sound rows of a file that has bad ones.")] = False,
    replace: Annotated[bool, typer.Option("--replace", help="Let the file win where it differs from what is there.")] = False,
) -> None:
    """Read a file, say what is wrong with it line by line, and keep its candles when it is sound."""
    store = _store(command_settings(keys_needed=False))
    from bot.system import SystemClock
    from handlers.cli.candles import import_candles
    from services.market.store.places import Series

    series = Series(venue=venue, symbol=symbol, timeframe=timeframe)
    raise typer.Exit(import_candles(store, SystemClock(), file, series, skip_bad=skip_bad, replace=replace))


@candles.command("list")
def candles_list(as_json: AsJson = False) -> None:
    """Say what there is, from when to when, and how much of it is missing."""
    store = _store(command_settings(keys_needed=False))
    from handlers.cli.candles import list_candles

    raise typer.Exit(list_candles(store, as_json=as_json))


@candles.command("gaps")
def candles_gaps(venue: Venue, symbol: Symbol, timeframe: Timeframe, as_json: AsJson = False) -> None:
    """List what is missing, and what of it the venue itself does not have."""
    store = _store(command_settings(keys_needed=False))
    from handlers.cli.candles import show_gaps
    from services.market.store.places import Series

    raise typer.Exit(show_gaps(store, Series(venue=venue, symbol=symbol, timeframe=timeframe), as_json=as_json))


@candles.command("check")
def candles_check(
    set_aside: Annotated[bool, typer.Option("--set-aside", help="Move damaged parts out of the way.")] = False,
) -> None:
    """Read everything and name the parts that are damaged."""
    store = _store(command_settings(keys_needed=False))
    from handlers.cli.candles import check_candles

    raise typer.Exit(check_candles(store, set_aside=set_aside))


@candles.command("fill")
def candles_fill(
    venue: Venue,
    symbol: Symbol,
    timeframe: Timeframe,
    since: Annotated[str, typer.Option(metavar="TIME", help="From here on, 2024-01-01 or with a time; UTC.")],
    until: Day = None,
    anew: Annotated[bool, typer.Option("--anew", help="Also ask again for what the venue did not have.")] = False,
) -> None:
    """Ask the venue for what is missing; stopped at any moment, the same command goes on."""
    settings = command_settings(keys_needed=False)
    store = _store(settings)
    from bot.candle_wiring import past_candles
    from bot.system import SystemClock
    from handlers.cli.candles import fill_candles
    from services.market.store.places import Series

    clock, series = SystemClock(), Series(venue=venue, symbol=symbol, timeframe=timeframe)
    first, end = _instant(since, "--since"), _instant(until, "--until") if until is not None else None
    raise typer.Exit(fill_candles(store, clock, lambda: past_candles(settings, venue, clock), series, first, end, anew=anew))


def _store(settings: Settings) -> CandleStore:
    from bot.extras import RESEARCH, ensure

    ensure(RESEARCH)
    from services.market.store.candle_store import CandleStore
    from services.market.store.places import candle_folder

    return CandleStore(candle_folder(settings.desk.state_dir))


def _instant(text: str, option: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter(f"{text!r} is no time such as 2024-01-31 or 2024-01-31T12:00", param_hint=option) from error
    return at.astimezone(UTC) if at.tzinfo is not None else at.replace(tzinfo=UTC)
