"""The shell's halt and a running desk: what was confirmed and not sent is never sent, and the ten invariants hold."""

from __future__ import annotations

import asyncio
from pathlib import Path

from bot.system import SystemIds
from handlers.cli.halt import halt_desk
from handlers.cli.verify import run_verify
from services.domain.orders import Purpose
from services.domain.states import HaltState, InstructionState, TradeState
from services.missions.fire import Fired
from services.storage import halts, instructions, previews, trades
from tests.trading.rig import ANN, HandClock, Rig, desk_at


async def confirm(rig: Rig) -> str:
    mission = await rig.mission()
    await rig.trading.preview(rig.actor(), mission.id)
    preview = await rig.read(lambda unit: previews.find(unit, mission.id, ANN))
    fired = await rig.trading.fire(rig.actor(), preview.token_id)
    assert isinstance(fired, Fired)
    return fired.trade_id


async def entry_state(rig: Rig, trade_id: str) -> tuple[TradeState, InstructionState, str | None]:
    trade = await rig.read(lambda unit: trades.find(unit, trade_id))
    placed = await rig.read(lambda unit: instructions.of_trade(unit, trade_id))
    (entry,) = [each for each in placed if each.purpose is Purpose.ENTRY]
    return trade.state, entry.state, entry.answer


async def from_shell(rig: Rig, reason: str) -> int:
    """Run the command as its own thread would, with a loop of its own, beside the desk's."""
    return await asyncio.to_thread(halt_desk, rig.settings, rig.clock, SystemIds(), reason=reason, scope="desk")


async def test_confirmed_entry_is_taken_back_by_the_shells_halt(tmp_path: Path) -> None:
    async with desk_at(tmp_path) as rig:
        trade_id = await confirm(rig)

        assert await from_shell(rig, "stop it") == 0
        await rig.settle()

        assert await entry_state(rig, trade_id) == (TradeState.CANCELED, InstructionState.EXPIRED, "CANCELED")
        assert await rig.trading.paper.open_orders(f"paper-{ANN}") == []


async def test_halt_file_stops_what_was_confirmed_before_it(tmp_path: Path) -> None:
    async with desk_at(tmp_path) as rig:
        trade_id = await confirm(rig)
        (tmp_path / "HALT").touch()

        await rig.settle()

        assert (await entry_state(rig, trade_id))[1:] == (InstructionState.EXPIRED, "HALT")


async def test_halt_survives_a_restart_and_the_invariants_hold(tmp_path: Path) -> None:
    clock = HandClock()
    async with desk_at(tmp_path, clock=clock) as rig:
        await confirm(rig)
        clock.advance(1)
        await rig.settle()
        clock.advance(5)
        assert await from_shell(rig, "night") == 0
    async with desk_at(tmp_path, clock=clock, people_too=False) as rig:
        (halt,) = await rig.read(halts.all_in_force)

        assert (halt.state, halt.reason) == (HaltState.HALTED, "night")
        settings = rig.settings
    assert await asyncio.to_thread(run_verify, settings, clock, secrets=(), require_all=False, json=True) == 0
