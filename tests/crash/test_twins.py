"""Desks that are broken on purpose: each of these breaks is seen by the tests of this folder, or they would prove nothing."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from services.domain.errors import VenueError
from services.domain.orders import Instruction, InstructionKind, VenueOrder
from services.domain.people import Actor
from services.domain.ports import Venue
from services.domain.states import InstructionState
from services.execution.executor import Executor
from services.execution.resolve import ResolveUnknown
from services.storage import instructions
from services.storage.database import Unit
from services.storage.tables import instructions as instruction_rows
from tests.crash.campaign import die_everywhere
from tests.crash.scenarios import SCENARIOS, confirm, preview
from tests.crash.witness import Witness, writes
from tests.trading.rig import Rig, desk_at

needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="dies in forked children")
FIRE = next(scenario for scenario in SCENARIOS if scenario.name == "fire")


async def write(venue: Venue, instruction: Instruction) -> Sequence[VenueOrder]:
    """Write an instruction to the venue, whatever is committed."""
    if instruction.kind is InstructionKind.PLACE:
        return [await venue.place(instruction.terminal_id, instruction.orders[0])]
    return await venue.place_list(instruction.terminal_id, instruction.orders)


def send_before_the_commit() -> None:
    """Write to the venue first and commit afterwards that it was sent."""

    async def send(self: Any, instruction: Instruction) -> bool:
        actor = Actor.job("twin", instruction.correlation)
        try:
            placed = await write(self._ports.venues["paper"], instruction)
        except VenueError:
            placed = []
        claimed = await self._database.write(lambda unit: self._claim(unit, actor, instruction))
        await self._database.write(lambda unit: self.book_acceptance(unit, actor, claimed, placed))
        return True

    setattr(Executor, "send", send)  # noqa: B010 - a plain assignment to a method is none that types allow


def send_again_on_doubt() -> None:
    """Write an instruction of unknown outcome to the venue once more instead of asking about it."""

    async def resolve(self: Any, instruction: Instruction) -> bool:
        actor = Actor.job("twin", instruction.correlation)
        # The second copy is an order of its own, as it is at venues that know client ids of open orders only.
        orders = tuple(replace(each, client_id=each.client_id[:-2] + f"{n + 50}") for n, each in enumerate(instruction.orders))
        placed = await write(self._venues["paper"], replace(instruction, orders=orders))
        await self._database.write(lambda unit: self._executor.book_acceptance(unit, actor, instruction, placed))
        return True

    setattr(ResolveUnknown, "resolve", resolve)  # noqa: B010 - as above


@needs_fork
@pytest.mark.parametrize(
    ("twin", "sign"),
    [(send_before_the_commit, "was not committed before"), (send_again_on_doubt, "an order of no instruction")],
    ids=["send-before-the-commit", "send-again-on-doubt"],
)
def test_twin_is_caught_by_dying_through_fire(memory_folder: Path, twin: Any, sign: str) -> None:
    campaign = die_everywhere(memory_folder, FIRE, twin)

    assert any(sign in problem for problem in campaign.problems), campaign.problems


async def entry_waiting(rig: Rig) -> Instruction:
    """Return a committed entry that nobody has claimed."""
    await preview(rig)
    await confirm(rig)
    waiting: list[Instruction] = await rig.read(instructions.intents)
    return waiting[0]


async def test_two_senders_of_one_instruction_write_it_once(tmp_path: Path) -> None:
    async with desk_at(tmp_path, wrap=lambda venue: Witness(venue, tmp_path)) as rig:
        entry = await entry_waiting(rig)

        sent = await asyncio.gather(*(rig.trading.executor.send(entry) for _ in range(10)))
        assert sorted(sent) == [False] * 9 + [True]
        assert writes(tmp_path) == [entry.id]


async def test_twin_a_claim_without_compare_and_set_writes_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def blind(unit: Unit, instruction: Instruction, state: InstructionState, **_: object) -> Instruction:
        unit.run(update(instruction_rows).where(instruction_rows.c.id == instruction.id).values(state=state.value))
        return replace(instruction, state=state)

    monkeypatch.setattr(instructions, "set_state", blind)
    async with desk_at(tmp_path, wrap=lambda venue: Witness(venue, tmp_path)) as rig:
        entry = await entry_waiting(rig)

        await asyncio.gather(*(rig.trading.executor.send(entry) for _ in range(2)))
        assert len(writes(tmp_path)) == 2


async def test_an_executor_whose_lease_was_taken_sends_nothing_more(tmp_path: Path) -> None:
    """The former owner wakes up after another process took its role; what waits is left to that one."""
    async with desk_at(tmp_path, wrap=lambda venue: Witness(venue, tmp_path)) as frozen:
        entry = await entry_waiting(frozen)
        async with desk_at(tmp_path, people_too=False, wrap=lambda venue: Witness(venue, tmp_path)) as owner:
            sent = [await frozen.trading.executor.send(entry) for _ in range(100)]
            await frozen.trading.executor.send_waiting()
            await frozen.nursery.wait_for_jobs(5)
            assert not any(sent)
            assert writes(tmp_path) == []

            await owner.settle()
            assert writes(tmp_path)[0] == entry.id
