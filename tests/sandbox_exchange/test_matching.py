"""How orders fill as the market moves, and what holds whatever is done: money, holds and quantities add up."""

import secrets
from collections import Counter
from contextlib import suppress
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.exchange.accounts import Account, AccountRefused, Terms
from sandbox.exchange.amounts import ZERO
from sandbox.exchange.engine import Engine
from sandbox.exchange.errors import ApiRefusal
from sandbox.exchange.liquidity import Part
from sandbox.exchange.list_placing import place_pair, place_sequence
from sandbox.exchange.orders import Order, OrderType, Side, Status, Ticket, TimeInForce
from sandbox.exchange.user_events import BalancesChanged, Report, UserEvent
from tests.sandbox_exchange.stand import HandClock, running

SYMBOL = "BTCUSDT"
START = {"USDT": Decimal(200_000), "BTC": Decimal(3), "BNB": Decimal(2)}
_CENT = Decimal("0.01")


class Desk:
    """An engine with one account, the clock that moves it, and all that was told."""

    def __init__(self, terms: Terms | None = None) -> None:
        self.clock = HandClock()
        self.clock.forward(5)
        self.events: list[UserEvent] = []
        self.engine = Engine(running(600, clock=self.clock), lambda account, event: self.events.append(event))
        self.account = self.engine.open_account(
            name="ann", key=secrets.token_hex(32), secret=secrets.token_hex(32), balances=START, terms=terms
        )

    @property
    def price(self) -> Decimal:
        return self.engine.moment(SYMBOL).last

    def at(self, share: str | Decimal) -> Decimal:
        return (self.price * Decimal(share)).quantize(_CENT)

    def ticket(self, side: str, kind: str, quantity: str | Decimal, **more: object) -> Ticket:
        return replace(
            Ticket(symbol=SYMBOL, side=Side(side), type=OrderType(kind), client_id="", quantity=Decimal(quantity)),
            **more,
        )

    def place(self, side: str, kind: str, quantity: str | Decimal, **more: object) -> Order:
        return self.engine.place(self.account, self.ticket(side, kind, quantity, **more)).order

    def now(self, order: Order) -> Order:
        return self.account.orders[order.id]

    def play(self, seconds: int) -> None:
        for _ in range(seconds):
            self.clock.forward(1)
            self.engine.advance()


def test_a_resting_order_fills_at_its_price_when_the_market_reaches_it() -> None:
    desk = Desk()
    course = desk.engine.market.snapshot().position(SYMBOL).course
    low = Decimal(min(course.prices[6:])) / 100
    reached = desk.place("BUY", "LIMIT", "0.01", price=low + _CENT)
    beyond = desk.place("BUY", "LIMIT", "0.01", price=low - 200)
    desk.play(54)

    assert (desk.now(reached).status, desk.now(beyond).status) == (Status.FILLED, Status.NEW)
    trade = desk.account.executions[-1]
    assert (trade.price, trade.maker, trade.commission_asset) == (low + _CENT, True, "BTC")


def test_how_often_the_clock_is_looked_at_changes_nothing() -> None:
    often, once = Desk(), Desk()
    for desk in (often, once):
        for share in ("0.999", "0.998", "0.997"):
            desk.place("BUY", "LIMIT", "0.1", price=desk.at(share))
            desk.place("SELL", "STOP_LOSS", "0.2", stop_price=desk.at(share))
        desk.place("SELL", "LIMIT", "0.5", price=desk.at("1.003"))
    often.play(600)
    once.clock.forward(600)
    once.engine.advance()

    assert often.account.executions == once.account.executions != []
    assert often.account.balances == once.account.balances


def test_a_stop_becomes_a_market_order_when_its_price_has_traded() -> None:
    desk = Desk()
    course = desk.engine.market.snapshot().position(SYMBOL).course
    stop = Decimal(min(course.prices[6:])) / 100
    order = desk.place("SELL", "STOP_LOSS", "0.5", stop_price=stop)
    desk.play(54)

    kinds = [event.kind.value for event in desk.events if isinstance(event, Report) and event.order.id == order.id]
    assert desk.now(order).status is Status.FILLED and not desk.account.executions[-1].maker
    assert kinds[:3] == ["NEW", "NEW", "TRADE"]


