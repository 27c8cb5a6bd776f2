"""A trade as its trader reads it: the venue's truth about entry, protection and exit, and what it is worth now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from services.domain.approvals import ApprovalSubject
from services.domain.cards import approval_card
from services.domain.decisions import fired_id
from services.domain.entries import RESTS_AT, EntryKind
from services.domain.money import ZERO, Money, Price, truncate_to
from services.domain.orders import Instruction, Order, OrderRole, Purpose
from services.domain.routes import TAKEN_BACK, RoutePhase, Then, load_route
from services.domain.signals import Side
from services.domain.states import LIVE_ORDER_STATES, InstructionState, OrderState, TradeState
from services.domain.trades import TerminalMode, Trade
from services.portfolio.results import by_currency, slippage_bps
from services.reporting.live import Grid, Live, PriceNow, exit_price, read_grid
from services.storage import approvals, decision_journal, instructions, missions, orders, outbox, people, terminals
from services.storage.database import Unit


class TradeWord(StrEnum):
    """Where a trade stands, in words that are never ahead of the venue."""

    AWAITING = "waiting for approval"
    ARMED = "waiting for its price"
    APPROVED = "approved"
    SENT = "sent"
    ACCEPTED = "accepted"
    PART_FILLED = "part filled"
    FILLED = "filled"
    UNKNOWN = "outcome unknown"
    REJECTED = "rejected"
    NOT_SENT = "not sent"
    NOT_FILLED = "not filled"
    CANCELED = "canceled"
    DENIED = "denied"
    CLOSING = "closing"
    CLOSED = "closed"


class Guard(StrEnum):
    """How what is open is protected."""

    NOTHING_OPEN = "nothing open"
    AT_VENUE = "at the venue"
    MOVING = "moving"
    PLACING = "being placed"
    UNKNOWN = "outcome unknown"
    CLOSING = "closing at market"
    MISSING = "missing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Protection:
    """The protection that really stands: ``stop`` at the venue for ``share`` of what is open, ``wanted`` when it moves.

    ``resting`` and ``done`` are the numbers of targets, counted from the nearest.
    """

    guard: Guard
    stop: Price | None
    wanted: Price
    share: Decimal
    resting: tuple[int, ...]
    done: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """An entry that the desk still works on: where it rests, or the trigger, and until when; ``leaving`` when it is cancelled.

    ``numbered`` counts the orders of maker first, None for any other kind.
    """

    kind: EntryKind
    price: Price
    until: datetime
    leaving: bool
    numbered: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """The question that a trade waits for: who is asked and who said yes, until when; a solo one names its phrase."""

    number: int
    asked: tuple[str, ...]
    yes: tuple[str, ...]
    needed: int
    until: datetime
    phrase: str | None
    ready_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TradeView:
    """Everything that a trade's card shows; ``fired_for`` is why it was fired, which its trader may say or change for a while.

    Where ``private`` is False, sizes, money and the terminal's name are None: R, percent and prices remain. Latencies are
    seconds from the confirming tap, ``slippage_bps`` is against the decision price and positive when worse.
    """

    id: str
    number: int
    mission_number: int | None
    owner: str
    side: Side
    symbol: str
    grid: Grid
    mode: TerminalMode
    terminal: str | None
    word: TradeWord
    code: str | None
    since: datetime
    private: bool
    quantity: Decimal | None
    filled_quantity: Decimal | None
    open_quantity: Decimal | None
    filled_share: Decimal
    entry: Price | None
    exit: Price | None
    slippage_bps: Decimal | None
    fees: Money | None
    unpriced_fees: tuple[Money, ...]
    acknowledged_s: float | None
    filled_s: float | None
    protection: Protection
    waiting: Waiting | None
    price: PriceNow | None
    r: Decimal | None
    money: Money | None
    close_in_doubt: bool
    can_cancel: bool
    can_amend: bool
    can_close: bool
    can_break_even: bool
    now: datetime
    keep: Mapping[str, str] | None = None
    fired_for: str | None = None
    may_explain: bool = False
    asking: Asking | None = None


def trade_view(unit: Unit, trade: Trade, live: Live, *, private: bool, viewer_id: int | None = None) -> TradeView:
    """Put one trade's card together; ``private`` decides whether money and sizes are in it.

    ``viewer_id`` is the reader of a private card: its trader may say why it was fired.
    """
    sent, placed = instructions.of_trade(unit, trade.id), orders.of_trade(unit, trade.id)
    terminal = terminals.find(unit, trade.terminal_id)
    mission, person = missions.find(unit, trade.mission_id), people.find(unit, trade.person_id)
    word = trade_word(trade, sent, placed)
    price = exit_price(live, trade.symbol, trade.side) if trade.open_quantity else None
    result = _result(trade, price)
    opened = trade.state is TradeState.OPEN and not _pending(sent, Purpose.CLOSE)
    waiting = _waiting(trade)
    grid = read_grid(unit, trade.symbol)
    decision = decision_journal.find(unit, fired_id(trade.id)) if viewer_id is not None else None
    return TradeView(
        id=trade.id,
        number=trade.number,
        mission_number=mission.number if mission else None,
        owner=person.name if person else str(trade.person_id),
        side=trade.side,
        symbol=trade.symbol,
        grid=grid,
        mode=terminal.mode if terminal else TerminalMode.LIVE,
        terminal=terminal.name if terminal and private else None,
        word=word,
        code=_code(trade, word),
        since=_since(trade, word, sent),
        private=private,
        quantity=trade.quantity if private else None,
        filled_quantity=trade.entry_quantity if private else None,
        open_quantity=trade.open_quantity if private else None,
        filled_share=min(Decimal(1), trade.entry_quantity / trade.quantity) if trade.quantity else ZERO,
        entry=trade.average_entry,
        exit=trade.average_exit,
        slippage_bps=slippage_bps(trade),
        fees=Money(trade.fees, trade.currency) if private else None,
        unpriced_fees=_unpriced_fees(unit, trade) if private else (),
        acknowledged_s=_seconds(trade.tapped_at, trade.acknowledged_at),
        filled_s=_seconds(trade.tapped_at, trade.opened_at),
        protection=_protection(trade, sent, placed, _sellable(unit, trade, grid)),
        keep=trade.keep,
        waiting=waiting,
        price=price,
        r=trade.r_multiple(result) if result is not None else None,
        money=Money(result, trade.currency) if private and result is not None else None,
        close_in_doubt=any(i.purpose is Purpose.CLOSE and i.state is InstructionState.UNKNOWN for i in sent),
        can_cancel=word in (TradeWord.AWAITING, TradeWord.APPROVED, TradeWord.ACCEPTED, TradeWord.ARMED)
        or _entry_works(placed),
        can_amend=waiting is not None and waiting.kind in RESTS_AT and not waiting.leaving and _entry_works(placed),
        can_close=opened and trade.open_quantity > 0,
        can_break_even=opened and _tightens(trade, trade.average_entry, price),
        now=live.now,
        fired_for=decision.reason if decision is not None else None,
        may_explain=decision is not None and viewer_id == trade.person_id and decision.may_be_explained(live.now),
        asking=_asking(unit, trade, private=private) if word is TradeWord.AWAITING else None,
    )


def trade_word(trade: Trade, sent: Sequence[Instruction], placed: Sequence[Order]) -> TradeWord:
    """Return where a trade stands, from its instructions and orders as booked."""
    if trade.state is TradeState.CANCELED:
        reasons = {
            "NOT_FILLED": TradeWord.NOT_FILLED,
            "CANCELED": TradeWord.CANCELED,
            **dict.fromkeys(TAKEN_BACK, TradeWord.CANCELED),
        }
        return reasons.get(trade.close_reason or "", TradeWord.NOT_SENT)
    if trade.state is TradeState.OPEN:
        part = trade.entry_quantity < trade.quantity or _entry_works(placed)
        return TradeWord.PART_FILLED if part else TradeWord.FILLED
    if trade.state is TradeState.WORKING:
        entry = next((each for each in sent if each.purpose is Purpose.ENTRY), None)
        route = load_route(trade.route)
        if entry is None and route is not None and route.phase is RoutePhase.ARMED:
            return TradeWord.ARMED
        words = {
            InstructionState.SENT: TradeWord.SENT,
            InstructionState.UNKNOWN: TradeWord.UNKNOWN,
            InstructionState.ACCEPTED: TradeWord.ACCEPTED,
        }
        return words.get(entry.state, TradeWord.APPROVED) if entry else TradeWord.APPROVED
    return {
        TradeState.AWAITING_APPROVAL: TradeWord.AWAITING,
        TradeState.CLOSING: TradeWord.CLOSING,
        TradeState.CLOSED: TradeWord.CLOSED,
        TradeState.DENIED: TradeWord.DENIED,
        TradeState.FAILED: TradeWord.REJECTED,
    }[trade.state]


def _code(trade: Trade, word: TradeWord) -> str | None:
    plain = (TradeWord.NOT_FILLED, TradeWord.CANCELED)
    return None if word in plain and trade.close_reason not in TAKEN_BACK else trade.close_reason


def _since(trade: Trade, word: TradeWord, sent: Sequence[Instruction]) -> datetime:
    if trade.closed_at is not None:
        return trade.closed_at
    entry = next((each for each in sent if each.purpose is Purpose.ENTRY), None)
    if word in (TradeWord.FILLED, TradeWord.PART_FILLED) and trade.opened_at is not None:
        return trade.opened_at
    if word is TradeWord.CLOSING:
        return max((i.created_at for i in sent if i.purpose is Purpose.CLOSE), default=trade.tapped_at)
    if entry is None:
        return trade.tapped_at
    return {TradeWord.SENT: entry.sent_at, TradeWord.APPROVED: None}.get(word, entry.answered_at) or trade.tapped_at


def _seconds(start: datetime, end: datetime | None) -> float | None:
    return max(0.0, (end - start).total_seconds()) if end is not None else None


def _pending(sent: Sequence[Instruction], purpose: Purpose) -> bool:
    waiting = (InstructionState.INTENT, InstructionState.SENT, InstructionState.UNKNOWN)
    return any(each.purpose is purpose and each.state in waiting for each in sent)


def _waiting(trade: Trade) -> Waiting | None:
    route = load_route(trade.route)
    if route is None or not route.open:
        return None
    return Waiting(
        kind=route.kind,
        price=route.price,
        until=route.until,
        leaving=route.phase is RoutePhase.CLEARING and route.then is Then.END,
        numbered=route.placed if route.kind is EntryKind.MAKER else None,
    )


def _asking(unit: Unit, trade: Trade, *, private: bool) -> Asking | None:
    approval = approvals.of_subject(unit, ApprovalSubject.TRADE, trade.id)
    if approval is None:
        return None
    names = {each.id: each.name for each in people.everyone(unit)}
    asked = outbox.chats_of(unit, approval_card(approval.id))
    said = [each.person_id for each in approvals.answers(unit, approval.id) if each.yes]
    mission = missions.find(unit, trade.mission_id)
    return Asking(
        number=approval.number,
        asked=tuple(names[each] for each in asked if each in names),
        yes=tuple(names[each] for each in said if each in names),
        needed=approval.needed,
        until=min(approval.expires_at, mission.signal.expires_at) if mission is not None else approval.expires_at,
        phrase=approval.phrase if private else None,
        ready_at=approval.ready_at,
    )


def _entry_works(placed: Sequence[Order]) -> bool:
    return any(order.role is OrderRole.ENTRY and order.state in LIVE_ORDER_STATES for order in placed)


def _result(trade: Trade, price: PriceNow | None) -> Decimal | None:
    """Return what the trade has made after fees: booked, or booked and open at ``price``; None where that is unknown."""
    if not trade.entry_quantity:
        return None
    if trade.state is TradeState.CLOSED or not trade.open_quantity:
        return trade.realized
    return trade.realized + trade.unrealized(price.value) if price else None


def _unpriced_fees(unit: Unit, trade: Trade) -> tuple[Money, ...]:
    """Return fees in another currency that wait for a rate, by currency: they are not in ``fees`` yet."""
    return by_currency(Money(row.fee, row.fee_currency) for row in orders.unpriced_fees(unit, trade.id) if row.fee)


def _sellable(unit: Unit, trade: Trade, grid: Grid) -> Decimal:
    """Return what of the trade can be sold: fees taken in the base asset are gone, and sales go by steps."""
    there = max(ZERO, terminals.position(unit, trade.terminal_id, trade.symbol) * trade.side.sign)
    held = min(trade.open_quantity, there)
    return truncate_to(held, grid.step) if grid.step else held


def _protection(trade: Trade, sent: Sequence[Instruction], placed: Sequence[Order], sellable: Decimal) -> Protection:
    working = [order for order in placed if order.state in LIVE_ORDER_STATES]
    stops = [order for order in working if order.role is OrderRole.STOP]
    # A stop that is being replaced still protects, but it is not the one that stands.
    stops.sort(key=lambda order: order.state is OrderState.PENDING_CANCEL)
    stop = stops[0] if stops else None
    numbers = {target.price: number for number, target in enumerate(trade.targets, start=1)}
    touched = {o.price for o in placed if o.role is OrderRole.TARGET and o.filled > 0}
    live = {o.price for o in working if o.role is OrderRole.TARGET}
    # Where each target has a stop of its own, those at one price stand together.
    left = sum((each.quantity - each.filled for each in stops if stop and each.stop_price == stop.stop_price), ZERO)
    return Protection(
        guard=_guard(trade, sent, stop),
        stop=stop.stop_price if stop else None,
        wanted=trade.stop,
        share=min(Decimal(1), left / sellable) if sellable else ZERO,
        resting=tuple(number for price, number in numbers.items() if price in live),
        done=tuple(number for price, number in numbers.items() if price in touched and price not in live),
    )


def _guard(trade: Trade, sent: Sequence[Instruction], stop: Order | None) -> Guard:
    if trade.open_quantity <= 0:
        return Guard.NOTHING_OPEN
    doubtful = any(i.purpose is Purpose.PROTECT and i.state is InstructionState.UNKNOWN for i in sent)
    if stop is not None:
        return Guard.AT_VENUE if stop.stop_price == trade.stop and not doubtful else Guard.MOVING
    if doubtful:
        return Guard.UNKNOWN
    if trade.state is TradeState.CLOSING or _pending(sent, Purpose.CLOSE):
        return Guard.CLOSING
    return Guard.PLACING if _pending(sent, Purpose.PROTECT) else Guard.MISSING


def _tightens(trade: Trade, stop: Decimal | None, price: PriceNow | None) -> bool:
    """Tell whether a stop is closer than the one that stands, and still on its side of the market."""
    if stop is None or price is None:
        return False
    sign = trade.side.sign
    return (stop - trade.stop) * sign > 0 and (price.value - stop) * sign > 0
