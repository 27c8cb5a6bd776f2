"""What a kill has not done yet, by name and reason: read from the books and from the last look at each venue."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from services.domain.kills import Leftover, LeftoverKind
from services.domain.market import Instrument
from services.domain.money import ZERO
from services.domain.orders import Instruction, Order, OrderRole, Purpose
from services.domain.states import InstructionState, TradeState
from services.domain.trades import Terminal, Trade
from services.execution.protection import large_enough
from services.execution.survey import Survey, sold_by

# A sale that the venue itself refused so often in a row is a person's to make.
MAX_REFUSED_SALES = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What a venue said about an account's open orders; ``turn`` counts the kill's steps.

    ``failed`` is why it could not be asked. ``lost`` are entry orders of the desk that its books do not have as working,
    ``foreign`` those of nobody here; each with its name and instrument.
    """

    turn: int
    asked_at: float
    failed: str | None = None
    lost: tuple[tuple[str, str], ...] = ()
    foreign: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusals:
    """The sales of a trade that its venue refused in a row since the kill was thrown, and why the last one was."""

    count: int
    code: str


def place_left(terminal: Terminal, look: Look | None, clear_since: int | None) -> list[Leftover]:
    """Return what is to be said of a terminal itself: out of reach, not confirmed yet, and orders that are not the desk's."""
    about = _About(terminal)
    if look is None:
        return [about(LeftoverKind.UNREACHABLE, "", "", "not asked yet")]
    if look.failed is not None:
        return [about(LeftoverKind.UNREACHABLE, "", "", f"the venue does not answer: {look.failed}")]
    foreign = [
        about(LeftoverKind.FOREIGN, name, symbol, "not the desk's order, left alone", may_end=False)
        for name, symbol in look.foreign
    ]
    if clear_since is None:
        return foreign
    if look.turn <= clear_since:
        return [*foreign, about(LeftoverKind.UNREACHABLE, "", "", "the venue has not confirmed it yet")]
    reason = "the venue has it although the books had it as over; its cancel is asked for"
    return [*foreign, *(about(LeftoverKind.WAITING, name, symbol, reason, entry=True) for name, symbol in look.lost)]


def entries_left(found: Survey) -> list[Leftover]:
    """Return the entries that may still add exposure: orders, writes of unknown outcome, and routes that have not ended."""
    left: list[Leftover] = []
    for trade in found.open_entries.values():
        about = _About(found.terminals[trade.terminal_id])
        named: list[Leftover] = []
        for order in found.entry_orders.get(trade.id, ()):
            kind, reason = _why_it_works(found, order)
            named.append(about(kind, order.client_id, trade.symbol, reason, entry=True))
        for each in found.pending_entries.get(trade.id, ()):
            doubt = each.state is not InstructionState.INTENT
            reason = "sent, and the venue has not said what became of it" if doubt else "waits to be withdrawn"
            kind = LeftoverKind.UNKNOWN if doubt else LeftoverKind.WAITING
            named += [about(kind, order.client_id, trade.symbol, reason, entry=True) for order in each.orders]
        if not named:
            asks = trade.state is TradeState.AWAITING_APPROVAL
            reason = "it waits for approval" if asks else "its route has not ended"
            named.append(about(LeftoverKind.WAITING, _named(trade), trade.symbol, reason, entry=True))
        left += named
    return left


def _why_it_works(found: Survey, order: Order) -> tuple[LeftoverKind, str]:
    name = (order.terminal_id, order.client_id)
    cancel = found.cancels.get(name)
    if cancel is not None:
        if cancel.state is InstructionState.INTENT:
            return LeftoverKind.WAITING, "its cancel waits to be sent"
        return LeftoverKind.UNKNOWN, "the outcome of its cancel is not known"
    code = found.answered.get(name)
    if code is not None:
        return LeftoverKind.REFUSED, f"the venue refused the cancel: {code}"
    return LeftoverKind.WAITING, "cancelled, and the venue has not confirmed it yet"