def test_a_market_order_walks_the_book_and_the_next_finds_less() -> None:
    desk = Desk()
    best = desk.engine.moment(SYMBOL).offers(Side.SELL)[0]
    desk.engine.books.transfer(desk.account, "BTC", Decimal(500), 0)
    first = desk.place("SELL", "MARKET", best.quantity + Decimal("0.5"))
    second = desk.place("SELL", "MARKET", "0.1")

    prices = [trade.price for trade in desk.account.executions if trade.order_id == first.id]
    assert prices[0] == best.price > prices[1]
    assert desk.account.executions[-1].order_id == second.id and desk.account.executions[-1].price == prices[1]


def test_money_buys_as_much_as_it_can() -> None:
    desk = Desk()
    order = desk.place("BUY", "MARKET", ZERO, quote_quantity=Decimal(1_000))

    assert order.status is Status.FILLED
    assert Decimal(1_000) - desk.price * Decimal("0.00002") < order.quote <= 1_000


@pytest.mark.parametrize(("kind", "left"), [("IOC", Status.EXPIRED), ("FOK", Status.EXPIRED), ("GTC", Status.PARTIALLY_FILLED)])
def test_what_the_book_cannot_give(kind: str, left: Status) -> None:
    desk = Desk()
    desk.engine.liquidity.most[SYMBOL] = Decimal("0.1")
    order = desk.place("BUY", "LIMIT", "0.3", price=desk.at("1.01"), time_in_force=TimeInForce(kind))

    assert order.status is left
    assert order.executed == (0 if kind == "FOK" else Decimal("0.1"))


def test_commissions_are_taken_from_what_is_received_or_from_bnb() -> None:
    plain, discounted = Desk(), Desk(Terms(discounted=True))
    for desk in (plain, discounted):
        desk.place("BUY", "MARKET", "0.1")
        desk.place("SELL", "MARKET", "0.1")
    bnb = discounted.engine.moment("BNBUSDT").last

    assert [(each.commission_asset, each.commission) for each in plain.account.executions] == [
        ("BTC", Decimal("0.0001")),
        ("USDT", plain.account.executions[1].quote * Decimal("0.001")),
    ]
    fee = discounted.account.executions[0]
    assert fee.commission_asset == "BNB" and abs(fee.commission * bnb - fee.quote * Decimal("0.00075")) < Decimal("0.00001")
    assert discounted.account.balance("BTC").free == 3


def test_more_than_is_free_is_refused_and_changes_nothing() -> None:
    desk = Desk()
    desk.place("SELL", "LIMIT", "2.9", price=desk.at("1.1"))
    told = len(desk.events)
    with pytest.raises(ApiRefusal, match="insufficient balance"):
        desk.place("SELL", "STOP_LOSS", "0.2", stop_price=desk.at("0.9"))
    with pytest.raises(AccountRefused):
        desk.engine.books.transfer(desk.account, "BTC", Decimal("-0.2"), 0)

    assert len(desk.account.orders) == 1 and len(desk.events) == told


def needs(account: Account) -> Counter[str]:
    """Add up what the open orders need of each asset, once for both orders of a pair."""
    groups: dict[tuple[str, int], tuple[str, Decimal]] = {}
    for order in account.orders.values():
        asset = "BTC" if order.ticket.side is Side.SELL else "USDT"
        before = groups.get(order.hold, (asset, ZERO))[1]
        groups[order.hold] = (asset, max(before, order.need))
    total: Counter[str] = Counter()
    for asset, amount in groups.values():
        total[asset] += amount  # type: ignore[assignment]
    return total


