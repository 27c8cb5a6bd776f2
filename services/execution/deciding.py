"""What a person decides about a difference: take it into the books, undo it at the venue, or leave it with a reason."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from services.access import buttons
from services.access.authority import require
from services.domain.buttons import Act, ActToken
from services.domain.errors import NotAllowed, NotFound, Refused
from services.domain.market import Instrument
from services.domain.money import ZERO, Price, Quantity, canonical, truncate_to
from services.domain.orders import (
    Instruction,
    InstructionKind,
    OrderRequest,
    OrderRole,
    OrderSide,
    OrderType,
    Purpose,
    VenueFill,
    client_id,
    exit_side,
)
from services.domain.people import Actor, Person, Role
from services.domain.ports import Ids
from services.domain.proposals import ELSEWHERE, Answer, Proposal, ProposalKind, ProposalState, answers_for
from services.domain.states import LIVE_ORDER_STATES, InstructionState, OrderState
from services.domain.trades import Terminal, Trade, apply_fill, is_dust, position_change
from services.execution.booking import NAMED_BY_VENUE, Booking
from services.execution.fees import PLACES
from services.execution.proposing import held_of
from services.storage import desk, holdings, instructions, orders, proposals, terminals, trades
from services.storage.database import Database, Unit

CONFIRM_S = 120.0
LONGEST_REASON = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionAsked:
    """A decision waits for its second tap; ``trade`` is the number of the trade that an adoption would end or reduce."""

    proposal: Proposal
    terminal: Terminal
    answer: Answer
    trade: int | None
    token: ActToken


class DecideProposal:
    """Two taps: the owner of the terminal or a commander names the answer, then confirms what was shown."""

    def __init__(self, database: Database, booking: Booking, ids: Ids) -> None:
        self._database = database
        self._booking = booking
        self._ids = ids

    async def ask(self, actor: Actor, reference: str, answer: Answer, reason: str = "") -> DecisionAsked:
        """Return the token that decides; an answer to ignore needs a reason. Raise Refused for an answer not offered."""

        def body(unit: Unit) -> DecisionAsked:
            proposal, terminal = self._open(unit, actor, reference)
            self._check(unit, proposal, answer, reason)
            terms = {
                "proposal": proposal.id,
                "answer": answer.value,
                "reason": reason[:LONGEST_REASON],
                "quantity": canonical(proposal.evidence.quantity),
            }
            token = buttons.issue(
                unit, self._ids, Act.DECIDE, terms, person_id=actor.id, chat_id=actor.chat_id, lasts_s=CONFIRM_S
            )
            taken = exited_by(unit, proposal) if answer is Answer.ADOPT else None
            number = taken.number if taken else None
            return DecisionAsked(proposal=proposal, terminal=terminal, answer=answer, trade=number, token=token)

        return await self._database.write(body)

    async def __call__(self, actor: Actor, token_id: str) -> Proposal:
        """Decide as the token says and return the proposal as it stands; raise Refused when its numbers have changed."""

        def body(unit: Unit) -> Proposal:
            terms = buttons.use(unit, actor, token_id, Act.DECIDE).terms
            proposal, terminal = self._open(unit, actor, terms["proposal"])
            if canonical(proposal.evidence.quantity) != terms["quantity"]:
                raise Refused("PROPOSAL_CHANGED", value=canonical(proposal.evidence.quantity), limit=terms["quantity"])
            answer = Answer(terms["answer"])
            self._check(unit, proposal, answer, terms["reason"])
            named = replace(proposal, answer=answer, reason=terms["reason"] or answer.value, decided_by=actor.id)
            if answer is Answer.CLOSE:
                return self._close(unit, actor, terminal, proposal, named)
            after = self._adopt(unit, actor, terminal, named) if answer is Answer.ADOPT else self._keep(unit, named)
            after = replace(after, state=ProposalState.DECIDED)
            stored = self._booking.proposing.end(unit, actor, terminal, after, before=proposal)
            self._settle(unit, actor, proposal)
            return stored

        return await self._database.write(body, urgent=True)

    def _open(self, unit: Unit, actor: Actor, reference: str) -> tuple[Proposal, Terminal]:
        person = require(unit, actor, Role.TRADER)
        proposal = find_proposal(unit, reference)
        terminal = terminals.find(unit, proposal.terminal_id)
        if terminal is None or not may_decide(person, terminal):
            raise NotAllowed("NOT_YOURS")
        if proposal.state is not ProposalState.OPEN:
            raise Refused("PROPOSAL_OVER", value=proposal.state.value)
        return proposal, terminal

    def _check(self, unit: Unit, proposal: Proposal, answer: Answer, reason: str) -> None:
        offered = answers_for(proposal.kind, proposal.evidence.quantity, held_of(unit, proposal))
        if answer not in offered:
            raise Refused("NOT_OFFERED", value=answer.value, limit=", ".join(each.value for each in offered))
        if answer is Answer.IGNORE and not reason.strip():
            raise Refused("NO_REASON")

    def _adopt(self, unit: Unit, actor: Actor, terminal: Terminal, proposal: Proposal) -> Proposal:
        match proposal.kind:
            case ProposalKind.FOREIGN_ORDER:
                return proposal
            case ProposalKind.ORDER_LOST:
                _end_order(unit, proposal)
                return proposal
            case ProposalKind.FOREIGN_FILL:
                taken = self._give_fills(unit, actor, terminal, proposal)
                return _to_holdings(unit, proposal, proposal.evidence.quantity - taken)
            case ProposalKind.POSITION_DIFFERS:
                gone = self._write_off(unit, actor, proposal)
                rest = proposal.evidence.quantity - gone
                _hold(unit, proposal, rest)
                return replace(proposal, moved=proposal.moved + gone)

    def _keep(self, unit: Unit, proposal: Proposal) -> Proposal:
        """Leave what is there as a holding, with the reason."""
        if proposal.kind is ProposalKind.FOREIGN_FILL:
            return _to_holdings(unit, proposal, proposal.evidence.quantity)
        if proposal.kind is ProposalKind.POSITION_DIFFERS:
            _hold(unit, proposal, proposal.evidence.quantity)
        return proposal

    def _close(self, unit: Unit, actor: Actor, terminal: Terminal, before: Proposal, named: Proposal) -> Proposal:
        if named.kind is ProposalKind.FOREIGN_ORDER:
            instruction = _cancel(self._ids, terminal, named, actor, unit)
        else:
            instruction = _sale(self._ids, terminal, named, actor, unit)
        instructions.add(unit, instruction)
        after = replace(named, state=ProposalState.CLOSING, instruction=instruction.id)
        stored = proposals.save(unit, before, after)
        unit.record(actor, "proposal.closing", proposal=named.id, instruction=instruction.id, reason=named.reason)
        return stored

    def _give_fills(self, unit: Unit, actor: Actor, terminal: Terminal, proposal: Proposal) -> Decimal:
        """Book the executions as exits of the trade that held what they sold; return what it took of the account, signed."""
        trade = exited_by(unit, proposal)
        total = ZERO
        for fill_id in proposal.evidence.fills if trade is not None else ():
            row = orders.fill_row(unit, terminal.id, fill_id)
            if trade is None or row is None or trade.open_quantity <= 0 or row.side != exit_side(trade.side).value:
                continue
            instrument = _instrument(unit, proposal.symbol)
            part = min(row.quantity, trade.open_quantity)
            fill = _as_fill(row, part)
            fee = fill.fee * fill.price if fill.fee_currency == instrument.base else fill.fee
            counted = fee if fill.fee_currency in (instrument.base, instrument.quote) else None
            orders.give_fill(unit, terminal.id, fill_id, trade.id, part if part != row.quantity else None, counted)
            after = apply_fill(trade, fill, counted if counted is not None else ZERO)
            if after.open_quantity == 0 or is_dust(after.open_quantity, instrument):
                after = replace(after, close_reason=ELSEWHERE)
            trades.save(unit, trade, after)
            self._booking.days.add(unit, terminal, after.realized - trade.realized)
            unit.record(
                replace(actor, correlation=trade.correlation),
                "fill.adopted",
                trade=trade.number,
                fill=fill_id,
                quantity=part,
                price=fill.price,
                fee=fill.fee,
            )
            total += position_change(fill, instrument)
            trade = after
        return total

    def _write_off(self, unit: Unit, actor: Actor, proposal: Proposal) -> Decimal:
        """Take what the venue lacks off the trade that counts it; return what that moves in the position, signed."""
        trade = exited_by(unit, proposal)
        if trade is None:
            return ZERO
        part = min(abs(proposal.evidence.quantity), trade.open_quantity)
        after = replace(trade, dust=trade.dust + part)
        if after.open_quantity == 0:
            after = replace(after, close_reason=ELSEWHERE)
        trades.save(unit, trade, after)
        change = -part * trade.side.sign
        held = terminals.position(unit, trade.terminal_id, trade.symbol)
        terminals.set_position(unit, trade.terminal_id, trade.symbol, held + change)
        unit.record(replace(actor, correlation=trade.correlation), "trade.written_off", number=trade.number, quantity=part)
        return change

    def _settle(self, unit: Unit, actor: Actor, proposal: Proposal) -> None:
        """Let the trades of the instrument follow at once."""
        for trade in trades.live(unit, terminal_id=proposal.terminal_id):
            if trade.symbol == proposal.symbol:
                self._booking.settle_again(unit, actor, trade.id)
        unit.wake("fills", proposal.terminal_id)


def find_proposal(unit: Unit, reference: str) -> Proposal:
    """Return a proposal by its id or, among those that wait, by the end of it; raise NotFound otherwise."""
    wanted = reference.strip().lower()
    found = [each for each in proposals.waiting(unit) if len(wanted) >= 4 and each.id.lower().endswith(wanted)]
    proposal = found[0] if len(found) == 1 else proposals.find(unit, reference)
    if proposal is None:
        raise NotFound("PROPOSAL", reference=reference[:32])
    return proposal


def may_decide(person: Person, terminal: Terminal) -> bool:
    """Tell whether a person decides about a terminal: its owner and every commander do."""
    return person.role is Role.COMMANDER or terminal.owner_id == person.id


def exited_by(unit: Unit, proposal: Proposal) -> Trade | None:
    """Return the trade that holds what is missing: the one on this instrument whose side the difference takes from."""
    for trade in trades.live(unit, terminal_id=proposal.terminal_id):
        against = proposal.evidence.quantity * trade.side.sign < 0
        if trade.symbol == proposal.symbol and trade.open_quantity > 0 and against:
            return trade
    return None


def _instrument(unit: Unit, symbol: str) -> Instrument:
    universe = desk.universe_with(unit, [symbol])
    instrument = universe.find(symbol) if universe is not None else None
    if instrument is None:
        raise NotFound("INSTRUMENT", symbol=symbol)
    return instrument


def _as_fill(row: Any, part: Decimal) -> VenueFill:
    """Return a stored execution, or the part of it that a trade takes, its fee in proportion."""
    return VenueFill(
        venue_fill_id=row.venue_fill_id,
        sequence=0,
        client_id=row.client_id,
        venue_order_id="",
        symbol=row.symbol,
        side=OrderSide(row.side),
        quantity=Quantity(part),
        price=Price(row.price),
        fee=row.fee if part == row.quantity else (row.fee * part / row.quantity).quantize(PLACES),
        fee_currency=row.fee_currency,
        time=row.time,
        maker=row.maker,
    )


def _end_order(unit: Unit, proposal: Proposal) -> None:
    order = orders.find(unit, proposal.terminal_id, proposal.evidence.order or "")
    if order is not None and order.state in LIVE_ORDER_STATES:
        orders.save(unit, order, replace(order, state=OrderState.CANCELED))


def _hold(unit: Unit, proposal: Proposal, quantity: Decimal) -> None:
    if quantity:
        why = proposal.reason or ""
        holdings.change(unit, proposal.terminal_id, proposal.symbol, quantity, why, proposal.decided_by)


def _to_holdings(unit: Unit, proposal: Proposal, quantity: Decimal) -> Proposal:
    """Move what executions did to the account from the position to the holdings."""
    if not quantity:
        return proposal
    _hold(unit, proposal, quantity)
    held = terminals.position(unit, proposal.terminal_id, proposal.symbol)
    terminals.set_position(unit, proposal.terminal_id, proposal.symbol, held - quantity)
    return replace(proposal, moved=proposal.moved - quantity)


def _cancel(ids: Ids, terminal: Terminal, proposal: Proposal, actor: Actor, unit: Unit) -> Instruction:
    name = proposal.evidence.order or ""
    if not name or name.startswith(NAMED_BY_VENUE):
        raise Refused("NO_CLIENT_ID")
    instruction = _instruction(ids, terminal, proposal, actor, unit)
    return replace(instruction, kind=InstructionKind.CANCEL, purpose=Purpose.CANCEL, cancels=(name,))


def _sale(ids: Ids, terminal: Terminal, proposal: Proposal, actor: Actor, unit: Unit) -> Instruction:
    """Write the market order that takes a surplus away; it can only reduce what the account holds."""
    instrument = _instrument(unit, proposal.symbol)
    quantity = proposal.evidence.quantity
    size = truncate_to(abs(quantity), instrument.step)
    if size < instrument.min_quantity or size <= 0:
        raise Refused("TOO_SMALL", value=canonical(abs(quantity)), limit=canonical(instrument.min_quantity))
    instruction = _instruction(ids, terminal, proposal, actor, unit)
    order = OrderRequest(
        client_id=client_id(instruction.id, 0),
        symbol=proposal.symbol,
        side=OrderSide.SELL if quantity > 0 else OrderSide.BUY,
        type=OrderType.MARKET,
        role=OrderRole.CLOSE,
        quantity=Quantity(size),
        reduce_only=True,
    )
    return replace(instruction, orders=(order,))


def _instruction(ids: Ids, terminal: Terminal, proposal: Proposal, actor: Actor, unit: Unit) -> Instruction:
    return Instruction(
        id=ids.instruction(),
        trade_id=None,
        terminal_id=terminal.id,
        symbol=proposal.symbol,
        kind=InstructionKind.PLACE,
        purpose=Purpose.CLOSE,
        state=InstructionState.INTENT,
        orders=(),
        cancels=(),
        deadline=None,
        collar=None,
        correlation=actor.correlation,
        created_at=unit.now,
    )
