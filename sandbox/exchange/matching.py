"""Match orders with the market: an order that arrives takes from the book, an order that rests waits for it."""

from decimal import Decimal

from sandbox.exchange.accounts import Account
from sandbox.exchange.amounts import ZERO
from sandbox.exchange.books import Books
from sandbox.exchange.liquidity import Moment, Part, total, walk
from sandbox.exchange.orders import Order, OrderType, Side, Status, Ticket, TimeInForce


def crosses(ticket: Ticket, moment: Moment) -> bool:
    """Tell whether a limit order would trade at once."""
    best = moment.best(ticket.side)
    if best is None:
        return False
    return ticket.price >= best if ticket.side is Side.BUY else ticket.price <= best


def triggered(ticket: Ticket, moment: Moment) -> bool:
    """Tell whether the last price has reached a stop."""
    from_above = ticket.type.stops_a_loss == (ticket.side is Side.SELL)
    return moment.last <= ticket.stop_price if from_above else moment.last >= ticket.stop_price


def market_parts(ticket: Ticket, moment: Moment) -> list[Part]:
    """Work out what a market order would trade, by its quantity or by its money."""
    return walk(
        moment.offers(ticket.side),
        ticket.side,
        _step(moment),
        quantity=ticket.quantity or None,
        money=ticket.quote_quantity or None,
    )


def take(books: Books, account: Account, order: Order, moment: Moment) -> Order:
    """Let an order that has begun to work take what the book has for it, and end what must not rest."""
    ticket = order.ticket
    offers = moment.offers(ticket.side)
    limit = None if ticket.type.takes_at_market else ticket.price
    money = _purse(books, account, order) if limit is None and ticket.side is Side.BUY else None
    parts = walk(offers, ticket.side, _step(moment), quantity=order.remaining, money=money, limit=limit)
    if ticket.time_in_force is TimeInForce.FOK and total(parts) < order.remaining:
        parts = []
    for part in parts:
        order = books.fill(account, order, part, moment.at, maker=False)
    moment.take(ticket.side, offers, total(parts))
    if order.open and (limit is None or ticket.time_in_force is not TimeInForce.GTC):
        order = books.end(account, order, Status.EXPIRED, moment.at)
    return order


def meet(books: Books, account: Account, order: Order, moment: Moment) -> Order:
    """Let a resting order have what has come to its price in this step."""
    ticket = order.ticket
    if not moment.comes_to(ticket.side, ticket.price):
        return order
    offers = moment.supply(ticket.side, ticket.price)
    quantity = min(order.remaining, sum((offer.quantity for offer in offers), ZERO))
    if quantity <= 0:
        return order
    moment.take(ticket.side, offers, quantity)
    return books.fill(account, order, Part(price=ticket.price, quantity=quantity), moment.at, maker=True)


def priority(order: Order) -> tuple[Decimal, int]:
    """Sort resting orders: the better price first, then the older order."""
    price = order.ticket.price
    return (-price if order.ticket.side is Side.BUY else price, order.id)


def rests(order: Order) -> bool:
    """Tell whether an order is in the book at a price of its own."""
    return order.working and order.ticket.type is not OrderType.MARKET


def _purse(books: Books, account: Account, order: Order) -> Decimal:
    held = account.holds.get(order.hold, ("", ZERO))[1]
    return account.balance(books.held_asset(order)).free + held


def _step(moment: Moment) -> Decimal:
    return Decimal(moment.instrument.step)
