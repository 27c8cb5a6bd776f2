"""What is unknown or undecided, shown with its evidence, and a write of unknown outcome closed by hand; never a resend."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeVar

from services.access import buttons
from services.access.authority import require
from services.domain.buttons import Act, ActToken
from services.domain.errors import NotFound, Refused, SortieError, Unavailable
from services.domain.incidents import AlertCode
from services.domain.money import ZERO, Quantity
from services.domain.orders import (
    Balance,
    Instruction,
    Order,
    OrderRequest,
    Purpose,
    VenueFill,
    VenueOrder,
)
from services.domain.people import Actor, Person, Role
from services.domain.ports import Clock, Ids, Venue
from services.domain.proposals import Answer, Proposal, ProposalState, answers_for
from services.domain.states import ORDER_MOVES, InstructionState, OrderState
from services.domain.trades import Terminal
from services.execution import telling
from services.execution.booking import count_in_order
from services.execution.deciding import may_decide
from services.execution.executor import Executor
from services.execution.proposing import held_of
from services.execution.resolve import find_all
from services.storage import incidents, instructions, orders, proposals, terminals, trades
from services.storage.database import Database, Unit

T = TypeVar("T")
CONFIRM_S = 120.0
LONGEST_REASON = 200
QUERY_S = 5.0
NOT_FOUND = "NOT_FOUND"


@dataclass(frozen=True, slots=True, kw_only=True)
class UnknownWrite:
    """A write of unknown outcome; ``trade`` is the number of its trade."""

    instruction: Instruction
    terminal: Terminal
    trade: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenProposal:
    """A difference that waits, and where."""

    proposal: Proposal
    terminal: Terminal


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenQuestions:
    """Everything that waits for an answer at the reader's terminals, oldest first."""

    unknown: tuple[UnknownWrite, ...]
    proposals: tuple[OpenProposal, ...]
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class VenueSays:
    """What a venue answers about a write; None where it did not answer."""

    found: Sequence[VenueOrder] | None
    working: Sequence[VenueOrder] | None
    fills: Sequence[VenueFill] | None
    balance: Balance | None


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteEvidence:
    """A write of unknown outcome and what its venue says; ``decides`` tells whether the reader may close it."""

    write: UnknownWrite
    says: VenueSays
    decides: bool
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposalEvidence:
    """A difference and the answers that the reader may give; none while its close is under way."""

    question: OpenProposal
    answers: tuple[Answer, ...]
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolveAsked:
    """Closing a write by hand waits for its second tap."""

    write: UnknownWrite
    taken: bool
    reason: str
    token: ActToken


class ResolveByHand:
    """Show what is open; let a commander say what became of a write, with a typed reason and a second tap."""

    def __init__(self, database: Database, venues: Mapping[str, Venue], executor: Executor, clock: Clock, ids: Ids) -> None:
        self._database = database
        self._venues = venues
        self._executor = executor
        self._clock = clock
        self._ids = ids

    async def questions(self, actor: Actor) -> OpenQuestions:
        """Return what is open: a trader's own terminal's, a commander's all of them."""

        def body(unit: Unit) -> OpenQuestions:
            person = require(unit, actor, Role.TRADER)
            unknown = [_write(unit, each) for each in instructions.doubtful(unit) if each.state is InstructionState.UNKNOWN]
            waiting = [_question(unit, each) for each in proposals.waiting(unit)]
            return OpenQuestions(
                unknown=tuple(each for each in unknown if may_decide(person, each.terminal)),
                proposals=tuple(each for each in waiting if may_decide(person, each.terminal)),
                at=unit.now,
            )

        return await self._database.read(body)

    async def evidence(self, actor: Actor, reference: str) -> WriteEvidence | ProposalEvidence:
        """Return one open question with both sides' evidence; raise NotFound for one that is not open for this person."""
        questions = await self.questions(actor)
        decides = (await self._database.read(lambda unit: require(unit, actor, Role.TRADER))).role is Role.COMMANDER
        ids = {each.instruction.id: each for each in questions.unknown}
        found = _by_end(reference, ids)
        if found is not None:
            says = await self._ask_venue(found)
            return WriteEvidence(write=found, says=says, decides=decides, at=self._clock.now())
        question = _by_end(reference, {each.proposal.id: each for each in questions.proposals})
        if question is None:
            raise NotFound("QUESTION", reference=reference[:32])
        answers = await self._database.read(lambda unit: _answers(unit, question.proposal))
        return ProposalEvidence(question=question, answers=answers, at=self._clock.now())

    async def ask(self, actor: Actor, reference: str, *, taken: bool, reason: str) -> ResolveAsked:
        """Return the token that closes a write as taken or not taken; raise Refused without a reason."""

        def body(unit: Unit) -> ResolveAsked:
            person = require(unit, actor, Role.COMMANDER)
            if not reason.strip():
                raise Refused("NO_REASON")
            write = self._unknown(unit, person, reference)
            terms = {
                "instruction": write.instruction.id,
                "taken": "yes" if taken else "no",
                "reason": reason.strip()[:LONGEST_REASON],
            }
            token = buttons.issue(
                unit, self._ids, Act.SETTLE_UNKNOWN, terms, person_id=actor.id, chat_id=actor.chat_id, lasts_s=CONFIRM_S
            )
            return ResolveAsked(write=write, taken=taken, reason=terms["reason"], token=token)

        return await self._database.write(body)

    async def __call__(self, actor: Actor, token_id: str) -> ResolveAsked:
        """Close the write as the token says; raise NotFound when its outcome has become known meanwhile."""

        def body(unit: Unit) -> ResolveAsked:
            person = require(unit, actor, Role.COMMANDER)
            token = buttons.use(unit, actor, token_id, Act.SETTLE_UNKNOWN)
            write = self._unknown(unit, person, token.terms["instruction"])
            taken, reason = token.terms["taken"] == "yes", token.terms["reason"]
            self._close(unit, actor, write.instruction, taken=taken, reason=reason)
            return ResolveAsked(write=write, taken=taken, reason=reason, token=token)

        return await self._database.write(body, urgent=True)

    def _unknown(self, unit: Unit, person: Person, reference: str) -> UnknownWrite:
        waiting = [each for each in instructions.doubtful(unit) if each.state is InstructionState.UNKNOWN]
        found = _by_end(reference, {each.id: each for each in waiting})
        if found is None:
            raise NotFound("QUESTION", reference=reference[:32])
        return _write(unit, found)

    def _close(self, unit: Unit, actor: Actor, instruction: Instruction, *, taken: bool, reason: str) -> None:
        answer = f"{'taken' if taken else 'not taken'}: {reason}"
        if instructions.set_state(unit, instruction, InstructionState.RESOLVED, answer=answer) is None:
            raise NotFound("QUESTION", reference=instruction.id)
        unit.record(actor, "instruction.resolved", instruction=instruction.id, taken=taken, reason=reason)
        incidents.close_incident(unit, AlertCode.OUTCOME_UNKNOWN.value, instruction.id)
        if taken:
            _book_as_taken(unit, instruction)
        else:
            self._executor.follow_refusal(unit, actor, instruction, NOT_FOUND)
        trade = trades.find(unit, instruction.trade_id) if instruction.trade_id else None
        if trade is not None:
            telling.refresh_cards(unit, trade)
        unit.wake("fills", instruction.terminal_id)

    async def _ask_venue(self, write: UnknownWrite) -> VenueSays:
        venue = self._venues.get(write.terminal.venue)
        if venue is None:
            raise Unavailable("VENUE", terminal=write.terminal.id)
        account, symbol = write.terminal.id, write.instruction.symbol
        sequence = await self._database.read(lambda unit: terminals.fill_sequence(unit, account))
        working, fills = await _answer(venue.open_orders(account)), await _answer(venue.fills_since(account, sequence))
        return VenueSays(
            found=await _answer(find_all(venue, write.instruction)),
            working=None if working is None else [order for order in working if order.symbol == symbol],
            fills=None if fills is None else [fill for fill in fills if fill.symbol == symbol],
            balance=await _answer(venue.balance(account)),
        )


