"""Instructions of unknown outcome: the venue is asked by client id until it has an answer; nothing is ever re-sent."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import timedelta

import structlog

from services.access.alerts import AlertCode, alert
from services.domain.errors import SortieError, Unavailable
from services.domain.money import canonical
from services.domain.orders import Instruction, InstructionKind, VenueOrder
from services.domain.people import Actor
from services.domain.ports import Clock, Ids, StageBeat, Venue, Wakeups
from services.domain.states import LIVE_ORDER_STATES, InstructionState, OrderState
from services.execution import telling
from services.execution.executor import CALL_TIMEOUT_S, Executor
from services.storage import incidents, instructions, terminals, trades
from services.storage.database import Database, Unit

log = structlog.get_logger()
POLL_S = 1.0
ASK_AFTER_S = (1.0, 2.0, 5.0, 10.0)
FIND_TIMEOUT_S = 10.0
UNANSWERED = timedelta(seconds=2 * CALL_TIMEOUT_S)
ALERT_AFTER = timedelta(seconds=10)


class ResolveUnknown:
    """Finds out what became of instructions whose answer was lost.

    ``in_flight`` says how long after it was given up on a write may still arrive at the venue of that name: as long as the
    venue takes late calls, and a margin.
    """

    def __init__(
        self,
        database: Database,
        venues: Mapping[str, Venue],
        executor: Executor,
        clock: Clock,
        ids: Ids,
        wakeups: Wakeups,
        beats: StageBeat,
        in_flight: Callable[[str], timedelta],
    ) -> None:
        self._database = database
        self._venues = venues
        self._executor = executor
        self._in_flight = in_flight
        self._asked: dict[str, tuple[int, float]] = {}
        self._clock = clock
        self._ids = ids
        self._wakeups = wakeups
        self._beats = beats

    async def run(self) -> None:
        """Resolve for ever."""
        while True:
            await self.resolve_all()
            self._beats.beat("resolve")
            await self._wakeups.wait("resolve", POLL_S)

    async def adopt_sent(self) -> int:
        """Call everything that is found sent at start unknown; return how many there were."""

        def body(unit: Unit) -> int:
            actor = Actor.job("start", f"start-{self._ids.row()}")
            found = [i for i in instructions.doubtful(unit) if i.state is InstructionState.SENT]
            for instruction in found:
                _doubt(unit, actor, instruction, "found sent at start")
            return len(found)

        return await self._database.write(body)

    async def resolve_all(self) -> int:
        """Ask about every unknown instruction whose turn it is; return how many stay unknown."""
        left = 0
        doubtful = await self._database.read(instructions.doubtful)
        self._asked = {each.id: self._asked[each.id] for each in doubtful if each.id in self._asked}
        for instruction in doubtful:
            if instruction.state is not InstructionState.UNKNOWN:
                await self._adopt_unanswered(instruction)
                continue
            if not self._is_due(instruction):
                left += 1
                continue
            try:
                left += not await self.resolve(instruction)
            except (SortieError, TimeoutError) as error:
                left += 1
                log.warning("resolve.failed", instruction=instruction.id, error=str(error))
                await self._complain(instruction)
        return left

    def _is_due(self, instruction: Instruction) -> bool:
        """Tell whether to ask now: at once, then ever more slowly."""
        asks, due_at = self._asked.get(instruction.id, (0, 0.0))
        now = self._clock.monotonic()
        if asks and now < due_at:
            return False
        self._asked[instruction.id] = (asks + 1, now + ASK_AFTER_S[min(asks, len(ASK_AFTER_S) - 1)])
        return True

    async def _adopt_unanswered(self, instruction: Instruction) -> None:
        """Call a sent instruction unknown whose answer could not be booked: its call has ended long ago."""
        if instruction.sent_at is not None and self._clock.now() - instruction.sent_at >= UNANSWERED:
            actor = Actor.job("resolve", instruction.correlation)
            await self._database.write(lambda unit: _doubt(unit, actor, instruction, "no answer was booked"))

    async def resolve(self, instruction: Instruction) -> bool:
        """Ask the venue about one instruction; tell whether its outcome is known now."""
        terminal = await self._database.read(lambda unit: terminals.find(unit, instruction.terminal_id))
        venue = self._venues.get(terminal.venue) if terminal else None
        if venue is None:
            raise Unavailable("VENUE", terminal=instruction.terminal_id)
        actor, asked_at = Actor.job("resolve", instruction.correlation), self._clock.now()
        found = await find_all(venue, instruction)
        if self._taken(instruction, found):
            await self._database.write(lambda unit: self._accept(unit, actor, instruction, found), urgent=True)
            return True
        # A write given up on a moment ago may still arrive: only a venue that has not seen it for a while never will.
        if asked_at - (instruction.answered_at or instruction.created_at) < self._in_flight(venue.name):
            return False
        await self._database.write(lambda unit: self._refuse(unit, actor, instruction), urgent=True)
        return True

    def _taken(self, instruction: Instruction, found: list[VenueOrder]) -> bool:
        if instruction.kind is not InstructionKind.CANCEL:
            return bool(found)
        return bool(found) and all(
            order.state not in LIVE_ORDER_STATES or order.state is OrderState.PENDING_CANCEL for order in found
        )

    def _accept(self, unit: Unit, actor: Actor, instruction: Instruction, found: list[VenueOrder]) -> None:
        self._executor.book_acceptance(unit, actor, instruction, found)
        incidents.close_incident(unit, AlertCode.OUTCOME_UNKNOWN.value, instruction.id)

    def _refuse(self, unit: Unit, actor: Actor, instruction: Instruction) -> None:
        self._executor.book_rejection(unit, actor, instruction, "NOT_FOUND")
        incidents.close_incident(unit, AlertCode.OUTCOME_UNKNOWN.value, instruction.id)

    async def _complain(self, instruction: Instruction) -> None:
        if self._clock.now() - (instruction.sent_at or instruction.created_at) < ALERT_AFTER:
            return

        def body(unit: Unit) -> None:
            trade = trades.find(unit, instruction.trade_id) if instruction.trade_id else None
            sent_at = instruction.sent_at or instruction.created_at
            size = max((order.quantity for order in instruction.orders), default=None)
            facts: dict[str, object] = {
                "symbol": instruction.symbol,
                "instruction": instruction.id,
                "detail": f"{instruction.purpose.value} of unknown outcome, sent {sent_at:%H:%M:%S} UTC",
            }
            if size is not None:
                facts["quantity"] = canonical(size)
            if trade is not None:
                facts |= {"trade": trade.number, "trade_id": trade.id}
            alert(unit, self._ids, AlertCode.OUTCOME_UNKNOWN, instruction.id, facts, trade.person_id if trade else None)

        await self._database.write(body)


async def find_all(venue: Venue, instruction: Instruction) -> list[VenueOrder]:
    """Return what the venue knows of an instruction's orders, or of those it was to take away; VenueDoubt if it is unsure."""
    asked = [order.client_id for order in instruction.orders] or list(instruction.cancels)
    found: list[VenueOrder] = []
    for name in asked:
        order = await asyncio.wait_for(venue.find(instruction.terminal_id, instruction.symbol, name), FIND_TIMEOUT_S)
        if order is not None:
            found.append(order)
    return found


def _doubt(unit: Unit, actor: Actor, instruction: Instruction, reason: str) -> None:
    if instructions.set_state(unit, instruction, InstructionState.UNKNOWN, answer=reason) is None:
        return
    unit.record(actor, "instruction.unknown", instruction=instruction.id, reason=reason)
    trade = trades.find(unit, instruction.trade_id) if instruction.trade_id else None
    if trade is not None:
        telling.refresh_cards(unit, trade)
