"""Lists of what is traded: positions, orders, closed trades, accounts and results."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from services.domain.approvals import ApprovalSubject
from services.domain.market import Universe
from services.domain.money import Money, Price, Quantity
from services.domain.orders import Order, OrderRole, OrderSide, OrderType
from services.domain.people import Role
from services.domain.signals import Side
from services.domain.states import OrderState, TradeState
from services.domain.trades import Terminal, TerminalMode, Trade
from services.portfolio.results import Period, Results, periods, result_of, results_of
from services.reporting.live import Grid, Live, grid_of
from services.reporting.trade_view import TradeView, trade_view
from services.reporting.viewer import Viewer, accounts_of, modes_of, owner_scope
from services.risk.days import day_start
from services.storage import approvals, desk, instructions, orders, people, terminals, trades
from services.storage.database import Unit

HISTORY = timedelta(days=90)


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionsList:
    """Trades that are not over, oldest first; ``mine`` tells whose, ``choice`` that the reader may switch."""

    rows: tuple[TradeView, ...]
    mine: bool
    choice: bool
    modes: tuple[TerminalMode, ...]
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderLine:
    """An order at a venue; sizes and terminal are None where they are not the reader's business."""

    symbol: str
    grid: Grid
    side: OrderSide
    type: OrderType
    role: OrderRole
    trade_number: int | None
    price: Price | None
    quantity: Quantity | None
    filled: Quantity | None
    state: OrderState
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingLine:
    """An entry that waits for approval, and until when."""

    number: int
    side: Side
    symbol: str
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class OrdersList:
    """Orders that work, foreign ones included; ``doubtful`` counts writes whose outcome is unknown.

    ``waiting`` are entries of which no venue knows yet, because somebody has to approve them.
    """

    rows: tuple[OrderLine, ...]
    doubtful: int
    waiting: tuple[WaitingLine, ...]
    modes: tuple[TerminalMode, ...]
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryLine:
    """One closed trade; ``money`` is None where it is not the reader's business."""

    number: int
    owner: str
    side: Side
    symbol: str
    r: Decimal | None
    money: Money | None
    reason: str
    closed_at: datetime
    held: timedelta | None


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryList:
    """Closed trades of the last 90 days, newest first, and what they came to."""

    rows: tuple[HistoryLine, ...]
    results: Results
    mine: bool
    money: bool
    modes: tuple[TerminalMode, ...]
    zone: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountLine:
    """A terminal's newest reading, None before the first."""

    name: str
    mode: TerminalMode
    equity: Money | None
    free: Money | None
    read_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BalanceList:
    """Accounts; empty where balances are not the reader's business, which ``private`` tells."""

    rows: tuple[AccountLine, ...]
    private: bool
    modes: tuple[TerminalMode, ...]
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PnlList:
    """Results of today, 7 and 30 days; ``money`` tells whether amounts may be shown."""

    periods: tuple[Period, ...]
    mine: bool
    money: bool
    modes: tuple[TerminalMode, ...]
    at: datetime


def positions_list(unit: Unit, viewer: Viewer, live: Live, arg: str = "") -> PositionsList:
    """Return the live trades that the reader may see, each as its card would say it."""
    owner = owner_scope(viewer, arg)
    return PositionsList(
        rows=tuple(trade_view(unit, t, live, private=viewer.sees_money) for t in trades.live(unit, person_id=owner)),
        mine=owner is not None,
        choice=viewer.private and viewer.role is Role.COMMANDER,
        modes=modes_of(accounts_of(unit, viewer)),
        at=live.now,
    )


def orders_list(unit: Unit, viewer: Viewer, live: Live) -> OrdersList:
    """Return the working orders of the reader's terminals."""
    accounts = accounts_of(unit, viewer)
    universe = desk.current_universe(unit)
    working = [order for account in accounts for order in orders.live(unit, terminal_id=account.id)]
    return OrdersList(
        rows=tuple(_order_line(unit, order, universe, sizes=viewer.sees_money) for order in working),
        waiting=tuple(line for account in accounts for line in _waiting_lines(unit, account)),
        doubtful=sum(len(instructions.doubtful(unit, terminal_id=account.id)) for account in accounts),
        modes=modes_of(accounts),
        at=live.now,
    )


