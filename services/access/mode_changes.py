"""How a person or a strategy comes to entries: tighter at once, freer as a change that a second person answers for."""

from __future__ import annotations

from dataclasses import dataclass

from services.access.authority import find_person, require
from services.access.changes import ChangeBook
from services.domain.cards import mission_card
from services.domain.changes import Change, ChangeKind, ChangeState
from services.domain.errors import NotAllowed, NotFound, Refused
from services.domain.grades import FireMode, ModeScope
from services.domain.people import Actor, Person, Role
from services.storage import desk, grades, missions, modes, outbox, people
from services.storage.database import Database, Unit

_SCOPES = {ChangeKind.PERSON_MODE: ModeScope.PERSON, ChangeKind.STRATEGY_MODE: ModeScope.STRATEGY}
_KINDS = {scope: kind for kind, scope in _SCOPES.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class ModesView:
    """A person's mode, those that their grade lets them have, and every strategy's."""

    person: Person
    mode: FireMode
    allowed: tuple[FireMode, ...]
    strategies: tuple[tuple[str, FireMode], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModeAsked:
    """What became of a wish: the mode that is in force now, and the change that waits, None when nothing does."""

    name: str
    mode: FireMode
    waits: Change | None


def register_modes(book: ChangeBook) -> None:
    """Say how changes of modes are put in force."""
    for kind, scope in _SCOPES.items():

        def apply(unit: Unit, actor: Actor, change: Change, scope: ModeScope = scope) -> None:
            _put(unit, actor, scope, change.subject, FireMode(change.after), change.by)

        def current(unit: Unit, subject: str, scope: ModeScope = scope) -> str:
            return modes.find(unit, scope, subject).value

        book.register(kind, apply, current)


class ChooseMode:
    """Set one's own mode, somebody's, or a strategy's; what frees anything takes a commander and a second person."""

    def __init__(self, database: Database, book: ChangeBook) -> None:
        self._database = database
        self._book = book

    async def look(self, actor: Actor) -> ModesView:
        """Return how the asker and every strategy stand."""
        return await self._database.read(lambda unit: _view(unit, require(unit, actor, Role.TRADER)))

    async def mine(self, actor: Actor, mode: FireMode) -> ModeAsked:
        """Set one's own mode; raise NotAllowed for a freer one without the role for it."""

        def body(unit: Unit) -> ModeAsked:
            person = require(unit, actor, Role.TRADER)
            return self._choose(unit, actor, ModeScope.PERSON, str(person.id), person.name, mode, own=True)

        return await self._database.write(body)

    async def of(self, actor: Actor, reference: str, mode: FireMode) -> ModeAsked:
        """Set a strategy's mode by its name, or a person's by id or @username; commanders only."""

        def body(unit: Unit) -> ModeAsked:
            require(unit, actor, Role.COMMANDER)
            if reference in desk.strategy_states(unit):
                return self._choose(unit, actor, ModeScope.STRATEGY, reference, reference, mode, own=False)
            person = find_person(unit, reference)
            if person.role < Role.TRADER:
                raise Refused("NOT_A_TRADER", person=person.name)
            return self._choose(unit, actor, ModeScope.PERSON, str(person.id), person.name, mode, own=False)

        return await self._database.write(body)

    def _choose(
        self, unit: Unit, actor: Actor, scope: ModeScope, subject: str, name: str, mode: FireMode, *, own: bool
    ) -> ModeAsked:
        before = modes.find(unit, scope, subject)
        if scope is ModeScope.PERSON:
            _require_grade(unit, int(subject), mode)
        tightens = mode.freedom <= before.freedom
        if own and _is_theirs(unit, actor, before, mode):
            _put(unit, actor, scope, subject, mode, actor.id)
            return ModeAsked(name=name, mode=mode, waits=None)
        change = self._book.propose(unit, actor, _KINDS[scope], subject, before.value, mode.value, tightens=tightens)
        waits = None if change.state is ChangeState.IN_FORCE else change
        return ModeAsked(name=name, mode=modes.find(unit, scope, subject), waits=waits)


def _is_theirs(unit: Unit, actor: Actor, before: FireMode, mode: FireMode) -> bool:
    """Tell whether a person decides alone: what is tighter, and back to a tap from an alert that they chose themselves."""
    if mode.freedom <= before.freedom:
        return True
    return mode is FireMode.SELECT and modes.set_by(unit, ModeScope.PERSON, str(actor.id)) == actor.id


def _require_grade(unit: Unit, person_id: int, mode: FireMode) -> None:
    grade = grades.of_person(unit, person_id)
    if mode not in grade.modes:
        raise Refused("MODE_GRADE", value=mode.value, grade=grade.name, limit=", ".join(grade.modes))


def _put(unit: Unit, actor: Actor, scope: ModeScope, subject: str, mode: FireMode, by_id: int) -> None:
    """Set a mode inside a unit, and show what it changes: who may fire stands on every open mission's card."""
    before = modes.find(unit, scope, subject)
    if scope is ModeScope.PERSON:
        person = people.find(unit, int(subject))
        if person is None or person.role < Role.TRADER:
            raise NotFound("PERSON", reference=subject)
        _require_grade(unit, person.id, mode)
        if person.id != actor.id:
            outbox.tell(unit, person.id, "mode_set", {"mode": mode.value, "was": before.value, "by": actor.name})
    modes.put(unit, scope, subject, mode, by_id)
    for mission in missions.open_missions(unit):
        outbox.refresh(unit, mission_card(mission.id))
    unit.record(actor, "mode.set", scope=scope.value, subject=subject, before=before.value, after=mode.value)


def _view(unit: Unit, person: Person) -> ModesView:
    if person.role < Role.TRADER:
        raise NotAllowed("ROLE", have=person.role.value, need=Role.TRADER.value)
    names = sorted(desk.strategy_states(unit))
    return ModesView(
        person=person,
        mode=modes.find(unit, ModeScope.PERSON, str(person.id)),
        allowed=grades.find(unit, person.grade).modes,
        strategies=tuple((name, modes.find(unit, ModeScope.STRATEGY, name)) for name in names),
    )
