"""The exchange's private side without HTTP: accounts, their orders, and the market that fills them as time goes on."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from sandbox.exchange.accounts import DISCOUNT_ASSET, Account, AccountRefused, Terms
from sandbox.exchange.amounts import price_of
from sandbox.exchange.books import Books
from sandbox.exchange.course import STEPS
from sandbox.exchange.errors import ApiRefusal, MarketHeld, invalid_symbol, not_ready
from sandbox.exchange.filters import check_filters, check_room
from sandbox.exchange.instruments import Instrument
from sandbox.exchange.liquidity import Liquidity, Moment, Part, cost, total
from sandbox.exchange.lists import cancel_list, settle
from sandbox.exchange.market import Market
from sandbox.exchange.matching import crosses, market_parts, meet, priority, rests, take, triggered
from sandbox.exchange.orders import NO_LIST, Execution, Order, OrderType, Side, Status, Ticket, needed
from sandbox.exchange.user_events import Publish


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """An accepted order as it stands after its first meeting with the book, and what it traded there."""

    order: Order
    executions: tuple[Execution, ...] = ()


class Engine:
    """Run the accounts against a market; nothing happens but at calls, each of which first catches up with the clock."""

    def __init__(self, market: Market, publish: Publish) -> None:
        self.market = market
        self.instruments: Mapping[str, Instrument] = {each.symbol: each for each in market.source.instruments}
        self.books = Books(instruments=self.instruments, publish=publish, discount_price=self._discount_price)
        self.liquidity = Liquidity()
        self.accounts: dict[str, Account] = {}
        self.seen: int | None = None

    def open_account(
        self, *, name: str, key: str, secret: str, balances: Mapping[str, Decimal], terms: Terms | None = None
    ) -> Account:
        """Open an account; raises AccountRefused for a name or a key that is taken, and for a negative balance."""
        if name in self.accounts or any(each.key == key for each in self.accounts.values()):
            raise AccountRefused(f"there is an account '{name}', or its key, already; choose another")
        self.books.counters.account += 1
        account = Account(name=name, number=self.books.counters.account, key=key, secret=secret, terms=terms or Terms())
        for asset, amount in balances.items():
            account.credit(asset, amount)
        account.updated_at = self.market.now()
        self.accounts[name] = account
        return account

    def advance(self) -> None:
        """Catch up with the clock: go through the steps since the last look that may have touched an order."""
        if not self.market.started:
            return
        now = self.market.snapshot()
        number = now.index * STEPS + now.step
        seen = number if self.seen is None else self.seen
        while seen < number:
            if not any(account.open_ids for account in self.accounts.values()):
                break
            index = (seen + 1) // STEPS
            last = min(number, index * STEPS + STEPS - 1)
            symbols = [symbol for symbol in self.instruments if self._within_reach(symbol, index)]
            for each in range(seen + 1, last + 1) if symbols else ():
                at = now.grid.step_time(index, each % STEPS)
                for symbol in symbols:
                    self._pass_step(Moment(self.market.snapshot(at), self.instruments[symbol], self.liquidity))
            seen = last
        self.seen = number

    def moment(self, symbol: str) -> Moment:
        """Look at a symbol now; raises the exchange's refusal while the market is held or for an unknown symbol."""
        if symbol not in self.instruments:
            raise invalid_symbol()
        try:
            return Moment(self.market.snapshot(), self.instruments[symbol], self.liquidity)
        except MarketHeld as error:
            raise not_ready() from error

    def place(self, account: Account, ticket: Ticket) -> Placed:
        """Accept an order and let it meet the book; raises ApiRefusal with the books untouched."""
        self.advance()
        moment = self.moment(ticket.symbol)
        quantity = self.admit(account, ticket, moment)
        before = len(account.executions)
        order = self.books.enter(account, ticket, quantity, moment.at)
        self.books.tell_balances(account, {self.books.held_asset(order)}, moment.at)
        if order.working:
            order = take(self.books, account, order, moment)
        return Placed(order=order, executions=tuple(account.executions[before:]))

    def admit(self, account: Account, ticket: Ticket, moment: Moment) -> Decimal:
        """Check a ticket and give the quantity it would have; raises ApiRefusal."""
        self.check(account, ticket, moment)
        check_room(account, ticket.symbol, [ticket.type])
        quantity, need = ticket.quantity, needed(ticket, ticket.quantity)
        if ticket.type is OrderType.MARKET:
            parts = market_parts(ticket, moment)
            if not parts and ticket.quote_quantity:
                raise ApiRefusal(-2010, "Order book liquidity is less than LOT_SIZE filter minimum quantity.")
            quantity = ticket.quantity or total(parts)
            need = cost(parts) if ticket.side is Side.BUY else quantity
        self.check_funds(account, ticket, need)
        return quantity

    def check_form(self, ticket: Ticket) -> None:
        """Check a ticket against its symbol's filters alone; raises ApiRefusal."""
        self.advance()
        moment = self.moment(ticket.symbol)
        if moment.ended:
            raise ApiRefusal(-1013, "Market is closed.")
        check_filters(ticket, moment.instrument, moment.prices())

    def check(self, account: Account, ticket: Ticket, moment: Moment) -> None:
        """Check everything about a ticket but the room and the money for it."""
        if moment.ended:
            raise ApiRefusal(-1013, "Market is closed.")
        check_filters(ticket, moment.instrument, moment.prices())
        if account.has_open(ticket.symbol, ticket.client_id):
            raise ApiRefusal(-2010, "Duplicate order sent.")
        if ticket.type.waits_for_a_price and triggered(ticket, moment):
            raise ApiRefusal(-2010, "Stop price would trigger immediately.")
        if ticket.type is OrderType.LIMIT_MAKER and crosses(ticket, moment):
            raise ApiRefusal(-2010, "Order would immediately match and take.")

    def check_funds(self, account: Account, ticket: Ticket, need: Decimal) -> None:
        """Refuse what the account cannot pay for."""
        instrument = self.instruments[ticket.symbol]
        asset = instrument.traded_asset if ticket.side is Side.SELL else instrument.quote_asset
        if account.balance(asset).free < need:
            raise ApiRefusal(-2010, "Account has insufficient balance for requested action.")

    def cancel(self, account: Account, order: Order, cancel_id: str | None = None) -> Order:
        """Cancel an open order, and the list that it belongs to; raises ApiRefusal for one that is not open."""
        self.advance()
        order = account.orders[order.id]
        if not order.open:
            raise ApiRefusal(-2011, "Unknown order sent.")
        at = self.market.now()
        if order.list_id != NO_LIST:
            cancel_list(self.books, account, order.list_id, at, cancel_id)
            return account.orders[order.id]
        return self.books.end(account, order, Status.CANCELED, at, cancel_id=cancel_id)

    def fill_by_hand(self, account: Account, order: Order, part: Part) -> Order:
        """Let somebody trade with a resting order, or trigger a waiting one and trade with it, at any price.

        Raises AccountRefused for more than is left of the order.
        """
        self.advance()
        order = account.orders[order.id]
        if order.status not in (Status.NEW, Status.PARTIALLY_FILLED) or not 0 < part.quantity <= order.remaining:
            raise AccountRefused(f"order {order.id} is {order.status} with {order.remaining} left; {part.quantity} cannot fill")
        moment = self.moment(order.ticket.symbol)
        if not order.working:
            order = self.books.start_working(account, order, moment.at)
        order = self.books.fill(account, order, part, moment.at, maker=not order.ticket.type.takes_at_market)
        settle(self.books, account, order, moment)
        return order

    def _pass_step(self, moment: Moment) -> None:
        """Trigger the stops that the price has reached, then let resting orders fill in their priority."""
        if moment.ended:
            return
        everyone = [(account, order) for account in self.accounts.values() for order in account.open_orders(moment.symbol)]
        for account, order in everyone:
            order = account.orders[order.id]
            if order.status is Status.NEW and not order.working and triggered(order.ticket, moment):
                order = take(self.books, account, self.books.start_working(account, order, moment.at), moment)
                settle(self.books, account, order, moment)
        resting = [(account, order) for account, order in everyone if rests(order)]
        for account, order in sorted(resting, key=lambda pair: priority(pair[1])):
            if account.orders[order.id].open:
                order = meet(self.books, account, account.orders[order.id], moment)
                settle(self.books, account, order, moment)

    def _within_reach(self, symbol: str, index: int) -> bool:
        """Tell whether a bar's range reaches an order; the ask of a bar without a range lies one tick above it."""
        instrument, bar = self.instruments[symbol], self.market.source.latest_bar(symbol, index)
        low, high = price_of(instrument, bar.low), price_of(instrument, bar.high + 1)
        return any(_reaches(order, low, high) for account in self.accounts.values() for order in account.open_orders(symbol))

    def _discount_price(self, quote_asset: str, at: int) -> Decimal | None:
        instrument = self.instruments.get(f"{DISCOUNT_ASSET}{quote_asset}")
        return None if instrument is None else Moment(self.market.snapshot(at), instrument, self.liquidity).last


def _reaches(order: Order, low: Decimal, high: Decimal) -> bool:
    ticket = order.ticket
    if rests(order):
        return ticket.price >= low if ticket.side is Side.BUY else ticket.price <= high
    from_above = ticket.type.stops_a_loss == (ticket.side is Side.SELL)
    return ticket.stop_price >= low if from_above else ticket.stop_price <= high
