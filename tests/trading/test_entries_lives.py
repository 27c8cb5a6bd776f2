"""Whatever lives entries that wait live, lost replies, halts and restarts included, the ten rules hold."""

from __future__ import annotations

import asyncio
import random
from decimal import Decimal
from pathlib import Path

import pytest

from services.domain.entries import EntryKind
from services.domain.errors import SortieError
from services.domain.money import Price
from services.domain.routes import load_route
from services.domain.states import HaltState
from services.missions.entries import EntryWish
from services.storage import previews, trades
from tests.operations.test_honest_lives import ForgetfulVenue, close, failures, show_everything
from tests.trading.rig import ANN, CARL, TOM, HandClock, Rig, desk_at, resume

STEPS = 14
PRICES = ("63400", "63800", "63990", "64000", "64010", "64150", "64400")
ROUTES = {"wait_s": 4, "reprices": 1, "rest_s": 60}


async def fire(rig: Rig, person_id: int, kind: EntryKind) -> None:
    mission = await rig.mission()
    rig.clock.advance(0.3)
    await rig.trading.preview(rig.actor(person_id), mission.id, wish=EntryWish(kind=kind))
    preview = await rig.read(lambda unit: previews.find(unit, mission.id, person_id))
    if preview.token_id is not None:
        await rig.trading.fire(rig.actor(person_id), preview.token_id)


async def amend(rig: Rig, price: str) -> None:
    for trade in await rig.read(trades.live):
        if load_route(trade.route) is not None:
            await rig.trading.amend(rig.actor(trade.person_id), trade.id, Price(Decimal(price)))
            return


async def act(rig: Rig, dice: random.Random) -> None:
    """Do one thing; a refusal is an answer like any other."""
    bid = dice.choice(PRICES)
    deeds = {
        "fire": lambda: fire(rig, dice.choice((ANN, TOM)), dice.choice(list(EntryKind))),
        "price": lambda: rig.price(bid, f"{bid}.02", size=dice.choice(("100", "0.001"))),
        "amend": lambda: amend(rig, dice.choice(PRICES)),
        "cancel": lambda: rig.trading.cancel(rig.actor(dice.choice((ANN, TOM))), None),
        "close": lambda: close(rig, dice),
        "halt": lambda: rig.trading.halt(rig.actor(CARL), dice.choice((HaltState.HALTED, HaltState.REDUCING)), "now"),
        "resume": lambda: resume(rig),
        "measure": lambda: rig.trading.measure_routes(),
    }
    name = dice.choices(list(deeds), weights=(8, 8, 3, 2, 2, 1, 2, 1))[0]
    try:
        await deeds[name]()
    except SortieError:
        return


async def live(folder: Path, seed: int) -> list[str]:
    dice, clock, found = random.Random(seed), HandClock(), []
    for life in range(2):
        first = life == 0
        async with desk_at(folder, clock=clock, wrap=lambda v: ForgetfulVenue(v, dice), people_too=first, routes=ROUTES) as rig:
            for _ in range(STEPS):
                rig.quote("64000", "64000.02")
                await act(rig, dice)
                await rig.trading.database.write(show_everything)
                found += await failures(rig, settled=False)
                clock.advance(dice.choice((0.2, 2, 15)))
                rig.quote("64000", "64000.02")
                await rig.settle()
            for _ in range(8):
                clock.advance(10)
                await rig.price("64000", "64000.02")
            await rig.trading.database.write(show_everything)
            found += await failures(rig, settled=True)
            for trade in await rig.read(trades.live):
                assert trade.entry_quantity <= trade.quantity
                assert not load_route(trade.route).open if trade.route else True
    return found


@pytest.mark.parametrize("seed", range(3))
def test_entries_that_wait_raise_no_alarm(tmp_path: Path, seed: int) -> None:
    assert asyncio.run(live(tmp_path, seed)) == []
