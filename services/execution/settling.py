"""What follows from what is booked: the trade's moves, the exits it should have, and the close of one that has none."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from decimal import Decimal

from config.groups import ProtectionSettings
from services.access import checklist
from services.access.alerts import AlertCode, alert
from services.domain.errors import Unavailable
from services.domain.market import Instrument, Universe
from services.domain.money import ZERO, Price, canonical
from services.domain.orders import Instruction, Order, OrderRole, Purpose
from services.domain.people import Actor
from services.domain.ports import Capabilities, Ids
from services.domain.routes import SILENCE, RoutePhase, load_route
from services.domain.states import LIVE_ORDER_STATES, InstructionState, TradeState
from services.domain.trades import Terminal, Trade, is_dust
from services.execution import telling
from services.execution.covering import (
    HELD_STATES,
    MAX_CLOSES,
    bare_now,
    called_for,
    carry_out,
    closes_refused,
    facts_of,
    note_bare,
    too_small_for_a_stop,
)
from services.execution.moves import OVER, Facts, entry_facts, moved
from services.execution.protection import Exits, covers, live_exits, wanted_exits
from services.execution.standing import NOTHING_TO_REDUCE, PLAN_ANEW, Books, in_groups, read_books
from services.execution.writes import add_cancel, add_close, add_protection
from services.portfolio.accounts import AccountBoard
from services.risk.breaking import BreakerBook
from services.storage import desk, incidents, instructions, orders, proposals, silences, terminals, trades
from services.storage.database import Unit

MAX_PROTECT_REJECTIONS = 3
MAX_CANCELS = 3
ENDS_WITH_THE_TRADE = (
    AlertCode.STOP_NOT_PLACED,
    AlertCode.CLOSE_REJECTED,
    AlertCode.CANCEL_REJECTED,
    AlertCode.LATE_FILL,
    AlertCode.POSITION_BARE,
    AlertCode.STOP_LATE,
    AlertCode.STOP_WATCHED,
    AlertCode.WATCH_STALE,
)
ANSWERS = {
    "close": "the position is being closed at market",
    "watch": "the desk watches the stop itself and sells at market",
    "alert": "nothing more is done: close it or move its stop",
}


class Settling:
    """Brings a trade, its exits and what people are told in line with the books, inside one write unit.

    ``capabilities`` returns what the venue of that name can take, and raises Unavailable for one that is not there.
    """

    def __init__(
        self,
        ids: Ids,
        accounts: AccountBoard,
        capabilities: Callable[[str], Capabilities],
        settings: ProtectionSettings,
        breakers: BreakerBook,
    ) -> None:
        self._ids = ids
        self._accounts = accounts
        self._capabilities = capabilities
        self._settings = settings
        self._breakers = breakers
        self._venues: dict[str, str] = {}

    def capabilities_of(self, unit: Unit, trade: Trade) -> Capabilities:
        """Return what the trade's venue can take."""
        name = self._venues.get(trade.terminal_id)
        if name is None:
            terminal = terminals.find(unit, trade.terminal_id)
            if terminal is None:
                raise Unavailable("TERMINAL", terminal=trade.terminal_id)
            # A terminal stays at its venue for good.
            name = self._venues[terminal.id] = terminal.venue
        return self._capabilities(name)

    def settle(self, unit: Unit, actor: Actor, trade: Trade, universe: Universe) -> Trade:
        """Make the moves that the booked facts call for, and commit what the exits lack."""
        instrument = universe.find(trade.symbol)
        if instrument is None:
            raise Unavailable("INSTRUMENT", symbol=trade.symbol)
        capabilities = self.capabilities_of(unit, trade)
        if in_groups(capabilities):
            return self._settle_groups(unit, actor, trade, instrument, capabilities)
        placed = orders.of_trade(unit, trade.id)
        pending = instructions.pending_of_trade(unit, trade.id)
        after = self._move(unit, actor, trade, _facts(unit, trade, placed, pending, instrument))
        if after.state is TradeState.OPEN:
            self._protect(unit, actor, after, placed, {each.purpose for each in pending}, instrument)
        elif after.state is TradeState.CLOSED:
            self._take_exits_away(unit, after, placed, pending)
        return after

    def _settle_groups(
        self, unit: Unit, actor: Actor, trade: Trade, instrument: Instrument, capabilities: Capabilities
    ) -> Trade:
        books = read_books(unit, trade, instrument, capabilities)
        after = self._move(unit, actor, trade, facts_of(trade, books, instrument))
        if too_small_for_a_stop(after, books, instrument):
            before, after = after, replace(after, closing=books.standing.held)
            trades.save(unit, before, after)
            unit.record(actor, "trade.closing", trade=after.number, reason="TOO_SMALL_FOR_A_STOP", quantity=after.closing)
        plan = called_for(after, books, instrument)
        after = carry_out(unit, self._ids, actor, after, plan, capabilities)
        return note_bare(unit, actor, after, bare_now(after, books, plan))

    def unsettled(self, unit: Unit, terminal: Terminal) -> bool:
        """Tell whether a live trade calls for a move or for other exits although its venue has nothing new to say."""
        universe = desk.current_universe(unit)
        return universe is not None and any(
            self._calls_for_more(unit, trade, universe) for trade in trades.live(unit, terminal_id=terminal.id)
        )

    def _calls_for_more(self, unit: Unit, trade: Trade, universe: Universe) -> bool:
        instrument = universe.find(trade.symbol)
        if instrument is None:
            return False
        capabilities = self.capabilities_of(unit, trade)
        if in_groups(capabilities):
            return _unfinished(unit, trade, read_books(unit, trade, instrument, capabilities), instrument)
        placed = orders.of_trade(unit, trade.id)
        pending = instructions.pending_of_trade(unit, trade.id)
        facts = _facts(unit, trade, placed, pending, instrument)
        after = moved(trade, _undecided(unit, trade, facts), unit.now)
        missing = _missing_exits(trade, placed, {each.purpose for each in pending}, instrument)
        return after != trade or (missing is not None and _held(unit, trade))

    def follow_up(self, unit: Unit, actor: Actor, trade_id: str) -> None:
        """Take the next step at once where exits are changed step by step; elsewhere the next look does."""
        trade, universe = trades.find(unit, trade_id), desk.current_universe(unit)
        if trade is not None and universe is not None and in_groups(self.capabilities_of(unit, trade)):
            self.settle(unit, actor, trade, universe)

    def sell(
        self, unit: Unit, actor: Actor, trade: Trade, quantity: Decimal, reason: str, *, whole: bool, at: Price | None = None
    ) -> Trade:
        """Commit the sale of a part of a trade or all of it, by the steps that its venue needs, and return the trade.

        ``at`` bounds the price; None sells at market. A quantity that waits already is sold with it.
        """
        capabilities = self.capabilities_of(unit, trade)
        after = replace(trade, state=TradeState.CLOSING) if whole and trade.state is TradeState.OPEN else trade
        if in_groups(capabilities):
            after = replace(after, closing=quantity + (trade.closing or ZERO), closing_at=at)
        trades.save(unit, trade, after)
        unit.record(actor, "trade.closing", trade=trade.number, reason=reason, quantity=quantity)
        if in_groups(capabilities):
            self.follow_up(unit, actor, trade.id)
            after = trades.find(unit, trade.id) or after
        else:
            add_close(unit, self._ids, after, quantity)
        telling.refresh_cards(unit, after)
        return after

    def move_stop(self, unit: Unit, actor: Actor, trade: Trade, stop: Price, by: str) -> Trade:
        """Keep a tighter stop and commit what brings it to the venue."""
        after = replace(trade, stop=stop)
        trades.save(unit, trade, after)
        universe = desk.current_universe(unit)
        if universe is not None:
            after = self.settle(unit, actor, after, universe)
        unit.record(actor, "stop.moved", trade=trade.number, before=trade.stop, after=stop, by=by)
        telling.refresh_cards(unit, after)
        return after

    def _move(self, unit: Unit, actor: Actor, trade: Trade, facts: Facts) -> Trade:
        after = moved(trade, _undecided(unit, trade, facts), unit.now)
        if after.state is TradeState.CANCELED and trade.state is not after.state and _silenced(unit, trade):
            after = replace(after, close_reason=SILENCE)
        if after != trade:
            trades.save(unit, trade, after)
            self._announce(unit, actor, trade, after)
        return after

    def _take_exits_away(self, unit: Unit, trade: Trade, placed: Sequence[Order], pending: Sequence[Instruction]) -> None:
        """Cancel what still works for a closed trade: left alone it would reduce whatever is opened next."""
        asked = {client_id for each in pending for client_id in each.cancels}
        left = [order for order in live_exits(placed) if order.client_id not in asked]
        if left:
            add_cancel(unit, self._ids, trade, left)

    def _announce(self, unit: Unit, actor: Actor, before: Trade, after: Trade) -> None:
        telling.refresh_cards(unit, after)
        if after.state is before.state:
            return
        unit.record(
            actor,
            f"trade.{after.state.value}",
            trade=after.number,
            reason=after.close_reason,
            entry=after.entry_quantity,
            exit=after.exit_quantity,
            realized=after.realized,
        )
        if before.state in OVER:
            facts = facts_for(after, f"a fill came after the trade was {before.state.value}")
            alert(unit, self._ids, AlertCode.LATE_FILL, subject_of(after), facts, after.person_id)
        if after.state is TradeState.OPEN and before.opened_at is None:
            telling.opened(unit, after)
        if after.state is TradeState.CLOSED:
            for code in ENDS_WITH_THE_TRADE:
                incidents.close_incident(unit, code.value, subject_of(after))
            balance = self._accounts.latest(after.terminal_id)
            telling.closed(unit, after, balance.equity if balance else None)
            checklist.tick(unit, after.person_id, "close")
            self._breakers.trade_closed(unit, actor, after)
        if after.state is TradeState.CANCELED:
            telling.unfilled(unit, after)

    def _protect(
        self,
        unit: Unit,
        actor: Actor,
        trade: Trade,
        placed: Sequence[Order],
        pending: set[Purpose],
        instrument: Instrument,
    ) -> None:
        wanted = _missing_exits(trade, placed, pending, instrument)
        if wanted is None or not _held(unit, trade):
            return
        if rejections(unit, trade.id) >= MAX_PROTECT_REJECTIONS:
            if _nothing_to_close(unit, trade.id):
                # The venue says that it holds nothing: the comparison of both books alarms, more writes would not help.
                return
            self.stop_failed(unit, actor, trade, "the venue refused the stop again and again")
            return
        instruction = add_protection(unit, self._ids, trade, wanted, live_exits(placed))
        unit.record(
            actor,
            "protection.planned",
            trade=trade.number,
            instruction=instruction.id,
            stop=wanted.stop,
            quantity=wanted.quantity,
        )

    def stop_failed(self, unit: Unit, actor: Actor, trade: Trade, reason: str) -> None:
        """Alert of a stop that cannot be placed, and give the configured answer."""
        facts = facts_for(trade, reason) | {"done": ANSWERS[self._settings.on_failure]}
        alert(unit, self._ids, AlertCode.STOP_NOT_PLACED, subject_of(trade), facts, trade.person_id)
        if self._settings.on_failure == "close" and trade.open_quantity > 0 and trade.state is TradeState.OPEN:
            self.sell(unit, actor, trade, trade.open_quantity, AlertCode.STOP_NOT_PLACED.value, whole=True)

    def protection_refused(self, unit: Unit, actor: Actor, trade: Trade, instruction: Instruction, code: str) -> None:
        """Follow a refusal of exits: another way where there is one, else what is done with a stop that cannot stand."""
        if code in PLAN_ANEW:
            return
        alone = not any(order.role is OrderRole.TARGET for order in instruction.orders)
        if alone or not in_groups(self.capabilities_of(unit, trade)):
            self.stop_failed(unit, actor, trade, f"the venue refused the stop: {code}")

    def close_refused(self, unit: Unit, actor: Actor, trade: Trade, instruction: Instruction, code: str) -> None:
        """Plan a refused sale anew, a few times at most; what the venue itself refused is an alert at once."""
        if code in NOTHING_TO_REDUCE:
            return
        capabilities = self.capabilities_of(unit, trade)
        books = read_books(unit, trade, _instrument(unit, trade), capabilities)
        tries = closes_refused(books)
        if code not in PLAN_ANEW or tries >= MAX_CLOSES:
            alert(unit, self._ids, AlertCode.CLOSE_REJECTED, subject_of(trade), facts_for(trade, code), trade.person_id)
        asked = instruction.orders[0]
        left = min(asked.quantity, trade.open_quantity)
        # A target that the desk takes is tried again when the market is there again.
        if tries < MAX_CLOSES and left > 0 and asked.role is OrderRole.CLOSE and trade.state in HELD_STATES:
            self.sell(unit, actor, trade, left, code, whole=trade.state is TradeState.CLOSING)

    def cancel_refused(self, unit: Unit, trade: Trade, instruction: Instruction, code: str) -> None:
        """Ask again for what an undelivered cancel was to take away; groups of exits are planned anew by the next look."""
        groups = in_groups(self.capabilities_of(unit, trade))
        asked = set(instruction.cancels)
        working = [o for o in orders.of_trade(unit, trade.id) if o.client_id in asked and o.state in LIVE_ORDER_STATES]
        again = [order for order in working if not groups or order.role is OrderRole.ENTRY]
        refused = rejections(unit, trade.id, Purpose.CANCEL)
        # What never arrived is asked for again; what the venue refuses time after time is not, or it would be asked for ever.
        if again and (code in PLAN_ANEW or refused < MAX_CANCELS):
            add_cancel(unit, self._ids, trade, again)
        elif working and refused >= MAX_CANCELS:
            alert(unit, self._ids, AlertCode.CANCEL_REJECTED, subject_of(trade), facts_for(trade, code), trade.person_id)


