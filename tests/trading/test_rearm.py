"""Lifting the halt takes a commander, a word and a wait; a halt file becomes a halt that stays."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from services.domain.errors import NotAllowed, Refused
from services.domain.halts import Halt, HaltScope
from services.domain.people import Role
from services.domain.states import HaltState, TradeState
from services.execution.rearming import RESUME_WORD
from services.operations.places import halt_file
from services.storage import halts, kills, people
from services.storage.database import Unit
from tests.trading.killing import Moody, as_it_stands, kinds, one_round, open_trade, resting, thrown, trade_of, worked_off
from tests.trading.rig import ANN, CARL, TOM, Rig, desk_at

WAIT = {"rearm_wait_s": 30}


async def desk_halt(rig: Rig) -> Halt:
    found = await rig.read(lambda unit: halts.find(unit, HaltScope.DESK, halts.DESK))
    assert isinstance(found, Halt)
    return found


async def pass_time(rig: Rig, seconds: float) -> HaltState:
    rig.clock.advance(seconds)
    await rig.trading.watch_halt()
    return (await desk_halt(rig)).state


async def begun(rig: Rig) -> Rig:
    """Have a halt whose kill is over, and the wait begun by Carl."""
    await worked_off(rig, await thrown(rig))
    done = await rig.trading.resume(rig.actor(CARL), None, RESUME_WORD)
    assert done.due_at is not None
    return rig


async def test_the_halt_is_lifted_when_the_wait_is_over_and_not_before(tmp_path: Path) -> None:
    async with desk_at(tmp_path, killing=WAIT) as rig:
        await begun(rig)
        early = await pass_time(rig, 29)
        late = await pass_time(rig, 2)

        assert (early, late) == (HaltState.HALTED, HaltState.ACTIVE)
        assert (await desk_halt(rig)).by_name == "Carl"


async def test_the_wait_survives_a_restart(tmp_path: Path) -> None:
    async with desk_at(tmp_path, killing=WAIT) as rig:
        await begun(rig)
        clock = rig.clock
    async with desk_at(tmp_path, clock=clock, people_too=False, killing=WAIT) as rig:
        early = await pass_time(rig, 20)
        late = await pass_time(rig, 11)

        assert (early, late) == (HaltState.HALTED, HaltState.ACTIVE)


async def test_any_trader_s_halt_ends_the_wait(tmp_path: Path) -> None:
    async with desk_at(tmp_path, killing=WAIT) as rig:
        await begun(rig)
        await rig.trading.halt(rig.actor(TOM), HaltState.HALTED, "no")
        after = await pass_time(rig, 60)

        assert after is HaltState.HALTED
        assert "rearm.called_off" in await kinds(rig)


async def test_the_word_of_somebody_who_is_no_commander_any_more_lifts_nothing(tmp_path: Path) -> None:
    async with desk_at(tmp_path, killing=WAIT) as rig:
        await begun(rig)

        def demote(unit: Unit) -> None:
            person = people.find(unit, CARL)
            assert person is not None
            people.save_role(unit, replace(person, role=Role.TRADER), None)

        await rig.trading.database.write(demote)

        assert await pass_time(rig, 31) is HaltState.HALTED
        assert "rearm.refused" in await kinds(rig)


async def test_without_rank_or_word_no_wait_begins(tmp_path: Path) -> None:
    async with desk_at(tmp_path, killing=WAIT) as rig:
        await worked_off(rig, await thrown(rig))
        with pytest.raises(NotAllowed):
            await rig.trading.resume(rig.actor(TOM), None, RESUME_WORD)
        with pytest.raises(Refused, match="RESUME_WORD"):
            await rig.trading.resume(rig.actor(CARL), None, "resume")

        assert await pass_time(rig, 60) is HaltState.HALTED


async def test_a_kill_that_runs_or_left_an_entry_behind_keeps_the_halt(tmp_path: Path) -> None:
    moody: list[Moody] = []
    async with desk_at(
        tmp_path, wrap=lambda venue: moody.append(Moody(venue)) or moody[0], killing={"patience_s": 5, "retry_s": 2}
    ) as rig:
        await resting(rig)
        moody[0].keeps.add(f"paper-{ANN}")
        kill = await thrown(rig)
        with pytest.raises(Refused, match="KILL_RUNNING"):
            await rig.trading.resume(rig.actor(CARL), None, RESUME_WORD)
        await worked_off(rig, kill)
        with pytest.raises(Refused, match="KILL_LEFT"):
            await rig.trading.resume(rig.actor(CARL), None, RESUME_WORD)
        moody[0].keeps.clear()
        for _ in range(10):
            await one_round(rig)

        assert (await rig.trading.resume(rig.actor(CARL), None, RESUME_WORD)).due_at is not None


@pytest.mark.parametrize(
    ("content", "flatten"),
    [
        pytest.param(b"", False, id="empty"),
        pytest.param(b"\xff\x00 not json", False, id="garbage"),
        pytest.param(b"[1, 2]", False, id="another-shape"),
        pytest.param(json.dumps({"by": "ops", "reason": "fire drill", "cancel": True}).encode(), False, id="cancel"),
        pytest.param(json.dumps({"by": "ops", "reason": "fire drill", "flatten": True}).encode(), True, id="flatten"),
    ],
)
async def test_a_halt_file_becomes_a_halt_that_outlives_it(tmp_path: Path, content: bytes, flatten: bool) -> None:
    async with desk_at(tmp_path, killing=WAIT) as rig:
        held, waiting = await open_trade(rig, TOM), await resting(rig, ANN)
        file = halt_file(tmp_path)
        file.write_bytes(content)
        await rig.trading.watch_halt()
        await rig.trading.watch_halt()
        kill = await rig.read(kills.newest)
        done = await worked_off(rig, kill)
        with pytest.raises(Refused, match="HALT_FILE"):
            await rig.trading.resume(rig.actor(CARL), None, RESUME_WORD)
        file.unlink()
        await rig.trading.watch_halt()

        assert ((await desk_halt(rig)).state, kill.channel, kill.flatten) == (HaltState.HALTED, "file", flatten)
        assert (await kinds(rig)).count("kill.thrown") == 1
        assert done.leftovers == ()
        assert (await trade_of(rig, waiting)).state is TradeState.CANCELED
        assert (await trade_of(rig, held)).state is (TradeState.CLOSED if flatten else TradeState.OPEN)
        assert (await rig.trading.resume(rig.actor(CARL), None, RESUME_WORD)).due_at is not None
        assert (await as_it_stands(rig, kill)).state is done.state