def positions_left(found: Survey, refused: Mapping[str, Refusals], answers: Callable[[str], bool]) -> list[Leftover]:
    """Return what is still held after a flatten was asked for, and what will stay; ``answers`` tells of a venue by terminal."""
    left: list[Leftover] = []
    for terminal in found.terminals.values():
        held = found.held(terminal.id)
        left += [_trade_left(found, terminal, trade, refused.get(trade.id), answers(terminal.id)) for trade in held]
        left += _orders_left(found, terminal, {trade.id for trade in held})
        left += _rest_left(found, terminal, held)
    return left


def _trade_left(found: Survey, terminal: Terminal, trade: Trade, refused: Refusals | None, reached: bool) -> Leftover:
    about = _About(terminal)
    if not sellable(found, trade):
        return about(LeftoverKind.DUST, _named(trade), trade.symbol, "under the venue's minimum", may_end=False)
    if refused is not None and refused.count:
        final = refused.count >= MAX_REFUSED_SALES
        reason = f"the venue refused the sale: {refused.code}"
        return about(LeftoverKind.REFUSED, _named(trade), trade.symbol, reason, may_end=not final)
    if not reached:
        return about(LeftoverKind.UNREACHABLE, _named(trade), trade.symbol, "open, and its venue does not answer")
    if any(each.purpose is Purpose.CLOSE and _doubtful(each) for each in found.pending if each.trade_id == trade.id):
        return about(LeftoverKind.UNKNOWN, _named(trade), trade.symbol, "the outcome of its sale is not known")
    reason = "being sold" if trade.state is TradeState.CLOSING else "waits to be sold"
    return about(LeftoverKind.WAITING, _named(trade), trade.symbol, reason)


def _orders_left(found: Survey, terminal: Terminal, holding: set[str]) -> list[Leftover]:
    """Return orders of trades that hold nothing any more: left alone they would open something."""
    about = _About(terminal)
    return [
        about(LeftoverKind.WAITING, order.client_id, order.symbol, f"the {order.role.value} still works")
        for order in found.orders
        if order.terminal_id == terminal.id
        and order.trade_id not in holding
        and order.role not in (OrderRole.ENTRY, OrderRole.FOREIGN)
    ]


def _rest_left(found: Survey, terminal: Terminal, held: list[Trade]) -> list[Leftover]:
    """Return what the account has beyond the desk's trades: remainders, and what was there before the desk."""
    about, counted = _About(terminal), dict[str, Decimal]()
    for trade in held:
        counted[trade.symbol] = counted.get(trade.symbol, ZERO) + trade.open_quantity
    left: list[Leftover] = []
    for position in found.positions[terminal.id]:
        rest = abs(position.quantity) - counted.get(position.symbol, ZERO)
        if rest > 0:
            instrument = _instrument(found, position.symbol)
            small = instrument is None or rest < max(instrument.min_quantity, instrument.step)
            kind = LeftoverKind.DUST if small else LeftoverKind.HELD
            reason = "a remainder under the venue's minimum" if small else "held, and no trade counts it"
            left.append(about(kind, position.symbol, position.symbol, reason, may_end=False))
    for holding in found.holdings[terminal.id]:
        reason = f"not the desk's: {holding.reason}"
        left.append(about(LeftoverKind.HELD, holding.symbol, holding.symbol, reason, may_end=False))
    return left


def sellable(found: Survey, trade: Trade) -> bool:
    """Tell whether the venue takes a sale of all that a trade holds; without a grid to measure by it is tried."""
    instrument = _instrument(found, trade.symbol)
    return instrument is None or large_enough(trade.open_quantity, sold_by(trade), instrument)


def _instrument(found: Survey, symbol: str) -> Instrument | None:
    return found.universe.find(symbol) if found.universe is not None else None


def _doubtful(instruction: Instruction) -> bool:
    return instruction.state is not InstructionState.INTENT


def _named(trade: Trade) -> str:
    return f"trade {trade.number}"


class _About:
    """Writes leftovers of one terminal."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal

    def __call__(
        self, kind: LeftoverKind, name: str, symbol: str, reason: str, *, entry: bool = False, may_end: bool = True
    ) -> Leftover:
        return Leftover(
            kind=kind,
            terminal_id=self._terminal.id,
            terminal=self._terminal.name,
            name=name,
            symbol=symbol,
            reason=reason,
            entry=entry,
            may_end=may_end,
        )
