"""``sortie screener``: what the filters of the universe would find now. Nothing is stored, and no desk needs to run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from bot.command_settings import command_settings

if TYPE_CHECKING:
    from config.settings import Settings
    from services.domain.screening import Screened

screener = typer.Typer(help="Try the filters of the universe.", no_args_is_help=True)


@screener.command("probe")
def screener_probe(as_json: Annotated[bool, typer.Option("--json", help="Print JSON for programs.")] = False) -> None:
    """Read the market once and say of each watched instrument whether it would be traded, and by which filter not."""
    settings = command_settings(keys_needed=False)
    from functools import partial

    from handlers.cli.screener import show_screen

    raise typer.Exit(show_screen(partial(_screened, settings), as_json=as_json))


async def _screened(settings: Settings) -> Sequence[Screened]:
    from bot.system import SystemClock
    from bot.wiring import build_market
    from services.market.candles import CandleBook
    from services.market.feed import Feed
    from services.market.quotes import QuoteBoard
    from services.market.screening import facts_of, screen

    clock, quotes = SystemClock(), QuoteBoard()
    market = build_market(settings, clock)
    book = CandleBook(settings.market.timeframe, settings.market.history)
    feed = Feed(market, quotes, book, clock, settings.market, _NoBeats())
    try:
        watched = await feed.warm_up()
    finally:
        await market.close()
    series = {each.symbol: feed.series(each.symbol) for each in watched}
    newest = {each.symbol: quote for each in watched if (quote := quotes.latest(each.symbol)) is not None}
    return screen(facts_of(watched, series, newest, clock.now()), settings.screening, settings.market.tiers)


class _NoBeats:
    def beat(self, stage: str, *, detail: str = "") -> None:
        """Tell nobody: there are no stages in a command."""
