"""Whatever the answer depends on breaks: no order, at Confirm and at the claim."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from services.domain.limits import LimitBook
from services.execution import executor
from services.missions import entry_book, fire, planning
from services.missions.fire import Fired
from services.storage import breakers, desk, terminals, trades, verdicts
from services.storage.database import Unit
from tests.trading.rig import ANN, HandClock, Rig, desk_at
from tests.trading.taps import confirm_token

Broken = tuple[Any, str]
# What a Confirm stands on, and what a claim does, by the module or class that is asked and the name that it is asked by.
AT_CONFIRM: dict[str, Broken] = {
    "access": (fire, "require"),
    "clock": (HandClock, "now"),
    "limits": (LimitBook, "at"),
    "surroundings": (planning, "read_surroundings"),
    "ledger": (planning, "read_ledger"),
    "breakers": (breakers, "for_entry"),
    "gate": (planning, "decide"),
    "verdicts": (entry_book.verdicts, "add"),
    "journal": (Unit, "record"),
}
AT_THE_CLAIM: dict[str, Broken] = {
    "lease": (desk, "renew_lease"),
    "trade": (trades, "find"),
    "terminal": (terminals, "find"),
    "halts": (executor, "halts_for"),
    "breakers": (breakers, "for_entry"),
    "verdict": (verdicts, "allowed_terms"),
    "clock": (HandClock, "now"),
    "journal": (Unit, "record"),
}


class Broke(Exception):
    """What stands for anything that may go wrong where nobody thought of it."""


def _raise(*_: object, **__: object) -> Any:
    raise Broke


async def orders_at_the_venue(rig: Rig) -> int:
    placed = await rig.trading.paper.open_orders(f"paper-{ANN}")
    return len(placed) + len(await rig.trading.paper.fills_since(f"paper-{ANN}", 0))


async def while_broken(broken: Broken | None, work: Callable[[], Awaitable[object]]) -> None:
    """Do something while a part raises, and let only that come of it."""
    with pytest.MonkeyPatch.context() as patch:
        if broken is not None:
            patch.setattr(*broken, _raise)
        try:
            await work()
        except Broke:
            return


async def confirm(rig: Rig, broken: Broken | None) -> None:
    token = await confirm_token(rig)
    await while_broken(broken, lambda: rig.trading.fire(rig.actor(), token))


async def claim(rig: Rig, broken: Broken | None) -> None:
    assert isinstance(await rig.trading.fire(rig.actor(), await confirm_token(rig)), Fired)

    async def send() -> None:
        await rig.trading.executor.send_waiting()
        await rig.nursery.wait_for_jobs(5)

    await while_broken(broken, send)
    # What could not be claimed is claimed no more when it is late.
    rig.crashes.clear()
    rig.clock.advance(60)
    rig.quote("63999.99", "64000.01")


@pytest.mark.parametrize(("step", "parts"), [(confirm, AT_CONFIRM), (claim, AT_THE_CLAIM)], ids=["at confirm", "at the claim"])
async def test_nothing_is_sent_while_a_part_is_broken(
    tmp_path: Path, step: Callable[[Rig, Broken | None], Awaitable[None]], parts: dict[str, Broken]
) -> None:
    sent: dict[str, int] = {}
    async with desk_at(tmp_path) as rig:
        for name, broken in parts.items():
            await step(rig, broken)
            await rig.settle()
            sent[name] = await orders_at_the_venue(rig) + len(await rig.read(trades.live))
        await step(rig, None)
        if step is confirm:
            await rig.settle()

        assert sent == dict.fromkeys(parts, 0)
        assert await orders_at_the_venue(rig) > 0