async def _answer(asked: Awaitable[T]) -> T | None:
    """Wait for one answer; None is an honest "the venue did not say"."""
    try:
        return await asyncio.wait_for(asked, QUERY_S)
    except (SortieError, TimeoutError):
        return None


def _by_end(reference: str, known: Mapping[str, T]) -> T | None:
    """Return what an id, or the end of one, names when it names one thing."""
    wanted = reference.strip().lower()
    found = [value for key, value in known.items() if len(wanted) >= 4 and key.lower().endswith(wanted)]
    return found[0] if len(found) == 1 else None


def _write(unit: Unit, instruction: Instruction) -> UnknownWrite:
    trade = trades.find(unit, instruction.trade_id) if instruction.trade_id else None
    terminal = _terminal(unit, instruction.terminal_id)
    return UnknownWrite(instruction=instruction, terminal=terminal, trade=trade.number if trade else None)


def _question(unit: Unit, proposal: Proposal) -> OpenProposal:
    return OpenProposal(proposal=proposal, terminal=_terminal(unit, proposal.terminal_id))


def _answers(unit: Unit, proposal: Proposal) -> tuple[Answer, ...]:
    if proposal.state is not ProposalState.OPEN:
        return ()
    return answers_for(proposal.kind, proposal.evidence.quantity, held_of(unit, proposal))


def _terminal(unit: Unit, terminal_id: str) -> Terminal:
    found = terminals.find(unit, terminal_id)
    if found is None:
        raise NotFound("TERMINAL", reference=terminal_id)
    return found


def _book_as_taken(unit: Unit, instruction: Instruction) -> None:
    """Count the orders as working: the next looks ask the venue for them, and what it denies is a question of its own."""
    for request in instruction.orders:
        orders.add(unit, _as_order(unit, instruction, request))
        count_in_order(unit, instruction.terminal_id, request.client_id)
    for name in instruction.cancels:
        known = orders.find(unit, instruction.terminal_id, name)
        if known is not None and OrderState.PENDING_CANCEL in ORDER_MOVES[known.state]:
            orders.save(unit, known, replace(known, state=OrderState.PENDING_CANCEL))
    trade = trades.find(unit, instruction.trade_id) if instruction.trade_id else None
    if trade is not None and instruction.purpose is Purpose.ENTRY and trade.acknowledged_at is None:
        trades.save(unit, trade, replace(trade, acknowledged_at=unit.now))


def _as_order(unit: Unit, instruction: Instruction, request: OrderRequest) -> Order:
    """Return an order as it was asked for; its venue id is not known."""
    return Order(
        client_id=request.client_id,
        venue_id=None,
        instruction_id=instruction.id,
        trade_id=instruction.trade_id,
        terminal_id=instruction.terminal_id,
        symbol=request.symbol,
        role=request.role,
        side=request.side,
        type=request.type,
        quantity=request.quantity,
        filled=Quantity(ZERO),
        price=request.price,
        stop_price=request.stop_price,
        state=OrderState.ACCEPTED,
        updated_at=unit.now,
    )
