"""A kill's looks at the venues: each terminal on its own, so that one that hangs delays no other.

A look finds entry orders that the desk's books do not have as working and commits their cancel; it also is the venue's word
that nothing of the desk's is left.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial

import structlog

from services.domain.errors import SortieError, Unavailable
from services.domain.kills import Kill
from services.domain.orders import CLIENT_ID_BASE, Instruction, OrderRole, Purpose, VenueOrder
from services.domain.people import Actor
from services.domain.ports import Clock, Ids, Nursery, Venue
from services.domain.trades import Terminal
from services.execution.booking import add_reported, name_of, to_order
from services.execution.leftovers import Look
from services.execution.survey import Survey
from services.execution.writes import add_cancel
from services.storage import instructions, kills, orders, trades
from services.storage.database import Database, Unit

log = structlog.get_logger()
LOOK_TIMEOUT_S = 5.0
# A step waits this long for the venues, then goes on without those that have not answered.
WAIT_S = 0.5


class KillLooks:
    """Asks each terminal's venue for its open orders when there is a reason to, and keeps the newest answer."""

    def __init__(
        self,
        database: Database,
        venues: Mapping[str, Venue],
        clock: Clock,
        ids: Ids,
        nursery: Nursery,
        retry_s: float,
    ) -> None:
        self._database = database
        self._venues = venues
        self._clock = clock
        self._ids = ids
        self._nursery = nursery
        self._retry_s = retry_s
        self._turn = 0
        self._looks: dict[str, Look] = {}
        self._asking: dict[str, asyncio.Future[None]] = {}
        self._clear_since: dict[str, int] = {}

    def forget(self) -> None:
        """Begin with a fresh kill: every venue is asked."""
        self._looks.clear()
        self._clear_since.clear()

    def begin_anew(self) -> None:
        """Ask every venue for its word once more, when nothing is left at it."""
        self._clear_since.clear()

    def of(self, terminal_id: str) -> Look | None:
        """Return the newest answer, or None before the first."""
        return self._looks.get(terminal_id)

    def answers(self, terminal_id: str) -> bool:
        """Tell whether the venue answered when it was last asked."""
        look = self._looks.get(terminal_id)
        return look is not None and look.failed is None

    def note_clear(self, found: Survey, *, flat: bool) -> Mapping[str, int]:
        """Note since which step the books say that nothing is left at a terminal; with ``flat`` no position either."""
        opened = {trade.terminal_id for trade in found.open_entries.values()}
        if flat:
            opened |= {order.terminal_id for order in found.orders if order.role is not OrderRole.FOREIGN}
            opened |= {trade.terminal_id for trade in found.trades.values() if trade.open_quantity > 0}
        for name in found.terminals:
            if name in opened:
                self._clear_since.pop(name, None)
            else:
                self._clear_since.setdefault(name, self._turn)
        return self._clear_since

    async def __call__(self, kill: Kill, found: Survey) -> None:
        """Ask the venues that have to be asked, and wait a moment for their answers."""
        self._turn += 1
        for terminal in found.terminals.values():
            if terminal.id not in self._asking and self._is_due(terminal.id):
                self._asking[terminal.id] = asyncio.get_running_loop().create_future()
                self._nursery.spawn(f"kill look {terminal.id}", self._look(kill, terminal, self._turn))
        if self._asking:
            await asyncio.wait(list(self._asking.values()), timeout=WAIT_S)

    def _is_due(self, terminal_id: str) -> bool:
        look, clear = self._looks.get(terminal_id), self._clear_since.get(terminal_id)
        if look is None or (look.failed is None and clear is not None and look.turn <= clear):
            return True
        troubled = look.failed is not None or (clear is not None and bool(look.lost))
        return troubled and self._clock.monotonic() - look.asked_at >= self._retry_s

    async def _look(self, kill: Kill, terminal: Terminal, turn: int) -> None:
        asked_at = self._clock.monotonic()
        look = Look(turn=turn, asked_at=asked_at, failed="interrupted")
        try:
            venue = self._venues.get(terminal.venue)
            if venue is None:
                raise Unavailable("VENUE", terminal=terminal.id)
            working = await asyncio.wait_for(venue.open_orders(terminal.id), LOOK_TIMEOUT_S)
            look = await self._sort(kill, terminal, working, Look(turn=turn, asked_at=asked_at))
        except (SortieError, TimeoutError) as error:
            code = error.code if isinstance(error, SortieError) else "TIMEOUT"
            look = Look(turn=turn, asked_at=asked_at, failed=code)
            log.warning("kill.look.failed", terminal=terminal.name, error=str(error) or code)
        finally:
            self._looks[terminal.id] = look
            self._asking.pop(terminal.id).set_result(None)

    async def _sort(self, kill: Kill, terminal: Terminal, working: Sequence[VenueOrder], look: Look) -> Look:
        sorted_out = await self._database.read(partial(_sorted, terminal_id=terminal.id, working=working))
        if sorted_out.lost:
            body = partial(self._take_back, kill=kill, terminal=terminal, lost=sorted_out.lost)
            await self._database.write(body, urgent=True)
        return replace(
            look,
            lost=tuple((name_of(order), order.symbol) for _, order in sorted_out.lost),
            foreign=tuple((name_of(order), order.symbol) for order in sorted_out.foreign),
        )

    def _take_back(self, unit: Unit, kill: Kill, terminal: Terminal, lost: Sequence[tuple[Instruction, VenueOrder]]) -> None:
        """Commit the cancel of entry orders that work although the books say otherwise, one for each."""
        current = kills.find(unit, kill.id)
        if current is None or not current.working:
            return
        actor = Actor.job("kill", kill.correlation)
        asked = {name for each in instructions.doubtful(unit, terminal_id=terminal.id) for name in each.cancels}
        asked |= {name for each in instructions.intents(unit) for name in each.cancels}
        asked |= {name for _, name in kills.cancels_answered(unit, unit.now - timedelta(seconds=self._retry_s))}
        for instruction, reported in lost:
            trade = trades.find(unit, instruction.trade_id) if instruction.trade_id is not None else None
            name = name_of(reported)
            if trade is None or name in asked:
                continue
            add_reported(unit, instruction, reported)
            order = to_order(reported, terminal.id, OrderRole.ENTRY, instruction.id, trade.id)
            add_cancel(unit, self._ids, trade, [order])
            unit.record(actor, "kill.found", kill=kill.id, terminal=terminal.id, order=name, trade=trade.number)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sorted:
    """Orders that a venue has: entries that the books do not have as working, and orders of nobody here."""

    lost: Sequence[tuple[Instruction, VenueOrder]]
    foreign: Sequence[VenueOrder]


def _sorted(unit: Unit, terminal_id: str, working: Sequence[VenueOrder]) -> _Sorted:
    known = {order.client_id: order for order in orders.live(unit, terminal_id=terminal_id)}
    lost: list[tuple[Instruction, VenueOrder]] = []
    foreign: list[VenueOrder] = []
    for reported in working:
        ours = known.get(name_of(reported))
        if ours is not None:
            if ours.role is OrderRole.FOREIGN:
                foreign.append(reported)
            continue
        instruction = instructions.find(unit, (reported.client_id or "")[:CLIENT_ID_BASE])
        if instruction is None:
            foreign.append(reported)
        elif instruction.purpose is Purpose.ENTRY:
            lost.append((instruction, reported))
    return _Sorted(lost=lost, foreign=foreign)
