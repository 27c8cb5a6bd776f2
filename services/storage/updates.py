"""The inbox: every update is stored before it is handled."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import bindparam, func, or_, select, update

from services.domain.states import UpdateState
from services.storage.database import Unit
from services.storage.statements import insert_once
from services.storage.tables import updates

_OPEN = or_(updates.c.state == UpdateState.RECEIVED.value, updates.c.state == UpdateState.ACTED.value)
_FINISH = update(updates).where(updates.c.update_id == bindparam("done"), _OPEN)


def store(unit: Unit, batch: Iterable[tuple[int, str]]) -> list[int]:
    """Store ``(update_id, payload)`` rows and return the ids that were new."""
    return [
        update_id
        for update_id, payload in batch
        if insert_once(
            unit,
            updates,
            {"update_id": update_id, "state": UpdateState.RECEIVED.value, "payload": payload, "received_at": unit.now},
        )
    ]


def finish(unit: Unit, ids: Sequence[int], state: UpdateState) -> None:
    """Set updates without an end to theirs; others stay as they are."""
    if ids:
        unit.run(_FINISH, [{"done": update_id, "state": state.value, "payload": ""} for update_id in ids])


def received(unit: Unit) -> list[tuple[int, str]]:
    """Return updates that had no effect yet, oldest first."""
    return _in_state(unit, UpdateState.RECEIVED)


def acted(unit: Unit) -> list[tuple[int, str]]:
    """Return updates that had their effect and of whose answer nothing is known, oldest first."""
    return _in_state(unit, UpdateState.ACTED)


def _in_state(unit: Unit, state: UpdateState) -> list[tuple[int, str]]:
    wanted = select(updates.c.update_id, updates.c.payload).where(updates.c.state == state.value)
    return [(row.update_id, row.payload) for row in unit.all(wanted.order_by(updates.c.update_id))]


def last_id(unit: Unit) -> int | None:
    """Return the highest update id ever stored."""
    top: int | None = unit.first(select(func.max(updates.c.update_id).label("top"))).top
    return top
