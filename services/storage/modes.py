"""Modes as rows, and the one try at each mission that somebody in auto has."""

from __future__ import annotations

from sqlalchemy import bindparam, delete, select, update

from services.domain.grades import FireMode, Grade, ModeScope, tighter_mode
from services.domain.signals import strategy_of
from services.storage.database import Unit
from services.storage.statements import insert_once, upsert
from services.storage.tables import auto_fires, modes

_ONE = select(modes.c.mode, modes.c.by_id).where(modes.c.scope == bindparam("wanted"), modes.c.subject == bindparam("whose"))
_AUTO = select(modes.c.subject).where(modes.c.scope == bindparam("wanted"), modes.c.mode == FireMode.AUTO.value)
_OUTCOME = update(auto_fires).where(
    auto_fires.c.mission_id == bindparam("mission"), auto_fires.c.person_id == bindparam("person")
)
_TRIED = select(auto_fires.c.outcome).where(
    auto_fires.c.mission_id == bindparam("mission"), auto_fires.c.person_id == bindparam("person")
)


def find(unit: Unit, scope: ModeScope, subject: str) -> FireMode:
    """Return the mode that was set, by default a tap for each entry."""
    row = unit.first(_ONE, wanted=scope.value, whose=subject)
    return FireMode(row.mode) if row is not None else FireMode.SELECT


def set_by(unit: Unit, scope: ModeScope, subject: str) -> int | None:
    """Return who set a mode last, or None when nobody did."""
    row = unit.first(_ONE, wanted=scope.value, whose=subject)
    return row.by_id if row is not None else None


def put(unit: Unit, scope: ModeScope, subject: str, mode: FireMode, by_id: int) -> None:
    """Set a mode."""
    values = {"mode": mode.value, "by_id": by_id, "at": unit.now}
    upsert(unit, modes, {"scope": scope.value, "subject": subject}, values)


def forget(unit: Unit, person_id: int) -> None:
    """Put a person back to the default mode."""
    whose = (modes.c.scope == ModeScope.PERSON.value, modes.c.subject == str(person_id))
    unit.run(delete(modes).where(*whose))


def in_auto(unit: Unit, scope: ModeScope) -> set[str]:
    """Return who, or what, is set to fire without a tap; whether they may is another question."""
    return {row.subject for row in unit.all(_AUTO, wanted=scope.value)}


def in_force(unit: Unit, person_id: int, grade: Grade, source: str) -> FireMode:
    """Return how a call of a source becomes an entry of a person: the tighter of both modes, within the person's grade."""
    wanted = tighter_mode(find(unit, ModeScope.PERSON, str(person_id)), find(unit, ModeScope.STRATEGY, strategy_of(source)))
    return grade.within(wanted)


def try_once(unit: Unit, mission_id: str, person_id: int) -> bool:
    """Take the one try that a person in auto has at a mission; tell whether it was there."""
    return insert_once(unit, auto_fires, {"mission_id": mission_id, "person_id": person_id, "at": unit.now, "outcome": None})


def was_tried(unit: Unit, mission_id: str, person_id: int) -> bool:
    """Tell whether the try is used up."""
    return unit.first(_TRIED, mission=mission_id, person=person_id) is not None


def note_outcome(unit: Unit, mission_id: str, person_id: int, outcome: str) -> None:
    """Note what the try came to."""
    unit.run(_OUTCOME, {"mission": mission_id, "person": person_id, "outcome": outcome[:24]})
