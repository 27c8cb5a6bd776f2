"""Differences that the venue's evidence alone does not settle: opened, followed and ended inside a write unit.

Until a person has decided, the instrument takes no new exposure on that terminal.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from types import MappingProxyType

from services.access.alerts import AlertCode, alert
from services.domain.money import ZERO, Price, canonical
from services.domain.orders import Order, VenueFill
from services.domain.people import Actor
from services.domain.ports import Ids
from services.domain.proposals import UNDECIDED, Answer, Evidence, Proposal, ProposalKind, ProposalState, answers_for
from services.domain.states import DOUBTFUL_INSTRUCTION_STATES, LIVE_ORDER_STATES, InstructionState
from services.domain.trades import Terminal
from services.storage import holdings, incidents, instructions, orders, proposals, terminals
from services.storage.database import Unit

CODES: Mapping[ProposalKind, AlertCode] = MappingProxyType(
    {
        ProposalKind.POSITION_DIFFERS: AlertCode.POSITION_MISMATCH,
        ProposalKind.FOREIGN_FILL: AlertCode.FOREIGN_ORDER,
        ProposalKind.FOREIGN_ORDER: AlertCode.FOREIGN_ORDER,
        ProposalKind.ORDER_LOST: AlertCode.ORDER_LOST,
    }
)
_UNDER_WAY = DOUBTFUL_INSTRUCTION_STATES | {InstructionState.INTENT}


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What still differs at one terminal: quantities of desk and venue by symbol, and client ids the venue does not know."""

    differing: Mapping[str, tuple[Decimal, Decimal]]
    lost: frozenset[str]


def order_subject(venue_order_id: str) -> str:
    """Return what proposals about an order that is not the desk's are told apart by."""
    return f"order:{venue_order_id}"[:96]


