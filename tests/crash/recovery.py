"""The desk after its death: started again on the same folder, worked until it is at rest, and held against the venue's book."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import select

from services.domain.halts import HaltScope
from services.domain.states import TradeState
from services.storage import desk, halts, outbox, updates
from services.storage.database import Unit
from services.storage.tables import instructions
from tests.crash.audit import UNSETTLED, Audit, all_trades
from tests.crash.forking import Deathtrap
from tests.crash.scenarios import Scenario, carry_out, note, prepare, work
from tests.crash.witness import Witness, writes
from tests.trading.rig import ANN, HandClock, Rig, desk_at


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What was found after a recovery, and the points that the run reached."""

    problems: tuple[str, ...]
    end: TradeState | None
    reached: int


Twin = Callable[[], None]
"""Breaks the desk in the child that calls it, to show that the break is seen."""


def whole() -> None:
    """Break nothing."""


def prepare_at(folder: Path, scenario: Scenario) -> None:
    """Prepare a scenario in a fresh folder."""

    async def body() -> None:
        async with desk_at(folder, paper=dict(scenario.paper)) as rig:
            await prepare(scenario, rig)
            note(rig, "clock", rig.clock.now().isoformat())

    asyncio.run(body())


def act_at(folder: Path, scenario: Scenario, trap: Deathtrap, twin: Twin = whole) -> int:
    """Carry out the act with the trap set and return how many points it passed."""
    twin()

    async def body() -> int:
        clock = HandClock(datetime.fromisoformat((folder / "clock").read_text()))
        async with _desk(folder, scenario, clock) as rig:
            rig.quote(*scenario.price)
            trap.arm()
            await carry_out(scenario, rig)
            await work(rig)
            trap.disarm()
        return len(trap.reached)

    return asyncio.run(body())


def recover_at(folder: Path, scenario: Scenario, trap: Deathtrap, twin: Twin = whole, *, later: float = 0) -> Outcome:
    """Start the desk again, let it come to rest and compare it with its venue; the trap may kill this start too."""
    twin()

    async def body() -> Outcome:
        clock = HandClock(datetime.fromisoformat((folder / "clock").read_text()))
        clock.advance(scenario.away_s + later)
        trap.arm()
        async with _desk(folder, scenario, clock) as rig:
            await rig.trading.paper.on_quote(rig.quote(*scenario.price))
            if scenario.again:
                await carry_out(scenario, rig)
            await until_at_rest(rig, scenario.price)
            trap.disarm()
            found = await _problems(rig, scenario, folder)
            ended = await rig.read(all_trades)
        return Outcome(problems=tuple(found), end=ended[0].state if ended else None, reached=len(trap.reached))

    return asyncio.run(body())


def _desk(folder: Path, scenario: Scenario, clock: HandClock) -> Any:
    return desk_at(folder, clock=clock, wrap=lambda venue: Witness(venue, folder), people_too=False, paper=dict(scenario.paper))


async def until_at_rest(rig: Rig, price: tuple[str, str]) -> None:
    """Work until two rounds, a second apart, changed nothing and nothing waits for an answer."""
    before, still = None, 0
    for _ in range(40):
        rig.quote(*price)
        await rig.step()
        now = await rig.read(_mark)
        still = still + 1 if now == before and not now[1] else 0
        if still == 2:
            await rig.trading.sync.reconcile_all()
            return
        before = now
        rig.clock.advance(1)
    raise AssertionError(f"not at rest after 40 rounds: {before}")


def _mark(unit: Unit) -> tuple[int, int]:
    head = desk.journal_head(unit)
    unsettled = instructions.c.state.in_([state.value for state in UNSETTLED])
    return head.sequence if head else 0, len(unit.all(select(instructions.c.id).where(unsettled)))


async def _problems(rig: Rig, scenario: Scenario, folder: Path) -> list[str]:
    """Return what is wrong: with the books, with how the trade ended, and with what the person gets to see."""
    found = await Audit(rig, writes(folder)).run()
    ended = [trade.state for trade in await rig.read(all_trades)]
    if len(ended) > 1 or (ended[0] if ended else None) not in scenario.ends:
        found.append(f"the trades ended {ended}, not as one of {sorted(map(str, scenario.ends))}")
    if not await rig.read(_is_told):
        found.append("the person is not told")
    if scenario.again and await rig.read(lambda unit: halts.find(unit, HaltScope.DESK, halts.DESK)) is None:
        found.append("the halt was lost")
    return found


def _is_told(unit: Unit) -> bool:
    """Tell whether the person gets a card anew, a message, or the line about their update that was interrupted."""
    cards = [card for card in outbox.stale_cards(unit, 100) if card.chat_id == ANN]
    messages = [notice for notice in outbox.pending_notices(unit, 100) if notice.chat_id == ANN]
    return bool(cards or messages or updates.received(unit))
