"""What the database knows of the desk's health, read in one unit for one scrape: counts and ages, nobody's name or money."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import bindparam, func, or_, select

from services.access.runbooks import severity_of
from services.domain.incidents import Severity
from services.domain.money import ZERO
from services.domain.proposals import UNDECIDED
from services.domain.states import InstructionState, NoticeState, TradeState, UpdateState
from services.storage import halts, incidents, terminals, trades
from services.storage.database import Unit
from services.storage.tables import cards, instructions, journal, notices, positions, proposals, requests, updates
from services.storage.tables import trades as trade_rows

_DUE = or_(notices.c.not_before.is_(None), notices.c.not_before <= bindparam("now", type_=notices.c.not_before.type))
_QUEUES = {
    "instructions": select(func.count().label("n"), func.min(instructions.c.created_at).label("oldest")).where(
        instructions.c.state == InstructionState.INTENT.value
    ),
    "messages": select(
        func.count().label("n"), func.min(func.coalesce(notices.c.not_before, notices.c.created_at)).label("oldest")
    ).where(notices.c.state == NoticeState.PENDING.value, _DUE),
    "cards": select(func.count().label("n")).where(cards.c.stale),
    "updates": select(func.count().label("n"), func.min(updates.c.received_at).label("oldest")).where(
        updates.c.state == UpdateState.RECEIVED.value
    ),
    "requests": select(func.count().label("n"), func.min(requests.c.created_at).label("oldest")).where(
        requests.c.done_at.is_(None)
    ),
}
_UNKNOWN = select(
    func.count().label("n"), func.min(func.coalesce(instructions.c.sent_at, instructions.c.created_at)).label("oldest")
).where(instructions.c.state == InstructionState.UNKNOWN.value)
_POSITIONS = select(func.count().label("n")).where(positions.c.quantity != bindparam("flat", type_=positions.c.quantity.type))
_BARE = select(func.count().label("n")).where(
    trade_rows.c.state.in_([TradeState.OPEN.value, TradeState.CLOSING.value]), trade_rows.c.bare_since.is_not(None)
)
_PROPOSALS = select(func.count().label("n")).where(proposals.c.state.in_([each.value for each in UNDECIDED]))
_JOURNAL = select(func.max(journal.c.sequence).label("top"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """How many wait, and for how many seconds the oldest has, 0 when none does or it is not known."""

    size: int
    oldest_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Accounts:
    """The active terminals of a venue and mode; the age is of the longest-waiting one that was compared, else None."""

    terminals: int
    unreconciled: int
    reconcile_age_s: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Readings:
    """One look at the database. ``halts`` and ``accounts`` go by scope and state, and by venue and mode."""

    queues: Mapping[str, Queue]
    unknown: Queue
    incidents: Mapping[str, int]
    halts: Mapping[tuple[str, str], int]
    live_trades: Mapping[str, int]
    positions: int
    bare: int
    proposals: int
    accounts: Mapping[tuple[str, str], Accounts]
    journal: int


def read_gauges(unit: Unit) -> Readings:
    """Read everything; ages are as of the unit's time, never negative."""
    live = trades.count_live(unit)
    found = Counter(severity_of(row.code).value for row in incidents.open_incidents(unit))
    return Readings(
        queues={name: _queue(unit, name) for name in _QUEUES},
        unknown=_aged(unit.first(_UNKNOWN), unit.now),
        incidents={each.value: found.get(each.value, 0) for each in Severity},
        halts=Counter((each.scope.value, each.state.value) for each in halts.all_in_force(unit)),
        live_trades={state.value: count for state, count in live.items()},
        positions=int(unit.first(_POSITIONS, flat=ZERO).n),
        bare=int(unit.first(_BARE).n),
        proposals=int(unit.first(_PROPOSALS).n),
        accounts=_accounts(unit),
        journal=int(unit.first(_JOURNAL).top or 0),
    )


def _queue(unit: Unit, name: str) -> Queue:
    values = {"now": unit.now} if name == "messages" else {}
    return _aged(unit.first(_QUEUES[name], **values), unit.now)


def _aged(row: object, now: datetime) -> Queue:
    oldest = getattr(row, "oldest", None)
    return Queue(size=int(getattr(row, "n", 0)), oldest_s=_age(oldest, now) if oldest is not None else 0.0)


def _accounts(unit: Unit) -> Mapping[tuple[str, str], Accounts]:
    groups: dict[tuple[str, str], list[datetime | None]] = {}
    for terminal in terminals.everything(unit):
        groups.setdefault((terminal.venue, terminal.mode.value), []).append(terminal.reconciled_at)
    return {
        key: Accounts(
            terminals=len(seen),
            unreconciled=sum(at is None for at in seen),
            reconcile_age_s=max((_age(at, unit.now) for at in seen if at is not None), default=None),
        )
        for key, seen in groups.items()
    }


def _age(at: datetime, now: datetime) -> float:
    return max(0.0, (now - at).total_seconds())
