"""Whatever is ordered and however the market moves: money is conserved and nothing executes beyond what it may."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from config.groups import PaperSettings
from services.domain.errors import VenueRejected
from services.domain.market import Quote
from services.domain.orders import OrderRequest, OrderSide, OrderType, TimeInForce
from services.domain.states import OrderState
from services.venues.paper.acceptance import Acceptance
from services.venues.paper.book import Book, Draft, PaperAccount, PaperFill, PaperOrder
from services.venues.paper.ledger import measure_funds
from services.venues.paper.liquidity import Liquidity
from services.venues.paper.matching import Matcher
from tests.venues.conformance import ACCOUNT
from tests.venues.hands import BTC, GRIDS, START, exits, order, quote

D = Decimal
SETTINGS = PaperSettings(latency_ms=0, borrow_bps_per_day=Decimal(500))
START_CASH = SETTINGS.start_balance


@dataclass
class Ledger:
    """The book without a store: what is worked out is taken over at once, and every order and fill is remembered."""

    now: Any = START
    book: Book = field(default_factory=Book)
    quote: Quote = field(default_factory=lambda: quote("99.99", "100.00", START))
    orders: dict[str, PaperOrder] = field(default_factory=dict)
    fills: list[PaperFill] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.book.accounts[ACCOUNT] = PaperAccount(name=ACCOUNT, currency="USDT", cash=START_CASH)

    def accept(self, requests: list[OrderRequest], *, linked: bool, cancels: list[str] | None = None) -> bool:
        draft = Draft(self.book)
        acceptance = Acceptance(
            draft=draft,
            account=ACCOUNT,
            known=self.orders,
            instruments=GRIDS.get,
            fresh=lambda _symbol: self.quote,
            settings=SETTINGS,
            now=self.now,
        )
        try:
            if cancels is not None:
                acceptance.replace_list(cancels, requests)
            elif linked:
                acceptance.place_list(requests)
            else:
                acceptance.place(requests[0])
        except VenueRejected:
            return False
        self._take_over(draft)
        return True

    def show(self, bid: Decimal, spread: int, size: Decimal, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)
        self.quote = quote(bid, bid + spread * BTC.tick, self.now, size=size)
        draft = Draft(self.book)
        Matcher(
            draft=draft,
            liquidity=Liquidity(self.quote, BTC),
            settings=SETTINGS,
            fresh=lambda _symbol: self.quote,
            now=self.now,
        ).match()
        self._take_over(draft)

    def _take_over(self, draft: Draft) -> None:
        self.book.merge(draft)
        self.orders.update({each.request.client_id: each for each in draft.orders.values()})
        self.fills.extend(draft.fills)

    @property
    def position(self) -> Decimal:
        held = self.book.positions.get(ACCOUNT, {}).get(BTC.symbol)
        return held.quantity if held else D(0)


class Trader:
    """Trade at random around the market, in whole ticks and steps: mostly sensible, sometimes not."""

    def __init__(self, ledger: Ledger, seed: int) -> None:
        self.ledger = ledger
        self.random = Random(seed)
        self.serial = 0

    def steps(self, count: int, *, reduce_only: bool = False) -> Iterator[None]:
        """Take steps; each is checked before the next."""
        for _ in range(count):
            kind = self.random.choices(["show", "order", "list", "replace"], [6, 2, 1, 1])[0]
            if kind == "show":
                self.show()
            elif kind == "order":
                self.order(reduce_only=reduce_only or self.random.random() < 0.3)
            else:
                self.list(replace=kind == "replace")
            check(self.ledger)
            yield

    def show(self) -> None:
        jump = self.random.choice([0.001, 0.01, 0.02, 0.08])
        bid = self.price(self.random.gauss(0, jump))
        size = self.quantity(40) if self.random.random() < 0.9 else D(0)
        self.ledger.show(bid, self.random.randint(0, 30), size, self.random.choice([1, 1, 3_600]))

    def order(self, *, reduce_only: bool) -> None:
        price = self.price(self.random.gauss(0, 0.01)) if self.random.random() < 0.5 else None
        request = order(
            self.client_ids(),
            self.random.choice(["buy", "sell"]),
            str(self.quantity(self.random.choice([5, 30, 100]))),
            price=price,
            time_in_force=self.random.choice(list(TimeInForce)),
            reduce_only=reduce_only,
        )
        self.ledger.accept([request], linked=False)

    def list(self, *, replace: bool) -> None:
        sign = -1 if self.ledger.position > 0 else 1
        held = abs(self.ledger.position) or D(1)
        stop = (str(held if self.random.random() < 0.8 else self.quantity(30)), str(self.price(0.02 * sign)))
        shares = self.random.choice([["1"], ["0.5", "0.5"], ["0.2", "0.333"], ["0.7", "0.7"], []])
        rows = [
            (str((held * D(share)).quantize(BTC.step)), str(self.price(-0.01 * sign * (index + 1))))
            for index, share in enumerate(shares)
        ]
        requests = exits(self.client_ids()[:-2], "buy" if sign > 0 else "sell", stop, *rows)
        working = [o.request.client_id for o in self.ledger.book.live.values() if o.list_id is not None]
        self.ledger.accept(requests, linked=True, cancels=working if replace else None)

    def client_ids(self) -> str:
        self.serial += 1
        return f"c{self.serial}x00"

    def quantity(self, most: int) -> Decimal:
        return D(str(round(self.random.uniform(0.001, most), 3)))

    def price(self, move: float) -> Decimal:
        """Return a price that far from the market; the market itself is drawn back to where it began."""
        now = float(self.ledger.quote.bid)
        return max(BTC.tick, D(str(round(now * (1 + move) + (100 - now) * 0.05, 2))))


def check(ledger: Ledger) -> None:
    """Check what always holds, from fills and orders alone."""
    bought = sum((fill.quantity for fill in ledger.fills if fill.side is OrderSide.BUY), D(0))
    sold = sum((fill.quantity for fill in ledger.fills if fill.side is OrderSide.SELL), D(0))
    assert ledger.position == bought - sold

    paid = sum((fill.quantity * fill.price * fill.side.sign + fill.fee for fill in ledger.fills), D(0))
    funds = measure_funds(Draft(ledger.book), ACCOUNT, lambda _symbol: ledger.quote, SETTINGS, ledger.now)
    held = ledger.book.positions.get(ACCOUNT, {}).get(BTC.symbol)
    unpaid = START_CASH - paid + ledger.position * ledger.quote.mid - funds.equity
    assert unpaid >= 0 if held is not None and held.quantity < 0 else unpaid == 0

    for each in ledger.orders.values():
        filled = [fill for fill in ledger.fills if fill.client_id == each.request.client_id]
        assert each.filled == sum((fill.quantity for fill in filled), D(0))
        assert each.filled <= each.quantity
        assert (each.state is OrderState.FILLED) == (each.filled == each.quantity)
        if each.request.price is not None:
            assert all((fill.price - each.request.price) * fill.side.sign <= 0 for fill in filled)
        if each.request.type is not OrderType.LIMIT and each.request.time_in_force is TimeInForce.IOC:
            assert not each.live or not filled
    check_lists(ledger)
    for live in ledger.book.live.values():
        assert not live.request.reduce_only or live.request.side.sign * ledger.position < 0
    assert [fill.sequence for fill in ledger.fills] == list(range(1, len(ledger.fills) + 1))


def check_lists(ledger: Ledger) -> None:
    lists: dict[str, list[PaperOrder]] = {}
    for each in ledger.orders.values():
        if each.list_id is not None:
            lists.setdefault(each.list_id, []).append(each)
    for linked in lists.values():
        stop = next(each for each in linked if each.request.type is OrderType.STOP)
        targets = [each for each in linked if each is not stop]
        assert sum(each.filled for each in linked) <= stop.request.quantity
        if stop.triggered:
            assert not any(target.live for target in targets)
        elif stop.live:
            assert stop.remaining == stop.request.quantity - sum(target.filled for target in targets)


@given(st.integers(0, 2**32))
@settings(max_examples=60, deadline=None)
def test_money_and_quantities_are_conserved_at_every_step(seed: int) -> None:
    for _ in Trader(Ledger(), seed).steps(80):
        pass


@given(st.integers(0, 2**32), st.sampled_from(["buy", "sell"]))
@settings(max_examples=60, deadline=None)
def test_reduce_only_orders_never_turn_a_position(seed: int, side: str) -> None:
    ledger = Ledger()
    ledger.accept([order("open00", side, "20")], linked=False)
    ledger.show(D(100), 1, D(50), 1)
    opened = ledger.position

    for _ in Trader(ledger, seed).steps(80, reduce_only=True):
        assert 0 <= ledger.position / opened <= 1


def test_random_trading_reaches_what_the_properties_are_about() -> None:
    reached: Counter[str] = Counter()
    for seed in range(40):
        ledger = Ledger()
        for _ in Trader(ledger, seed).steps(80):
            reached["short"] += ledger.position < 0
        orders = ledger.orders.values()
        reached["fills"] += len(ledger.fills)
        reached["triggered"] += sum(each.triggered for each in orders)
        reached["taken off"] += sum(each.taken_off > 0 for each in orders)
        reached.update(each.reason for each in orders if each.reason)

    assert reached["fills"] > 500
    assert min(reached[name] for name in ("short", "triggered", "taken off", "REPLACED", "STOP_TRIGGERED")) > 10
    assert min(reached[name] for name in ("TARGETS_DONE", "NOTHING_TO_REDUCE", "LIQUIDITY")) > 3
