"""One quote meets the book: stops first, then market orders, then limits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from config.groups import PaperSettings
from services.domain.errors import Unavailable
from services.domain.money import ZERO, floor_to
from services.domain.orders import OrderSide, OrderType, TimeInForce
from services.domain.states import OrderState
from services.venues.paper.book import Draft, PaperFill, PaperOrder
from services.venues.paper.ledger import FreshQuote, book_quantity, fee_of, measure_funds, with_fee
from services.venues.paper.liquidity import Liquidity

PriceOf = Callable[[Decimal], Decimal]


@dataclass(frozen=True, slots=True, kw_only=True)
class Matcher:
    """Match orders of one instrument against one quote, writing into a draft."""

    draft: Draft
    liquidity: Liquidity
    settings: PaperSettings
    fresh: FreshQuote
    now: datetime

    def match(self) -> None:
        """Give every live order that is due its turn."""
        due = [o for o in self.draft.live_of_symbol(self.liquidity.instrument.symbol) if o.due_at <= self.now]
        for waiting in sorted(due, key=_turn):
            order = self.draft.order(waiting.sequence)
            if not order.live:
                continue
            if order.request.type is OrderType.STOP:
                self._match_stop(order)
            elif order.request.type is OrderType.MARKET or not order.rested:
                self._match_arriving(order)
            else:
                self._match_resting(order)

    def _match_stop(self, order: PaperOrder) -> None:
        if not order.triggered:
            if not self._crossed(order):
                self._rest(order)
                return
            order = self.draft.put(replace(order, triggered=True, rested=True, updated_at=self.now))
            self._cancel_list(order, "STOP_TRIGGERED")
        self._take(order)

    def _crossed(self, order: PaperOrder) -> bool:
        stop = order.request.stop_price
        touch = self.liquidity.touch(order.request.side)
        return stop is not None and (touch <= stop if order.request.side is OrderSide.SELL else touch >= stop)

    def _match_arriving(self, order: PaperOrder) -> None:
        request = order.request
        touch = self.liquidity.touch(request.side)
        if request.time_in_force is TimeInForce.POST and not _beyond(touch, request.price, request.side):
            self.draft.finish(order, OrderState.EXPIRED, "POST_ONLY", self.now)
            return
        if request.time_in_force is TimeInForce.FOK and self._offered(order) < order.remaining:
            self.draft.finish(order, OrderState.EXPIRED, "LIQUIDITY", self.now)
            return
        self._take(order)
        order = self.draft.order(order.sequence)
        if not order.live:
            return
        if order.immediate:
            self.draft.finish(order, OrderState.EXPIRED, "LIQUIDITY", self.now)
        else:
            self._rest(order)

    def _offered(self, order: PaperOrder) -> Decimal:
        """Return how much the quote has for an order within its price."""
        request = order.request
        levels = self.liquidity.levels(request.side)
        return sum((each.available for each in levels if not _beyond(each.price, request.price, request.side)), ZERO)

    def _rest(self, order: PaperOrder) -> None:
        if not order.rested:
            self.draft.put(replace(order, rested=True))

    def _take(self, order: PaperOrder) -> None:
        side, limit = order.request.side, order.request.price

        def price_of(level: Decimal) -> Decimal:
            worse = self.liquidity.slipped(level, side, self.settings.slippage_bps)
            if limit is None:
                return worse
            return min(worse, limit) if side is OrderSide.BUY else max(worse, limit)

        self._execute(order, price_of, self.settings.taker_bps, maker=False)

    def _match_resting(self, order: PaperOrder) -> None:
        limit = order.request.price
        if limit is not None:
            price = Decimal(limit)
            self._execute(order, lambda _level: price, self.settings.maker_bps, maker=True)

    def _execute(self, order: PaperOrder, price_of: PriceOf, fee_bps: Decimal, *, maker: bool) -> None:
        side = order.request.side
        if _beyond(self.liquidity.touch(side), order.request.price, side):
            # Every other level is further off: most resting orders end here, with each quote.
            return
        for level in list(self.liquidity.levels(side)):
            if _beyond(level.price, order.request.price, side):
                return
            price = price_of(level.price)
            wanted = min(order.remaining, level.available)
            quantity = self._executable(order, wanted, price)
            if quantity > 0:
                self.liquidity.take(side, quantity)
                order = self._fill(order, quantity, price, fee_bps, maker=maker)
            if not order.live:
                return
            if quantity < wanted:
                self.draft.finish(order, OrderState.EXPIRED, "INSUFFICIENT_BALANCE", self.now)
                return

    def _executable(self, order: PaperOrder, wanted: Decimal, price: Decimal) -> Decimal:
        """Cap a quantity: a reduce-only order at what is open, any other at what funds and the short rule allow to open."""
        request = order.request
        reducible = self.draft.position(order.account, request.symbol, self.now).reducible(request.side)
        if wanted <= reducible or request.reduce_only:
            return min(wanted, reducible)
        if request.side is OrderSide.SELL and not self.settings.can_short:
            return reducible
        try:
            funds = measure_funds(self.draft, order.account, self.fresh, self.settings, self.now, leaving_out=order)
        except Unavailable:
            return reducible
        # What is closed first gives back at least its own market value.
        released = reducible * self.fresh(request.symbol).mid
        affordable = (funds.free + released) / with_fee(price, self.settings)
        opening = min(wanted - reducible, max(ZERO, floor_to(affordable, self.liquidity.instrument.step)))
        return reducible + opening

    def _fill(self, order: PaperOrder, quantity: Decimal, price: Decimal, fee_bps: Decimal, *, maker: bool) -> PaperOrder:
        request, draft = order.request, self.draft
        account = draft.account(order.account)
        position = draft.position(order.account, request.symbol, self.now)
        booking = book_quantity(position, request.side, quantity, price, self.settings, self.now)
        fee = fee_of(quantity * price, fee_bps) + booking.borrow
        draft.accounts[account.name] = replace(account, cash=account.cash + booking.realized - fee)
        draft.positions[account.name, request.symbol] = booking.position
        draft.fills.append(
            PaperFill(
                sequence=draft.take_fill_number(),
                account=order.account,
                order_sequence=order.sequence,
                client_id=request.client_id,
                symbol=request.symbol,
                side=request.side,
                quantity=quantity,
                price=price,
                fee=fee,
                fee_currency=self.liquidity.instrument.quote,
                at=self.now,
                maker=maker,
            )
        )
        done = quantity == order.remaining
        state = OrderState.FILLED if done else OrderState.PARTIAL
        draft.put(replace(order, filled=order.filled + quantity, state=state, rested=True, updated_at=self.now))
        self._take_off_stop(order, quantity)
        self._cancel_useless(order)
        return draft.order(order.sequence)

    def _take_off_stop(self, target: PaperOrder, quantity: Decimal) -> None:
        if target.list_id is None or target.request.type is OrderType.STOP:
            return
        for other in list(self.draft.live_of_account(target.account)):
            if other.list_id == target.list_id and other.request.type is OrderType.STOP:
                if other.remaining <= quantity:
                    self.draft.finish(other, OrderState.CANCELED, "TARGETS_DONE", self.now)
                else:
                    self.draft.put(replace(other, taken_off=other.taken_off + quantity, updated_at=self.now))

    def _cancel_list(self, stop: PaperOrder, reason: str) -> None:
        for other in list(self.draft.live_of_account(stop.account)):
            if stop.list_id is not None and other.list_id == stop.list_id and other.sequence != stop.sequence:
                self.draft.finish(other, OrderState.CANCELED, reason, self.now)

    def _cancel_useless(self, filled: PaperOrder) -> None:
        position = self.draft.position(filled.account, filled.request.symbol, self.now)
        for other in list(self.draft.live_of_account(filled.account)):
            same = other.request.symbol == position.symbol and other.request.reduce_only
            if same and not position.reducible(other.request.side):
                self.draft.finish(other, OrderState.CANCELED, "NOTHING_TO_REDUCE", self.now)


def _beyond(level: Decimal, limit: Decimal | None, side: OrderSide) -> bool:
    if limit is None:
        return False
    return level > limit if side is OrderSide.BUY else level < limit


def _turn(order: PaperOrder) -> tuple[int, Decimal, int]:
    """Order the turns: stops, market orders, then limits with the best price first; by time among equals."""
    if order.request.type is OrderType.STOP:
        return 0, ZERO, order.sequence
    if order.request.price is None:
        return 1, ZERO, order.sequence
    return 2, -order.request.price * order.request.side.sign, order.sequence
