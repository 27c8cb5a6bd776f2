"""Bringing the exits of a trade in line, group by group, and keeping the time that its position stood without a stop."""

from __future__ import annotations

from dataclasses import replace

from services.domain.market import Instrument
from services.domain.orders import OrderRole, Purpose
from services.domain.people import Actor
from services.domain.ports import Capabilities, Ids
from services.domain.routes import entry_continues
from services.domain.states import InstructionState, TradeState
from services.domain.trades import Trade
from services.execution.moves import Facts, entry_facts
from services.execution.pairs import Plan, plan_pairs, sellable
from services.execution.protection import large_enough
from services.execution.standing import NOTHING_TO_REDUCE, Books
from services.execution.writes import add_cancel, add_group, add_sale
from services.storage import trades
from services.storage.database import Unit

MAX_CLOSES = 3
HELD_STATES = frozenset({TradeState.OPEN, TradeState.CLOSING})


def facts_of(trade: Trade, books: Books, instrument: Instrument) -> Facts:
    """Return what calls for a move of a trade whose exits are groups."""
    done, reported = entry_facts(books.placed, books.pending)
    standing = books.standing
    rest = standing.held
    stuck = closes_refused(books) >= MAX_CLOSES and not large_enough(rest, trade.stop, instrument)
    settled = standing.booked and not standing.selling
    return Facts(
        entry_done=done,
        reported=reported,
        selling=bool(standing.selling) or trade.closing is not None or not standing.booked,
        dust=settled and (stuck or not sellable(rest, trade, instrument)),
        gone=settled and rest <= 0,
        placed=books.placed,
    )


def closes_refused(books: Books) -> int:
    """Count the closes that the venue refused in a row, the newest backwards."""
    count = 0
    for each in reversed([i for i in books.sent if i.purpose is Purpose.CLOSE]):
        if each.state is not InstructionState.REJECTED or each.answer in NOTHING_TO_REDUCE:
            break
        count += 1
    return count


def called_for(trade: Trade, books: Books, instrument: Instrument) -> Plan:
    """Return what has to be written for a trade now; nothing for one that holds nothing."""
    if trade.state is TradeState.CLOSED:
        left = tuple(group for group in books.standing.groups if group.working and not group.leaving)
        return Plan(cancel=left)
    return plan_pairs(trade, books.standing, instrument) if trade.state in HELD_STATES else Plan()


def too_small_for_a_stop(trade: Trade, books: Books, instrument: Instrument) -> bool:
    """Tell whether what is left can be sold now but is under the minimum at the stop's price: no stop would be taken."""
    done, _ = entry_facts(books.placed, books.pending)
    standing = books.standing
    rest = standing.held - standing.selling
    over = done and not entry_continues(trade.route)
    waits = trade.closing is None and closes_refused(books) < MAX_CLOSES
    return (
        over
        and waits
        and trade.state in HELD_STATES
        and standing.booked
        and standing.stops
        and sellable(rest, trade, instrument)
        and not large_enough(rest, trade.stop, instrument)
    )


def carry_out(unit: Unit, ids: Ids, actor: Actor, trade: Trade, plan: Plan, capabilities: Capabilities) -> Trade:
    """Commit one instruction for each step of a plan and return the trade as it stands then."""
    for group in plan.cancel:
        leaving = add_cancel(unit, ids, trade, group.working)
        unit.record(actor, "exits.leaving", trade=trade.number, instruction=leaving.id)
    after = trade
    if plan.sell:
        sale = add_sale(unit, ids, trade, plan.sell, capabilities)
        unit.record(actor, "sale.planned", trade=trade.number, instruction=sale.id, quantity=plan.sell)
        after = replace(trade, closing=None, closing_at=None)
        trades.save(unit, trade, after)
    for target, quantity in plan.place:
        placed = add_group(unit, ids, after, target, quantity, reduce_only=capabilities.reduce_only)
        unit.record(
            actor,
            "protection.planned",
            trade=trade.number,
            instruction=placed.id,
            stop=trade.stop,
            quantity=quantity,
            target=target,
        )
    return after


def bare_now(trade: Trade, books: Books, plan: Plan) -> bool | None:
    """Tell whether a position stands without a stop at the venue; None while a stop is only on its way."""
    if trade.state not in HELD_STATES or books.standing.held <= 0:
        return False
    if any(o.role is OrderRole.STOP for group in books.standing.groups for o in group.working):
        return False
    coming = bool(plan.place) or any(group.stop is not None and not group.working for group in books.standing.groups)
    return None if coming else True


def note_bare(unit: Unit, actor: Actor, trade: Trade, bare: bool | None) -> Trade:
    """Keep since when a position stands bare, and journal for how long it did."""
    if bare is None or bare is (trade.bare_since is not None):
        return trade
    if bare:
        after = replace(trade, bare_since=unit.now)
        unit.record(actor, "position.bare", trade=trade.number, held=trade.open_quantity)
    else:
        since = trade.bare_since or unit.now
        after = replace(trade, bare_since=None)
        milliseconds = round((unit.now - since).total_seconds() * 1000)
        unit.record(actor, "position.covered", trade=trade.number, milliseconds=milliseconds, state=trade.state.value)
    trades.save(unit, trade, after)
    return after
