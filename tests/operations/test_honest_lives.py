"""No false alarm: whatever an honest desk lives through, lost replies, halts and restarts included, the ten hold."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from services.domain.buttons import Act
from services.domain.errors import SortieError, VenueDoubt
from services.domain.orders import OrderRequest, VenueOrder
from services.domain.ports import Venue
from services.domain.states import HaltState
from services.operations.evidence import Material
from services.operations.judgement import Status
from services.operations.places import halt_file, paper_file
from services.operations.venue_book import VenueBook, read_paper_book
from services.operations.verify import run_all
from services.storage import outbox, previews, trades
from services.storage.database import Unit
from tests.trading.rig import ANN, CARL, TOM, HandClock, Rig, desk_at, resume

STEPS = 8
PRICES = ("62900", "63400", "64000", "64050", "64400", "66100", "67600")


class ForgetfulVenue:
    """Takes every write and now and then loses the reply."""

    def __init__(self, venue: Venue, dice: random.Random) -> None:
        self._venue = venue
        self._dice = dice

    def __getattr__(self, name: str) -> Any:
        return getattr(self._venue, name)

    def _lose(self) -> None:
        if self._dice.random() < 0.15:
            raise VenueDoubt("REPLY_LOST")

    async def place(self, account: str, order: OrderRequest) -> VenueOrder:
        placed = await self._venue.place(account, order)
        self._lose()
        return placed

    async def place_list(self, account: str, orders: Sequence[OrderRequest]) -> Sequence[VenueOrder]:
        placed = await self._venue.place_list(account, orders)
        self._lose()
        return placed

    async def replace_list(self, account: str, cancels: Sequence[str], orders: Sequence[OrderRequest]) -> Sequence[VenueOrder]:
        placed = await self._venue.replace_list(account, cancels, orders)
        self._lose()
        return placed

    async def cancel(self, account: str, symbol: str, client_ids: Sequence[str]) -> Sequence[VenueOrder]:
        canceled = await self._venue.cancel(account, symbol, client_ids)
        self._lose()
        return canceled


async def fire(rig: Rig, person_id: int) -> None:
    mission = await rig.mission()
    rig.clock.advance(0.3)
    await rig.trading.preview(rig.actor(person_id), mission.id)
    preview = await rig.read(lambda unit: previews.find(unit, mission.id, person_id))
    if preview.token_id is not None:
        await rig.trading.fire(rig.actor(person_id), preview.token_id)


async def close(rig: Rig, dice: random.Random) -> None:
    for trade in await rig.read(trades.live):
        if trade.open_quantity > 0:
            asked = await rig.trading.ask_close(rig.actor(trade.person_id), trade.id, dice.choice((Decimal("0.5"), Decimal(1))))
            assert asked.token is not None
            await rig.trading.close(rig.actor(trade.person_id), asked.token.id, Act.CLOSE)
            return


async def act(rig: Rig, dice: random.Random) -> None:
    """Do one thing that a person or the market may do; a refusal is an answer like any other."""
    bid = dice.choice(PRICES)
    deeds = {
        "fire": lambda: fire(rig, dice.choice((ANN, TOM))),
        "price": lambda: rig.price(bid, f"{bid}.02", size=dice.choice(("100", "0.01"))),
        "close": lambda: close(rig, dice),
        "halt": lambda: rig.trading.halt(rig.actor(CARL), dice.choice((HaltState.HALTED, HaltState.REDUCING)), "now"),
        "resume": lambda: resume(rig),
        "stop": lambda: rig.trading.halt.myself(rig.actor(ANN), ""),
        "go on": lambda: rig.trading.resume.myself(rig.actor(ANN)),
        "reconcile": lambda: rig.trading.sync.reconcile_all(),
    }
    name = dice.choices(list(deeds), weights=(8, 6, 3, 1, 2, 1, 1, 1))[0]
    try:
        await deeds[name]()
    except SortieError:
        return


def show_everything(unit: Unit) -> None:
    """Be the sender."""
    for notice in outbox.pending_notices(unit, 500):
        outbox.told(unit, notice, message_id=notice.id)
    for card in outbox.stale_cards(unit, 500):
        outbox.shown(unit, card, message_id=1, digest="d", has_photo=False)


async def failures(rig: Rig, *, settled: bool) -> list[str]:
    state = rig.settings.desk.state_dir

    def books() -> list[VenueBook]:
        book = read_paper_book(paper_file(state), rig.clock)
        return [book] if book is not None else []

    material = Material(books=books, halt_file=halt_file(state), settled=settled)
    results = await run_all(rig.trading.database, material)
    return [f"{each.number} {each.detail}" for each in results if each.status is Status.FAIL]


async def live(folder: Path, seed: int) -> list[str]:
    dice, clock, found = random.Random(seed), HandClock(), []
    for life in range(2):
        async with desk_at(folder, clock=clock, wrap=lambda v: ForgetfulVenue(v, dice), people_too=life == 0) as rig:
            for _ in range(STEPS):
                rig.quote("64000", "64000.02")
                await act(rig, dice)
                await rig.trading.database.write(show_everything)
                found += await failures(rig, settled=False)
                clock.advance(dice.choice((0.2, 2, 15)))
                rig.quote("64000", "64000.02")
                await rig.settle()
            for _ in range(4):
                clock.advance(10)
                await rig.price("64000", "64000.02")
            await rig.trading.database.write(show_everything)
            found += await failures(rig, settled=True)
            assert await rig.read(lambda unit: trades.by_number(unit, 1)) is not None
    return found


@pytest.mark.parametrize("seed", range(2))
def test_honest_life_raises_no_alarm(tmp_path: Path, seed: int) -> None:
    assert asyncio.run(live(tmp_path, seed)) == []
