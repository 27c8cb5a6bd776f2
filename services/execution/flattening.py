"""Flattening the desk: a commander is told what it comes to, and one button, used once, sells every position."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from services.access import buttons
from services.access.authority import require
from services.domain.buttons import Act, ActToken
from services.domain.halts import HaltScope
from services.domain.money import ZERO, Money
from services.domain.people import Actor, Role
from services.domain.ports import Ids, QuoteSource
from services.domain.states import HaltState
from services.domain.trades import Trade
from services.execution.halting import Halted, throw
from services.storage import halts, trades
from services.storage.database import Database, Unit

CONFIRM_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class FlattenAsked:
    """What flattening would sell: so many positions, worth ``notional`` by currency at the newest prices or at their entry.

    ``priced_at`` is the oldest of the prices, None when one of the positions has none; ``token`` sells them.
    """

    positions: int
    notional: tuple[Money, ...]
    priced_at: datetime | None
    token: ActToken


class FlattenDesk:
    """Sell everything that the desk holds: the halt and the kill come first, as with every kill."""

    def __init__(self, database: Database, quotes: QuoteSource, ids: Ids) -> None:
        self._database = database
        self._quotes = quotes
        self._ids = ids

    async def ask(self, actor: Actor) -> FlattenAsked:
        """Return what would be sold and the token that sells it; raise NotAllowed below commander."""

        def body(unit: Unit) -> FlattenAsked:
            require(unit, actor, Role.COMMANDER)
            held = [trade for trade in trades.live(unit) if trade.open_quantity > 0]
            token = buttons.issue(
                unit, self._ids, Act.FLATTEN, {}, person_id=actor.id, chat_id=actor.chat_id, lasts_s=CONFIRM_S
            )
            quotes = [self._quotes.latest(trade.symbol) for trade in held]
            times = [quote.received_at for quote in quotes if quote is not None]
            priced_at = min(times) if times and len(times) == len(held) else None
            return FlattenAsked(positions=len(held), notional=self._notional(held), priced_at=priced_at, token=token)

        return await self._database.write(body, urgent=True)

    def _notional(self, held: list[Trade]) -> tuple[Money, ...]:
        totals: dict[str, Money] = {}
        for trade in held:
            quote = self._quotes.latest(trade.symbol)
            price = (quote.bid + quote.ask) / 2 if quote is not None else trade.average_entry or trade.decision_price
            before = totals.get(trade.currency, Money(ZERO, trade.currency))
            totals[trade.currency] = Money(before.amount + trade.open_quantity * price, trade.currency)
        return tuple(totals[name] for name in sorted(totals))

    async def __call__(self, actor: Actor, token_id: str, reason: str) -> Halted:
        """Halt the desk, take its entries back and sell its positions; raise Expired for a token that is used or too old."""

        def body(unit: Unit) -> Halted:
            person = require(unit, actor, Role.COMMANDER)
            buttons.use(unit, actor, token_id, Act.FLATTEN)
            scope, state = HaltScope.DESK, HaltState.HALTED
            return throw(unit, actor, self._ids, scope, halts.DESK, state, person, reason, flatten=True)

        return await self._database.write(body, urgent=True)
