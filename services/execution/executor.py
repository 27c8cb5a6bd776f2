"""The executor: claims an instruction in one committed step, then writes to the venue at most once.

A timeout is not an error but an outcome that nobody knows: the instruction becomes unknown and is queried, never re-sent.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import structlog

from config.limits import RiskSettings
from services.domain.crashpoints import reach
from services.domain.entries import rests
from services.domain.errors import Unavailable, VenueRejected
from services.domain.halts import Halt, lets_through
from services.domain.limits import Limit
from services.domain.live_facts import LiveGround
from services.domain.measures import Meter, Timed, Unmeasured
from services.domain.money import Price
from services.domain.orders import Instruction, InstructionKind, OrderSide, Purpose, VenueOrder
from services.domain.people import Actor, Role
from services.domain.ports import Clock, Ids, Nursery, QuoteSource, StageBeat, Venue, Wakeups
from services.domain.routes import entry_continues
from services.domain.states import ORDER_MOVES, InstructionState, OrderState, TradeState
from services.domain.trades import Trade
from services.execution import telling
from services.execution.booking import add_reported
from services.execution.permits import entry_fault, reduction_fault
from services.execution.settling import Settling
from services.execution.taking_back import take_back_entry
from services.risk.ledger import halts_for
from services.risk.limits import age_in_force, book_of
from services.risk.live_standing import read_standing
from services.storage import breakers, desk, instructions, missions, orders, people, terminals, trades
from services.storage.database import Database, Unit
from services.storage.desk import Lease

log = structlog.get_logger()
ROLE = "executor"
LEASE_S = 20.0
CALL_TIMEOUT_S = 10.0
POLL_S = 1.0
# Nothing was sent, or it was turned away for when it came and not for what it was.
LATER = frozenset(
    {
        "RATE_LIMITED",
        "CLOCK_SKEW",
        "VENUE_BUDGET",
        "VENUE_ORDER_COUNT",
        "VENUE_RATE_LIMITED",
        "VENUE_UNREACHABLE",
        "VENUE_NOT_SENT",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutorPorts:
    """What the executor needs of the outside; ``grounds`` are the terminals whose three facts say that their money is real."""

    venues: Mapping[str, Venue]
    quotes: QuoteSource
    clock: Clock
    ids: Ids
    wakeups: Wakeups
    nursery: Nursery
    beats: StageBeat
    meter: Meter = field(default_factory=Unmeasured)
    grounds: Mapping[str, LiveGround] = field(default_factory=dict)


class Executor:
    """Sends what is committed: in order within a terminal's instrument, in parallel across, exits before entries."""

    def __init__(
        self,
        database: Database,
        ports: ExecutorPorts,
        settling: Settling,
        limits: RiskSettings,
        halt_file: Path,
        lease: Callable[[], Lease | None],
    ) -> None:
        self._database = database
        self._ports = ports
        self._settling = settling
        self._limits = book_of(limits)
        self._halt_file = halt_file
        self._lease = lease
        self._busy: set[tuple[str, str]] = set()
        self._venue_names: dict[str, str] = {}
        self._draining = False

    async def run(self) -> None:
        """Send for ever; woken by commits, at the latest every second."""
        while True:
            await self.send_waiting()
            self._ports.beats.beat("executor", detail=f"queue {len(self._busy)}")
            await self._ports.wakeups.wait("executor", POLL_S)

    async def send_waiting(self) -> None:
        """Start a lane for every instrument that has something to send."""
        if self._draining:
            return
        lanes: dict[tuple[str, str], list[Instruction]] = {}
        for instruction in await self._database.glance(instructions.intents):
            lanes.setdefault((instruction.terminal_id, instruction.symbol), []).append(instruction)
        for lane, waiting in lanes.items():
            if lane not in self._busy:
                self._busy.add(lane)
                self._ports.nursery.spawn(f"lane {lane[0]} {lane[1]}", self._work_lane(lane, waiting))

    async def drain(self) -> None:
        """Take nothing new and wait until what is being sent has its answer."""
        self._draining = True
        while self._busy:
            await self._ports.clock.sleep(0.02)

    async def _work_lane(self, lane: tuple[str, str], waiting: Sequence[Instruction]) -> None:
        sent = False
        try:
            for instruction in waiting:
                if self._draining:
                    return
                sent |= await self.send(instruction)
        finally:
            self._busy.discard(lane)
        if sent:
            # What was committed meanwhile goes at once; a lane that could send nothing waits for the next look.
            self._ports.wakeups.wake("executor")

    async def send(self, instruction: Instruction) -> bool:
        """Claim one instruction and, when the claim holds, write it to its venue once and book the answer.

        Returns whether it was claimed; raises Unavailable before the claim when its venue is not there.
        """
        actor = Actor.job("executor", instruction.correlation)
        venue = self._ports.venues[await self._venue_of(instruction)]
        # An entry's claim is as urgent as the tap behind it: taps that come after it must not hold it up until it is too late.
        claimed = await self._database.write(lambda unit: self._claim(unit, actor, instruction), urgent=True)
        if claimed is None:
            return False
        await self._write_once(venue, actor, claimed)
        if claimed.purpose is Purpose.ENTRY:
            self._ports.meter.end(Timed.TAP_TO_ORDER, claimed.correlation, self._ports.clock.now())
        return True

    async def _write_once(self, venue: Venue, actor: Actor, claimed: Instruction) -> None:
        reach("venue.write.before")
        try:
            placed = await asyncio.wait_for(self._write(venue, claimed), CALL_TIMEOUT_S)
        except (VenueRejected, Unavailable) as error:
            code, later = error.code, error.code in LATER
            known = isinstance(error, VenueRejected) or later
            if known and not (later and claimed.purpose is not Purpose.ENTRY):
                await self._database.write(lambda unit: self.book_rejection(unit, actor, claimed, code), urgent=True)
            else:
                # What reduces or protects is still wanted: it is asked about, found not to be there, and planned anew by then.
                log.warning("venue.write.later", instruction=claimed.id, code=code)
                await self._database.write(lambda unit: self._book_doubt(unit, actor, claimed, code), urgent=True)
        except Exception as error:  # noqa: BLE001 - whatever else happened, nobody knows whether the venue took it
            reason = type(error).__name__
            log.warning("venue.write.doubt", instruction=claimed.id, error=reason)
            await self._database.write(lambda unit: self._book_doubt(unit, actor, claimed, reason), urgent=True)
        else:
            reach("venue.write.after")
            await self._database.write(lambda unit: self.book_acceptance(unit, actor, claimed, placed), urgent=True)

    async def _venue_of(self, instruction: Instruction) -> str:
        known = self._venue_names.get(instruction.terminal_id)
        if known is not None:
            return known
        terminal = await self._database.glance(lambda unit: terminals.find(unit, instruction.terminal_id))
        if terminal is None or terminal.venue not in self._ports.venues:
            raise Unavailable("VENUE", terminal=instruction.terminal_id)
        # A terminal stays at its venue for good.
        self._venue_names[terminal.id] = terminal.venue
        return terminal.venue

    async def _write(self, venue: Venue, instruction: Instruction) -> Sequence[VenueOrder]:
        account = instruction.terminal_id
        if instruction.kind is InstructionKind.PLACE:
            return [await venue.place(account, instruction.orders[0])]
        if instruction.kind is InstructionKind.PLACE_LIST:
            return await venue.place_list(account, instruction.orders)
        if instruction.kind is InstructionKind.REPLACE_LIST:
            return await venue.replace_list(account, instruction.cancels, instruction.orders)
        return await venue.cancel(account, instruction.symbol, instruction.cancels)

    def _claim(self, unit: Unit, actor: Actor, instruction: Instruction) -> Instruction | None:
        lease = self._lease()
        if lease is None or not desk.renew_lease(unit, lease, LEASE_S):
            log.warning("executor.lease.lost", instruction=instruction.id)
            return None
        if instruction.purpose is Purpose.ENTRY:
            refusal = self._entry_refusal(unit, instruction)
        else:
            refusal = self._reduction_refusal(unit, instruction)
        if refusal is not None:
            self._expire(unit, actor, instruction, *refusal)
            return None
        claimed = instructions.set_state(unit, instruction, InstructionState.SENT, epoch=lease.epoch)
        if claimed is not None:
            purpose = instruction.purpose.value
            unit.record(actor, "instruction.sent", instruction=instruction.id, purpose=purpose, epoch=lease.epoch)
        return claimed

    def _entry_refusal(self, unit: Unit, instruction: Instruction) -> tuple[str, str] | None:
        trade = trades.find(unit, instruction.trade_id) if instruction.trade_id else None
        if trade is None:
            return "NO_TRADE", "the trade is gone"
        if people.role_of(unit, trade.person_id) < Role.TRADER:
            return "NO_ROLE", "its trader has no role any more"
        terminal = terminals.find(unit, trade.terminal_id)
        if terminal is None or terminal.reconciled_at is None:
            return "RECONCILED", "the terminal was not compared with its venue yet"
        real = read_standing(unit, terminal, self._ports.grounds)
        if real is not None and not real.holds:
            return "LIVE_DECISION", real.said
        halts = self._halts(unit, trade)
        if not lets_through(halts, instruction.purpose):
            return "HALT", f"{halts[0].scope.value} by {halts[0].by_name}: {halts[0].reason}"
        held = breakers.for_entry(unit, person_id=trade.person_id, terminal_id=trade.terminal_id, symbol=trade.symbol)
        for breaker in held:
            if breaker.blocks and breaker.trial != trade.id:
                return f"BREAKER_{breaker.scope.name}", f"{breaker.kind.value} by {breaker.by}: {breaker.reason}"
        if instruction.deadline is None or unit.now >= instruction.deadline:
            return "DEADLINE", "too late to send"
        fault = entry_fault(unit, instruction, trade)
        if fault is not None:
            log.error("executor.no_verdict", instruction=instruction.id, trade=trade.number, fault=fault)
            return "NO_VERDICT", fault
        return self._price_refusal(unit, instruction)

    def _reduction_refusal(self, unit: Unit, instruction: Instruction) -> tuple[str, str] | None:
        trade = trades.find(unit, instruction.trade_id) if instruction.trade_id else None
        fault = reduction_fault(instruction, trade)
        if fault is None:
            return None
        log.error("executor.not_a_reduction", instruction=instruction.id, fault=fault)
        return "NOT_A_REDUCTION", fault

    def _halts(self, unit: Unit, trade: Trade) -> Sequence[Halt]:
        mission = missions.find(unit, trade.mission_id)
        return halts_for(
            unit,
            person_id=trade.person_id,
            terminal_id=trade.terminal_id,
            symbol=trade.symbol,
            source=mission.signal.source if mission else "",
            halt_file=self._halt_file.exists(),
        )

    def _price_refusal(self, unit: Unit, instruction: Instruction) -> tuple[str, str] | None:
        quote, collar = self._ports.quotes.latest(instruction.symbol), instruction.collar
        oldest = age_in_force(unit, self._limits, Limit.QUOTE_AGE_S, instruction.symbol)
        if quote is None or collar is None or quote.age(unit.now).total_seconds() > oldest:
            return "DATA_AGE", "no fresh quote"
        if rests(instruction.orders[0]):
            return None
        buying = instruction.orders[0].side is OrderSide.BUY
        touch: Price = quote.ask if buying else quote.bid
        if (touch > collar) if buying else (touch < collar):
            return "PRICE_COLLAR", f"{touch} is beyond {collar}"
        return None

    def _expire(self, unit: Unit, actor: Actor, instruction: Instruction, code: str, detail: str) -> None:
        if instructions.set_state(unit, instruction, InstructionState.EXPIRED, answer=code) is None:
            return
        unit.record(actor, "instruction.expired", instruction=instruction.id, code=code, detail=detail)
        trade = trades.find(unit, instruction.trade_id) if instruction.trade_id else None
        unit.wake("entries")
        if trade is not None and instruction.purpose is Purpose.ENTRY and _ends_with_its_entry(trade):
            after = replace(trade, state=TradeState.CANCELED, closed_at=unit.now, close_reason=code)
            self._end_unfilled(unit, trade, after, code, detail)

    def _end_unfilled(self, unit: Unit, before: Trade, after: Trade, code: str, detail: str) -> None:
        trades.save(unit, before, after)
        telling.refresh_cards(unit, after)
        telling.not_sent(unit, after, code, detail)

    def book_acceptance(self, unit: Unit, actor: Actor, instruction: Instruction, placed: Sequence[VenueOrder]) -> None:
        """Book that the venue took an instruction, and the orders that it put there."""
        if instructions.set_state(unit, instruction, InstructionState.ACCEPTED) is None:
            return
        roles = {order.client_id: order.role for order in instruction.orders}
        for order in placed:
            role = roles.get(order.client_id or "")
            if role is None:
                self._book_canceled(unit, instruction, order)
                continue
            add_reported(unit, instruction, order)
        if instruction.cancels:
            said = {order.client_id for order in placed}
            self._book_replaced(unit, instruction, [name for name in instruction.cancels if name not in said])
        trade = trades.find(unit, instruction.trade_id) if instruction.trade_id else None
        if trade is not None:
            if instruction.purpose is Purpose.ENTRY:
                self._acknowledge(unit, actor, trade)
            telling.refresh_cards(unit, trade)
        unit.record(actor, "instruction.accepted", instruction=instruction.id, orders=[o.venue_id for o in placed])
        if trade is not None and instruction.purpose is not Purpose.ENTRY:
            self._settling.follow_up(unit, actor, trade.id)
        unit.wake("fills", instruction.terminal_id)

    def _acknowledge(self, unit: Unit, actor: Actor, trade: Trade) -> None:
        if trade.acknowledged_at is None:
            trades.save(unit, trade, replace(trade, acknowledged_at=unit.now))
        if not lets_through(self._halts(unit, trade), Purpose.ENTRY):
            # Halted while it was on its way: no entry is left working at the venue.
            take_back_entry(unit, actor, self._ports.ids, trade)

    def _book_replaced(self, unit: Unit, instruction: Instruction, names: Sequence[str]) -> None:
        """Take replaced and canceled orders out of what protects; the venue's word on what they filled comes with a look."""
        for name in names:
            known = orders.find(unit, instruction.terminal_id, name)
            if known is not None and OrderState.PENDING_CANCEL in ORDER_MOVES[known.state]:
                orders.save(unit, known, replace(known, state=OrderState.PENDING_CANCEL))

    def _book_canceled(self, unit: Unit, instruction: Instruction, reported: VenueOrder) -> None:
        known = orders.find(unit, instruction.terminal_id, reported.client_id or "")
        if known is not None and reported.state in ORDER_MOVES[known.state]:
            orders.save(unit, known, replace(known, state=reported.state, filled=max(known.filled, reported.filled)))

    def book_rejection(self, unit: Unit, actor: Actor, instruction: Instruction, code: str) -> None:
        """Book a refusal that the venue proved, and what follows: a trade that failed, a close, or an alert."""
        if instructions.set_state(unit, instruction, InstructionState.REJECTED, answer=code) is None:
            return
        unit.record(actor, "instruction.rejected", instruction=instruction.id, code=code)
        self.follow_refusal(unit, actor, instruction, code)

    def follow_refusal(self, unit: Unit, actor: Actor, instruction: Instruction, code: str) -> None:
        """Do what follows for the trade when a write turns out not to have been taken."""
        trade = trades.find(unit, instruction.trade_id) if instruction.trade_id else None
        unit.wake("fills", instruction.terminal_id)
        if trade is None:
            return
        if instruction.purpose is Purpose.ENTRY:
            unit.wake("entries")
            if _ends_with_its_entry(trade):
                after = replace(trade, state=TradeState.FAILED, closed_at=unit.now, close_reason=code)
                self._end_unfilled(unit, trade, after, code, "the venue refused it")
        elif instruction.purpose is Purpose.PROTECT:
            self._settling.protection_refused(unit, actor, trade, instruction, code)
            self._settling.follow_up(unit, actor, trade.id)
        elif instruction.purpose is Purpose.CLOSE:
            self._settling.close_refused(unit, actor, trade, instruction, code)
        else:
            self._settling.cancel_refused(unit, trade, instruction, code)
        telling.refresh_cards(unit, trade)

    def _book_doubt(self, unit: Unit, actor: Actor, instruction: Instruction, reason: str) -> None:
        if instructions.set_state(unit, instruction, InstructionState.UNKNOWN, answer=reason) is None:
            return
        unit.record(actor, "instruction.unknown", instruction=instruction.id, reason=reason)
        trade = trades.find(unit, instruction.trade_id) if instruction.trade_id else None
        if trade is not None:
            telling.refresh_cards(unit, trade)
        unit.wake("resolve")


def _ends_with_its_entry(trade: Trade) -> bool:
    """Tell whether nothing was filled and no other order follows one that never worked."""
    return trade.state is TradeState.WORKING and not trade.entry_quantity and not entry_continues(trade.route)
