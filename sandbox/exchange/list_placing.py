"""Place order lists: two orders of which one may fill (OCO), and orders that follow the fill of another (OTO, OTOCO)."""

from collections.abc import Sequence

from sandbox.exchange.accounts import Account
from sandbox.exchange.books import made_up_id
from sandbox.exchange.engine import Engine
from sandbox.exchange.errors import ApiRefusal
from sandbox.exchange.filters import check_filters, check_room
from sandbox.exchange.liquidity import Moment
from sandbox.exchange.lists import settle
from sandbox.exchange.matching import crosses, take, triggered
from sandbox.exchange.orders import Contingency, ListStatus, OrderList, OrderType, Side, Ticket, needed

_ALONE_IN_FRONT = (OrderType.LIMIT, OrderType.LIMIT_MAKER)
_SELL_LIMIT = (-1166, "A limit order in a sell OCO must be above.")
_SELL_STOP = (-1197, "A stop loss order in a sell OCO must be below.")
_SELL_TARGET = (-1199, "A take profit order in a sell OCO must be above.")


def check_pair(above: Ticket, below: Ticket) -> None:
    """Refuse two types that cannot be an OCO of their side: a stop loss on one side, a limit or take profit on the other."""
    for leg in (above, below):
        if leg.type in (OrderType.LIMIT, OrderType.MARKET):
            raise ApiRefusal(-1158, "Order type not supported in OCO.")
    buys = above.side is Side.BUY
    gain, loss = (below, above) if buys else (above, below)
    if OrderType.LIMIT_MAKER is above.type is below.type:
        raise ApiRefusal(-1168, "At least one OCO order must be contingent.")
    if loss.type is OrderType.LIMIT_MAKER:
        where = (-1165, "A limit order in a buy OCO must be below.") if buys else _SELL_LIMIT
        raise ApiRefusal(*where)
    if gain.type.stops_a_loss:
        where = (-1196, "A stop loss order in a buy OCO must be above.") if buys else _SELL_STOP
        raise ApiRefusal(*where)
    if not loss.type.stops_a_loss:
        where = (-1198, "A take profit order in a buy OCO must be below.") if buys else _SELL_TARGET
        raise ApiRefusal(*where)


def place_pair(engine: Engine, account: Account, above: Ticket, below: Ticket, client_id: str) -> OrderList:
    """Place an OCO; both orders share one hold. Raises ApiRefusal with the books untouched."""
    engine.advance()
    moment = engine.moment(above.symbol)
    legs = sorted((below, above), key=lambda leg: not leg.type.stops_a_loss)
    _check_ids(account, legs, client_id)
    for leg in legs:
        _check_leg(moment, leg)
        if _misplaced(leg, moment):
            raise ApiRefusal(-2010, "The relationship of the prices for the orders is not correct.")
    check_room(account, above.symbol, [leg.type for leg in legs])
    engine.check_funds(account, above, max(needed(leg, leg.quantity) for leg in legs))
    order_list = _begin(engine, account, legs, client_id, Contingency.OCO, moment)
    for leg in legs:
        engine.books.enter(account, leg, leg.quantity, moment.at, list_id=order_list.id, pair=order_list.id)
    engine.books.save_list(account, order_list, moment.at)
    engine.books.tell_balances(account, {engine.books.held_asset(account.orders[order_list.order_ids[0]])}, moment.at)
    return order_list


def place_sequence(engine: Engine, account: Account, working: Ticket, pending: Sequence[Ticket], client_id: str) -> OrderList:
    """Place an order and those that begin once it has filled: one, or two that are an OCO. Raises ApiRefusal."""
    engine.advance()
    moment = engine.moment(working.symbol)
    if working.type not in _ALONE_IN_FRONT:
        raise ApiRefusal(-1013, "The working order of an OTO must be LIMIT or LIMIT_MAKER.")
    tickets = [working, *pending]
    _check_ids(account, tickets, client_id)
    engine.check(account, working, moment)
    for ticket in pending:
        _check_leg(moment, ticket)
    check_room(account, working.symbol, [ticket.type for ticket in tickets])
    engine.check_funds(account, working, needed(working, working.quantity))
    order_list = _begin(engine, account, tickets, client_id, Contingency.OTO, moment)
    books = engine.books
    first = books.enter(account, working, working.quantity, moment.at, list_id=order_list.id)
    pair = order_list.id if len(pending) > 1 else None
    for ticket in pending:
        books.enter(account, ticket, ticket.quantity, moment.at, list_id=order_list.id, pair=pair, pending=True)
    books.save_list(account, order_list, moment.at)
    books.tell_balances(account, {books.held_asset(first)}, moment.at)
    settle(books, account, take(books, account, first, moment), moment)
    return account.lists[order_list.id]


def _begin(
    engine: Engine, account: Account, tickets: Sequence[Ticket], client_id: str, contingency: Contingency, moment: Moment
) -> OrderList:
    """Open a list in the books for the orders that are about to be entered, which get the next numbers."""
    counters = engine.books.counters
    counters.order_list += 1
    first = counters.order + 1
    order_list = OrderList(
        id=counters.order_list,
        symbol=tickets[0].symbol,
        contingency=contingency,
        client_id=client_id or made_up_id(f"list {counters.order_list}"),
        order_ids=tuple(range(first, first + len(tickets))),
        status=ListStatus.EXEC_STARTED,
        created_at=moment.at,
    )
    account.lists[order_list.id] = order_list
    return order_list


def _check_ids(account: Account, tickets: Sequence[Ticket], client_id: str) -> None:
    named = [ticket.client_id for ticket in tickets if ticket.client_id]
    running = {each.client_id for each in account.lists.values() if each.status is not ListStatus.ALL_DONE}
    taken = any(account.has_open(tickets[0].symbol, name) for name in named)
    if taken or len(set(named)) < len(named) or client_id in running:
        raise ApiRefusal(-2010, "Duplicate order sent.")


def _check_leg(moment: Moment, ticket: Ticket) -> None:
    if moment.ended:
        raise ApiRefusal(-1013, "Market is closed.")
    check_filters(ticket, moment.instrument, moment.prices())


def _misplaced(leg: Ticket, moment: Moment) -> bool:
    """Tell whether a leg lies on the wrong side of the market."""
    if leg.type.waits_for_a_price:
        return triggered(leg, moment)
    beyond = leg.price <= moment.last if leg.side is Side.SELL else leg.price >= moment.last
    return beyond or crosses(leg, moment)
