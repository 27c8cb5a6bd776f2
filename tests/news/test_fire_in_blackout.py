"""A blackout through the front door: entries are refused with the event named, exits pass, and afterwards entries do again."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from bot.news_wiring import build_news
from bot.system import SystemIds
from services.domain.verdicts import Check, CheckCode
from services.market.news.blackouts import CalendarBoard
from services.missions.fire import Denied, Fired
from services.storage import verdicts
from tests.chat.rig import ANN, chat_desk, labels_of, sandboxed, text_of
from tests.news.documents import document
from tests.trading.rig import START, Rig, desk_at
from tests.trading.taps import confirm_token, preview_of


async def test_a_fire_in_a_blackout_is_refused_with_its_event_and_passes_afterwards(tmp_path: Path) -> None:
    file = tmp_path / "calendar.json"
    async with sandboxed() as box:
        file.write_bytes(document(box.clock.now()))
        async with chat_desk(tmp_path / "desk", box, calendar={"file": file, "every_s": 1}) as rig:
            board = rig.graph.trading.desk.rules.calendar
            held = await rig.trade(ANN, symbol="ETH/USDT", stop="3150")
            preview = await rig.preview(ANN)
            file.write_bytes(document(rig.clock.now(), {"at": 20, "title": "FOMC <b>& co</b>"}, old=timedelta(minutes=3)))
            await rig.until(lambda: board.ahead(rig.clock.now(), 1), "the calendar is read anew")

            toast = await rig.press(ANN, preview, "Confirm")
            refused = await rig.reads(preview, "⛔ not fired: NEWS")
            why = await rig.ask(ANN, "/why m2", "denied: NEWS")
            await rig.press(ANN, held, "Close")
            await rig.press(ANN, await rig.message(ANN, "at market?"), "Close")
            await rig.reads(held, "closed")

            assert toast.startswith("NEWS USD FOMC <b>& co</b> ") and " Frees " in toast
            assert "USD FOMC <b>& co</b> " in text_of(refused) and " UTC (data 3 min)\nfrees at " in text_of(refused)
            assert "Remind me" in labels_of(refused) and "USD FOMC <b>& co</b> " in text_of(why)

            await rig.forward(minutes=51)
            await rig.trade(ANN)


async def fired(rig: Rig, board: CalendarBoard) -> tuple[bool, Check]:
    """Show a preview, read the calendar onto a board, and confirm; return whether it fired, and what the gate says by now."""
    mission = await rig.mission()
    token = await confirm_token(rig, mission)
    await build_news(rig.settings, rig.trading.database, board, rig.clock, SystemIds()).read_calendar()
    outcome = await rig.trading.fire(rig.actor(), token)
    if isinstance(outcome, Denied):
        return False, outcome.check
    assert isinstance(outcome, Fired)
    verdict = await rig.read(lambda unit: verdicts.of_trade(unit, outcome.trade_id))
    return True, next(each for each in verdict.verdict.checks if each.code is CheckCode.NEWS)


@pytest.mark.parametrize("asked", [True, False], ids=["the-board-that-the-gate-asks", "broken-a-board-that-nobody-asks"])
async def test_the_gate_goes_by_the_calendar_that_was_read(tmp_path: Path, asked: bool) -> None:
    file = tmp_path / "calendar.json"
    file.write_bytes(document(START, {"at": 20}))
    async with desk_at(tmp_path / "desk", calendar={"file": file}) as rig:
        own = rig.trading.desk.rules.calendar

        passes, check = await fired(rig, own if asked else CalendarBoard(own.settings))

    assert passes is not asked
    assert (check.passed, check.value) == ((False, "USD CPI 12:20 UTC (data 2 h)") if asked else (True, "not configured"))
    assert check.frees_at == (START + timedelta(minutes=50) if asked else None)


@pytest.mark.parametrize("required", [True, False])
async def test_a_calendar_too_old_denies_where_it_is_required(tmp_path: Path, required: bool) -> None:
    file = tmp_path / "calendar.json"
    file.write_bytes(document(START, {"at": 20}, old=timedelta(days=6.9)))
    async with desk_at(tmp_path / "desk", calendar={"file": file}, inputs={"news": required}) as rig:
        read = build_news(
            rig.settings, rig.trading.database, rig.trading.desk.rules.calendar, rig.clock, SystemIds()
        ).read_calendar
        await read()
        rig.clock.advance(3 * 3600)
        rig.quote("63999.99", "64000.01")
        await rig.trading.sync.reconcile_all()

        shown = await preview_of(rig, await rig.mission())

    (check,) = (each for each in shown.checks if each.code is CheckCode.NEWS)
    assert (check.passed, check.value) == ((False, None) if required else (True, "no data"))
    assert (shown.token_id is None) is required
