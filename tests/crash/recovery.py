"""A desk without a chat as something to die through: started again on the same folder, worked until at rest, and judged."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import select

from services.domain.halts import HaltScope
from services.storage import desk, halts, outbox, updates
from services.storage.database import Unit
from services.storage.tables import instructions
from tests.crash.audit import UNSETTLED, Audit, all_trades
from tests.crash.forking import Ask, Deathtrap
from tests.crash.leaping import LeapingLoop
from tests.crash.scenarios import Scenario, carry_out, note, prepare, work
from tests.crash.subjects import Outcome, later
from tests.crash.verdict import ANSWERS, BOOKS, SCENARIO, Problem, verify_without_chat
from tests.crash.wholedesk import in_leaping_time
from tests.crash.witness import Witness, writes
from tests.trading.rig import ANN, HandClock, Rig, desk_at


class Working:
    """One scenario of the trading side; nothing but its folder outlives it."""

    def __init__(self, scenario: Scenario) -> None:
        self.name = f"desk-{scenario.name.replace(' ', '-')}"
        self._scenario = scenario

    def handle(self, request: Any) -> Any:
        raise AssertionError(f"nobody answers {request!r}")

    def state(self) -> str:
        return ""

    def prepare(self, folder: Path) -> None:
        async def body(_loop: LeapingLoop) -> None:
            async with desk_at(folder, paper=dict(self._scenario.paper)) as rig:
                await prepare(self._scenario, rig)
                note(rig, "clock", rig.clock.now().isoformat())

        in_leaping_time(body)

    def act(self, folder: Path, trap: Deathtrap, ask: Ask) -> None:
        async def body(loop: LeapingLoop) -> None:
            clock = HandClock(datetime.fromisoformat((folder / "clock").read_text()))
            trap.now = clock.now
            loop.on_step = trap.take_step
            async with self._desk(folder, clock) as rig:
                rig.quote(*self._scenario.price)
                trap.arm()
                await carry_out(self._scenario, rig)
                await work(rig)
                trap.disarm()

        in_leaping_time(body)

    def recover(self, folder: Path, trap: Deathtrap, ask: Ask, died: Any, deaths: int) -> Outcome:
        scenario = self._scenario
        since = later(died, datetime.fromisoformat((folder / "clock").read_text()), scenario.away_s)

        async def body(loop: LeapingLoop) -> Outcome:
            clock = HandClock(since)
            trap.now = clock.now
            loop.on_step = trap.take_step
            trap.arm()
            async with self._desk(folder, clock) as rig:
                await rig.trading.paper.on_quote(rig.quote(*scenario.price))
                if scenario.again:
                    await carry_out(scenario, rig)
                await until_at_rest(rig, scenario.price)
                trap.disarm()
                found = await _problems(rig, scenario, folder)
                ended = await rig.read(all_trades)
            end = ended[0].state.value if ended else ""
            return Outcome(problems=tuple(found), reached=tuple(trap.reached), end=end)

        outcome: Outcome = in_leaping_time(body)
        return outcome

    def _desk(self, folder: Path, clock: HandClock) -> AbstractAsyncContextManager[Rig]:
        paper = dict(self._scenario.paper)
        return desk_at(
            folder, clock=clock, wrap=lambda venue: Witness(venue, folder), people_too=False, proven=False, paper=paper
        )


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


async def _problems(rig: Rig, scenario: Scenario, folder: Path) -> list[Problem]:
    """Return what is wrong: with the books, with how the trade ended, and with what the person gets to see."""
    found = [(BOOKS, problem) for problem in await Audit(rig, writes(folder)).run()]
    found += await verify_without_chat(rig)
    ended = [trade.state for trade in await rig.read(all_trades)]
    if len(ended) > 1 or (ended[0] if ended else None) not in scenario.ends:
        found.append((SCENARIO, f"the trades ended {ended}, not as one of {sorted(map(str, scenario.ends))}"))
    if not await rig.read(_is_told):
        found.append((ANSWERS, "the person is not told"))
    if scenario.again and await rig.read(lambda unit: halts.find(unit, HaltScope.DESK, halts.DESK)) is None:
        found.append((SCENARIO, "the halt was lost"))
    return found


def _is_told(unit: Unit) -> bool:
    """Tell whether the person gets a card anew, a message, or the line about their update that was interrupted."""
    cards = [card for card in outbox.stale_cards(unit, 100) if card.chat_id == ANN]
    messages = [notice for notice in outbox.pending_notices(unit, 100) if notice.chat_id == ANN]
    return bool(cards or messages or updates.received(unit))
