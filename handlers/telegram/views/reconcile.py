"""Open questions between the desk's books and a venue: the list, the evidence, and what an answer would do."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from html import escape

from handlers.telegram.callbacks import ActButton, QuestionButton, QuestionVerb
from handlers.telegram.views.format import price, quantity, span
from handlers.telegram.views.message import Button, Rendered, Style, act
from handlers.telegram.views.templating import render
from handlers.telegram.views.words import badge
from services.domain.buttons import Act
from services.domain.money import Money
from services.domain.orders import OrderRequest, VenueOrder
from services.domain.proposals import REASONS, Answer, Proposal, ProposalKind
from services.execution.deciding import DecisionAsked
from services.execution.resolving import OpenQuestions, ProposalEvidence, ResolveAsked, UnknownWrite, WriteEvidence

SHOWN, ORDERS_SHOWN = 6, 2
SILENT = "did not answer"
_LABELS = {Answer.ADOPT: "Adopt", Answer.CLOSE: "Close", Answer.IGNORE: "Ignore"}


def proposal_words(kind: str, base: str, size: Decimal | None, at: Decimal | None, order: str) -> str:
    """Say in one line what differs."""
    amount = f"{quantity(abs(size) if size is not None else None)} {base}"
    surplus = size is not None and size > 0
    match ProposalKind(kind):
        case ProposalKind.POSITION_DIFFERS:
            return f"{amount} {'more' if surplus else 'less'} there than explained"
        case ProposalKind.FOREIGN_FILL:
            return f"not ours: {'bought' if surplus else 'sold'} {amount} at {price(at)}"
        case ProposalKind.FOREIGN_ORDER:
            return f"not ours: {order}" + (f" at {price(at)}" if at is not None else "")
        case ProposalKind.ORDER_LOST:
            return f"lost: {order}" + (f" at {price(at)}" if at is not None else "")


def answer_buttons(proposal_id: str, answers: Sequence[str]) -> tuple[Button, ...]:
    """Return one button for each answer that is offered; none of them decides by itself."""
    return tuple(
        act(_LABELS[Answer(each)], QuestionButton(verb=QuestionVerb.ANSWER, item=proposal_id, arg=each)) for each in answers
    )


def render_questions(data: OpenQuestions) -> Rendered:
    """Return the list of everything that waits for an answer."""
    writes = [(each.instruction.id[-6:], _write_words(each), span(data.at - _sent(each))) for each in data.unknown]
    differences = [
        (each.proposal.short_id, _words(each.proposal), span(data.at - each.proposal.created_at)) for each in data.proposals
    ]
    rows = [*writes, *differences]
    modes = [*(each.terminal.mode for each in data.unknown), *(each.terminal.mode for each in data.proposals)]
    shown = badge(tuple(dict.fromkeys(modes))) if modes else ""
    text = render("list_resolve", rows=rows[:SHOWN], more=max(0, len(rows) - SHOWN), badge=shown, at=data.at)
    buttons = [act(name, QuestionButton(verb=QuestionVerb.SHOW, item=name)) for name, _, _ in rows[:SHOWN]]
    return Rendered(text=text, rows=(buttons[:3], buttons[3:]))


def render_write(evidence: WriteEvidence) -> Rendered:
    """Return what was sent, when, and what the venue says of it."""
    write, says = evidence.write, evidence.says
    instruction = write.instruction
    balance = says.balance
    text = render(
        "resolve_write",
        title=_write_words(write),
        terminal=write.terminal,
        mode=badge((write.terminal.mode,)),
        sent=_sent(write),
        ago=span(evidence.at - _sent(write)),
        trade=write.trade,
        orders=[_order_words(order) for order in instruction.orders[:ORDERS_SHOWN]],
        more=max(0, len(instruction.orders) - ORDERS_SHOWN),
        cancels=len(instruction.cancels),
        found=_found(says.found),
        working=SILENT if says.working is None else str(len(says.working)),
        fills=SILENT if says.fills is None else str(len(says.fills)),
        equity=None if balance is None else Money(balance.equity, balance.currency),
        free=None if balance is None else Money(balance.free, balance.currency),
        short=instruction.id[-6:],
        decides=evidence.decides,
    )
    again = act("Ask again", QuestionButton(verb=QuestionVerb.SHOW, item=instruction.id))
    return Rendered(text=text, rows=((again, _list_button()),))


def render_proposal(evidence: ProposalEvidence, answers: Sequence[Answer]) -> Rendered:
    """Return a difference with both sides' numbers and the answers that are offered."""
    proposal, terminal = evidence.question.proposal, evidence.question.terminal
    text = render(
        "resolve_proposal",
        said=_words(proposal),
        base=_base(proposal),
        symbol=proposal.symbol,
        terminal=terminal,
        mode=badge((terminal.mode,)),
        e=proposal.evidence,
        fills=len(proposal.evidence.fills),
        state=proposal.state.value,
        since=proposal.created_at,
        ago=span(evidence.at - proposal.created_at),
    )
    offered = answer_buttons(proposal.id, [each.value for each in answers])
    return Rendered(text=text, rows=(offered, (_list_button(),)))


