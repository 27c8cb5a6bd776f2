"""Each terminal's day: what the account was worth at its start, what its trades brought along, what was realised."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from decimal import Decimal

from services.domain.money import ZERO
from services.domain.ports import QuoteSource
from services.domain.trades import Terminal, Trade
from services.portfolio.accounts import AccountBoard
from services.risk.days import day_of
from services.storage import terminals, trades
from services.storage.database import Unit
from services.storage.terminals import DayResult

PriceOf = Callable[[str], Decimal | None]
# How old the account's reading and the prices may be that a day begins with.
MAX_AGE = timedelta(seconds=60)


def open_profit(live: Iterable[Trade], price_of: PriceOf) -> Decimal | None:
    """Return the open profit of the trades at these prices in their currency, or None when a price is missing."""
    total = ZERO
    for trade in live:
        if trade.open_quantity == ZERO:
            continue
        price = price_of(trade.symbol)
        if price is None:
            return None
        total += trade.unrealized(price)
    return total


def profit_of_day(day: DayResult | None, live: Iterable[Trade], price_of: PriceOf) -> Decimal | None:
    """Return what was made since the day's first reading, or None before it or when a price is missing.

    What a trade had made before the day is in what it realises or still shows today, so it is taken off once.
    """
    if day is None or day.opening_equity == ZERO:
        return None
    shown = open_profit(live, price_of)
    return None if shown is None else day.realized + shown - day.carried


class DayBook:
    """Opens days and adds up what they realise, inside a write unit."""

    def __init__(self, accounts: AccountBoard, quotes: QuoteSource, zone: str) -> None:
        self._accounts = accounts
        self._quotes = quotes
        self._zone = zone

    def can_open(self, unit: Unit, terminal: Terminal) -> bool:
        """Tell whether the day waits for its first reading, and account and prices are fresh enough to be that."""
        return not self._is_open(unit, terminal) and self._reading(unit, terminal) is not None

    def open(self, unit: Unit, terminal: Terminal) -> None:
        """Note the day's first reading, once; while something of it is missing the day stays unopened, never guessed."""
        reading = None if self._is_open(unit, terminal) else self._reading(unit, terminal)
        if reading is not None:
            equity, carried = reading
            terminals.open_day(unit, terminal.id, self._day(unit), equity, carried)

    def add(self, unit: Unit, terminal: Terminal, change: Decimal) -> None:
        """Add to what the terminal's day has realised."""
        terminals.add_to_day(unit, terminal.id, self._day(unit), change)

    def _is_open(self, unit: Unit, terminal: Terminal) -> bool:
        day = terminals.day_result(unit, terminal.id, self._day(unit))
        return day is not None and day.opening_equity != ZERO

    def _reading(self, unit: Unit, terminal: Terminal) -> tuple[Decimal, Decimal] | None:
        """Return the account's equity and the open profit of its trades, or None when one of them is not known now."""
        balance = self._accounts.latest(terminal.id)
        if balance is None or balance.equity == ZERO or unit.now - balance.received_at > MAX_AGE:
            return None
        carried = open_profit(trades.live(unit, terminal_id=terminal.id), lambda symbol: self._price(symbol, unit.now))
        return None if carried is None else (balance.equity, carried)

    def _price(self, symbol: str, now: datetime) -> Decimal | None:
        quote = self._quotes.latest(symbol)
        return quote.mid if quote is not None and quote.age(now) <= MAX_AGE else None

    def _day(self, unit: Unit) -> str:
        return day_of(unit.now, self._zone)
