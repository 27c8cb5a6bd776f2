"""Pages of what is traded: positions, orders, closed trades, accounts and results."""

from __future__ import annotations

from datetime import datetime

from handlers.telegram.callbacks import ListButton, ListName, TradeButton, TradeVerb
from handlers.telegram.views.format import price, span
from handlers.telegram.views.message import Button, Rendered, act
from handlers.telegram.views.paging import cut, in_rows, turning
from handlers.telegram.views.templating import render
from handlers.telegram.views.words import badge, money_words, plural, win_words
from services.domain.states import OrderState
from services.reporting.trade_view import Guard, TradeView
from services.reporting.trading_lists import (
    BalanceList,
    HistoryList,
    OrderLine,
    OrdersList,
    PnlList,
    PositionsList,
)

POSITIONS_A_PAGE, ORDERS_A_PAGE, ACCOUNTS_A_PAGE = 3, 3, 4
CLOSED_A_PAGE, CLOSED_WITHOUT_MONEY = 4, 8
MINE = "mine"
_STATES = {OrderState.PARTIAL: "part filled", OrderState.PENDING_CANCEL: "cancelling"}


def positions_page(data: PositionsList, page: int) -> Rendered:
    """Return a page of live trades, each with a button that opens its card."""
    part = cut(data.rows, page, POSITIONS_A_PAGE)
    text = render(
        "list_positions",
        badge=badge(data.modes),
        whose=_whose(data.mine),
        mine=data.mine,
        rows=part.rows,
        guards=[_guard(view) for view in part.rows],
        at=data.at,
        page=part.page,
        pages=part.pages,
    )
    cards = [act(f"#{v.number}", TradeButton(verb=TradeVerb.CARD, trade=v.id)) for v in part.rows if v.private]
    arg = MINE if data.mine and data.choice else ""
    return Rendered(text=text, rows=in_rows(cards, [*turning(ListName.POSITIONS, part, arg), *_switch(data)][:3]))


def _switch(data: PositionsList) -> list[Button]:
    if not data.choice:
        return []
    label, arg = ("All", "") if data.mine else ("Mine", MINE)
    return [act(label, ListButton(name=ListName.POSITIONS, arg=arg))]


def _whose(mine: bool) -> str:
    return "mine" if mine else "all"


def _guard(view: TradeView) -> str:
    protection = view.protection
    if protection.stop is not None:
        return f"stop {price(protection.stop, view.grid.decimals)}"
    words = {Guard.NOTHING_OPEN: "", Guard.PLACING: "stop coming", Guard.UNKNOWN: "stop unknown", Guard.CLOSING: "closing"}
    return words.get(protection.guard, "NO STOP")


def orders_page(data: OrdersList, page: int) -> Rendered:
    """Return a page of working orders, foreign ones said to be."""
    part = cut(data.rows, page, ORDERS_A_PAGE)
    text = render(
        "list_orders",
        badge=badge(data.modes),
        rows=part.rows,
        states=[_order_state(line, data.at) for line in part.rows],
        doubtful=data.doubtful,
        waiting=data.waiting,
        at=data.at,
        page=part.page,
        pages=part.pages,
    )
    return Rendered(text=text, rows=(turning(ListName.ORDERS, part),))


def _order_state(line: OrderLine, at: datetime) -> str:
    return f"{_STATES.get(line.state, line.state.value)} {span(at - line.updated_at)}"


def history_page(data: HistoryList, page: int) -> Rendered:
    """Return a page of closed trades under what they came to."""
    part = cut(data.rows, page, CLOSED_A_PAGE if data.money else CLOSED_WITHOUT_MONEY)
    text = render(
        "list_history",
        badge=badge(data.modes),
        whose=_whose(data.mine),
        mine=data.mine,
        rows=part.rows,
        total=plural(data.results.n, "trade"),
        total_r=data.results.total_r,
        wins=win_words(data.results.win_rate),
        zone=data.zone,
        at=data.at,
        page=part.page,
        pages=part.pages,
    )
    proofs = [
        act(f"#{line.number}", TradeButton(verb=TradeVerb.PROOF, trade=str(line.number)))
        for line in part.rows
        if line.money is not None
    ]
    return Rendered(text=text, rows=in_rows(proofs, turning(ListName.HISTORY, part, MINE if data.mine else "")))


def balance_page(data: BalanceList, page: int) -> Rendered:
    """Return a page of accounts, each with the age of its reading."""
    part = cut(data.rows, page, ACCOUNTS_A_PAGE)
    text = render(
        "list_balance",
        badge=badge(data.modes),
        private=data.private,
        rows=part.rows,
        at=data.at,
        page=part.page,
        pages=part.pages,
    )
    return Rendered(text=text, rows=(turning(ListName.BALANCE, part),))


def pnl_page(data: PnlList) -> Rendered:
    """Return the results of today, 7 and 30 days, each with its sample."""
    results = [period.results for period in data.periods]
    text = render(
        "list_pnl",
        badge=badge(data.modes),
        whose=_whose(data.mine),
        periods=data.periods,
        counts=[plural(each.n, "trade") for each in results],
        wins=[win_words(each.win_rate) for each in results],
        sums=[money_words(each.money) for each in results],
        money=data.money,
        at=data.at,
    )
    arg = MINE if data.mine else ""
    return Rendered(text=text, rows=(turning(ListName.PNL, cut(data.periods, 1, len(data.periods)), arg),))
