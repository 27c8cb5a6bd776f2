"""Taking orders onto the book: checked, numbered, due after the latency."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from config.groups import PaperSettings
from services.domain.errors import Unavailable, VenueRejected
from services.domain.market import Instrument, Quote
from services.domain.money import ZERO
from services.domain.orders import OrderRequest, OrderSide, OrderType, TimeInForce
from services.domain.states import OrderState
from services.venues.paper.book import Draft, PaperOrder
from services.venues.paper.checks import check_form, check_list, check_opens, check_reduces
from services.venues.paper.ledger import FreshQuote
from services.venues.paper.liquidity import Liquidity


@dataclass(frozen=True, slots=True, kw_only=True)
class Acceptance:
    """Write accepted, canceled and exchanged orders of one account into a draft.

    ``known`` are the orders that already carry one of the client ids in question, live or final. Every method raises
    VenueRejected with the venue's code and then leaves nothing that may be committed.
    """

    draft: Draft
    account: str
    known: Mapping[str, PaperOrder]
    instruments: Callable[[str], Instrument | None]
    fresh: FreshQuote
    settings: PaperSettings
    now: datetime

    def place(self, request: OrderRequest) -> PaperOrder:
        """Accept one order."""
        return self._accept(request, None)

    def place_list(self, requests: Sequence[OrderRequest]) -> list[PaperOrder]:
        """Accept linked exits."""
        check_list(requests)
        list_id = f"l-{self.draft.next_order}"
        return [self._accept(request, list_id) for request in requests]

    def replace_list(self, cancels: Sequence[str], requests: Sequence[OrderRequest]) -> list[PaperOrder]:
        """Cancel live orders and accept linked exits in their place."""
        for client_id in cancels:
            order = self.known.get(client_id)
            if order is None:
                raise VenueRejected("UNKNOWN_ORDER", client_id=client_id)
            if not order.live:
                raise VenueRejected("ORDER_FINAL", client_id=client_id, state=order.state)
            self.draft.finish(order, OrderState.CANCELED, "REPLACED", self.now)
        return self.place_list(requests)

    def cancel(self, symbol: str, client_ids: Sequence[str]) -> list[PaperOrder]:
        """Cancel what is live, report the rest as it stands, leave out what was never seen."""
        self.draft.account(self.account)
        reported = []
        for client_id in dict.fromkeys(client_ids):
            order = self.known.get(client_id)
            if order is not None and order.request.symbol == symbol:
                live = order.live
                reported.append(self.draft.finish(order, OrderState.CANCELED, "REQUESTED", self.now) if live else order)
        return reported

    def _accept(self, request: OrderRequest, list_id: str | None) -> PaperOrder:
        account = self.draft.account(self.account)
        instrument = self.instruments(request.symbol)
        if instrument is None:
            raise VenueRejected("UNKNOWN_SYMBOL", symbol=request.symbol)
        if instrument.quote != account.currency:
            raise VenueRejected("CURRENCY", symbol=request.symbol, currency=instrument.quote, account=account.currency)
        if request.client_id in self.known:
            raise VenueRejected("DUPLICATE_CLIENT_ID", client_id=request.client_id)
        check_form(request, instrument)
        price = self._reserve_price(request, instrument)
        if request.reduce_only:
            check_reduces(self.draft, self.account, request, self.now)
        else:
            check_opens(self.draft, self.account, request, instrument, price, self.fresh, self.settings, self.now)
        return self.draft.put(self._order(request, list_id, price))

    def _reserve_price(self, request: OrderRequest, instrument: Instrument) -> Decimal:
        """Return what one unit is expected to be worth at most; ask for a fresh quote where one is needed."""
        resting = request.type is not OrderType.MARKET and request.time_in_force in (TimeInForce.GTC, TimeInForce.POST)
        if request.reduce_only and resting:
            return ZERO
        try:
            quote = self.fresh(request.symbol)
        except Unavailable as error:
            raise VenueRejected("NO_QUOTE", **error.values) from error
        if request.price is not None:
            _check_post(request, quote)
            return request.price
        liquidity = Liquidity(quote, instrument)
        touch = liquidity.touch(request.side)
        return max(touch, liquidity.slipped(touch, request.side, self.settings.slippage_bps))

    def _order(self, request: OrderRequest, list_id: str | None, reserve_price: Decimal) -> PaperOrder:
        return PaperOrder(
            sequence=self.draft.take_order_number(),
            account=self.account,
            request=request,
            state=OrderState.ACCEPTED,
            filled=ZERO,
            taken_off=ZERO,
            reserve_price=reserve_price,
            list_id=list_id,
            triggered=False,
            rested=False,
            reason=None,
            accepted_at=self.now,
            due_at=self.now + timedelta(milliseconds=self.settings.latency_ms),
            updated_at=self.now,
        )


def _check_post(request: OrderRequest, quote: Quote) -> None:
    """Raise VenueRejected for a post-only order that would trade at once."""
    if request.time_in_force is not TimeInForce.POST or request.price is None:
        return
    touch = quote.ask if request.side is OrderSide.BUY else quote.bid
    if (touch - request.price) * request.side.sign <= 0:
        raise VenueRejected("POST_ONLY", price=request.price, touch=touch)