def _waiting_lines(unit: Unit, account: Terminal) -> list[WaitingLine]:
    live = [trade for trade in trades.live(unit, terminal_id=account.id) if trade.state is TradeState.AWAITING_APPROVAL]
    asked = [(trade, approvals.of_subject(unit, ApprovalSubject.TRADE, trade.id)) for trade in live]
    return [
        WaitingLine(number=trade.number, side=trade.side, symbol=trade.symbol, until=approval.expires_at)
        for trade, approval in asked
        if approval is not None
    ]


def _order_line(unit: Unit, order: Order, universe: Universe | None, *, sizes: bool) -> OrderLine:
    trade = trades.find(unit, order.trade_id) if order.trade_id else None
    return OrderLine(
        symbol=order.symbol,
        grid=grid_of(universe, order.symbol),
        side=order.side,
        type=order.type,
        role=order.role,
        trade_number=trade.number if trade else None,
        price=order.stop_price if order.stop_price is not None else order.price,
        quantity=order.quantity if sizes else None,
        filled=order.filled if sizes else None,
        state=order.state,
        updated_at=order.updated_at,
    )


def history_list(unit: Unit, viewer: Viewer, live: Live, arg: str = "") -> HistoryList:
    """Return the closed trades that the reader may see."""
    owner = owner_scope(viewer, arg)
    closed = trades.closed(unit, since=live.now - HISTORY, person_id=owner)
    names = {person.id: person.name for person in people.everyone(unit, Role.STRANGER)}
    return HistoryList(
        rows=tuple(_history_line(trade, names, money=viewer.sees_money) for trade in closed),
        results=results_of(closed, live.least_sample),
        mine=owner is not None,
        money=viewer.sees_money,
        modes=modes_of(accounts_of(unit, viewer)),
        zone=viewer.zone,
        at=live.now,
    )


def _history_line(trade: Trade, names: dict[int, str], *, money: bool) -> HistoryLine:
    result, closed_at = result_of(trade), trade.closed_at or trade.tapped_at
    return HistoryLine(
        number=trade.number,
        owner=names.get(trade.person_id, str(trade.person_id)),
        side=trade.side,
        symbol=trade.symbol,
        r=result.r,
        money=result.money if money else None,
        reason=trade.close_reason or "",
        closed_at=closed_at,
        held=closed_at - trade.opened_at if trade.opened_at else None,
    )


def balance_list(unit: Unit, viewer: Viewer, live: Live) -> BalanceList:
    """Return the reader's accounts, a commander's all of them; nothing where others read along."""
    accounts = accounts_of(unit, viewer) if viewer.sees_money else []
    return BalanceList(
        rows=tuple(_account_line(account, live) for account in accounts),
        private=viewer.sees_money,
        modes=modes_of(terminals.everything(unit)),
        at=live.now,
    )


def _account_line(account: Terminal, live: Live) -> AccountLine:
    reading = live.balance(account.id)
    return AccountLine(
        name=account.name,
        mode=account.mode,
        equity=Money(reading.equity, reading.currency) if reading else None,
        free=Money(reading.free, reading.currency) if reading else None,
        read_at=reading.received_at if reading else None,
    )


def pnl_list(unit: Unit, viewer: Viewer, live: Live, arg: str = "") -> PnlList:
    """Return the results that the reader may see, by day, week and month."""
    owner = owner_scope(viewer, arg)
    closed = trades.closed(unit, since=live.now - timedelta(days=31), person_id=owner)
    return PnlList(
        periods=periods(closed, day_start=day_start(live.now, live.zone), now=live.now, least=live.least_sample),
        mine=owner is not None,
        money=viewer.sees_money,
        modes=modes_of(accounts_of(unit, viewer)),
        at=live.now,
    )
