"""An account: its key, its terms, and the books of its balances, orders and trades."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from decimal import Decimal

from sandbox.exchange.amounts import ZERO
from sandbox.exchange.errors import MarketError
from sandbox.exchange.orders import Balance, Execution, Order, OrderList

DISCOUNT_ASSET = "BNB"
DISCOUNT = Decimal("0.75")


class AccountRefused(MarketError):
    """Ask for another account or amount; the message names what is wrong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What trading costs and what the key may do.

    Rates are shares of the traded amount. `discounted` pays commissions in BNB at three quarters, as long as there is
    enough of it.
    """

    maker: Decimal = Decimal("0.001")
    taker: Decimal = Decimal("0.001")
    discounted: bool = False
    can_trade: bool = True
    revoked: bool = False


@dataclass(slots=True, kw_only=True)
class Account:
    """The books of one account. Values in it are replaced, never changed, so a copy of the books is a past moment.

    Hidden orders and executions are missing from what the owner reads; they are there all the same.
    """

    name: str
    number: int
    key: str
    secret: str = field(repr=False)
    terms: Terms = field(default_factory=Terms)
    balances: dict[str, Balance] = field(default_factory=dict)
    orders: dict[int, Order] = field(default_factory=dict)
    lists: dict[int, OrderList] = field(default_factory=dict)
    executions: list[Execution] = field(default_factory=list)
    open_ids: dict[int, None] = field(default_factory=dict)
    by_client: dict[tuple[str, str], int] = field(default_factory=dict)
    holds: dict[tuple[str, int], tuple[str, Decimal]] = field(default_factory=dict)
    hidden_orders: set[int] = field(default_factory=set)
    hidden_executions: set[int] = field(default_factory=set)
    updated_at: int = 0

    def copy(self) -> "Account":
        """Give the books as they are now, which what happens later leaves alone."""
        return replace(
            self,
            balances=dict(self.balances),
            orders=dict(self.orders),
            lists=dict(self.lists),
            executions=list(self.executions),
            open_ids=dict(self.open_ids),
            by_client=dict(self.by_client),
            holds=dict(self.holds),
        )

    def balance(self, asset: str) -> Balance:
        """Give the balance of an asset, nothing where it was never held."""
        return self.balances.get(asset, Balance())

    def credit(self, asset: str, amount: Decimal) -> None:
        """Add to what is free, or take from it with a negative amount; the books never go below zero."""
        held = self.balance(asset)
        if held.free + amount < 0:
            raise AccountRefused(f"{self.name} has {held.free} {asset} free, {-amount} were to be taken")
        self.balances[asset] = replace(held, free=held.free + amount)

    def open_orders(self, symbol: str | None = None) -> list[Order]:
        """List the open orders, oldest first."""
        found = (self.orders[number] for number in self.open_ids)
        return [order for order in found if symbol in (None, order.ticket.symbol)]

    def keep(self, order: Order, asset: str) -> Order:
        """Write an order into the books and hold what it, or the pair it belongs to, needs of an asset."""
        if order.id not in self.orders:
            self.by_client[order.ticket.symbol, order.ticket.client_id] = order.id
        self.orders[order.id] = order
        if order.open:
            self.open_ids[order.id] = None
        else:
            self.open_ids.pop(order.id, None)
        self._hold(order, asset)
        return order

    def release(self, order: Order) -> None:
        """Free what an order holds, for the moment in which it is paid from."""
        self._set_hold(order.hold, None, ZERO)

    def by_client_id(self, symbol: str, client_id: str) -> Order | None:
        """Find the newest order with a client id."""
        number = self.by_client.get((symbol, client_id))
        return None if number is None else self.orders[number]

    def has_open(self, symbol: str, client_id: str) -> bool:
        """Tell whether a client id is taken by an open order."""
        newest = self.by_client_id(symbol, client_id)
        return newest is not None and newest.open

    def _hold(self, order: Order, asset: str) -> None:
        sharing: Iterable[Order] = [order]
        if order.pair is not None:
            sharing = (self.orders[number] for number in self.lists[order.pair].order_ids if number in self.orders)
        needs = [each.need for each in sharing if each.hold == order.hold]
        self._set_hold(order.hold, asset, max(needs))

    def _set_hold(self, hold: tuple[str, int], asset: str | None, amount: Decimal) -> None:
        before = self.holds.pop(hold, None)
        if before is not None:
            held = self.balances[before[0]]
            self.balances[before[0]] = replace(held, free=held.free + before[1], locked=held.locked - before[1])
        if asset is not None and amount:
            held = self.balance(asset)
            self.balances[asset] = replace(held, free=held.free - amount, locked=held.locked + amount)
            self.holds[hold] = (asset, amount)
