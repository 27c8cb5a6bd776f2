"""``sortie screener probe``: the screen of this moment, a line for each instrument and one for each filter that it met."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from handlers.cli.console import explain, say, say_json, say_rows
from services.domain.errors import SortieError
from services.domain.money import canonical
from services.domain.screening import Finding, Screened

SHOWN, NOT_READ = 0, 2


def show_screen(measure: Callable[[], Awaitable[Sequence[Screened]]], *, as_json: bool) -> int:
    """Print what the filters find; return 2 where the market could not be read."""

    async def measured() -> Sequence[Screened]:
        return await measure()

    try:
        screened = asyncio.run(measured())
    except SortieError as error:
        say(explain(error), error=True)
        return NOT_READ
    if as_json:
        say_json([_wire(each) for each in screened])
        return SHOWN
    for each in screened:
        say(f"{each.instrument.symbol}  tier {each.instrument.tier.value}  {'traded' if each.listed else 'LEFT OUT'}")
        say_rows([(f"  {found.name}", *_columns(found)) for found in each.findings])
    kept = sum(each.listed for each in screened)
    say(f"{kept} of {len(screened)} would be traded; nothing was stored")
    return SHOWN


def _columns(found: Finding) -> tuple[str, str, str]:
    value = canonical(found.value) if found.value is not None else "no data" if found.bound is not None else ""
    bound = f"{'at most' if found.most else 'at least'} {canonical(found.bound)}" if found.bound is not None else "settings"
    return value, bound, "passes" if found.passed else f"leaves it out {found.about}".strip()


def _wire(screened: Screened) -> dict[str, object]:
    return {
        "symbol": screened.instrument.symbol,
        "tier": screened.instrument.tier.value,
        "traded": screened.listed,
        "filters": [
            {
                "filter": found.name,
                "passed": found.passed,
                "value": canonical(found.value) if found.value is not None else None,
                "bound": canonical(found.bound) if found.bound is not None else None,
                "about": found.about,
            }
            for found in screened.findings
        ],
    }
