"""Checks 5, 6 and 8: how the desk behaved, from the journal's history and the rows as they stand."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from functools import cache
from itertools import pairwise
from typing import Any

from services.domain.halts import HaltScope
from services.domain.journal import JournalEntry
from services.domain.money import ZERO, truncate_to
from services.domain.states import (
    HALT_MOVES,
    INSTRUCTION_MOVES,
    LIVE_ORDER_STATES,
    MISSION_MOVES,
    TRADE_MOVES,
    HaltState,
    InstructionState,
    MissionState,
    NoticeState,
    OrderState,
    TradeState,
    UpdateState,
)
from services.operations.evidence import DOUBTFUL, SENT_STATES, Evidence
from services.operations.judgement import CheckResult, counted, judge
from services.operations.kill_checks import kill_offences, named_left
from services.operations.places import halted_since
from services.storage.halts import DESK

Moves = Mapping[Any, frozenset[Any]]
JOURNALLED_ANSWERS = frozenset({"accepted", "rejected", "unknown"})
# The file's time has the resolution of the system's tick.
FILE_TICK = timedelta(milliseconds=50)
_FIRST = {TradeState.WORKING, TradeState.AWAITING_APPROVAL}
_LIVE_ORDER = {state.value for state in LIVE_ORDER_STATES}
_UNANSWERED = {"intent", "sent", "unknown"}


def only_listed_moves(evidence: Evidence) -> CheckResult:
    """Check every journalled history against its state table, and that the rows stand where their history leads."""
    trades = {trade.number: trade.state for trade in evidence.trades}
    missions = {mission.number: mission.state for mission in evidence.missions.values()}
    instructions = {row.id: row.state for row in evidence.instructions.values()}
    halts = {(row.scope, row.subject): row.state for row in evidence.halts}
    histories = _histories(evidence)
    offenders = [
        *_strange_states(evidence),
        *_walk("trade", TRADE_MOVES, histories["trade"], trades, first=_FIRST, repeats={TradeState.CLOSING}),
        *_walk("mission", MISSION_MOVES, histories["mission"], missions, first={MissionState.OPEN}),
        *_walk("instruction", INSTRUCTION_MOVES, histories["instruction"], instructions, start=InstructionState.INTENT),
        *_walk("halt", HALT_MOVES, histories["halt"], halts, start=HaltState.ACTIVE, all_journalled=True),
        *_unwritten(evidence, histories["instruction"]),
    ]
    moves = sum(len(states) for kind in histories.values() for states in kind.values())
    return judge(5, looked_at=counted(moves, "move"), offenders=offenders, nothing=None if moves else "nothing has moved")


def _histories(evidence: Evidence) -> dict[str, dict[Any, list[Any]]]:
    """Return the journalled states of each trade, mission, instruction and halt, in order."""
    found: dict[str, dict[Any, list[Any]]] = {name: defaultdict(list) for name in ("trade", "mission", "instruction", "halt")}
    states: dict[str, type[StrEnum]] = {"trade": TradeState, "mission": MissionState, "instruction": InstructionState}
    words = {"trade.fired": TradeState.WORKING, "mission.opened": MissionState.OPEN}
    for entry in evidence.journal:
        room, _, word = entry.kind.partition(".")
        if room in states and (entry.kind in words or word in set(states[room])):
            state = words.get(entry.kind) or states[room](word)
            found[room][evidence.told_of(entry).get(room)].append(state)
        elif room == "halt" and word in (HaltState.HALTED, HaltState.REDUCING, "lifted"):
            facts = evidence.told_of(entry)
            key = (facts.get("scope"), facts.get("subject"))
            found["halt"][key].append(HaltState.ACTIVE if word == "lifted" else HaltState(word))
    return found


def _walk(
    noun: str,
    table: Moves,
    histories: Mapping[Any, Sequence[Any]],
    rows: Mapping[Any, str],
    *,
    first: Set[StrEnum] = frozenset(),
    start: StrEnum | None = None,
    repeats: Iterable[StrEnum] = (),
    all_journalled: bool = False,
) -> list[str]:
    """Follow each history; moves in between that are not journalled must be listed too.

    A history begins with one of ``first`` and each row has one, or it begins somewhere behind ``start``. ``repeats`` are states
    that are journalled again without a move, as for a half close. With ``all_journalled`` a row is where its history ends.
    """
    offenders = []
    known = set(table)
    for key, states in histories.items():
        if key not in rows:
            offenders.append(f"{noun} {key} is journalled and has no row")
            continue
        path = [*([start] if start is not None else []), *states]
        if first and path[0] not in first:
            offenders.append(f"{noun} {key} begins as {path[0]}")
        steps = [(a, b) for a, b in pairwise(path) if not (a is b and b in repeats)]
        offenders += [f"{noun} {key} went from {a} to {b}" for a, b in steps if b not in _reach(id(table), a)]
        row = rows[key]
        onward = frozenset() if all_journalled else _reach(id(table), path[-1])
        if row in known and row != path[-1] and row not in onward:
            offenders.append(f"{noun} {key} is {row}, its last journalled state {path[-1]}")
    if first:
        offenders += [f"{noun} {key} has no journal row" for key in rows if key not in histories]
    return offenders


_TABLES = {id(table): table for table in (TRADE_MOVES, MISSION_MOVES, INSTRUCTION_MOVES, HALT_MOVES)}


@cache
def _reach(table: int, state: Any) -> frozenset[Any]:
    """Return every state that listed moves lead to from here, by one or more."""
    moves: Moves = _TABLES[table]
    found: set[Any] = set()
    edge = set(moves[state])
    while edge:
        found |= edge
        edge = {after for each in edge for after in moves[each]} - found
    return frozenset(found)


def _strange_states(evidence: Evidence) -> list[str]:
    kinds: tuple[tuple[str, Iterable[Any], type[StrEnum]], ...] = (
        ("trade", evidence.trades, TradeState),
        ("mission", evidence.missions.values(), MissionState),
        ("instruction", evidence.instructions.values(), InstructionState),
        ("order", evidence.orders.values(), OrderState),
        ("halt", evidence.halts, HaltState),
        ("update", evidence.updates, UpdateState),
        ("notice", evidence.notices, NoticeState),
    )
    return [f"a {noun} is {row.state!r}" for noun, rows, states in kinds for row in rows if row.state not in set(states)]


def _unwritten(evidence: Evidence, histories: Mapping[str, Sequence[InstructionState]]) -> list[str]:
    offenders = []
    for row in evidence.instructions.values():
        if (row.sent_at is not None) != (row.state in SENT_STATES):
            offenders.append(f"instruction {row.id} is {row.state} with sent_at {row.sent_at}")
        if row.state in JOURNALLED_ANSWERS and (not histories.get(row.id) or histories[row.id][-1] != row.state):
            offenders.append(f"instruction {row.id} is {row.state} without a journal row")
    return offenders


def no_exposure_while_blocked(evidence: Evidence) -> CheckResult:
    """Check that no entry was sent under a halt, nor before reconciliation, nor decided on an instrument in doubt.

    The journal's order is the order of the commits, so clocks have no say in it.
    """
    replay = _Replay(evidence)
    for entry in evidence.journal:
        replay.follow(entry)
    offenders = replay.offenders
    since = _file_halt(evidence)
    for row in evidence.instructions.values():
        if row.purpose == "entry" and since is not None and row.sent_at is not None and row.sent_at > since:
            offenders.append(f"entry {row.id} was sent beside the halt file")
    looked_at = f"{counted(replay.sent, 'entry', 'entries')} sent, {counted(replay.halts, 'halt')}"
    return judge(6, looked_at=looked_at, offenders=offenders, nothing=None if replay.sent else "no entry was sent")


class _Replay:
    """Halts, reconciliations and doubts as they stood at each row of the journal."""

    def __init__(self, evidence: Evidence) -> None:
        self._evidence = evidence
        self._numbered = {trade.number: trade for trade in evidence.trades}
        self._halted: set[tuple[str, str]] = set()
        self._reconciled: set[str] = set()
        self._doubtful: dict[tuple[str, str], set[str]] = defaultdict(set)
        self.offenders: list[str] = []
        self.sent = self.halts = 0

    def follow(self, entry: JournalEntry) -> None:
        """Take in one row."""
        facts = self._evidence.told_of(entry)
        match entry.kind:
            case "halt.halted" | "halt.reducing":
                self.halts += 1
                self._halted.add((str(facts.get("scope")), str(facts.get("subject"))))
            case "halt.lifted":
                self._halted.discard((str(facts.get("scope")), str(facts.get("subject"))))
            case "desk.started":
                self._reconciled.clear()
            case "reconcile.passed":
                self._reconciled.add(str(facts.get("terminal")))
            case "reconcile.differs":
                self._reconciled.discard(str(facts.get("terminal")))
            case "trade.fired" | "trade.awaiting_approval" | "trade.working":
                self._decided(self._numbered.get(facts.get("trade")))
            case "instruction.sent" | "instruction.unknown":
                self._doubt(facts, doubtful=True)
            case "instruction.accepted" | "instruction.rejected" | "instruction.resolved":
                self._doubt(facts, doubtful=False)
            case "proposal.opened":
                self._doubtful[(str(facts.get("terminal")), str(facts.get("symbol")))].add(str(facts.get("proposal")))
            case "proposal.decided" | "proposal.gone":
                self._doubtful[(str(facts.get("terminal")), str(facts.get("symbol")))].discard(str(facts.get("proposal")))
        if entry.kind == "instruction.sent":
            self._send(self._evidence.instructions.get(str(facts.get("instruction"))))

    def _doubt(self, facts: Mapping[str, Any], *, doubtful: bool) -> None:
        row = self._evidence.instructions.get(str(facts.get("instruction")))
        if row is not None:
            lane = self._doubtful[(row.terminal_id, row.symbol)]
            (lane.add if doubtful else lane.discard)(row.id)

    def _decided(self, trade: Any) -> None:
        if trade is None:
            return
        if trade.terminal_id not in self._reconciled:
            self.offenders.append(f"trade {trade.number} was decided before {trade.terminal_id} was reconciled")
        doubts = self._doubtful[(trade.terminal_id, trade.symbol)]
        if doubts:
            self.offenders.append(f"trade {trade.number} was decided while {min(doubts)} was in doubt")

    def _send(self, row: Any) -> None:
        if row is None or row.purpose != "entry":
            return
        self.sent += 1
        covering = self._halted & self._scopes(row)
        if covering:
            self.offenders.append(f"entry {row.id} was sent while {' '.join(min(covering))} was halted")
        if row.terminal_id not in self._reconciled:
            self.offenders.append(f"entry {row.id} was sent before {row.terminal_id} was reconciled")

    def _scopes(self, row: Any) -> set[tuple[str, str]]:
        trade = self._evidence.trade_of.get(row.trade_id)
        scopes = {
            (HaltScope.DESK.value, DESK),
            (HaltScope.TERMINAL.value, row.terminal_id),
            (HaltScope.INSTRUMENT.value, row.symbol),
        }
        if trade is not None:
            scopes.add((HaltScope.PERSON.value, str(trade.person_id)))
            scopes.add((HaltScope.STRATEGY.value, self._evidence.sources.get(trade.mission_id, "")))
        return scopes


def _file_halt(evidence: Evidence) -> datetime | None:
    file = evidence.material.halt_file
    since = halted_since(file.parent) if file is not None else None
    return None if since is None else since + FILE_TICK


def halted_and_protected(evidence: Evidence) -> CheckResult:
    """Check that no entry order works under a halt, and that protection covers every open position or an incident names it."""
    in_force = [row for row in evidence.halts if row.state != HaltState.ACTIVE]
    offenders = [*kill_offences(evidence), *(offence for halt in in_force for offence in _working_entries(evidence, halt))]
    held = [trade for trade in evidence.live_trades if _open(trade) > 0]
    for trade in held:
        offenders += _unprotected(evidence, trade)
    halts = sum(entry.kind in ("halt.halted", "halt.reducing") for entry in evidence.journal)
    opened = any(trade.entry_quantity > 0 for trade in evidence.trades)
    kills = counted(len(evidence.kills), "kill")
    looked_at = f"{counted(halts, 'halt')}, {kills}, {len(in_force)} in force, {counted(len(held), 'open position')} covered"
    return judge(
        8, looked_at=looked_at, offenders=offenders, nothing=None if halts or opened else "no halt and no position yet"
    )


def _open(trade: Any) -> Decimal:
    left: Decimal = trade.entry_quantity - trade.exit_quantity - trade.dust
    return max(ZERO, left)


def _sellable(evidence: Evidence, trade: Any) -> Decimal:
    """Return what of an open trade can be sold: fees taken in the base asset are gone, and sales go by steps."""
    known = evidence.grid.get(trade.symbol)
    base = known["base"] if known is not None else trade.symbol.partition("/")[0]
    paid = [fill.fee for fill in evidence.fills.values() if fill.trade_id == trade.id and fill.fee_currency == base]
    there = max(ZERO, _open(trade) - sum(paid, ZERO))
    return truncate_to(there, Decimal(known["step"])) if known is not None else there


def _working_entries(evidence: Evidence, halt: Any) -> list[str]:
    if halt.scope not in (HaltScope.DESK, HaltScope.PERSON) or halt.since > evidence.booked_until:
        return []
    covered = {trade.id for trade in evidence.trades if halt.scope == HaltScope.DESK or str(trade.person_id) == halt.subject}
    taken_back = {
        client_id
        for row in evidence.instructions.values()
        if row.purpose == "cancel" and row.state in _UNANSWERED
        for client_id in row.cancels
    }
    left = named_left(evidence)
    if left.running and halt.scope == HaltScope.DESK:
        return []
    taken_back |= {name for _, name in left.names}
    ours = [
        row
        for row in evidence.orders.values()
        if row.role == "entry" and row.state in _LIVE_ORDER and row.trade_id in covered and row.client_id not in taken_back
    ]
    offenders = [f"entry order {row.client_id} still works under the halt of {halt.scope}" for row in ours]
    if halt.scope == HaltScope.DESK:
        asked = {each["client_id"] for row in evidence.instructions.values() if row.state in DOUBTFUL for each in row.orders}
        named = {row.client_id for row in ours} | taken_back | asked
        for (account, client_id), order in evidence.venue_orders.items():
            if (
                account in evidence.terminals
                and account not in left.places
                and order.live
                and order.adds
                and client_id not in named
            ):
                offenders.append(f"{order.venue_id} of {account} may still add exposure under the halt")
    return offenders


def _unprotected(evidence: Evidence, trade: Any) -> list[str]:
    """An open trade is covered by its stops, or something is on its way, or an open incident names it."""
    rows = [row for row in evidence.orders.values() if row.trade_id == trade.id and row.state in _LIVE_ORDER]
    # Where exits hold the position they are taken away before others come: each step follows the answer of the one before.
    pending = any(
        row.trade_id == trade.id
        and row.purpose != "entry"
        and (row.state in _UNANSWERED or (row.answered_at is not None and row.answered_at > evidence.booked_until))
        for row in evidence.instructions.values()
    )
    filled_at = max((f.booked_at for f in evidence.fills.values() if f.trade_id == trade.id), default=None)
    recent = filled_at is not None and filled_at > evidence.booked_until
    asked = (trade.terminal_id, trade.symbol) in evidence.asked
    if pending or recent or asked or any(row.role == "close" for row in rows) or _named(evidence, trade):
        return []
    stops = [row for row in rows if row.role == "stop"]
    covered = sum((row.quantity - row.filled for row in stops), ZERO)
    if covered < _sellable(evidence, trade):
        return [f"trade {trade.number} holds {_sellable(evidence, trade)} {trade.symbol} with stops for {covered}"]
    return [
        f"the stop {row.client_id} of trade {trade.number} does not work at the venue"
        for row in stops
        if not _works(evidence, row)
    ]


def _works(evidence: Evidence, row: Any) -> bool:
    book = evidence.book_of(row.terminal_id)
    order = evidence.venue_orders.get((row.terminal_id, row.client_id))
    if book is None or row.updated_at >= book.read_at:
        return True
    return order is not None and (order.live or order.updated_at > evidence.booked_until)


def _named(evidence: Evidence, trade: Any) -> bool:
    subjects = {f"trade {trade.number}", trade.id}
    return any(
        row.closed_at is None
        and (row.subject in subjects or row.facts.get("trade_id") == trade.id or row.facts.get("trade") == trade.number)
        for row in evidence.incidents
    )
