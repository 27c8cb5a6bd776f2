"""The market's first moment: where to begin, so that the first mission comes soon."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from datetime import datetime

from bot.demo.console import CannotStart
from bot.demo.desk_settings import DeskTerms
from bot.demo.planner import Rules, Start, bars_ahead, close_in, find_start
from bot.demo.sandbox_client import MarketInfo, SandboxClient, SandboxError
from config.groups import StrategySettings
from config.limits import RiskSettings
from services.strategies.registry import load_strategies

STRETCH_BARS = 600
STRETCHES = 8


async def open_market(
    client: SandboxClient,
    market: MarketInfo,
    terms: DeskTerms,
    start: int | None,
    *,
    seed: int | None,
    now: datetime,
    say: Callable[[str], None],
) -> Start | None:
    """Start a market that is still held: at bar ``start``, or with None where the planner says; a kept one goes on.

    Return what was planned, if anything was.
    """
    if market.started:
        say("The market goes on where the clock has taken it." if start is None else "The market goes on; --start had no say.")
        return None
    if start is not None:
        await _start(client, start, min(float(market.bar_seconds), close_in(market.bar_seconds)))
        say(f"The market begins with bar {start} open.")
        return None
    found = await _search(client, market, terms, seed, now)
    if found is None:
        say("No signal that could be fired was found: the market begins after its warm-up, a mission may take a while.")
        await _start(client, market.minimum_start, close_in(market.bar_seconds))
        return None
    await _start(client, found.index, found.close_in_s)
    bars = bars_ahead(market.bar_seconds) * market.bar_seconds + found.close_in_s
    say(f"First mission: {found.symbol} {found.side.value}, about {bars:.0f} s after the desk first looks at candles.")
    return found


async def _search(client: SandboxClient, market: MarketInfo, terms: DeskTerms, seed: int | None, now: datetime) -> Start | None:
    given = StrategySettings()
    silent = {*given.disabled, *given.sandboxed}
    rules = Rules(
        strategies=[each for each in load_strategies(given.folders).all() if each.name not in silent],
        history=terms.market.history,
        signals=terms.signals,
        risk=RiskSettings(),
        paper=terms.paper,
    )
    first = _first(market, seed)
    for number in range(STRETCHES):
        begin = first + number * STRETCH_BARS
        if market.last_index is not None and begin > market.last_index:
            break
        stretch = await client.stretch(max(0, begin - rules.history), STRETCH_BARS + rules.history)
        currency = terms.desk.currency
        found = await asyncio.to_thread(find_start, stretch, begin, rules, now, quote_currency=currency)
        if found is not None:
            return found
    return None


def _first(market: MarketInfo, seed: int | None) -> int:
    """Choose where the search begins: in a recording a seed picks the place, else at the first bar that has its warm-up."""
    if market.last_index is None or seed is None:
        return market.minimum_start
    latest = max(market.minimum_start, market.last_index - STRETCH_BARS)
    return random.Random(seed).randint(market.minimum_start, latest)


async def _start(client: SandboxClient, index: int, close_in_s: float) -> None:
    try:
        await client.start_market(index, close_in_s)
    except SandboxError as error:
        raise CannotStart(f"the market did not start at bar {index}: {error}", "choose another bar with --start") from error
