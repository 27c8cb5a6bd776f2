"""The count after the faults: whether the desk is at rest, what verify says, and both books held side by side."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sqlalchemy import select

from bot.graph import Graph
from services.domain.money import ZERO
from services.domain.notices import Priority
from services.domain.orders import CLIENT_ID_BASE
from services.domain.proposals import UNDECIDED
from services.domain.states import OrderState, UpdateState
from services.execution.standing import PENDING
from services.operations.evidence import Material
from services.operations.judgement import Status
from services.operations.venue_book import VenueBook
from services.operations.verify import run_all_now
from services.storage import desk, kills, outbox, tables, terminals
from services.storage.database import Unit
from tests.sim.watch import Watch

MOST = 1000
# What was acted upon is marked as done a moment after its answer.
NOT_ENDED = (UpdateState.RECEIVED.value, UpdateState.ACTED.value)
UNTOUCHED = ((OrderState.CANCELED.value, ZERO), (OrderState.EXPIRED.value, ZERO))


def why_not_at_rest(graph: Graph) -> str:
    """Say what still waits; nothing when the desk is at rest."""
    return graph.trading.database.read_now(_waiting)


def _waiting(unit: Unit) -> str:
    instructions, updates = tables.instructions, tables.updates
    pending = unit.all(select(instructions.c.id).where(instructions.c.state.in_([each.value for each in PENDING])))
    if pending:
        return f"instructions wait: {[row.id for row in pending]}"
    open_ended = unit.all(select(updates.c.update_id).where(updates.c.state.in_(NOT_ENDED)))
    if open_ended:
        return f"updates have no end: {[row.update_id for row in open_ended]}"
    notices = outbox.pending_notices(unit, MOST)
    if notices:
        return f"messages wait: {[(each.template, each.chat_id) for each in notices]}"
    # Prices alone refresh cards that somebody reads; those wait on purpose.
    cards = [card for card in outbox.stale_cards(unit, MOST) if card.priority is not Priority.BULK or card.message_id is None]
    if cards:
        return f"cards wait: {[(each.key, each.chat_id) for each in cards]}"
    # A difference that people were asked about keeps its terminal closed until they decide, and they have gone home.
    undecided = tables.proposals.c.state.in_([each.value for each in UNDECIDED])
    asked = {row.terminal_id for row in unit.all(select(tables.proposals.c.terminal_id).where(undecided))}
    everything = [each for each in terminals.everything(unit) if each.active and each.id not in asked]
    closed = [each.id for each in everything if each.reconciled_at is None]
    if closed:
        return f"terminals are not compared: {closed}"
    kill = kills.working(unit)
    if kill is not None:
        return f"a kill is at work: {kill.state.value}"
    requests = desk.open_requests(unit)
    return f"requests wait: {[row.kind for row in requests]}" if requests else ""


def judge(graph: Graph, watch: Watch, material: Material, delivered: Sequence[int]) -> None:
    """Hold a desk at rest against the truth, and tell the watch what does not agree."""
    database, books = graph.trading.database, material.books()
    for result in run_all_now(database, material):
        if result.status is Status.FAIL:
            watch.fail("verify", f"{result.number} {result.detail}")
    for problem in database.read_now(lambda unit: list(_differences(unit, books))):
        watch.fail("audit", problem)
    known = {row.update_id for row in database.read_now(lambda unit: unit.all(select(tables.updates.c.update_id)))}
    for number in sorted(set(delivered) - known):
        watch.fail("answered", f"update {number} was handed out and is not known")


def _differences(unit: Unit, books: Sequence[VenueBook]) -> Iterator[str]:
    """Compare every order and fill of both books, in whatever state."""
    ours = {(row.terminal_id, row.client_id): (row.state, row.filled) for row in unit.all(select(tables.orders))}
    theirs = {(o.account, o.client_id): (o.state.value, o.filled) for book in books for o in book.orders}
    known = {row.id for row in unit.all(select(tables.instructions.c.id))}
    for key in sorted(ours.keys() | theirs.keys(), key=str):
        # A leg that half a reply left out, and that ended untouched before anybody looked, is nothing to know of.
        untouched = key not in ours and theirs[key] in UNTOUCHED and str(key[1])[:CLIENT_ID_BASE] in known
        if ours.get(key) != theirs.get(key) and not untouched:
            yield f"order {key} is {theirs.get(key)} at the venue and {ours.get(key)} at the desk"
    here = sorted((row.terminal_id, row.venue_fill_id) for row in unit.all(select(tables.fills)))
    there = sorted((fill.account, fill.venue_fill_id) for book in books for fill in book.fills)
    if here != there:
        yield f"fills are {here} at the desk and {there} at the venues"
