"""Whatever happens in whatever order at an exchange whose exits lock: nothing is sold twice, and what is held has its stop."""

from __future__ import annotations

import asyncio
import tempfile
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.domain.errors import Refused
from services.domain.orders import OrderSide
from services.domain.ports import Capabilities, Venue
from tests.crash.faulty import Fault, FaultyVenue
from tests.trading.spot_desk import SpotDesk, spot_desk
from tests.trading.spot_venue import LONE, PAIRS

FAULTS = [Fault.NONE, Fault.NONE, Fault.NONE, Fault.LOST, Fault.RESET, Fault.CUT, Fault.NEVER]
STEPS = st.one_of(
    st.tuples(st.just("price"), st.sampled_from(["64500", "65900", "66000", "67500", "63400", "63000"])),
    st.tuples(st.just("part"), st.sampled_from(["0.00001", "0.001", "0.1", "0.18"])),
    st.tuples(st.just("close"), st.sampled_from(["0.5", "1"])),
    st.tuples(st.just("stop"), st.sampled_from(["63100", "63300", "be", "64400"])),
    st.tuples(st.just("hide"), st.just("")),
    st.tuples(st.just("show"), st.just("")),
    st.tuples(st.just("step"), st.just("")),
    st.tuples(st.just("rest"), st.just("")),
    st.tuples(st.just("restart"), st.just("")),
)


@dataclass
class Story:
    """One desk lived through a list of steps; writes go over a line that fails as drawn."""

    folder: Path
    capabilities: Capabilities
    shrinks: bool
    base_fee: str
    faults: list[Fault]
    desk: SpotDesk | None = None
    stack: AsyncExitStack = field(default_factory=AsyncExitStack)

    def line(self, venue: Venue) -> Venue:
        """Put the failing line before the exchange."""
        faulty: Venue = FaultyVenue(venue, lambda: self.faults.pop() if self.faults else Fault.NONE)  # type: ignore[assignment]
        return faulty

    async def start(self) -> SpotDesk:
        """Start the desk, the first time or again."""
        before = self.desk
        await self.stack.aclose()
        opened = spot_desk(
            self.folder, self.capabilities, over=self.line, shrinks=self.shrinks, base_fee=self.base_fee, again=before
        )
        self.desk = await self.stack.enter_async_context(opened)
        return self.desk

    async def take(self, what: str, how: str) -> None:
        """Let one thing happen."""
        desk = self.desk
        assert desk is not None
        ledger = desk.spot.ledger
        if what == "price":
            desk.spot.price(how)
            desk.rig.quote(how, how)
        elif what == "part":
            targets = [o for o in desk.spot.working() if o.side is OrderSide.SELL and o.stop_price is None]
            if targets and targets[0].quantity - targets[0].filled > Decimal(how):
                desk.spot.execute(targets[0].client_id or "", how)
        elif what == "hide" and ledger.fills:
            desk.spot.hidden = {f"f-{len(ledger.fills) + 1}"}
        elif what == "show":
            desk.spot.hidden = set()
        elif what == "step":
            await desk.rig.step()
        elif what == "rest":
            desk.spot.hidden = set()
            await desk.rest()
        elif what == "restart":
            await self.start()
        else:
            await self._tap(desk, what, how)

    async def _tap(self, desk: SpotDesk, what: str, how: str) -> None:
        try:
            if what == "close":
                await desk.tap_close(how)
            elif what == "stop":
                await desk.rig.trading.move_stop(desk.rig.actor(), "1", how)
        except Refused:
            # A person is told no; nothing has changed.
            return

    async def check(self) -> None:
        """Hold the desk at rest against the exchange."""
        desk = self.desk
        assert desk is not None
        desk.spot.hidden = set()
        await desk.rest()
        assert await desk.problems() == []


@given(
    steps=st.lists(STEPS, min_size=1, max_size=8),
    faults=st.lists(st.sampled_from(FAULTS), max_size=12),
    capabilities=st.sampled_from([PAIRS, LONE]),
    shrinks=st.booleans(),
    base_fee=st.sampled_from(["0", "0.001"]),
)
@settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
def test_nothing_is_sold_twice_and_what_is_held_has_its_stop(
    steps: list[tuple[str, str]], faults: list[Fault], capabilities: Capabilities, shrinks: bool, base_fee: str
) -> None:
    async def live(folder: Path) -> None:
        story = Story(folder, capabilities, shrinks, base_fee, [])
        try:
            desk = await story.start()
            await desk.open()
            story.faults = list(faults)
            for what, how in steps:
                await story.take(what, how)
            await story.check()
        finally:
            await story.stack.aclose()

    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(live(Path(folder)))
