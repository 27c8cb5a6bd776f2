"""A resting entry moved to another price: the old order goes, its final quantity is known, then the rest is placed anew."""

from __future__ import annotations

from dataclasses import dataclass, replace

from services.access.authority import find_trade
from services.domain.cards import trade_card
from services.domain.entries import RESTS_AT, away_from_market
from services.domain.errors import NotFound, Refused
from services.domain.money import Price, canonical
from services.domain.notices import Priority
from services.domain.people import Actor
from services.domain.routes import Route, RoutePhase, Then, load_route
from services.domain.trades import Trade
from services.domain.verdicts import Check
from services.missions.approve import TradeApprovals
from services.missions.entry_book import EntryBook, EntryTerms
from services.missions.planning import Desk
from services.risk.sizing import loss_at_stop
from services.storage import desk as desk_rows
from services.storage import missions, outbox, people, terminals, trades
from services.storage.database import Database, Unit


@dataclass(frozen=True, slots=True, kw_only=True)
class Amended:
    """The entry moves; ``price`` is the new one, on the grid."""

    trade: Trade
    price: Price


@dataclass(frozen=True, slots=True, kw_only=True)
class AmendDenied:
    """The new price is worse than what was bound, and the gate says no to it: the entry rests where it did."""

    trade: Trade
    check: Check


AmendOutcome = Amended | AmendDenied


class AmendEntry:
    """Move a resting entry; a price worse than the bound passes the gate first, like a new trade.

    One at which the entry would wait for a second person is refused: a yes was given for another bound, if it was asked for.
    """

    def __init__(self, database: Database, desk: Desk, book: EntryBook, approvals: TradeApprovals) -> None:
        self._database = database
        self._desk = desk
        self._book = book
        self._approvals = approvals

    async def __call__(self, actor: Actor, reference: str, price: Price) -> AmendOutcome:
        """Amend or deny; raise NotFound, NotAllowed, or Refused when nothing rests or the price cannot be."""
        return await self._database.write(lambda unit: self._amend(unit, actor, reference, price), urgent=True)

    def _amend(self, unit: Unit, actor: Actor, reference: str, price: Price) -> AmendOutcome:
        trade = find_trade(unit, actor, reference, "amend")
        route = load_route(trade.route)
        if route is None or route.kind not in RESTS_AT or not _rests(route):
            raise Refused("NOT_RESTING", trade=trade.number)
        wanted = self._on_grid(unit, trade, price)
        if wanted == route.price:
            raise Refused("PRICE_UNCHANGED", value=canonical(wanted))
        if (wanted - trade.stop) * trade.side.sign <= 0:
            raise Refused("ENTRY_BEHIND_STOP", value=canonical(wanted), limit=canonical(trade.stop))
        if (wanted - trade.worst_price) * trade.side.sign > 0:
            check = self._ask(unit, actor, trade, route, wanted)
            if check is not None:
                return AmendDenied(trade=trade, check=check)
        return self._move(unit, actor, trade, route, wanted)

    def _on_grid(self, unit: Unit, trade: Trade, price: Price) -> Price:
        universe = desk_rows.current_universe(unit)
        instrument = universe.find(trade.symbol) if universe is not None else None
        if instrument is None:
            raise Refused("NOT_IN_UNIVERSE", value=trade.symbol)
        return away_from_market(price, trade.side, instrument)

    def _ask(self, unit: Unit, actor: Actor, trade: Trade, route: Route, price: Price) -> Check | None:
        """Ask the gate about the whole entry at its new price and journal the proof; return what denies it, or None.

        Raises Refused where a second person would have to answer for that price.
        """
        mission, owner = missions.find(unit, trade.mission_id), people.find(unit, trade.person_id)
        if mission is None or owner is None:
            raise NotFound("MISSION", reference=trade.mission_id)
        case = self._desk.case(unit, mission, owner, trade.terminal_id, trade)
        if self._approvals.reasons(case, trade.quantity, price, trade.stop):
            raise Refused("AMEND_ASKS", value=canonical(price), limit=canonical(trade.worst_price))
        terms = EntryTerms(
            quantity=trade.quantity,
            decision_price=trade.decision_price,
            worst_price=price,
            stop=trade.stop,
            kind=route.kind,
            at=price,
        )
        judged = self._book.judge(unit, case, terms)
        kept = self._book.keep(unit, case, judged, trade_id=trade.id)
        denied = None if judged.verdict.allowed else judged.verdict.denials[0]
        code = denied.code.value if denied is not None else None
        unit.record(
            actor, "entry.judged", trade=trade.number, price=price, code=code, verdict=kept.verdict_id, proof=kept.proof
        )
        return denied

    def _move(self, unit: Unit, actor: Actor, trade: Trade, route: Route, price: Price) -> Amended:
        moved = replace(route.moved(RoutePhase.CLEARING, unit.now, then=Then.REST, reason="AMENDED"), price=price)
        after = replace(trade, route=moved.dump())
        if (price - trade.worst_price) * trade.side.sign > 0:
            terminal = terminals.find(unit, trade.terminal_id)
            costs = self._desk.rules.costs_at(terminal) if terminal is not None else self._desk.rules.costs
            after = replace(after, worst_price=price, risk_money=loss_at_stop(trade.quantity, price, trade.stop, costs))
        trades.save(unit, trade, after)
        outbox.refresh(unit, trade_card(trade.id), Priority.TAP)
        unit.record(actor, "entry.amended", trade=trade.number, before=route.price, after=price, bound=after.worst_price)
        unit.wake("entries")
        return Amended(trade=after, price=price)


def _rests(route: Route) -> bool:
    """Tell whether an order rests, or will again where an earlier move sent it."""
    return route.phase is RoutePhase.RESTING or (route.phase is RoutePhase.CLEARING and route.then is Then.REST)
