"""The kill switch from the shell: committed beside a running desk, or as a file when the database cannot be written."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

from sqlalchemy import select

from services.domain.errors import Refused
from services.domain.halts import Halt, HaltScope
from services.domain.kills import Kill
from services.domain.people import Actor, Person, Role
from services.domain.ports import Clock, Ids
from services.domain.states import HALT_MOVES, HaltState, move
from services.execution.halting import Halted, throw
from services.operations.direct_cancel import Canceled
from services.storage import desk, halts, people, terminals
from services.storage.database import Database, Unit
from services.storage.tables import signals


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """Whoever has the desk's lock: what its file says, its process and machine where it names them."""

    text: str
    pid: int | None
    host: str | None


class KillWorker(Protocol):
    """What works at the venues for a shell."""

    async def work_off(self, kill: Kill | None, tell: Callable[[Kill], None]) -> Kill | Holder | None:
        """Work a kill off where no desk runs, else return who does; without a kill only find that out."""
        ...

    async def cancel_directly(self, *, with_books: bool) -> list[Canceled]:
        """Cancel the entries at every exchange, beside whatever runs."""
        ...


class HaltFromShell:
    """Throw a switch for whoever has a shell on the desk's machine: enough to stop, not enough to resume the desk."""

    def __init__(self, database: Database, clock: Clock, ids: Ids) -> None:
        self._database = database
        self._clock = clock
        self._ids = ids

    async def __call__(self, user: str, scope: str, reason: str, *, flatten: bool = False) -> Halted:
        """Commit the halt, for the desk with its kill; ``flatten`` has the desk's positions sold too.

        Raise Refused for a scope that names nothing here, Unavailable when nothing can be committed.
        """
        actor = self._actor(user)
        by = Person(id=0, name=actor.name, username=None, role=Role.COMMANDER, zone="UTC", locale="en")

        def body(unit: Unit) -> Halted:
            # The first statement takes the write lock, perhaps after a wait: what is sent meanwhile is sent before the halt.
            halts.all_in_force(unit)
            unit.now = self._clock.now()
            kind, subject = _subject(unit, scope)
            return throw(unit, actor, self._ids, kind, subject, HaltState.HALTED, by, reason, flatten=flatten)

        return await self._database.write(body, urgent=True)

    async def lift(self, user: str, scope: str) -> Halt:
        """Lift a halt below the desk's; raise Refused for the desk's own, which a commander lifts in the chat."""
        actor = self._actor(user)

        def body(unit: Unit) -> Halt:
            kind, subject = _subject(unit, scope)
            if kind is HaltScope.DESK:
                raise Refused("SCOPE", value=scope, limit="a commander lifts the desk's halt in the chat: /resume")
            before = halts.find(unit, kind, subject)
            if before is None or before.state is HaltState.ACTIVE:
                raise Refused("NOT_HALTED", value=scope, limit="it is not halted")
            move(HALT_MOVES, before.state, HaltState.ACTIVE)
            after = replace(before, state=HaltState.ACTIVE, by_id=0, by_name=actor.name, reason="lifted", since=unit.now)
            halts.save(unit, after)
            unit.record(actor, "halt.lifted", scope=kind.value, subject=subject, was=before.state.value)
            return after

        return await self._database.write(body, urgent=True)

    def _actor(self, user: str) -> Actor:
        correlation = f"shell-{self._ids.row()}"
        return Actor(kind="system", id=0, name=f"shell:{user}"[:48], channel="shell", correlation=correlation)


def _subject(unit: Unit, scope: str) -> tuple[HaltScope, str]:
    kind, _, name = scope.partition(":")
    if kind not in set(HaltScope) or (kind == HaltScope.DESK) != (not name):
        raise Refused(
            "SCOPE", value=scope, limit=f"desk, or one of {', '.join(each for each in HaltScope if each != 'desk')} with :name"
        )
    if kind == HaltScope.DESK:
        return HaltScope.DESK, halts.DESK
    known = _known(unit, HaltScope(kind))
    if name not in known:
        raise Refused("SCOPE", value=scope, limit=f"one of {', '.join(sorted(known)) or 'none'}")
    return HaltScope(kind), known[name]


def _known(unit: Unit, scope: HaltScope) -> dict[str, str]:
    """Return what can be halted, by the name that a person types: a switch that names nothing would stop nothing."""
    if scope is HaltScope.PERSON:
        return {str(person.id): str(person.id) for person in people.everyone(unit, Role.STRANGER)}
    if scope is HaltScope.TERMINAL:
        return {name: each.id for each in terminals.everything(unit) for name in (each.id, each.name)}
    if scope is HaltScope.INSTRUMENT:
        universe = desk.current_universe(unit)
        return {each.symbol: each.symbol for each in universe.instruments} if universe is not None else {}
    sources = [row.source for row in unit.all(select(signals.c.source).distinct())]
    return {source.removeprefix("strategy:"): source for source in sources if source.startswith("strategy:")}
