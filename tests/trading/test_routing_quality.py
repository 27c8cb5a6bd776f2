"""Routes measured from the desk's own trades; a suggestion changes nothing until a commander applies it."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from handlers.telegram.views.routes import render_routes
from services.domain.entries import EntryKind
from services.domain.errors import NotAllowed, Refused
from services.domain.quality import Quality
from services.storage import routes
from services.storage.routes import RouteRow
from tests.trading.entering import entered, entries_of
from tests.trading.rig import ANN, CARL, Rig, desk_at
from tests.views.shape import labels, problems

ROUTES = {"wait_s": 1, "reprices": 0, "offset_bps": "1"}


async def row_of(rig: Rig) -> RouteRow:
    found = await rig.read(lambda unit: routes.find(unit, "paper", "BTC/USDT"))
    assert isinstance(found, RouteRow)
    return found


async def fell_back(rig: Rig, times: int) -> None:
    """Let maker first wait in vain and take, and the stop close it, so many times."""
    for _ in range(times):
        await entered(rig, EntryKind.MAKER, lasts=3600)
        for _ in range(3):
            rig.clock.advance(2)
            await rig.price("63999.99", "64000.01")
        rig.clock.advance(60)
        await rig.price("62999", "62999.02")
        rig.clock.advance(60)
        await rig.price("63999.99", "64000.01")
    await rig.trading.measure_routes()


async def test_few_entries_are_measured_and_not_graded(tmp_path: Path) -> None:
    async with desk_at(tmp_path, routes=ROUTES, desk={"least_sample": 3}) as rig:
        await fell_back(rig, 1)
        row = await row_of(rig)

    assert (row.quality, row.facts.fills, row.suggested_bps) == (Quality.NO_DATA, 1, None)
    assert row.facts.slippage_bps is not None


async def test_a_suggestion_waits_for_a_commander(tmp_path: Path) -> None:
    async with desk_at(tmp_path, routes=ROUTES, desk={"least_sample": 3}) as rig:
        await fell_back(rig, 3)
        measured = await row_of(rig)
        shown = await rig.trading.routes.shown(rig.actor(CARL))
        seen = await rig.trading.routes.shown(rig.actor(ANN))
        with pytest.raises(NotAllowed):
            await rig.trading.routes.apply(rig.actor(ANN), "paper", "BTC/USDT", "0.5")
        with pytest.raises(Refused) as caught:
            await rig.trading.routes.apply(rig.actor(CARL), "paper", "BTC/USDT", "0")
        before = await row_of(rig)
        await rig.trading.routes.apply(rig.actor(CARL), "paper", "BTC/USDT", "0.5")
        await rig.trading.measure_routes()
        after = await row_of(rig)

    assert (measured.facts.maker_first, measured.facts.fell_back) == (3, 3)
    assert measured.quality is Quality.DEGRADED
    assert (measured.offset_bps, measured.suggested_bps) == (Decimal(1), Decimal("0.5"))
    assert caught.value.code == "SUGGESTION_CHANGED"
    assert (before.offset_bps, after.offset_bps) == (Decimal(1), Decimal("0.5"))
    assert labels(render_routes(shown)) == [["BTC/USDT 1.0→0.5 bps"]]
    assert labels(render_routes(seen)) == []
    assert problems(render_routes(shown)) == []


async def test_an_applied_offset_is_where_the_next_entry_rests(tmp_path: Path) -> None:
    async with desk_at(tmp_path, routes=ROUTES, desk={"least_sample": 3}) as rig:
        await fell_back(rig, 3)
        await rig.trading.routes.apply(rig.actor(CARL), "paper", "BTC/USDT", "0.5")
        trade_id = await entered(rig, EntryKind.MAKER, lasts=3600)
        (order,) = await entries_of(rig, trade_id)

    assert order.price == Decimal("63996.79")


async def test_nothing_measured_is_said(tmp_path: Path) -> None:
    async with desk_at(tmp_path) as rig:
        await rig.trading.measure_routes()
        shown = await rig.trading.routes.shown(rig.actor(ANN))

    assert shown.rows == ()
    assert "nothing was measured yet" in render_routes(shown).plain()
