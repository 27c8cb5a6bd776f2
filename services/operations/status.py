"""How the desk is: stages, halts, queues and incidents, read from the database, so that another process can ask too."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import func, select

from services.domain.halts import Halt, HaltScope
from services.domain.states import HaltState, InstructionState, TradeState, UpdateState
from services.domain.trades import TerminalMode
from services.operations.stages import DATABASE, LATE_AFTER, SAVE_EVERY_S, STAGES
from services.risk.ledger import file_halt
from services.risk.live_standing import undecided
from services.storage import desk, halts, incidents, outbox, terminals, trades
from services.storage.counters import get_fact
from services.storage.database import Unit
from services.storage.tables import instructions, leases, requests, updates

READY = "desk.ready"
NAMED_LIVE = "live.named"
"""The fact with the names, as a JSON list, of the terminals that the last start named as live."""
_WAITING = select(
    select(func.count()).where(instructions.c.state == InstructionState.INTENT.value).scalar_subquery().label("instructions"),
    select(func.count()).where(updates.c.state == UpdateState.RECEIVED.value).scalar_subquery().label("updates"),
    select(func.count()).where(requests.c.done_at.is_(None)).scalar_subquery().label("requests"),
)
_NEWEST_LEASE = select(leases).order_by(leases.c.expires_at.desc()).limit(1)
_GRAVITY = (TerminalMode.LIVE, TerminalMode.TESTNET, TerminalMode.PAPER)


class Pulse(StrEnum):
    """Whether a stage shows life."""

    OK = "ok"
    LATE = "late"
    NEVER = "never"


@dataclass(frozen=True, slots=True, kw_only=True)
class StageStatus:
    """One stage: ``lag`` is by how much its last beat came after its period."""

    name: str
    pulse: Pulse
    age: timedelta | None
    last_success: datetime | None
    lag: timedelta
    next_run: datetime | None
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Queues:
    """What waits: ``instructions`` for a venue, ``messages`` for the chat, ``updates`` for their end, ``requests`` for work."""

    instructions: int
    messages: int
    updates: int
    requests: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenIncident:
    """An incident that nobody has closed."""

    code: str
    subject: str
    opened_at: datetime
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskStatus:
    """The whole desk at ``at``.

    ``badge`` is the gravest mode of its terminals, ``owner`` the process that holds the leases (``alive``), ``state`` the
    desk's own switch. ``commit`` is the last stored look at the stages, as the database's stage tells it. ``undecided`` counts
    live terminals that take exits only, because nobody decided to go live there.
    """

    at: datetime
    badge: TerminalMode | None
    state: HaltState
    halts: tuple[Halt, ...]
    alive: bool
    owner: str | None
    lease_until: datetime | None
    uptime: timedelta | None
    stages: tuple[StageStatus, ...]
    queues: Queues
    commit: str
    incidents: tuple[OpenIncident, ...]
    live_trades: int
    open_positions: int
    undecided: int


def desk_status(
    unit: Unit,
    *,
    now: datetime,
    started_at: datetime | None = None,
    rows: Mapping[str, Mapping[str, Any]] | None = None,
    file_since: datetime | None = None,
) -> DeskStatus:
    """Read how the desk is; ``rows`` are the stages as this process knows them, newer than those that are stored.

    ``started_at`` is this process's own start: a desk that asks about itself runs, even while its lease is late. Without it
    the start is the stored one, and the lease tells. ``file_since`` is since when the halt file stands.
    """
    in_force = halts.all_in_force(unit)
    if file_since is not None:
        in_force.insert(0, file_halt(file_since))
    own = [halt.state for halt in in_force if halt.scope is HaltScope.DESK]
    lease = unit.first(_NEWEST_LEASE)
    alive = started_at is not None or (lease is not None and lease.expires_at > now)
    began = started_at or _stored_start(unit)
    stored = rows if rows is not None else {row.name: row._asdict() for row in desk.all_stages(unit)}
    stages = tuple(_stage(name, row, now) for name, row in sorted(stored.items(), key=_place))
    live = trades.count_live(unit)
    return DeskStatus(
        at=now,
        badge=_badge(unit),
        state=max(own, key=_strength, default=HaltState.ACTIVE),
        halts=tuple(in_force),
        alive=alive,
        owner=lease.owner if lease is not None else None,
        lease_until=lease.expires_at if lease is not None else None,
        uptime=now - began if began is not None and alive else None,
        stages=stages,
        queues=_queues(unit),
        commit=next((stage.detail for stage in stages if stage.name == DATABASE), ""),
        incidents=tuple(
            OpenIncident(code=row.code, subject=row.subject, opened_at=row.opened_at, count=row.count)
            for row in incidents.open_incidents(unit)
        ),
        live_trades=sum(live.values()),
        open_positions=live.get(TradeState.OPEN, 0) + live.get(TradeState.CLOSING, 0),
        undecided=len(undecided(unit)),
    )


def _place(item: tuple[str, object]) -> tuple[int, str]:
    """Order stages as a trade meets them; one that this build does not know comes last."""
    names = [stage.name for stage in STAGES]
    return (names.index(item[0]) if item[0] in names else len(names), item[0])


def _strength(state: HaltState) -> int:
    return [HaltState.ACTIVE, HaltState.REDUCING, HaltState.HALTED].index(state)


def _badge(unit: Unit) -> TerminalMode | None:
    modes = terminals.modes(unit)
    return next((mode for mode in _GRAVITY if mode in modes), None)


def _stored_start(unit: Unit) -> datetime | None:
    said = get_fact(unit, READY)
    return datetime.fromisoformat(json.loads(said)["at"]) if said else None


def _stage(name: str, row: Mapping[str, Any], now: datetime) -> StageStatus:
    last: datetime | None = row["last_success"]
    age = None if last is None else max(timedelta(0), now - last)
    limit = timedelta(seconds=row["period_s"] * LATE_AFTER + SAVE_EVERY_S)
    pulse = Pulse.NEVER if age is None else Pulse.LATE if age > limit else Pulse.OK
    return StageStatus(
        name=name,
        pulse=pulse,
        age=age,
        last_success=last,
        lag=timedelta(milliseconds=row["lag_ms"] or 0),
        next_run=row["next_run"],
        detail=row["detail"],
    )


def _queues(unit: Unit) -> Queues:
    waiting = unit.first(_WAITING)
    return Queues(
        instructions=waiting.instructions,
        messages=outbox.backlog(unit),
        updates=waiting.updates,
        requests=waiting.requests,
    )
