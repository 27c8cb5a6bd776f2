"""A strategy that runs wild: the venue sees no more than its limit, and a breaker holds the rest until a commander lifts it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from services.domain.breakers import BreakerKind, BreakerState
from services.domain.errors import NotAllowed, VenueRejected
from services.domain.orders import OrderRequest, VenueOrder
from services.domain.ports import Venue
from services.domain.verdicts import CheckCode
from services.storage import breakers
from services.storage.previews import PreviewState
from tests.in_full import promised
from tests.trading.rig import ANN, CARL, Rig, desk_at
from tests.trading.taps import preview_of

LIMIT = 8
ATTEMPTS = promised(1000, in_suite=50)


class Refusing:
    """A venue that counts entries and takes none, so that every signal finds the instrument free again."""

    def __init__(self, venue: Venue) -> None:
        self._venue = venue
        self.placed = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._venue, name)

    async def place(self, account: str, order: OrderRequest) -> VenueOrder:
        self.placed += 1
        raise VenueRejected("NOT_OFFERED")


async def storm(rig: Rig) -> list[str]:
    """Fire as fast as the desk answers, and return the codes that refused."""
    refused: list[str] = []
    for _ in range(ATTEMPTS):
        shown = await preview_of(rig, await rig.mission())
        if shown.state is PreviewState.OPEN:
            assert shown.token_id is not None
            await rig.trading.fire(rig.actor(ANN), shown.token_id)
            await rig.trading.executor.send_waiting()
            await rig.nursery.wait_for_jobs(5)
        else:
            refused += [check.code for check in shown.checks if not check.passed]
    return refused


async def breaker(rig: Rig) -> BreakerState:
    found = await rig.read(lambda unit: breakers.find(unit, BreakerKind.MESSAGE_RATE, f"paper-{ANN}"))
    state: BreakerState = found.state
    return state


@pytest.mark.parametrize("limit", [LIMIT, 10_000], ids=["limited", "broken-twin"])
async def test_a_storm_reaches_the_venue_up_to_its_limit_and_waits_for_a_commander(tmp_path: Path, limit: int) -> None:
    held: list[Refusing] = []

    def wrap(venue: Venue) -> Venue:
        held.append(Refusing(venue))
        return held[0]  # type: ignore[return-value]  # the rest is the venue's own

    async with desk_at(tmp_path, wrap=wrap, risk={"writes_per_minute": limit}, breakers={"errors": 10_000}) as rig:
        refused = await storm(rig)
        if limit > ATTEMPTS:
            assert (held[0].placed, refused) == (ATTEMPTS, [])
            return
        await rig.trading.watch_breakers()
        assert held[0].placed == LIMIT
        assert set(refused) == {CheckCode.MESSAGE_RATE}
        assert len(refused) == ATTEMPTS - LIMIT
        assert await breaker(rig) is BreakerState.OPEN

        for _ in range(24):
            rig.clock.advance(3600)
            rig.quote("63999.99", "64000.01")
            await rig.trading.watch_breakers()
            assert await breaker(rig) is BreakerState.OPEN
        await rig.trading.sync.reconcile_all()
        denied = await preview_of(rig, await rig.mission())
        assert [each.code for each in denied.checks if not each.passed] == [CheckCode.BREAKER_TERMINAL]
        assert held[0].placed == LIMIT

        opened = await rig.read(lambda unit: breakers.find(unit, BreakerKind.MESSAGE_RATE, f"paper-{ANN}"))
        with pytest.raises(NotAllowed):
            await rig.trading.close_breaker(rig.actor(ANN), opened.id, "it was me")
        await rig.trading.close_breaker(rig.actor(CARL), opened.id, "the strategy is off")
        assert (await preview_of(rig, await rig.mission())).state is PreviewState.OPEN
