"""The kill switch thrown: the halt is committed in a unit of its own, and a kill row says what has to follow.

The unit is short however many orders work: it touches the switch, the kill and the cards of those who are told. Taking the
entries back is the work of the kill's stage (services/execution/killing.py), which starts from the row.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from services.access.authority import require
from services.domain.cards import halt_card
from services.domain.errors import NotAllowed, Refused
from services.domain.halts import Halt, HaltScope
from services.domain.kills import Kill, KillState
from services.domain.notices import Priority, Topic
from services.domain.people import Actor, Person, Role
from services.domain.ports import Ids
from services.domain.states import HALT_MOVES, HaltState, TradeState, move
from services.execution.rearming import call_off
from services.execution.taking_back import take_back_entry
from services.storage import chats, halts, kills, outbox, people, trades
from services.storage.database import Database, Unit

REASON_LENGTH = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Halted:
    """The switch as it stands, and what the throw did.

    ``kill`` takes the desk's entries back, None for a smaller scope, whose ``withdrawn`` entries were taken back with the
    throw; ``protected`` counts the open trades. ``already`` tells that the switch stood like this before.
    """

    halt: Halt
    kill: Kill | None
    withdrawn: int
    protected: int
    already: bool


class HaltDesk:
    """Throw the switch for the desk or for oneself; anyone from trader up, with one tap."""

    def __init__(self, database: Database, ids: Ids) -> None:
        self._database = database
        self._ids = ids

    async def __call__(self, actor: Actor, state: HaltState, reason: str) -> Halted:
        """Halt or reduce the whole desk."""

        def body(unit: Unit) -> Halted:
            person = require(unit, actor, Role.TRADER)
            return throw(unit, actor, self._ids, HaltScope.DESK, halts.DESK, state, person, reason)

        return await self._database.write(body, urgent=True)

    async def myself(self, actor: Actor, reason: str) -> Halted:
        """Halt the person who asks: no new entries of theirs, exits go on."""

        def body(unit: Unit) -> Halted:
            person = require(unit, actor, Role.TRADER)
            state, subject = HaltState.HALTED, str(person.id)
            return throw(unit, actor, self._ids, HaltScope.PERSON, subject, state, person, reason)

        return await self._database.write(body, urgent=True)

    async def give_reason(self, actor: Actor, reason: str) -> Halt:
        """Add the reason afterwards to the desk's halt."""

        def body(unit: Unit) -> Halt:
            require(unit, actor, Role.TRADER)
            halt = halts.find(unit, HaltScope.DESK, halts.DESK)
            if halt is None or halt.state is HaltState.ACTIVE:
                raise Refused("NOT_HALTED")
            if halt.by_id != actor.id:
                raise NotAllowed("NOT_YOURS")
            explained = replace(halt, reason=reason[:REASON_LENGTH])
            halts.save(unit, explained)
            unit.record(actor, "halt.explained", reason=explained.reason)
            outbox.refresh(unit, halt_card(), Priority.URGENT)
            return explained

        return await self._database.write(body, urgent=True)


def throw(
    unit: Unit,
    actor: Actor,
    ids: Ids,
    scope: HaltScope,
    subject: str,
    state: HaltState,
    by: Person,
    reason: str,
    *,
    flatten: bool = False,
) -> Halted:
    """Commit a halt inside a unit, for the desk with the kill that follows it; ``flatten`` has its positions sold too.

    Repeated throws change nothing, a stronger one takes over: a halt over exits only, a flatten over a cancel.
    """
    before = halts.find(unit, scope, subject)
    stands = before is not None and (before.state is state or before.state is HaltState.HALTED)
    if before is not None and stands:
        halt = before
    else:
        move(HALT_MOVES, before.state if before else HaltState.ACTIVE, state)
        text = reason[:REASON_LENGTH]
        halt = Halt(scope=scope, subject=subject, state=state, by_id=by.id, by_name=by.name, reason=text, since=unit.now)
        halts.save(unit, halt)
        unit.record(actor, f"halt.{state.value}", scope=scope.value, subject=subject, reason=text)
    if scope is not HaltScope.DESK:
        return _of_some(unit, actor, ids, halt, already=stands)
    call_off(unit, actor, by.name)
    newest = kills.newest(unit)
    if stands and newest is not None and newest.at >= halt.since:
        kill = _go_on(unit, actor, ids, newest, by, reason, flatten=flatten)
    else:
        kill = _begin(unit, actor, ids, newest, by, reason, flatten=flatten)
    if not stands:
        _show_halt(unit, by, actor.chat_id)
    counts = trades.count_live(unit)
    held = counts.get(TradeState.OPEN, 0) + counts.get(TradeState.CLOSING, 0)
    return Halted(halt=halt, kill=kill, withdrawn=0, protected=held, already=stands)


def _of_some(unit: Unit, actor: Actor, ids: Ids, halt: Halt, *, already: bool) -> Halted:
    """Take back the entries that a person's own stop covers, at once: they are few."""
    live = trades.live(unit, person_id=int(halt.subject)) if halt.scope is HaltScope.PERSON else []
    protected = sum(trade.open_quantity > 0 for trade in live)
    withdrawn = 0 if already else sum(take_back_entry(unit, actor, ids, trade) for trade in live)
    return Halted(halt=halt, kill=None, withdrawn=withdrawn, protected=protected, already=already)


def _go_on(unit: Unit, actor: Actor, ids: Ids, kill: Kill, by: Person, reason: str, *, flatten: bool) -> Kill:
    """Return the standing halt's kill when it does what is asked for, widened when it has to be, or a fresh one."""
    if kill.covers(flatten=flatten):
        return kill
    outbox.refresh(unit, halt_card(), Priority.URGENT)
    if not kill.running:
        return _begin(unit, actor, ids, kill, by, reason, flatten=flatten or kill.flatten)
    widened = replace(kill, flatten=True, flatten_by=by.name)
    kills.save(unit, kill, widened)
    unit.record(actor, "kill.widened", kill=kill.id)
    unit.wake("kill")
    return widened


def _begin(unit: Unit, actor: Actor, ids: Ids, newest: Kill | None, by: Person, reason: str, *, flatten: bool) -> Kill:
    if newest is not None and newest.working:
        kills.end(unit, newest)
    kill = Kill(
        id=ids.row(),
        at=unit.now,
        by_id=by.id,
        by_name=by.name,
        channel=actor.channel,
        reason=reason[:REASON_LENGTH],
        correlation=actor.correlation,
        flatten=flatten,
        flatten_by=by.name if flatten else None,
        state=KillState.CANCELLING,
        working=True,
        phase_at=unit.now,
        done_at=None,
        entries=(),
        gone=0,
        leftovers=(),
    )
    kills.add(unit, kill)
    unit.record(actor, "kill.thrown", kill=kill.id, flatten=flatten)
    return kill


def _show_halt(unit: Unit, by: Person, here: int | None) -> None:
    """Show the card where risk is told, in the chat it was thrown in, and to every trader."""
    places = {place.chat_id: place.thread_id for place in chats.bound(unit, Topic.RISK)}
    private = {person.id: None for person in people.everyone(unit, Role.TRADER)}
    thrown = {chat_id: None for chat_id in (here, by.id) if chat_id}
    for chat_id, thread_id in (thrown | private | places).items():
        outbox.show(unit, halt_card(), chat_id, thread_id=thread_id, priority=Priority.URGENT, anew=True)
