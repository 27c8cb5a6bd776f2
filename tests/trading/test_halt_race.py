"""A halt thrown anywhere between Confirm and the venue: once it is committed, no entry is sent any more."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from services.domain import crashpoints
from services.domain.states import HaltState, TradeState
from services.execution import halting
from services.execution.executor import Executor
from services.storage import desk
from services.storage.database import Unit
from tests.crash.audit import all_trades
from tests.trading.rig import ANN, CARL, Rig, desk_at, resume
from tests.trading.taps import confirm_token

ROUNDS, POINTS = 200, 8


@pytest.fixture(autouse=True)
def no_points_left() -> Iterator[None]:
    yield
    crashpoints.install(None)


async def race(rig: Rig, at: int) -> int:
    """Press Confirm and let everything run; throw the halt when the ``at``-th commit or write is reached.

    Returns where in the journal the round began.
    """
    rig.quote("63999.99", "64000.01")
    token = await confirm_token(rig)
    head = await rig.read(desk.journal_head)
    loop = asyncio.get_running_loop()
    thrown = asyncio.Event()
    passed = 0

    def reach(_name: str) -> None:
        nonlocal passed
        passed += 1
        if passed == at:
            loop.call_soon_threadsafe(thrown.set)

    async def throw() -> None:
        await thrown.wait()
        await rig.trading.halt(rig.actor(CARL), HaltState.HALTED, "test")

    async def run() -> None:
        await rig.trading.fire(rig.actor(), token)
        for _ in range(2):
            await rig.step()
        thrown.set()

    crashpoints.install(reach)
    await asyncio.gather(throw(), run())
    crashpoints.install(None)
    for _ in range(3):
        await rig.step()
    return int(head.sequence)


def sent_and_halted(unit: Unit, since: int) -> tuple[list[int], list[int]]:
    """Return where in the journal entries were sent and halts committed."""
    rows = desk.journal_after(unit, since, 1000)
    sent = [row.sequence for row in rows if row.kind == "instruction.sent" and json.loads(row.facts)["purpose"] == "entry"]
    return sent, [row.sequence for row in rows if row.kind == "halt.halted"]


async def test_no_entry_is_sent_after_the_halt_was_committed(tmp_path: Path) -> None:
    chance = random.Random(2026)
    before = 0
    async with desk_at(tmp_path, paper={"latency_ms": 500}) as rig:
        for _ in range(ROUNDS):
            since = await race(rig, chance.randint(1, POINTS))
            sent, halted = await rig.read(partial(sent_and_halted, since=since))
            assert len(halted) == 1
            assert all(sequence < halted[0] for sequence in sent)
            before += bool(sent)
            assert await rig.trading.paper.open_orders(f"paper-{ANN}") == []
            await resume(rig)

        assert ROUNDS // 10 < before < ROUNDS * 9 // 10
        assert {trade.state for trade in await rig.read(all_trades)} == {TradeState.CANCELED}


async def test_twin_that_neither_withdraws_nor_asks_again_sends_after_the_halt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(halting, "take_back_entry", lambda *_: False)
    monkeypatch.setattr(Executor, "_entry_refusal", lambda *_: None)
    late = 0
    for at in range(1, POINTS):
        async with desk_at(tmp_path / str(at), paper={"latency_ms": 500}) as rig:
            since = await race(rig, at)
            sent, halted = await rig.read(partial(sent_and_halted, since=since))
            late += any(sequence > halted[0] for sequence in sent)

    assert late > 0
