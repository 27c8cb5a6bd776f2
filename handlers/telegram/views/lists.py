"""From a list's rows to the message of one of its pages."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from handlers.telegram.callbacks import ListName
from handlers.telegram.views import desk_pages, people_pages, trading_pages
from handlers.telegram.views.incidents import incidents_page
from handlers.telegram.views.message import Rendered
from services.reporting.lists import ListData

_PAGES: Mapping[ListName, Callable[[Any, int], Rendered]] = {
    ListName.POSITIONS: trading_pages.positions_page,
    ListName.ORDERS: trading_pages.orders_page,
    ListName.HISTORY: trading_pages.history_page,
    ListName.BALANCE: trading_pages.balance_page,
    ListName.PNL: lambda data, _: trading_pages.pnl_page(data),
    ListName.RISK: lambda data, _: desk_pages.risk_page(data),
    ListName.MISSIONS: desk_pages.missions_page,
    ListName.INCIDENTS: incidents_page,
    ListName.UNIVERSE: desk_pages.universe_page,
    ListName.TERMINALS: desk_pages.terminals_page,
    ListName.STRATEGIES: desk_pages.strategies_page,
    ListName.PEOPLE: people_pages.people_page,
    ListName.CHATS: people_pages.chats_page,
    ListName.NOTIFY: lambda data, _: people_pages.notify_page(data),
    ListName.SETTINGS: lambda data, _: people_pages.settings_page(data),
}


def render_list(name: ListName, page: int, data: ListData) -> Rendered:
    """Return a page of a list that was read under the same name; the page nearest to the one asked for."""
    return _PAGES[name](data, page)
