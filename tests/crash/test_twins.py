"""Desks that are broken on purpose: each of these breaks is seen by the tests of this folder, or they would prove nothing."""

from __future__ import annotations

import asyncio
import os
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import update

from services.domain.orders import Instruction
from services.domain.states import InstructionState
from services.storage import instructions
from services.storage.database import Unit
from services.storage.tables import instructions as instruction_rows
from tests.crash.campaign import whole
from tests.crash.controls import CONTROLS, Control, by_an_old_owner, by_two_writers, caught
from tests.crash.scenarios import confirm, preview
from tests.crash.witness import Witness, writes
from tests.trading.rig import Rig, desk_at

needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="dies in forked children")


@needs_fork
@pytest.mark.parametrize("control", CONTROLS, ids=lambda each: each.name.replace(" ", "-"))
def test_a_broken_desk_is_found_out_for_its_own_reason(memory_folder: Path, control: Control) -> None:
    found, by = caught(control, memory_folder)

    assert found, by


@needs_fork
@pytest.mark.parametrize("look", [by_two_writers, by_an_old_owner], ids=["two-writers", "an-old-owner"])
def test_nothing_is_found_with_the_desk_as_it_is(memory_folder: Path, look: object) -> None:
    assert callable(look)
    assert look(memory_folder, whole) == []


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