def decision_question(asked: DecisionAsked) -> Rendered:
    """Ask for the second tap: what the answer would do."""
    proposal = asked.proposal
    head = f"{escape(asked.terminal.name)} · {badge((asked.terminal.mode,))}\n{escape(_words(proposal))}"
    back = act("Back", QuestionButton(verb=QuestionVerb.SHOW, item=proposal.id))
    style = Style.DANGER if asked.answer is Answer.CLOSE else Style.SUCCESS
    confirm = act(_LABELS[asked.answer], ActButton(act=Act.DECIDE, token=asked.token.id), style)
    return Rendered(text=f"{head}\n{escape(_effect(asked))}", rows=((back, confirm),))


def reason_question(proposal_id: str) -> Rendered:
    """Ask why a difference is to be left."""
    buttons = [
        act(reason, QuestionButton(verb=QuestionVerb.REASON, item=proposal_id, arg=str(index)))
        for index, reason in enumerate(REASONS)
    ]
    back = act("Back", QuestionButton(verb=QuestionVerb.SHOW, item=proposal_id))
    text = f"Why is it left as it is?\nOr type <code>/resolve {proposal_id[-6:].lower()} ignore REASON</code>"
    return Rendered(text=text, rows=(buttons[:2], buttons[2:4], [*buttons[4:], back]))


def resolve_question(asked: ResolveAsked) -> Rendered:
    """Ask for the second tap of closing a write by hand."""
    word = "taken" if asked.taken else "not taken"
    text = (
        f"Close {escape(_write_words(asked.write))} as <b>{word}</b>?\n“{escape(asked.reason)}”\n"
        "Nothing is sent again. A fill that comes later is booked."
    )
    back = act("Back", QuestionButton(verb=QuestionVerb.SHOW, item=asked.write.instruction.id))
    confirm = act(word.capitalize(), ActButton(act=Act.SETTLE_UNKNOWN, token=asked.token.id), Style.DANGER)
    return Rendered(text=text, rows=((back, confirm),))


def _list_button() -> Button:
    return act("All", QuestionButton(verb=QuestionVerb.LIST, item=""))


def _base(proposal: Proposal) -> str:
    return proposal.symbol.partition("/")[0]


def _words(proposal: Proposal) -> str:
    evidence = proposal.evidence
    return proposal_words(proposal.kind.value, _base(proposal), evidence.quantity, evidence.price, evidence.order_text)


def _write_words(write: UnknownWrite) -> str:
    number = f" #{write.trade}" if write.trade is not None else ""
    return f"{write.instruction.purpose.value} {write.instruction.symbol}{number}"


def _sent(write: UnknownWrite) -> datetime:
    return write.instruction.sent_at or write.instruction.created_at


def _order_words(order: OrderRequest) -> str:
    at = order.stop_price if order.stop_price is not None else order.price
    return f"{order.type.value} {order.side.value} {quantity(order.quantity)}" + (f" at {price(at)}" if at is not None else "")


def _found(found: Sequence[VenueOrder] | None) -> str:
    if found is None:
        return SILENT
    if not found:
        return "not found"
    return ", ".join(f"{order.state.value} {quantity(order.filled)} of {quantity(order.quantity)}" for order in found[:2])


def _effect(asked: DecisionAsked) -> str:
    proposal = asked.proposal
    size = f"{quantity(abs(proposal.evidence.quantity))} {_base(proposal)}"
    if asked.answer is Answer.IGNORE:
        return "It stays as it is, and is counted beside the trades."
    if asked.answer is Answer.CLOSE:
        if proposal.kind is ProposalKind.FOREIGN_ORDER:
            return "The order is cancelled at the venue."
        return f"{'Sell' if proposal.evidence.quantity > 0 else 'Buy back'} {size} at market."
    match proposal.kind:
        case ProposalKind.FOREIGN_FILL if asked.trade is not None:
            return f"It is booked as the exit of #{asked.trade} at the venue's price."
        case ProposalKind.POSITION_DIFFERS if asked.trade is not None:
            return f"It is written off trade #{asked.trade}, without a price."
        case ProposalKind.FOREIGN_ORDER:
            return "The order works on; what it executes is a holding."
        case ProposalKind.ORDER_LOST:
            return "The order is booked as gone; what it protected is protected anew."
        case _:
            return f"{size} is kept as a holding of the account."