def subject_of(trade: Trade) -> str:
    """Return the subject of a trade's alerts."""
    return f"trade {trade.number}"


def facts_for(trade: Trade, detail: str) -> dict[str, object]:
    """Return the facts that every alert about a trade carries."""
    return {
        "trade": trade.number,
        "trade_id": trade.id,
        "symbol": trade.symbol,
        "quantity": canonical(trade.open_quantity),
        "detail": detail,
    }


def _silenced(unit: Unit, trade: Trade) -> bool:
    """Tell whether a resting entry that the desk did not pull went because the venue had not heard of the desk."""
    route = load_route(trade.route)
    resting = route is not None and route.phase is RoutePhase.RESTING
    return resting and silences.took_entry(unit, trade.terminal_id, trade.id)


def _held(unit: Unit, trade: Trade) -> bool:
    """Tell whether the account has anything for exits to protect: others may have sold it, which a person decides about."""
    return terminals.position(unit, trade.terminal_id, trade.symbol) * trade.side.sign > 0


def _undecided(unit: Unit, trade: Trade, facts: Facts) -> Facts:
    """Leave a trade as it stands while a person has to decide who took what is missing."""
    if not (facts.gone or facts.dust):
        return facts
    # Nothing was sold and nothing is there: either the books are wrong, which the comparison repairs, or it asks.
    unexplained = trade.exit_quantity == ZERO and not _held(unit, trade)
    if unexplained or proposals.count_waiting(unit, trade.terminal_id, trade.symbol):
        return replace(facts, gone=False, dust=False)
    return facts


