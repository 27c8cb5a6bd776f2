"""Write what happens to orders into an account's books, and tell its owner: every change of an order goes through here."""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

from sandbox.exchange.accounts import DISCOUNT, DISCOUNT_ASSET, Account
from sandbox.exchange.amounts import floored
from sandbox.exchange.instruments import Instrument
from sandbox.exchange.liquidity import Part
from sandbox.exchange.orders import NO_LIST, Execution, ListStatus, Order, OrderList, Side, Status, Ticket
from sandbox.exchange.user_events import BalancesChanged, ListChanged, Publish, Report, ReportKind, Transferred

_ID_LETTERS = 22


@dataclass(slots=True, kw_only=True)
class Counters:
    """The last numbers given out."""

    order: int = 0
    execution: int = 0
    order_list: int = 0
    account: int = 0


class Books:
    """Keep the books of all accounts.

    `discount_price` gives the price of BNB in a quote asset at a time, None where the market has none.
    """

    def __init__(
        self,
        *,
        instruments: Mapping[str, Instrument],
        publish: Publish,
        discount_price: Callable[[str, int], Decimal | None],
    ) -> None:
        self.instruments = instruments
        self.counters = Counters()
        self._publish = publish
        self._discount_price = discount_price

    def enter(
        self,
        account: Account,
        ticket: Ticket,
        quantity: Decimal,
        at: int,
        *,
        list_id: int = NO_LIST,
        pair: int | None = None,
        pending: bool = False,
    ) -> Order:
        """Accept an order into the books; one that waits for its stop or for another order is not yet working."""
        self.counters.order += 1
        number = self.counters.order
        working = not pending and not ticket.type.waits_for_a_price
        order = Order(
            id=number,
            ticket=replace(ticket, client_id=ticket.client_id or made_up_id(f"order {number}")),
            quantity=quantity,
            status=Status.PENDING_NEW if pending else Status.NEW,
            created_at=at,
            updated_at=at,
            working_at=at if working else None,
            list_id=list_id,
            pair=pair,
        )
        self._write(account, order, at)
        self._publish(account, Report(kind=ReportKind.NEW, order=order, at=at))
        return order

    def begin(self, account: Account, order: Order, at: int) -> Order:
        """Bring a pending order to life, as when the order before it has filled."""
        working_at = None if order.ticket.type.waits_for_a_price else at
        return self._reported(account, replace(order, status=Status.NEW, working_at=working_at, updated_at=at), at)

    def start_working(self, account: Account, order: Order, at: int) -> Order:
        """Put an order into the book whose price has come; its twin's chance is over."""
        self._expire_twin(account, order, at)
        return self._reported(account, replace(order, working_at=at, updated_at=at), at)

    def fill(self, account: Account, order: Order, part: Part, at: int, *, maker: bool) -> Order:
        """Trade a part of an order: pay, receive, charge, and expire its twin."""
        self._expire_twin(account, order, at)
        account.release(order)
        order = replace(order, updated_at=at)
        quote = floored(part.price * part.quantity)
        paid, received, asset = self._exchange(account, order, part.quantity, quote)
        fee_asset, fee = self._charge(account, asset, received, quote, order, maker=maker)
        executed = order.executed + part.quantity
        order = replace(
            order,
            executed=executed,
            quote=order.quote + quote,
            status=Status.FILLED if executed == order.quantity else Status.PARTIALLY_FILLED,
        )
        self._write(account, order, at)
        execution = self._execution(order, part, quote, fee_asset, fee, at, maker=maker)
        account.executions.append(execution)
        self._publish(account, Report(kind=ReportKind.TRADE, order=order, at=at, execution=execution))
        self.tell_balances(account, {paid, asset, fee_asset}, at)
        return order

    def end(self, account: Account, order: Order, status: Status, at: int, *, cancel_id: str | None = None) -> Order:
        """Take an order out of the book, cancelled or expired, and free what it held."""
        order = replace(order, status=status, updated_at=at)
        self._write(account, order, at)
        kind = ReportKind.CANCELED if status is Status.CANCELED else ReportKind.EXPIRED
        self._publish(account, Report(kind=kind, order=order, at=at, cancel_id=cancel_id))
        self.tell_balances(account, {self.held_asset(order)}, at)
        return order

    def save_list(self, account: Account, order_list: OrderList, at: int) -> OrderList:
        """Write an order list into the books and tell its owner."""
        account.lists[order_list.id] = order_list
        orders = tuple(account.orders[number] for number in order_list.order_ids)
        self._publish(account, ListChanged(order_list=order_list, orders=orders, at=at))
        return order_list

    def close_list(self, account: Account, list_id: int, at: int) -> None:
        """End an order list once none of its orders is open."""
        order_list = account.lists[list_id]
        done = not any(account.orders[number].open for number in order_list.order_ids)
        if done and order_list.status is not ListStatus.ALL_DONE:
            self.save_list(account, replace(order_list, status=ListStatus.ALL_DONE), at)

    def transfer(self, account: Account, asset: str, delta: Decimal, at: int) -> None:
        """Pay in, or out with a negative amount; raises AccountRefused for more than is free."""
        account.credit(asset, delta)
        account.updated_at = at
        self._publish(account, Transferred(asset=asset, delta=delta, at=at))
        self.tell_balances(account, {asset}, at)

    def tell_balances(self, account: Account, assets: Iterable[str], at: int) -> None:
        """Tell the owner what the balances of some assets are."""
        balances = tuple((asset, account.balance(asset)) for asset in sorted(assets))
        self._publish(account, BalancesChanged(balances=balances, at=at))

    def held_asset(self, order: Order) -> str:
        """Name the asset that an order is paid with."""
        instrument = self.instruments[order.ticket.symbol]
        return instrument.traded_asset if order.ticket.side is Side.SELL else instrument.quote_asset

    def _reported(self, account: Account, order: Order, at: int) -> Order:
        self._write(account, order, at)
        self._publish(account, Report(kind=ReportKind.NEW, order=order, at=at))
        return order

    def _write(self, account: Account, order: Order, at: int) -> None:
        account.keep(order, self.held_asset(order))
        account.updated_at = at

    def _expire_twin(self, account: Account, order: Order, at: int) -> None:
        if order.pair is None:
            return
        for number in account.lists[order.pair].order_ids:
            twin = account.orders[number]
            if twin.id != order.id and twin.pair == order.pair and twin.open:
                self.end(account, twin, Status.EXPIRED, at)

    def _exchange(self, account: Account, order: Order, quantity: Decimal, quote: Decimal) -> tuple[str, Decimal, str]:
        """Swap the amounts; give the paid asset, the amount received and its asset."""
        instrument = self.instruments[order.ticket.symbol]
        traded, money = (instrument.traded_asset, quantity), (instrument.quote_asset, quote)
        (paid, out), (asset, received) = (money, traded) if order.ticket.side is Side.BUY else (traded, money)
        account.credit(paid, -out)
        account.credit(asset, received)
        return paid, received, asset

    def _charge(
        self, account: Account, asset: str, received: Decimal, quote: Decimal, order: Order, *, maker: bool
    ) -> tuple[str, Decimal]:
        """Take the commission from what was received, or from BNB where the account has it so and enough of it."""
        rate = account.terms.maker if maker else account.terms.taker
        if account.terms.discounted:
            price = self._discount_price(self.instruments[order.ticket.symbol].quote_asset, order.updated_at)
            fee = None if price is None else floored(quote * rate * DISCOUNT / price)
            if fee is not None and account.balance(DISCOUNT_ASSET).free >= fee:
                account.credit(DISCOUNT_ASSET, -fee)
                return DISCOUNT_ASSET, fee
        fee = floored(received * rate)
        account.credit(asset, -fee)
        return asset, fee

    def _execution(
        self, order: Order, part: Part, quote: Decimal, fee_asset: str, fee: Decimal, at: int, *, maker: bool
    ) -> Execution:
        self.counters.execution += 1
        return Execution(
            id=self.counters.execution,
            order_id=order.id,
            list_id=order.list_id,
            symbol=order.ticket.symbol,
            price=part.price,
            quantity=part.quantity,
            quote=quote,
            commission=fee,
            commission_asset=fee_asset,
            at=at,
            buyer=order.ticket.side is Side.BUY,
            maker=maker,
        )


def made_up_id(name: str) -> str:
    """Make up a client id for a request that brought none, the same one for the same name."""
    return hashlib.sha256(name.encode()).hexdigest()[:_ID_LETTERS]
