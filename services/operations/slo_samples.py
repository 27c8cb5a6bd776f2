"""The samples of objectives that rows tell, in seconds; of very many, the newest."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import bindparam, func, select

from services.domain.orders import Purpose
from services.domain.states import DOUBTFUL_INSTRUCTION_STATES, InstructionState, NoticeState
from services.storage.database import Unit
from services.storage.tables import fills, instructions, journal, notices, trades, verdicts

MOST = 5000
TAPPED = "tapped"
GATE_S = "gate_s"
UNKNOWN_KIND = "instruction.unknown"

# The one value and not the context around it: thousands of those at once are a good part of the process's memory.
_VERDICTS = (
    select(verdicts.c.context[GATE_S].as_float().label("seconds"))
    .where(verdicts.c.at >= bindparam("since", type_=verdicts.c.at.type))
    .order_by(verdicts.c.at.desc())
    .limit(MOST)
)
# The entry that was committed with the verdict: what waits for a trigger, or rests elsewhere later, is no tap's doing.
_ENTRIES = (
    select(verdicts.c.context[TAPPED].as_string().label("tapped"), verdicts.c.at, instructions.c.answered_at)
    .join(instructions, (instructions.c.trade_id == verdicts.c.trade_id) & (instructions.c.created_at == verdicts.c.at))
    .where(
        verdicts.c.at >= bindparam("since", type_=verdicts.c.at.type),
        instructions.c.purpose == Purpose.ENTRY.value,
        instructions.c.sent_at.is_not(None),
    )
    .order_by(verdicts.c.at.desc())
    .limit(MOST)
)
_FILLED = (
    select(trades.c.acknowledged_at, func.min(fills.c.booked_at).label("booked_at"))
    .join(fills, fills.c.trade_id == trades.c.id)
    .where(trades.c.acknowledged_at >= bindparam("since", type_=trades.c.acknowledged_at.type), trades.c.route.is_(None))
    .group_by(trades.c.id, trades.c.acknowledged_at)
    .order_by(trades.c.acknowledged_at.desc())
    .limit(MOST)
)
_TOLD = (
    select(func.coalesce(notices.c.not_before, notices.c.created_at).label("due_at"), notices.c.answered_at)
    .where(
        notices.c.state == NoticeState.SENT.value,
        notices.c.answered_at >= bindparam("since", type_=notices.c.answered_at.type),
    )
    .order_by(notices.c.id.desc())
    .limit(MOST)
)
_UNKNOWN = (
    select(journal.c.facts, journal.c.at)
    .where(journal.c.kind == UNKNOWN_KIND, journal.c.at >= bindparam("since", type_=journal.c.at.type))
    .order_by(journal.c.sequence.desc())
    .limit(MOST)
)
_ENDED = select(instructions.c.state, instructions.c.answered_at).where(instructions.c.id == bindparam("instruction"))


def tap_to_order(unit: Unit, since: datetime) -> Sequence[float]:
    """Return, for each entry sent, the seconds from its Confirm's receipt to the venue's answer; without one, to now."""
    found = []
    for row in unit.all(_ENTRIES, since=since):
        began = datetime.fromisoformat(row.tapped) if row.tapped is not None else row.at
        found.append(_between(began, row.answered_at or unit.now))
    return found


def gate(unit: Unit, since: datetime) -> Sequence[float]:
    """Return how long the gate of each fire took."""
    return [row.seconds for row in unit.all(_VERDICTS, since=since) if row.seconds is not None]


def ack_to_fill(unit: Unit, since: datetime) -> Sequence[float]:
    """Return, for each entry that took, the seconds from its acknowledgement to its first booked fill."""
    return [_between(row.acknowledged_at, row.booked_at) for row in unit.all(_FILLED, since=since)]


def message_lag(unit: Unit, since: datetime) -> Sequence[float]:
    """Return how long each event that was told had waited."""
    return [_between(row.due_at, row.answered_at) for row in unit.all(_TOLD, since=since)]


def unknown_resolved(unit: Unit, since: datetime) -> Sequence[float]:
    """Return, for each instruction that became unknown, the seconds until its outcome was known, or until now."""
    doubtful, found = {state.value for state in DOUBTFUL_INSTRUCTION_STATES}, []
    for row in unit.all(_UNKNOWN, since=since):
        ended = unit.first(_ENDED, instruction=json.loads(row.facts)["instruction"])
        if ended is None or ended.state == InstructionState.INTENT.value:
            continue
        until = unit.now if ended.state in doubtful or ended.answered_at is None else ended.answered_at
        found.append(_between(row.at, until))
    return found


def _between(began: datetime, ended: datetime) -> float:
    """Return the seconds, none where a fill came before its acknowledgement."""
    return max(0.0, (ended - began).total_seconds())
