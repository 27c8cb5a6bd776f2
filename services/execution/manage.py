"""What a trader does with a trade: close it or half of it, move its stop, cancel its entry. Reductions pass every halt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from services.access import buttons, checklist
from services.access.authority import find_trade, require
from services.domain.buttons import Act, ActToken
from services.domain.cards import handover_card
from services.domain.errors import Refused
from services.domain.handovers import Kept, undecided
from services.domain.keeping import break_even
from services.domain.market import Instrument
from services.domain.money import Price, canonical, ceil_to, floor_to, truncate_to
from services.domain.orders import OrderRole, Purpose
from services.domain.people import Actor, Person, Role
from services.domain.ports import Ids, QuoteSource
from services.domain.signals import Side
from services.domain.states import LIVE_ORDER_STATES, TradeState
from services.domain.trades import Trade
from services.execution.protection import large_enough
from services.execution.settling import Settling
from services.execution.taking_back import take_back_entry
from services.storage import desk, handovers, instructions, orders, outbox, trades
from services.storage.database import Database, Unit

CONFIRM_S = 60.0
# Of whose trades all are closed that the presser keeps; their own, where it is not there.
OF = "of"


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseAsked:
    """A close waits for its second tap; ``token`` is None when there is nothing to close."""

    token: ActToken | None
    trades: tuple[Trade, ...]
    share: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Closing:
    """The closes that were committed."""

    trades: tuple[Trade, ...]
    quantity: Decimal


class AskClose:
    """The first of two taps: name what would be closed and hand out the token that closes it."""

    def __init__(self, database: Database, ids: Ids) -> None:
        self._database = database
        self._ids = ids

    async def __call__(self, actor: Actor, reference: str, share: Decimal) -> CloseAsked:
        """Return the token for one trade; ``share`` is 1 for all of it or 0.5."""

        def body(unit: Unit) -> CloseAsked:
            trade = find_trade(unit, actor, reference)
            if trade.state not in (TradeState.OPEN, TradeState.CLOSING) or trade.open_quantity <= 0:
                raise Refused("NOT_OPEN", trade=trade.number, state=trade.state.value)
            terms = {"trade": trade.id, "share": canonical(share)}
            token = buttons.issue(
                unit, self._ids, Act.CLOSE, terms, person_id=actor.id, chat_id=actor.chat_id, lasts_s=CONFIRM_S
            )
            return CloseAsked(token=token, trades=(trade,), share=share)

        return await self._database.write(body, urgent=True)

    async def all_of_mine(self, actor: Actor) -> CloseAsked:
        """Return the token that closes every open trade of the person who asks."""

        def body(unit: Unit) -> CloseAsked:
            person = require(unit, actor, Role.TRADER)
            mine = tuple(t for t in trades.live(unit, person_id=person.id) if t.open_quantity > 0)
            if not mine:
                return CloseAsked(token=None, trades=(), share=Decimal(1))
            token = buttons.issue(
                unit, self._ids, Act.CLOSE_ALL, {}, person_id=actor.id, chat_id=actor.chat_id, lasts_s=CONFIRM_S
            )
            return CloseAsked(token=token, trades=mine, share=Decimal(1))

        return await self._database.write(body, urgent=True)


class CloseTrades:
    """The second tap: commit what sells at market, by the steps that the venue needs; an entry that still works is taken back.

    Where the venue caps an exit at the position, protection stays until nothing is left; where a resting exit holds what it
    would sell, it is taken away first.
    """

    def __init__(self, database: Database, ids: Ids, settling: Settling) -> None:
        self._database = database
        self._ids = ids
        self._settling = settling

    async def __call__(self, actor: Actor, token_id: str, act: Act) -> Closing:
        """Close what the token names; raise Expired when it was used or is too old."""

        def body(unit: Unit) -> Closing:
            person = require(unit, actor, Role.TRADER)
            token = buttons.use(unit, actor, token_id, act)
            if act is Act.CLOSE_ALL:
                chosen = _kept_of(unit, person, token) if OF in token.terms else trades.live(unit, person_id=person.id)
                share = Decimal(1)
            else:
                chosen = [find_trade(unit, actor, token.terms["trade"])]
                share = Decimal(token.terms["share"])
            closing = self._commit(unit, actor, chosen, share)
            _note_keeper(unit, actor, closing.trades)
            return closing

        return await self._database.write(body, urgent=True)

    def _commit(self, unit: Unit, actor: Actor, chosen: list[Trade], share: Decimal) -> Closing:
        closing: list[Trade] = []
        total = Decimal(0)
        for trade in chosen:
            if trade.state is not TradeState.OPEN or trade.open_quantity <= 0:
                continue
            quantity = self._part(unit, trade, share)
            if quantity <= 0:
                continue
            if share >= 1 and take_back_entry(unit, actor, self._ids, trade):
                trade = trades.find(unit, trade.id) or trade
            closing.append(self._settling.sell(unit, actor, trade, quantity, "asked", whole=share >= 1))
            total += quantity
        return Closing(trades=tuple(closing), quantity=total)

    def _part(self, unit: Unit, trade: Trade, share: Decimal) -> Decimal:
        under_way = being_closed(unit, trade)
        if share >= 1:
            return trade.open_quantity - under_way
        if under_way:
            raise Refused("CLOSE_PENDING", trade=trade.number, quantity=canonical(under_way))
        instrument = instrument_of(unit, trade)
        part = truncate_to(trade.open_quantity * share, instrument.step)
        price = trade.average_entry or trade.decision_price
        rest = trade.open_quantity - part
        fits = large_enough(part, price, instrument) and large_enough(rest, min(price, trade.stop), instrument)
        if not fits:
            raise Refused("PART_TOO_SMALL", trade=trade.number, value=canonical(part), limit=canonical(instrument.min_quantity))
        return part


def being_closed(unit: Unit, trade: Trade) -> Decimal:
    """Return what earlier closes of the trade may still take off: asked for, committed, on the way, or working at the venue."""
    placed = {order.client_id: order for order in orders.of_trade(unit, trade.id) if order.role is OrderRole.CLOSE}
    left = {name: o.quantity - o.filled for name, o in placed.items() if o.state in LIVE_ORDER_STATES}
    for each in instructions.pending_of_trade(unit, trade.id):
        if each.purpose is Purpose.CLOSE:
            left |= {order.client_id: order.quantity for order in each.orders if order.client_id not in placed}
    return min(trade.open_quantity, sum(left.values(), trade.closing or Decimal(0)))


class MoveStop:
    """Move the stop of an open trade closer: one tap, since the loss can only become smaller."""

    def __init__(self, database: Database, settling: Settling, quotes: QuoteSource) -> None:
        self._database = database
        self._settling = settling
        self._quotes = quotes

    async def __call__(self, actor: Actor, reference: str, where: str) -> Trade:
        """Move to ``be`` (entry and costs), to ``r:<number>`` R beyond the entry, or to a price.

        Raise Refused when that is wider, on the wrong side of the market, or unchanged.
        """

        def body(unit: Unit) -> Trade:
            trade = find_trade(unit, actor, reference)
            if trade.state is not TradeState.OPEN or trade.average_entry is None:
                raise Refused("NOT_OPEN", trade=trade.number, state=trade.state.value)
            stop = self._wanted(unit, trade, trade.average_entry, where)
            self._check(trade, stop)
            after = self._settling.move_stop(unit, actor, trade, stop, "hand")
            checklist.tick(unit, actor.id, "move_stop")
            return after

        return await self._database.write(body, urgent=True)

    def _wanted(self, unit: Unit, trade: Trade, entry: Price, where: str) -> Price:
        instrument = instrument_of(unit, trade)
        sign = trade.side.sign
        if where == "be":
            price = break_even(trade) or entry
        elif where.startswith("r:"):
            price = entry + trade.risk_per_unit * _number(where.removeprefix("r:")) * sign
        else:
            price = _number(where)
        rounded = floor_to(price, instrument.tick) if trade.side is Side.LONG else ceil_to(price, instrument.tick)
        return Price(rounded)

    def _check(self, trade: Trade, stop: Price) -> None:
        if (stop - trade.stop) * trade.side.sign < 0:
            raise Refused("STOP_WIDER", value=canonical(stop), limit=canonical(trade.stop))
        if stop == trade.stop:
            raise Refused("STOP_UNCHANGED", value=canonical(stop))
        quote = self._quotes.latest(trade.symbol)
        if quote is None:
            raise Refused("NO_DATA", symbol=trade.symbol)
        near = quote.bid if trade.side is Side.LONG else quote.ask
        if (near - stop) * trade.side.sign <= 0:
            raise Refused("STOP_SIDE", value=canonical(stop), limit=canonical(near))


class CancelEntry:
    """Take back an entry that is not filled yet: never sent when it still waits, cancelled at the venue otherwise."""

    def __init__(self, database: Database, ids: Ids) -> None:
        self._database = database
        self._ids = ids

    async def __call__(self, actor: Actor, reference: str | None) -> tuple[Trade, ...]:
        """Return the trades whose entry is being taken back; raise Refused when none is working."""

        def body(unit: Unit) -> tuple[Trade, ...]:
            person = require(unit, actor, Role.TRADER)
            chosen = [find_trade(unit, actor, reference)] if reference else trades.live(unit, person_id=person.id)
            taken = tuple(trade for trade in chosen if self._take_back(unit, actor, trade))
            if not taken:
                raise Refused("NOTHING_WORKING")
            return taken

        return await self._database.write(body, urgent=True)

    def _take_back(self, unit: Unit, actor: Actor, trade: Trade) -> bool:
        return take_back_entry(unit, actor, self._ids, trade)


def _kept_of(unit: Unit, person: Person, token: ActToken) -> list[Trade]:
    """Return what the person still keeps of somebody else's, of what waited for their word."""
    waiting = undecided(handovers.live_with(unit, person.id, int(token.terms[OF])))
    return [trade for each in waiting if (trade := trades.find(unit, each.trade_id)) is not None]


def _note_keeper(unit: Unit, actor: Actor, closing: Sequence[Trade]) -> None:
    """Note on the keeper's card what they close of what was passed on to them."""
    for trade in closing:
        passed = handovers.find(unit, trade.id)
        if passed is not None and passed.keeper_id == actor.id:
            handovers.answer(unit, trade.id, Kept.CLOSE)
            outbox.refresh(unit, handover_card(passed.person_id))


def instrument_of(unit: Unit, trade: Trade) -> Instrument:
    """Return the trade's instrument; raise Refused when the universe no longer has it."""
    universe = desk.current_universe(unit)
    instrument = universe.find(trade.symbol) if universe else None
    if instrument is None:
        raise Refused("NOT_IN_UNIVERSE", value=trade.symbol)
    return instrument


def _number(text: str) -> Decimal:
    try:
        value = Decimal(text.replace("_", "").replace(",", ""))
    except InvalidOperation as error:
        raise Refused("PRICE_SYNTAX", value=text) from error
    if not value.is_finite():
        raise Refused("PRICE_SYNTAX", value=text)
    return value
