"""How fast the kill switch is with many orders out: its commit, the first cancel at the venue, and the last.

The trading side runs in this process over its own files, built as `sortie run` builds it. One trader has an entry resting at
the paper venue for each of many instruments, and throws the switch; the stages that work are those of the running desk.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.figures import Figure, Measured, Target
from bench.plan import Plan
from bench.programs import BenchError
from bench.settling import until
from bench.trading_side import TradingSide, trading_side
from services.domain.orders import VenueOrder
from services.domain.ports import Venue
from services.domain.states import HaltState

STAGES = ("executor", "fills", "kill")
COMMIT_TARGET = Target(at_most=0.2)
FIRST_TARGET = Target(at_most=2.0)


class _Watched:
    """A venue whose cancels are timed as they arrive; everything is passed on."""

    def __init__(self, venue: Venue) -> None:
        self._venue = venue
        self.cancels: list[float] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._venue, name)

    async def cancel(self, account: str, symbol: str, client_ids: Sequence[str]) -> Sequence[VenueOrder]:
        """Note when this cancel came and hand it on."""
        self.cancels.append(time.monotonic())
        return await self._venue.cancel(account, symbol, client_ids)


async def measure(plan: Plan, folder: Path) -> Measured:
    """Throw the switch over resting entries; the floor is the venue's own cancels, one after another."""
    symbols = [f"C{number:03d}/USDT" for number in range(plan.book_orders)]
    watched: list[_Watched] = []

    def watch(venue: Venue) -> Venue:
        watched.append(_Watched(venue))
        return watched[0]

    async with trading_side(folder / "floor", symbols) as side:
        await side.rest_all()
        cancelled_s = await _cancel_directly(side)
    async with trading_side(folder / "desk", symbols, watch) as side:
        await side.rest_all()
        if await side.working() != len(symbols):
            raise BenchError("not every entry rests")
        began, committed = await _throw(side, len(symbols), watched[0])
    first, last = watched[0].cancels[0], watched[0].cancels[-1]
    name = f"Kill switch with {len(symbols)} entries resting"
    figures = [
        Figure(name=f"{name}: commit", value=committed - began, unit="s", target=COMMIT_TARGET),
        Figure(name=f"{name}: first cancel at the venue", value=first - began, unit="s", target=FIRST_TARGET),
        Figure(
            name=f"{name}: last cancel at the venue",
            value=last - began,
            unit="s",
            floor=cancelled_s,
            floor_is="the venue alone",
        ),
    ]
    return Measured(figures=figures, details={"cancels": len(watched[0].cancels)})


async def _throw(side: TradingSide, count: int, venue: _Watched) -> tuple[float, float]:
    """Throw the switch and let the stages work until nothing rests; return when it was thrown and when that stood."""
    trading, stages = side.trading, (side.trading.executor.run, side.trading.sync.run_fills, side.trading.work_kill.run)
    side.show_prices()
    for name, work in zip(STAGES, stages, strict=True):
        side.nursery.stage(name, work)
    await asyncio.sleep(0)
    began = time.monotonic()
    await trading.halt(side.actor(), HaltState.HALTED, "bench")
    committed = time.monotonic()
    await until("every entry is cancelled", lambda: len(venue.cancels) >= count)
    return began, committed


async def _cancel_directly(side: TradingSide) -> float:
    """Return how long the venue takes for the same cancels without a desk before it."""
    terminal = await side.terminal()
    working = await side.trading.paper.open_orders(terminal.id)
    began = time.monotonic()
    for order in working:
        await side.trading.paper.cancel(terminal.id, order.symbol, [order.client_id or ""])
    return time.monotonic() - began
