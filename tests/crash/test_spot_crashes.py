"""The desk dies before and after every commit and every write while it changes exits that hold the position."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path

import pytest

from services.domain.buttons import Act
from services.domain.errors import AlreadyDone, Expired, Refused
from services.domain.ports import Capabilities
from tests.crash.forking import Deathtrap, Died, in_fork
from tests.crash.witness import UNCOMMITTED, Witness, writes
from tests.trading.rig import START
from tests.trading.spot_desk import SpotDesk, spot_desk
from tests.trading.spot_venue import LONE, PAIRS
from tests.trading.taps import fire

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="dies in forked children")
Step = Callable[[SpotDesk, Path], Awaitable[None]]
CLOCK = "clock"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What leads to the moment, and what is interrupted then."""

    name: str
    prepare: Step
    act: Step
    capabilities: Capabilities = PAIRS


async def entered(desk: SpotDesk, _folder: Path) -> None:
    """Have an entry that the exchange filled and the desk has not booked."""
    await fire(desk.rig)
    await desk.rig.trading.executor.send_waiting()
    await desk.rig.nursery.wait_for_jobs(5)


async def opened(desk: SpotDesk, _folder: Path) -> None:
    """Have an open, protected trade in some profit."""
    await desk.open()
    await desk.price("65000")


async def nothing(_desk: SpotDesk, _folder: Path) -> None:
    """Let only the stages work."""


async def asked(share: str, desk: SpotDesk, folder: Path) -> None:
    """Have an open trade and the question whether to close it, or half of it."""
    await opened(desk, folder)
    question = await desk.rig.trading.ask_close(desk.rig.actor(), "1", Decimal(share))
    assert question.token is not None
    (folder / "token").write_text(question.token.id)


async def pressed(desk: SpotDesk, folder: Path) -> None:
    """Confirm the close."""
    try:
        await desk.rig.trading.close(desk.rig.actor(), (folder / "token").read_text(), Act.CLOSE)
    except (AlreadyDone, Expired, Refused):
        return


async def moved(desk: SpotDesk, _folder: Path) -> None:
    """Move the stop."""
    await desk.rig.trading.move_stop(desk.rig.actor(), "1", "64400")


async def part_filled(desk: SpotDesk, _folder: Path) -> None:
    """Let the exchange fill a part of a target, which ends its stop."""
    target = next(order for order in desk.spot.working() if order.price is not None)
    desk.spot.execute(target.client_id or "", "0.001")


async def reached(desk: SpotDesk, _folder: Path) -> None:
    """Let the market reach the first target."""
    desk.spot.price("66000")


SCENES = (
    Scene(name="protect", prepare=entered, act=nothing),
    Scene(name="half-close", prepare=partial(asked, "0.5"), act=pressed),
    Scene(name="full-close", prepare=partial(asked, "1"), act=pressed),
    Scene(name="move-stop", prepare=opened, act=moved),
    Scene(name="part-filled-target", prepare=opened, act=part_filled),
    Scene(name="watched-target", prepare=opened, act=reached, capabilities=LONE),
)


def at_desk(folder: Path, scene: Scene, body: Callable[[SpotDesk], Awaitable[list[str]]], since: datetime) -> list[str]:
    """Open the desk on the folder, at the first time or again, and do something there."""

    async def live() -> list[str]:
        line = partial(Witness, folder=folder)
        async with spot_desk(folder, scene.capabilities, over=line, since=since) as desk:  # type: ignore[arg-type]
            return await body(desk)

    return asyncio.run(live())


def prepare_at(folder: Path, scene: Scene) -> list[str]:
    """Bring a fresh desk to the moment."""

    async def body(desk: SpotDesk) -> list[str]:
        await scene.prepare(desk, folder)
        (folder / CLOCK).write_text(desk.rig.clock.now().isoformat())
        return []

    folder.mkdir()
    return at_desk(folder, scene, body, START)


def act_at(folder: Path, scene: Scene, trap: Deathtrap) -> list[str]:
    """Do the act with the trap set."""

    async def body(desk: SpotDesk) -> list[str]:
        trap.arm()
        await scene.act(desk, folder)
        for _ in range(8):
            await desk.second()
        trap.disarm()
        return []

    return at_desk(folder, scene, body, datetime.fromisoformat((folder / CLOCK).read_text()))


def recover_at(folder: Path, scene: Scene) -> list[str]:
    """Start again, come to rest, and return what does not agree."""

    async def body(desk: SpotDesk) -> list[str]:
        await desk.rest()
        problems = await desk.problems()
        written = writes(folder)
        if len(set(written)) != len(written) or any(each.startswith(UNCOMMITTED) for each in written):
            problems.append(f"written twice, or never committed: {written}")
        if await desk.rig.trading.sync.reconcile_all():
            problems.append("the reconciliation did not pass")
        return problems

    since = datetime.fromisoformat((folder / CLOCK).read_text()) + timedelta(seconds=12)
    return at_desk(folder, scene, body, since)


@pytest.mark.parametrize("scene", SCENES, ids=lambda each: each.name)
def test_death_at_any_point_sells_nothing_twice_and_leaves_what_is_held_with_its_stop(
    memory_folder: Path, scene: Scene
) -> None:
    base = memory_folder / "base"
    in_fork(partial(prepare_at, base, scene))
    problems: list[str] = []
    deaths, survived = 0, False
    while not survived:
        place = memory_folder / str(deaths)
        shutil.copytree(base, place)
        survived = not isinstance(in_fork(partial(act_at, place, scene, Deathtrap(deaths + 1))), Died)
        problems += [f"death {deaths + 1}: {each}" for each in in_fork(partial(recover_at, place, scene))]
        shutil.rmtree(place)
        deaths += not survived

    assert not problems, "\n".join(problems)
    assert deaths >= 6