def check_books(desk: Desk) -> None:
    """Assert what holds at any moment."""
    account = desk.account
    expected = dict(START)
    for trade in account.executions:
        sign = 1 if trade.buyer else -1
        expected["BTC"] += sign * trade.quantity
        expected["USDT"] -= sign * trade.quote
        expected[trade.commission_asset] -= trade.commission
    for asset, amount in expected.items():
        held = account.balance(asset)
        assert held.free >= 0 and held.locked >= 0
        assert held.free + held.locked == amount
        assert held.locked == needs(account)[asset]
    for order in account.orders.values():
        traded = sum((each.quantity for each in account.executions if each.order_id == order.id), ZERO)
        assert traded == order.executed <= order.quantity
        assert (order.status is Status.FILLED) == (order.executed == order.quantity)
        assert (order.id in account.open_ids) == order.open
    for order_list in account.lists.values():
        legs = [account.orders[number] for number in order_list.order_ids if account.orders[number].pair is not None]
        traded_legs = [leg for leg in legs if leg.executed]
        assert len(traded_legs) <= 1
        assert not traded_legs or not any(leg.open for leg in legs if leg is not traded_legs[0])
    told = {asset: held for event in desk.events if isinstance(event, BalancesChanged) for asset, held in event.balances}
    assert all(account.balance(asset) == held for asset, held in told.items())
    reports = {event.order.id: event.order for event in desk.events if isinstance(event, Report)}
    assert reports == account.orders


_SHARES = st.sampled_from([Decimal(1) + Decimal(number) / 1000 for number in range(-12, 13)])
_QUANTITIES = st.integers(1, 400_000).map(lambda units: Decimal(units) / 100_000)
_SIDES = st.sampled_from(list(Side))
_PLACE = st.tuples(
    st.just("place"),
    _SIDES,
    st.sampled_from(list(OrderType)),
    st.sampled_from(list(TimeInForce)),
    _QUANTITIES,
    _SHARES,
    _SHARES,
)
_LIST = st.tuples(st.sampled_from(["pair", "sequence"]), _SIDES, _QUANTITIES, _SHARES, _SHARES, _SHARES)
_OTHER = st.one_of(
    st.tuples(st.just("cancel"), st.integers(0, 30)),
    st.tuples(st.just("play"), st.integers(1, 90)),
    st.tuples(st.just("thin"), st.sampled_from([None, Decimal("0.005"), Decimal("0.2")])),
    st.tuples(st.just("fill"), st.integers(0, 30), _QUANTITIES),
)


def act(desk: Desk, action: tuple[object, ...]) -> None:
    """Do one thing; the exchange may refuse it."""
    engine, account = desk.engine, desk.account
    match action:
        case ("place", side, kind, time_in_force, quantity, share, stop):
            ticket = desk.ticket(side, kind, quantity, time_in_force=time_in_force)
            if not kind.takes_at_market:
                ticket = replace(ticket, price=desk.at(share))
            if kind.waits_for_a_price:
                ticket = replace(ticket, stop_price=desk.at(stop))
            engine.place(account, ticket)
        case ("pair", side, quantity, gain, loss, _):
            limit = desk.ticket(side, "LIMIT_MAKER", quantity, price=desk.at(gain))
            stop = desk.ticket(side, "STOP_LOSS", quantity, stop_price=desk.at(loss))
            place_pair(engine, account, limit, stop, "")
        case ("sequence", side, quantity, entry, gain, loss):
            other = Side.SELL if side is Side.BUY else Side.BUY
            working = desk.ticket(side, "LIMIT", quantity, price=desk.at(entry))
            limit = desk.ticket(other, "LIMIT_MAKER", quantity, price=desk.at(gain))
            stop = desk.ticket(other, "STOP_LOSS", quantity, stop_price=desk.at(loss))
            place_sequence(engine, account, working, [stop, limit], "")
        case ("cancel", number) if number in account.orders:
            engine.cancel(account, account.orders[number])
        case ("fill", number, quantity) if number in account.orders:
            order = account.orders[number]
            if order.open and order.status is not Status.PENDING_NEW:
                price = order.ticket.price or order.ticket.stop_price
                engine.fill_by_hand(account, order, Part(price=price, quantity=min(quantity, order.remaining)))
        case ("play", seconds):
            desk.clock.forward(seconds)
            engine.advance()
        case ("thin", None):
            engine.liquidity.most.pop(SYMBOL, None)
        case ("thin", most):
            engine.liquidity.most[SYMBOL] = most


@given(actions=st.lists(st.one_of(_PLACE, _LIST, _OTHER), max_size=25), discounted=st.booleans())
@settings(max_examples=60, deadline=None)
def test_whatever_is_done_the_books_add_up(actions: list[tuple[object, ...]], discounted: bool) -> None:
    desk = Desk(Terms(discounted=discounted))
    for action in actions:
        with suppress(ApiRefusal):
            act(desk, action)
        check_books(desk)
