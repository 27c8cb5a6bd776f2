"""How often the venue is asked about a write of unknown outcome, and when its silence is proof."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from services.access.alerts import AlertCode
from services.domain.errors import VenueDoubt
from services.domain.states import InstructionState
from services.missions.fire import Fired
from services.storage import incidents, instructions
from tests.told import alerts_for
from tests.trading.rig import ANN, Rig, desk_at
from tests.trading.taps import fire


class Vague:
    """Never answers a write; asked about it, it is unsure, or knows nothing."""

    def __init__(self, venue: Any) -> None:
        self._venue = venue
        self.asked: list[float] = []
        self.unsure = True
        self.rig: Rig | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._venue, name)

    async def place(self, *_: object) -> Any:
        raise VenueDoubt("NO_ANSWER")

    async def find(self, *_: object) -> Any:
        if self.rig is not None:
            self.asked.append(self.rig.clock.monotonic())
        if self.unsure:
            raise VenueDoubt("NO_ANSWER")
        return None


async def test_the_venue_is_asked_at_once_and_then_ever_more_slowly_and_doubt_is_no_proof(tmp_path: Path) -> None:
    held: list[Vague] = []

    def wrap(venue: Any) -> Any:
        held.append(Vague(venue))
        return held[0]

    async with desk_at(tmp_path, wrap=wrap) as rig:
        fired = await fire(rig)
        assert isinstance(fired, Fired)
        await rig.trading.executor.send_waiting()
        await rig.nursery.wait_for_jobs(5)
        held[0].rig, began = rig, rig.clock.monotonic()
        for _ in range(60):
            await rig.trading.resolve.resolve_all()
            rig.clock.advance(1)
        (write,) = await rig.read(lambda unit: instructions.of_trade(unit, fired.trade_id))
        told = await rig.read(lambda unit: alerts_for(unit, ANN))

        assert [at - began for at in held[0].asked] == [0, 1, 3, 8, 18, 28, 38, 48, 58]
        assert write.state is InstructionState.UNKNOWN
        assert [(each.code, each.facts["quantity"]) for each in told] == [(AlertCode.OUTCOME_UNKNOWN.value, "0.0379")]

        held[0].unsure = False
        rig.clock.advance(10)
        await rig.trading.resolve.resolve_all()
        (write,) = await rig.read(lambda unit: instructions.of_trade(unit, fired.trade_id))
        assert (write.state, write.answer) == (InstructionState.REJECTED, "NOT_FOUND")
        assert await rig.read(incidents.open_incidents) == []
