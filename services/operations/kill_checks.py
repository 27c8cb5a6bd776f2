"""Check 8's part about kills: nothing that a kill was to take away is left, unless its row names it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

from services.domain.halts import HaltScope
from services.domain.kills import KillState, LeftoverKind
from services.domain.money import ZERO
from services.domain.states import LIVE_ORDER_STATES, HaltState
from services.operations.evidence import Evidence
from services.storage.halts import DESK

# Both phases of a kill are bounded by a setting, half a minute each unless told otherwise; a desk that works ends them.
LONGEST = timedelta(minutes=15)
_LIVE_ORDER = {state.value for state in LIVE_ORDER_STATES}


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedLeft:
    """What the newest kill names as left: by terminal and name, by terminal and instrument, and terminals as a whole.

    ``running`` tells that it is still at work, so that what it has not come to is no offence yet.
    """

    running: bool
    names: frozenset[tuple[str, str]]
    symbols: frozenset[tuple[str, str]]
    places: frozenset[str]

    def covers(self, terminal_id: str, name: str | None) -> bool:
        """Tell whether something of that name at a terminal is an exception."""
        return self.running or terminal_id in self.places or (terminal_id, name) in self.names


NOTHING_LEFT = NamedLeft(running=False, names=frozenset(), symbols=frozenset(), places=frozenset())


def newest_kill(evidence: Evidence) -> Any:
    """Return the kill that was thrown last, or None."""
    return max(evidence.kills, key=lambda row: (row.at, row.id), default=None)


def named_left(evidence: Evidence) -> NamedLeft:
    """Return the exceptions that the newest kill makes under the desk's halt."""
    kill = newest_kill(evidence)
    if kill is None or not _in_force(evidence):
        return NOTHING_LEFT
    left = kill.leftovers
    return NamedLeft(
        running=kill.state != KillState.DONE,
        names=frozenset((each["terminal_id"], each["name"]) for each in left if each["name"]),
        symbols=frozenset((each["terminal_id"], each["symbol"]) for each in left if each["symbol"]),
        places=frozenset(each["terminal_id"] for each in left if each["kind"] == LeftoverKind.UNREACHABLE and not each["name"]),
    )


def kill_offences(evidence: Evidence) -> list[str]:
    """Return what is wrong with the kills: one that does not end, two at work, and what a flatten left without naming it."""
    kill = newest_kill(evidence)
    if kill is None:
        return []
    offences = [f"kill {row.id} is at work beside a newer one" for row in evidence.kills if row.working and row.id != kill.id]
    halted, running = _in_force(evidence), kill.state != KillState.DONE
    if running and not halted:
        offences.append(f"kill {kill.id} is {kill.state} although nothing is halted")
    if running and evidence.running and (evidence.material.settled or evidence.now - kill.phase_at > LONGEST):
        offences.append(f"kill {kill.id} is {kill.state} since {kill.phase_at:%H:%M:%S}")
    if halted and kill.flatten and not running and (kill.done_at is None or kill.done_at <= evidence.booked_until):
        offences += _not_flat(evidence, named_left(evidence))
    return offences


def _in_force(evidence: Evidence) -> bool:
    return any(row.scope == HaltScope.DESK and row.subject == DESK and row.state != HaltState.ACTIVE for row in evidence.halts)


def _not_flat(evidence: Evidence, named: NamedLeft) -> list[str]:
    offences = []
    excused: set[str] = set()
    for trade in evidence.live_trades:
        if named.covers(trade.terminal_id, f"trade {trade.number}"):
            excused.add(trade.id)
        elif trade.entry_quantity - trade.exit_quantity - trade.dust > 0:
            offences.append(f"trade {trade.number} still holds {trade.symbol} after the flatten, and the kill does not name it")
    for row in evidence.orders.values():
        covered = row.trade_id in excused or named.covers(row.terminal_id, row.client_id)
        if row.state in _LIVE_ORDER and row.trade_id is not None and not covered:
            offences.append(f"order {row.client_id} still works after the flatten, and the kill does not name it")
    for (account, client_id), order in evidence.venue_orders.items():
        row = evidence.orders.get((account, client_id))
        covered = named.covers(account, client_id) or (row is not None and row.trade_id in excused)
        if account in evidence.terminals and order.live and not covered and (row is None or row.state not in _LIVE_ORDER):
            offences.append(f"{order.venue_id} of {account} works after the flatten, and the kill does not name it")
    return offences + _held(evidence, named)


def _held(evidence: Evidence, named: NamedLeft) -> list[str]:
    return [
        f"{symbol} of {account} is held after the flatten, and the kill does not name it"
        for (account, symbol), quantity in evidence.positions.items()
        if Decimal(quantity) != ZERO and account not in named.places and (account, symbol) not in named.symbols
    ]