class Proposing:
    """Keeps the proposals of a terminal in line with what is found there."""

    def __init__(self, ids: Ids) -> None:
        self._ids = ids

    def foreign_fill(self, unit: Unit, actor: Actor, terminal: Terminal, fill: VenueFill, change: Decimal) -> None:
        """Propose what to do with an execution that is not the desk's; ``change`` is what it did to the account.

        It counts in the position until it is decided, unless its order was decided before: then it is a holding.
        """
        subject = order_subject(fill.venue_order_id)
        agreed = proposals.latest(unit, terminal.id, ProposalKind.FOREIGN_ORDER, subject)
        if agreed is not None and agreed.state is ProposalState.DECIDED and agreed.answer is not Answer.CLOSE:
            why, by = agreed.reason or "", agreed.decided_by
            proposals.save(unit, agreed, replace(agreed, moved=agreed.moved - change))
            held = holdings.change(unit, terminal.id, fill.symbol, change, why, by)
            unit.record(actor, "holding.changed", terminal=terminal.id, symbol=fill.symbol, by=change, now=held, why=why)
            return
        held = terminals.position(unit, terminal.id, fill.symbol)
        terminals.set_position(unit, terminal.id, fill.symbol, held + change)
        known = proposals.latest(unit, terminal.id, ProposalKind.FOREIGN_FILL, subject)
        if known is not None and known.state is ProposalState.OPEN:
            names = (*known.evidence.fills, fill.venue_fill_id)
            quantity, price = known.evidence.quantity + change, _mean_price(unit, terminal.id, names)
            evidence = replace(known.evidence, quantity=quantity, price=price, fills=names)
            proposals.save(unit, known, replace(known, evidence=evidence))
            return
        evidence = Evidence(quantity=change, price=fill.price, fills=(fill.venue_fill_id,), order=fill.client_id)
        self._open(unit, actor, terminal, fill.symbol, ProposalKind.FOREIGN_FILL, subject, evidence)

    def foreign_order(self, unit: Unit, actor: Actor, terminal: Terminal, order: Order) -> None:
        """Propose what to do with an order that is not the desk's and may still execute."""
        if order.state not in LIVE_ORDER_STATES:
            return
        evidence = Evidence(
            quantity=(order.quantity - order.filled) * order.side.sign,
            price=order.stop_price if order.stop_price is not None else order.price,
            order=order.client_id,
            order_text=_order_text(order),
        )
        subject = order_subject(order.venue_id or order.client_id)
        self._open(unit, actor, terminal, order.symbol, ProposalKind.FOREIGN_ORDER, subject, evidence)

    def order_lost(self, unit: Unit, actor: Actor, terminal: Terminal, order: Order) -> None:
        """Propose to book an order as gone that the venue had taken and does not know any more."""
        evidence = Evidence(
            quantity=(order.quantity - order.filled) * order.side.sign,
            price=order.stop_price if order.stop_price is not None else order.price,
            order=order.client_id,
            order_text=_order_text(order),
        )
        self._open(unit, actor, terminal, order.symbol, ProposalKind.ORDER_LOST, order.client_id, evidence)

    def position_differs(
        self, unit: Unit, actor: Actor, terminal: Terminal, symbol: str, *, ours: Decimal, theirs: Decimal
    ) -> None:
        """Propose what to do with a quantity that no fill explains; one that stands already gets the newest numbers."""
        evidence = Evidence(quantity=theirs - ours, desk=ours, venue=theirs)
        known = proposals.latest(unit, terminal.id, ProposalKind.POSITION_DIFFERS, symbol)
        if known is None or known.state is not ProposalState.OPEN:
            self._open(unit, actor, terminal, symbol, ProposalKind.POSITION_DIFFERS, symbol, evidence)
        elif known.evidence != evidence:
            proposals.save(unit, known, replace(known, evidence=evidence))

    def follow(self, unit: Unit, actor: Actor, terminal: Terminal, standing: Standing) -> None:
        """End what is over: differences that are gone, and closes that have their answer."""
        for proposal in proposals.waiting(unit, terminal.id):
            if proposal.instruction is not None:
                self._follow_close(unit, actor, terminal, proposal)
            elif not _stands(unit, proposal, standing):
                self.end(unit, actor, terminal, replace(proposal, state=ProposalState.GONE), before=proposal)

    def end(self, unit: Unit, actor: Actor, terminal: Terminal, after: Proposal, *, before: Proposal) -> Proposal:
        """Store the end of a proposal, close its incident and journal both."""
        stored = proposals.save(unit, before, after)
        incidents.close_incident(unit, CODES[after.kind].value, incident_subject(terminal, after))
        unit.record(
            actor,
            f"proposal.{after.state.value}",
            proposal=after.id,
            terminal=terminal.id,
            symbol=after.symbol,
            what=after.kind.value,
            answer=after.answer.value if after.answer else None,
            reason=after.reason,
            quantity=after.evidence.quantity,
            moved=after.moved,
        )
        return stored

    def own_fill(
        self, unit: Unit, actor: Actor, terminal: Terminal, fill: VenueFill, instruction: str, change: Decimal
    ) -> None:
        """Book an execution of the desk's own order that closes a difference; ``change`` is what it did to the account."""
        proposal = proposals.closed_by(unit, terminal.id, instruction)
        if proposal is None:
            self.foreign_fill(unit, actor, terminal, fill, change)
            return
        closed, moved = proposal.closed + change, proposal.moved
        if proposal.state is not ProposalState.CLOSING:
            # It came after the close was booked as over, remainder and all.
            holdings.change(unit, terminal.id, fill.symbol, change, "late fill of a close", proposal.decided_by)
            moved -= change
        elif proposal.kind is ProposalKind.FOREIGN_FILL:
            held = terminals.position(unit, terminal.id, fill.symbol)
            terminals.set_position(unit, terminal.id, fill.symbol, held + change)
        else:
            moved -= change
        proposals.save(unit, proposal, replace(proposal, closed=closed, moved=moved))
        unit.record(actor, "proposal.closing", proposal=proposal.id, fill=fill.venue_fill_id, by=change, price=fill.price)

    def _follow_close(self, unit: Unit, actor: Actor, terminal: Terminal, proposal: Proposal) -> None:
        instruction = instructions.find(unit, proposal.instruction or "")
        if instruction is None or instruction.state in _UNDER_WAY:
            return
        names = [order.client_id for order in instruction.orders] or list(instruction.cancels)
        found = [order for order in (orders.find(unit, terminal.id, name) for name in names) if order is not None]
        working = any(order.state in LIVE_ORDER_STATES for order in found)
        if working and instruction.state is InstructionState.ACCEPTED:
            return
        if any(
            order.filled != orders.filled_by_fills(unit, terminal.id, order.client_id) for order in found if instruction.orders
        ):
            # Not all that it executed is booked yet.
            return
        if working or (instruction.orders and proposal.closed == ZERO):
            again = replace(proposal, state=ProposalState.OPEN, instruction=None, answer=None, reason=None, decided_by=None)
            proposals.save(unit, proposal, again)
            unit.record(actor, "proposal.reopened", proposal=proposal.id, code=instruction.answer)
            return
        left = proposal.evidence.quantity + proposal.closed if instruction.orders else ZERO
        moved = proposal.moved
        if left:
            holdings.change(unit, terminal.id, proposal.symbol, left, "left after a close", proposal.decided_by)
            moved -= left if proposal.kind is ProposalKind.FOREIGN_FILL else ZERO
        after = replace(proposal, state=ProposalState.DECIDED, moved=moved)
        self.end(unit, actor, terminal, after, before=proposal)

    def _open(
        self,
        unit: Unit,
        actor: Actor,
        terminal: Terminal,
        symbol: str,
        kind: ProposalKind,
        subject: str,
        evidence: Evidence,
    ) -> None:
        last = proposals.latest(unit, terminal.id, kind, subject)
        lasting = kind in (ProposalKind.FOREIGN_ORDER, ProposalKind.ORDER_LOST)
        if last is not None and (last.state in UNDECIDED or (lasting and last.state is ProposalState.DECIDED)):
            return
        proposal = Proposal(
            id=self._ids.row(),
            terminal_id=terminal.id,
            symbol=symbol,
            kind=kind,
            subject=subject,
            evidence=evidence,
            state=ProposalState.OPEN,
            created_at=unit.now,
        )
        proposals.add(unit, proposal)
        unit.record(
            actor,
            "proposal.opened",
            proposal=proposal.id,
            terminal=terminal.id,
            symbol=symbol,
            what=kind.value,
            subject=subject,
            quantity=evidence.quantity,
        )
        self._tell(unit, terminal, proposal)

    def _tell(self, unit: Unit, terminal: Terminal, proposal: Proposal) -> None:
        subject, owner = incident_subject(terminal, proposal), terminal.owner_id
        facts = proposal_facts(unit, terminal, proposal)
        match proposal.kind:
            case ProposalKind.POSITION_DIFFERS:
                alert(unit, self._ids, AlertCode.POSITION_MISMATCH, subject, facts, owner)
            case ProposalKind.FOREIGN_FILL | ProposalKind.FOREIGN_ORDER:
                alert(unit, self._ids, AlertCode.FOREIGN_ORDER, subject, facts, owner)
            case ProposalKind.ORDER_LOST:
                alert(unit, self._ids, AlertCode.ORDER_LOST, subject, facts, owner)


