"""What an entry becomes once it is judged: a stored verdict, a trade, and the instruction that sends it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from services.domain.buttons import ActToken
from services.domain.entries import EntryKind, entry_instruction, entry_order, maker_price, touch_of
from services.domain.errors import Unavailable
from services.domain.measures import Meter, Timed, Unmeasured
from services.domain.money import Price, Quantity
from services.domain.orders import Instruction
from services.domain.people import Actor
from services.domain.ports import Ids
from services.domain.routes import Route, RoutePhase, load_route, within
from services.domain.states import TradeState
from services.domain.trades import Trade
from services.domain.verdicts import Verdict
from services.missions.planning import Case, Desk
from services.risk import recorded
from services.risk.breaking import BreakerBook
from services.risk.sizing import loss_at_stop
from services.risk.what_if import carried
from services.storage import instructions, routes, verdicts
from services.storage.counters import next_number
from services.storage.database import Unit


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryTerms:
    """What a trader confirmed: a size, the prices that bind it, and how it is entered; ``at`` is what it waits for."""

    quantity: Decimal
    decision_price: Price
    worst_price: Price
    stop: Price
    kind: EntryKind
    at: Price | None

    @classmethod
    def of(cls, token: ActToken) -> EntryTerms:
        """Read the terms that a Confirm token binds."""
        return cls(
            quantity=Decimal(token.terms["quantity"]),
            decision_price=Price(Decimal(token.terms["decision_price"])),
            worst_price=Price(Decimal(token.terms["worst_price"])),
            stop=Price(Decimal(token.terms["stop"])),
            kind=EntryKind(token.terms["how"]),
            at=Price(Decimal(token.terms["at"])) if "at" in token.terms else None,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A verdict with its inputs in plain values, as they are kept beside it."""

    verdict: Verdict
    context: Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A stored verdict: its id, and its proof's hash, which the journal's row names, so that a later change shows."""

    verdict_id: str
    proof: str


class EntryBook:
    """Judges entries and writes them down; shared by Confirm and by the last approval."""

    def __init__(self, desk: Desk, ids: Ids, breakers: BreakerBook, meter: Meter | None = None) -> None:
        self._desk = desk
        self._ids = ids
        self._breakers = breakers
        self._meter: Meter = meter or Unmeasured()

    def judge(self, unit: Unit, case: Case, terms: EntryTerms) -> Judged:
        """Ask the gate; with its inputs is kept how long it took, when the tap came, and what the account carried."""
        began = self._desk.clock.monotonic()
        verdict, context = self._desk.judge(
            unit,
            case,
            quantity=terms.quantity,
            worst_price=terms.worst_price,
            stop=terms.stop,
            kind=terms.kind,
            price=terms.at,
        )
        took = self._desk.clock.monotonic() - began
        self._meter.time(Timed.GATE, took)
        tapped = unit.received_at.isoformat() if unit.received_at is not None else None
        beside = {"gate_s": round(took, 6), "tapped": tapped, "carried": carried(case.others).dump()}
        return Judged(verdict=verdict, context=recorded.dump(context) | beside)

    def keep(self, unit: Unit, case: Case, judged: Judged, *, trade_id: str | None) -> Kept:
        """Store a verdict, of a trade or of an entry that becomes none."""
        verdict_id = self._ids.row()
        proof = verdicts.add(
            unit,
            verdict_id,
            judged.verdict,
            trade_id=trade_id,
            mission_id=case.mission.id,
            person_id=case.person.id,
            terminal_id=case.terminal.id,
            context=judged.context,
        )
        return Kept(verdict_id=verdict_id, proof=proof)

    def trade(self, unit: Unit, actor: Actor, case: Case, terms: EntryTerms, *, waits: bool = False) -> Trade:
        """Return a fresh trade of these terms, not stored yet; one that ``waits`` has no route before it is approved."""
        signal = case.mission.signal
        return Trade(
            id=self._ids.row(),
            number=next_number(unit, "trade"),
            mission_id=case.mission.id,
            person_id=case.person.id,
            terminal_id=case.terminal.id,
            symbol=signal.symbol,
            side=signal.side,
            state=TradeState.AWAITING_APPROVAL if waits else TradeState.WORKING,
            quantity=Quantity(terms.quantity),
            decision_price=terms.decision_price,
            worst_price=terms.worst_price,
            stop=terms.stop,
            initial_stop=terms.stop,
            targets=signal.targets,
            risk_money=self.risk(case, terms.quantity, terms.worst_price, terms.stop),
            currency=case.terminal.currency,
            tapped_at=unit.now,
            correlation=actor.correlation,
            route=None if waits else self.route(unit, case, terms),
        )

    def risk(self, case: Case, quantity: Decimal, worst_price: Price, stop: Price) -> Decimal:
        """Return the loss at the stop with costs, entered at the worst price."""
        return loss_at_stop(quantity, worst_price, stop, self._desk.rules.costs_at(case.terminal))

    def route(self, unit: Unit, case: Case, terms: EntryTerms) -> Mapping[str, str] | None:
        """Return how the desk works an entry that does not just take; raise Unavailable without a quote to place it by."""
        if terms.kind in (EntryKind.TAKE, EntryKind.WHOLE):
            return None
        quote, instrument = case.market.quote, case.market.instrument
        if quote is None or instrument is None:
            raise Unavailable("NO_DATA", symbol=case.mission.signal.symbol)
        signal, rules = case.mission.signal, self._desk.rules.routes
        price = terms.at
        if price is None:
            offset = routes.offset_at(unit, case.terminal.venue, signal.symbol, rules.offset_bps)
            price = within(maker_price(quote, signal.side, offset, instrument), terms.worst_price, signal.side)
        waits = terms.kind is EntryKind.STOP
        return Route(
            kind=terms.kind,
            phase=RoutePhase.ARMED if waits else RoutePhase.RESTING,
            price=price,
            touch=touch_of(quote, signal.side),
            began=unit.now,
            since=unit.now,
            until=min(unit.now + timedelta(seconds=rules.rest_s), signal.expires_at),
            placed=0 if waits else 1,
        ).dump()

    def begin_trial(self, unit: Unit, trade: Trade) -> None:
        """Count a stored trade as the one entry that a half-open breaker lets through."""
        self._breakers.begin_trial(unit, trade)

    def send(self, unit: Unit, case: Case, trade: Trade, kind: EntryKind) -> None:
        """Let a stored trade begin: commit its instruction, or have its trigger watched."""
        if kind is EntryKind.STOP:
            unit.wake("entries")
            return
        self._meter.begin(Timed.TAP_TO_ORDER, trade.correlation, unit.received_at or unit.now)
        instructions.add(unit, self._instruction(unit, case, trade, kind))

    def _instruction(self, unit: Unit, case: Case, trade: Trade, kind: EntryKind) -> Instruction:
        instruction_id = self._ids.instruction()
        deadline = unit.now + timedelta(seconds=self._desk.rules.limits.entry_deadline_s)
        route = load_route(trade.route)
        price = route.price if route is not None else trade.worst_price
        able = self._desk.capabilities(case.terminal.venue)
        order = entry_order(instruction_id, trade, kind, trade.quantity, price, able)
        deadline = min(deadline, case.mission.signal.expires_at)
        return entry_instruction(instruction_id, trade, order, deadline=deadline, collar=trade.worst_price, now=unit.now)