def _unfinished(unit: Unit, trade: Trade, books: Books, instrument: Instrument) -> bool:
    plan, bare = called_for(trade, books, instrument), trade.bare_since is not None
    changed = moved(trade, _undecided(unit, trade, facts_of(trade, books, instrument)), unit.now) != trade
    uncounted = bare_now(trade, books, plan) is (not bare)
    return changed or bool(plan) or uncounted or too_small_for_a_stop(trade, books, instrument)


def _facts(unit: Unit, trade: Trade, placed: Sequence[Order], pending: Sequence[Instruction], instrument: Instrument) -> Facts:
    done, reported = entry_facts(placed, pending)
    working = any(order.role is OrderRole.CLOSE and order.state in LIVE_ORDER_STATES for order in placed)
    return Facts(
        entry_done=done,
        reported=reported,
        selling=working or any(each.purpose is Purpose.CLOSE for each in pending),
        dust=trade.exit_quantity > 0 and is_dust(trade.open_quantity, instrument),
        # Fees are in the quote currency here: what a trade counts and the account lacks is a person's question.
        gone=False,
        placed=placed,
    )


def _instrument(unit: Unit, trade: Trade) -> Instrument:
    universe = desk.current_universe(unit)
    instrument = universe.find(trade.symbol) if universe else None
    if instrument is None:
        raise Unavailable("INSTRUMENT", symbol=trade.symbol)
    return instrument


def _missing_exits(trade: Trade, placed: Sequence[Order], pending: set[Purpose], instrument: Instrument) -> Exits | None:
    """Return the exits that have to be placed now, or None when they stand, are under way or are not called for."""
    if trade.state is not TradeState.OPEN or trade.open_quantity <= 0 or pending & {Purpose.PROTECT, Purpose.CLOSE}:
        return None
    wanted = wanted_exits(trade, placed, instrument)
    return None if covers(wanted, live_exits(placed)) else wanted


def rejections(unit: Unit, trade_id: str, purpose: Purpose = Purpose.PROTECT) -> int:
    """Count the trade's instructions of a purpose that the venue refused in a row, the newest backwards."""
    count = 0
    for each in reversed([i for i in instructions.of_trade(unit, trade_id) if i.purpose is purpose]):
        if each.state is not InstructionState.REJECTED:
            break
        count += 1
    return count


def _nothing_to_close(unit: Unit, trade_id: str) -> bool:
    closes = [each for each in instructions.of_trade(unit, trade_id) if each.purpose is Purpose.CLOSE]
    return bool(closes) and closes[-1].answer in NOTHING_TO_REDUCE
