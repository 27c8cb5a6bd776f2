"""How much of each limit is used now, as `/limits` shows it."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

from services.domain.limits import Limit
from services.reporting.limit_list import limits_list
from services.risk.limits import book_of
from tests.reporting.stage import live_of, stopped_out, traded
from tests.trading.rig import ANN, ETH, TOM, Rig, desk_at

# What only an entry has: its score, its distance from the usual value, how long its instrument rests, its spread, and what
# moves with it.
OF_AN_ENTRY = {
    Limit.USUAL_MULTIPLE,
    Limit.MIN_SCORE,
    Limit.INSTRUMENT_COOLDOWN_S,
    Limit.MAX_SPREAD_BPS,
    Limit.GROUP_SHARE,
}


async def uses(rig: Rig, person_id: int) -> dict[Limit, Decimal | None]:
    book, live = book_of(rig.settings.risk), live_of(rig)
    found = await rig.read(lambda unit: limits_list(unit, book, person_id, live, may_change=False))
    return {line.limit: line.use for line in found.rows}


async def test_every_limit_but_those_of_an_entry_shows_its_use(tmp_path: Path) -> None:
    async with desk_at(tmp_path) as rig:
        await stopped_out(rig)
        await traded(rig)
        rig.quote("3999.99", "4000.01", ETH.symbol)
        rig.clock.advance(2)
        found, idle = await uses(rig, ANN), await uses(rig, TOM)

    assert {limit for limit, use in found.items() if use is None} == OF_AN_ENTRY
    for limit in (Limit.OPEN_POSITIONS, Limit.STRATEGY_POSITIONS, Limit.INSTRUMENT_POSITIONS, Limit.PERSON_POSITIONS):
        assert found[limit] == 1, limit
    assert found[Limit.TIER_SHARE] == found[Limit.INSTRUMENT_SHARE] == found[Limit.LEVERAGE]
    assert found[Limit.TIER_SHARE] is not None and found[Limit.TIER_SHARE] > 0
    assert found[Limit.WEEKLY_LOSS] == found[Limit.DAILY_LOSS] and Decimal("0.004") < (found[Limit.DAILY_LOSS] or 0)
    assert found[Limit.WRITES_PER_MINUTE] is not None and found[Limit.WRITES_PER_MINUTE] >= 2
    assert found[Limit.QUOTE_AGE_S] is not None and found[Limit.QUOTE_AGE_S] >= 2
    assert (idle[Limit.OPEN_POSITIONS], idle[Limit.DESK_POSITIONS], idle[Limit.WRITES_PER_MINUTE]) == (0, 1, 0)


async def test_an_instrument_without_a_quote_leaves_the_oldest_unsaid(tmp_path: Path) -> None:
    async with desk_at(tmp_path) as rig:
        rig.quote("63999.99", "64000.01")

        assert (await uses(rig, ANN))[Limit.QUOTE_AGE_S] is None
