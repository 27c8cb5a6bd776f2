"""What orders of one list do to each other: a fill brings the waiting orders to life, an end ends the rest."""

from dataclasses import replace

from sandbox.exchange.accounts import Account
from sandbox.exchange.books import Books
from sandbox.exchange.liquidity import Moment
from sandbox.exchange.matching import crosses, take
from sandbox.exchange.orders import NO_LIST, Contingency, ListStatus, Order, OrderType, Status, needed


def settle(books: Books, account: Account, order: Order, moment: Moment) -> None:
    """Draw the consequences of a change of an order for the list that it belongs to."""
    if order.list_id == NO_LIST:
        return
    order_list = account.lists[order.list_id]
    if order_list.contingency is Contingency.OTO and order.id == order_list.order_ids[0]:
        waiting = [account.orders[number] for number in order_list.order_ids[1:]]
        waiting = [each for each in waiting if each.status is Status.PENDING_NEW]
        if waiting and order.status is Status.FILLED:
            books.save_list(account, replace(order_list, status=ListStatus.UPDATED), moment.at)
            _bring_to_life(books, account, waiting, moment)
        elif not order.open:
            for each in waiting:
                books.end(account, each, order.status, moment.at)
    books.close_list(account, order.list_id, moment.at)


def cancel_list(books: Books, account: Account, list_id: int, at: int, cancel_id: str | None = None) -> list[Order]:
    """Cancel every open order of a list; give all its orders."""
    numbers = account.lists[list_id].order_ids
    for number in numbers:
        if account.orders[number].open:
            books.end(account, account.orders[number], Status.CANCELED, at, cancel_id=cancel_id)
    books.close_list(account, list_id, at)
    return [account.orders[number] for number in numbers]


def _bring_to_life(books: Books, account: Account, waiting: list[Order], moment: Moment) -> None:
    """Place pending orders, or expire them where the account cannot pay for them."""
    need = max(needed(order.ticket, order.remaining) for order in waiting)
    if account.balance(books.held_asset(waiting[0])).free < need:
        for order in waiting:
            books.end(account, order, Status.EXPIRED, moment.at)
        return
    for order in waiting:
        books.begin(account, account.orders[order.id], moment.at)
    books.tell_balances(account, {books.held_asset(waiting[0])}, moment.at)
    for order in waiting:
        _work(books, account, account.orders[order.id], moment)


def _work(books: Books, account: Account, order: Order, moment: Moment) -> None:
    """Let an order that waits for no price meet the book; one of a pair may only rest there."""
    if not order.working:
        return
    if order.ticket.type is OrderType.LIMIT_MAKER:
        if crosses(order.ticket, moment):
            books.end(account, order, Status.EXPIRED, moment.at)
        return
    take(books, account, order, moment)