def incident_subject(terminal: Terminal, proposal: Proposal) -> str:
    """Return the subject of a proposal's incident."""
    return f"{terminal.name}:{proposal.symbol} {proposal.short_id}"


def held_of(unit: Unit, proposal: Proposal) -> Decimal:
    """Return what the account holds of the proposal's instrument by the newest evidence, signed."""
    if proposal.evidence.venue is not None:
        return proposal.evidence.venue
    position = terminals.position(unit, proposal.terminal_id, proposal.symbol)
    return position + holdings.quantity(unit, proposal.terminal_id, proposal.symbol)


def proposal_facts(unit: Unit, terminal: Terminal, proposal: Proposal) -> dict[str, object]:
    """Return what a message about a proposal shows; amounts as text."""
    evidence = proposal.evidence
    allowed = answers_for(proposal.kind, evidence.quantity, held_of(unit, proposal))
    return {
        "proposal": proposal.id,
        "next": f"/resolve {proposal.short_id}",
        "kind": proposal.kind.value,
        "terminal": terminal.name,
        "mode": terminal.mode.value,
        "symbol": proposal.symbol,
        "unexplained": canonical(evidence.quantity),
        "at_desk": _text(evidence.desk),
        "at_venue": _text(evidence.venue),
        "price": _text(evidence.price),
        "fills": len(evidence.fills),
        "order": evidence.order_text,
        "answers": [answer.value for answer in allowed],
    }


def _text(value: Decimal | None) -> str | None:
    return None if value is None else canonical(value)


def _order_text(order: Order) -> str:
    left = canonical(order.quantity - order.filled)
    return f"{order.type.value} {order.side.value} {left} of {canonical(order.quantity)}"


def _mean_price(unit: Unit, terminal_id: str, fill_ids: tuple[str, ...]) -> Price | None:
    rows = [row for row in (orders.fill_row(unit, terminal_id, each) for each in fill_ids) if row is not None]
    total = sum((row.quantity for row in rows), ZERO)
    return Price(sum((row.quantity * row.price for row in rows), ZERO) / total) if total else None


def _stands(unit: Unit, proposal: Proposal, standing: Standing) -> bool:
    match proposal.kind:
        case ProposalKind.POSITION_DIFFERS:
            return proposal.symbol in standing.differing
        case ProposalKind.ORDER_LOST:
            return proposal.subject in standing.lost
        case ProposalKind.FOREIGN_ORDER:
            order = orders.find(unit, proposal.terminal_id, proposal.evidence.order or "")
            return order is not None and order.state in LIVE_ORDER_STATES
        case ProposalKind.FOREIGN_FILL:
            return True
