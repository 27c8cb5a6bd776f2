"""What the keeper of passed-on trades does with them: keep, tighten or close, one or all. Nothing here loosens a stop."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from services.access import buttons
from services.access.authority import require
from services.domain.buttons import Act
from services.domain.cards import handover_card
from services.domain.errors import NotFound, Refused
from services.domain.handovers import Handover, Kept, tightened_stop, undecided
from services.domain.people import Actor, Role
from services.domain.ports import Ids, QuoteSource
from services.domain.signals import Side
from services.domain.states import TradeState
from services.domain.trades import Trade
from services.execution.manage import CONFIRM_S, OF, CloseAsked, instrument_of
from services.execution.settling import Settling
from services.storage import handovers, outbox, trades
from services.storage.database import Database, Unit


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """The trades that the word held for, and those whose stop could not come any closer."""

    trades: tuple[int, ...]
    left: tuple[int, ...] = ()


class DecideHandover:
    """Carry out the keeper's word on trades that somebody left behind; authority is the keeper's, as stored now."""

    def __init__(self, database: Database, ids: Ids, settling: Settling, quotes: QuoteSource) -> None:
        self._database = database
        self._ids = ids
        self._settling = settling
        self._quotes = quotes

    async def keep(self, actor: Actor, person_id: int, number: int | None) -> Decided:
        """Leave a trade, or all that wait for a word, as they are."""

        def body(unit: Unit) -> Decided:
            chosen = self._chosen(unit, actor, person_id, number)
            return self._done(unit, actor, person_id, [trade for _, trade in chosen], Kept.KEEP)

        return await self._database.write(body, urgent=True)

    async def tighten(self, actor: Actor, person_id: int, number: int | None) -> Decided:
        """Bring the stop of a trade, or of all that wait for a word, to break-even or half as far away."""

        def body(unit: Unit) -> Decided:
            chosen = [trade for _, trade in self._chosen(unit, actor, person_id, number)]
            moved = [trade for trade in chosen if self._tighten(unit, actor, trade)]
            if number is not None and not moved:
                raise Refused("STOP_TIGHT", trade=number)
            done = self._done(unit, actor, person_id, moved, Kept.TIGHTEN)
            return Decided(trades=done.trades, left=tuple(each.number for each in chosen if each not in moved))

        return await self._database.write(body, urgent=True)

    async def ask_close(self, actor: Actor, person_id: int, number: int | None) -> CloseAsked:
        """Return the token that closes a trade, or all that wait for a word, at market."""

        def body(unit: Unit) -> CloseAsked:
            chosen = [trade for _, trade in self._chosen(unit, actor, person_id, number)]
            held = tuple(trade for trade in chosen if trade.open_quantity > 0)
            if not held:
                raise Refused("NOTHING_OPEN", person=person_id)
            if number is not None:
                act, terms = Act.CLOSE, {"trade": held[0].id, "share": "1"}
            else:
                act, terms = Act.CLOSE_ALL, {OF: str(person_id)}
            token = buttons.issue(unit, self._ids, act, terms, person_id=actor.id, chat_id=actor.chat_id, lasts_s=CONFIRM_S)
            return CloseAsked(token=token, trades=held, share=Decimal(1))

        return await self._database.write(body, urgent=True)

    def _chosen(self, unit: Unit, actor: Actor, person_id: int, number: int | None) -> Sequence[tuple[Handover, Trade]]:
        """Return the trade asked for, or all that wait; of somebody else's trades none."""
        require(unit, actor, Role.TRADER)
        found = handovers.live_with(unit, actor.id, person_id)
        held = [(each, trade) for each in found if (trade := trades.find(unit, each.trade_id)) is not None]
        if number is not None:
            held = [(each, trade) for each, trade in held if trade.number == number]
        else:
            waiting = undecided([each for each, _ in held])
            held = [(each, trade) for each, trade in held if each in waiting]
        if not held:
            raise NotFound("HANDOVER")
        return held

    def _tighten(self, unit: Unit, actor: Actor, trade: Trade) -> bool:
        if trade.state is not TradeState.OPEN or trade.average_entry is None:
            return False
        quote = self._quotes.latest(trade.symbol)
        if quote is None:
            raise Refused("NO_DATA", symbol=trade.symbol)
        near = quote.bid if trade.side is Side.LONG else quote.ask
        stop = tightened_stop(trade, near, instrument_of(unit, trade))
        if stop is None:
            return False
        self._settling.move_stop(unit, actor, trade, stop, "keeper")
        return True

    def _done(self, unit: Unit, actor: Actor, person_id: int, chosen: Sequence[Trade], said: Kept) -> Decided:
        for trade in chosen:
            handovers.answer(unit, trade.id, said)
        numbers = tuple(trade.number for trade in chosen)
        unit.record(actor, "handover.decided", person=person_id, trades=numbers, answer=said.value)
        outbox.refresh(unit, handover_card(person_id))
        return Decided(trades=numbers)
