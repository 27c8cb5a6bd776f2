"""A halt thrown at a seeded moment between Confirm and the venue, again and again: what was sent is held against its commit.

``python -m tests.trading.interleavings --rounds 1000`` prints what it found and exits with 1 when anything was sent too late.
"""

from __future__ import annotations

import asyncio
import json
import logging
import random
import sys
import tempfile
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated

import structlog
import typer

from services.domain import crashpoints
from services.domain.states import HaltState, TradeState
from services.storage import desk
from services.storage.database import Unit
from tests.crash.audit import all_trades
from tests.trading.rig import ANN, CARL, Rig, desk_at, resume
from tests.trading.taps import confirm_token

POINTS, PAUSES = 8, 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What so many rounds showed: in how many an entry was sent before the halt, and what was wrong, in words."""

    rounds: int
    sent_before: int
    problems: tuple[str, ...]


async def race(rig: Rig, at: int, pauses: int) -> int:
    """Press Confirm and let everything run; throw the halt some loop steps after the ``at``-th commit or write is reached.

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
        for _ in range(pauses):
            await asyncio.sleep(0)
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


async def interleave(folder: Path, rounds: int, seed: int) -> Found:
    """Race so often on one desk, and lift the halt after each round."""
    chance = random.Random(seed)
    problems: list[str] = []
    before = 0
    async with desk_at(folder, paper={"latency_ms": 500}, threads=True) as rig:
        for number in range(rounds):
            since = await race(rig, chance.randint(1, POINTS), chance.randint(0, PAUSES))
            sent, halted = await rig.read(partial(sent_and_halted, since=since))
            before += bool(sent)
            if len(halted) != 1 or any(sequence > halted[0] for sequence in sent):
                problems.append(f"round {number}: halted at {halted}, entries sent at {sent}")
            if await rig.trading.paper.open_orders(f"paper-{ANN}"):
                problems.append(f"round {number}: an order is left at the venue")
            await resume(rig)
        states = {trade.state for trade in await rig.read(all_trades)}
    if states - {TradeState.CANCELED}:
        problems.append(f"the trades ended {states}")
    return Found(rounds=rounds, sent_before=before, problems=tuple(problems))


def main(rounds: Annotated[int, typer.Option()] = 1000, seed: Annotated[int, typer.Option()] = 2026) -> None:
    """Race, and say what was found."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    with tempfile.TemporaryDirectory() as folder:
        found = asyncio.run(interleave(Path(folder), rounds, seed))
    sys.stdout.write(f"{found.rounds} halts against fires, seed {seed}: {found.sent_before} entries sent before the commit, ")
    sys.stdout.write(f"{len(found.problems)} violations\n" + "".join(f"  {each}\n" for each in found.problems[:20]))
    raise typer.Exit(bool(found.problems))


if __name__ == "__main__":
    typer.run(main)
