"""A hundred fires at once, each a fiftieth of what the limit allows: exactly fifty pass, on either database."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path

import pytest

from migrations import api
from services.domain.verdicts import CheckCode
from services.missions.fire import Denied, Fired
from services.storage import desk, trades
from tests.trading.rig import desk_at
from tests.trading.taps import confirm_token, instruments

FIRES, ROOM = 100, 50
# Small enough that nothing but the number of open trades stands in the way.
LIMITS = {"open_positions": ROOM, "default_per_trade": "0.0005"}


@pytest.mark.timeout(180)
async def test_a_hundred_fires_at_two_percent_of_a_limit_let_exactly_fifty_pass(place: str, tmp_path: Path) -> None:
    api.upgrade(place)
    async with desk_at(tmp_path, database={"url": place}, risk=LIMITS) as rig:
        traded = instruments(FIRES)
        rig.trading.instruments.update({each.symbol: each for each in traded})
        await rig.trading.database.write(lambda unit: desk.save_universe(unit, traded))
        tokens = []
        for each in traded:
            rig.quote("63999.99", "64000.01", each.symbol)
            tokens.append(await confirm_token(rig, await rig.mission(symbol=each.symbol, stop="60000")))
        pressed = await asyncio.gather(*(rig.trading.fire(rig.actor(), token) for token in tokens))
        kept = await rig.read(trades.live)

    assert Counter(type(outcome) for outcome in pressed) == {Fired: ROOM, Denied: FIRES - ROOM}
    assert {outcome.check.code for outcome in pressed if isinstance(outcome, Denied)} == {CheckCode.OPEN_POSITIONS}
    assert len(kept) == ROOM
