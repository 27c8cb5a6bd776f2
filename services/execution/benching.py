"""A commander puts a person on the bench for a time: no entries of theirs until then, exits go on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from services.access import audience
from services.access.authority import find_person, require
from services.domain.breakers import Breaker, BreakerKind, BreakerState
from services.domain.errors import NotFound, Refused
from services.domain.notices import Event
from services.domain.people import Actor, Person, Role
from services.domain.ports import Ids
from services.execution.taking_back import take_back_entry
from services.risk.breaking import BreakerBook
from services.storage import breakers, people, trades
from services.storage.database import Database, Unit

LONGEST = timedelta(days=30)
SHORTEST = timedelta(minutes=1)
REASON_LENGTH = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Benched:
    """A person's bench as it stands now; ``withdrawn`` counts their entries that were taken back."""

    person: Person
    breaker: Breaker
    withdrawn: int


class BenchPerson:
    """Bench a person, change how long, or call them back; commanders only, and nobody calls themselves back."""

    def __init__(self, database: Database, book: BreakerBook, ids: Ids) -> None:
        self._database = database
        self._book = book
        self._ids = ids

    async def __call__(self, actor: Actor, reference: str, lasts: timedelta, reason: str) -> Benched:
        """Bench until a time; raise Refused for a time out of bounds, NotFound for somebody unknown."""
        if not SHORTEST <= lasts <= LONGEST:
            raise Refused("BENCH_TIME", value=f"{lasts.total_seconds() / 60:.0f} min", limit="1m to 30d")

        def body(unit: Unit) -> Benched:
            by = require(unit, actor, Role.COMMANDER)
            person = find_person(unit, reference)
            if person.role < Role.TRADER:
                raise Refused("NOT_A_TRADER", person=person.name)
            if person.id == actor.id and len(people.everyone(unit, Role.COMMANDER)) == 1:
                raise Refused("LAST_COMMANDER", person=person.name)
            before = breakers.find(unit, BreakerKind.BENCH, str(person.id))
            if before is not None and before.state is not BreakerState.CLOSED:
                self._own(person, actor)
                self._book.close(unit, actor, before, by=by.name, reason="another time", tell=False)
            until, said = unit.now + lasts, reason.strip()[:REASON_LENGTH] or "no reason given"
            breaker = self._book.open(unit, actor, BreakerKind.BENCH, str(person.id), said, until=until, by=by.name)
            withdrawn = sum(take_back_entry(unit, actor, self._ids, each) for each in trades.live(unit, person_id=person.id))
            facts = {"by": by.name, "reason": said, "until": until.isoformat()}
            audience.tell_person(unit, person, Event.ALERT, "benched", facts)
            return Benched(person=person, breaker=breaker, withdrawn=withdrawn)

        return await self._database.write(body, urgent=True)

    async def off(self, actor: Actor, reference: str, reason: str) -> Benched:
        """End a bench before its time; raise NotFound for a person who is not benched."""

        def body(unit: Unit) -> Benched:
            by = require(unit, actor, Role.COMMANDER)
            person = find_person(unit, reference)
            breaker = breakers.find(unit, BreakerKind.BENCH, str(person.id))
            if breaker is None or breaker.state is BreakerState.CLOSED:
                raise NotFound("BENCH", person=person.name)
            self._own(person, actor)
            said = reason.strip()[:REASON_LENGTH] or "called back"
            return Benched(person=person, breaker=self._book.close(unit, actor, breaker, by=by.name, reason=said), withdrawn=0)

        return await self._database.write(body, urgent=True)

    def _own(self, person: Person, actor: Actor) -> None:
        if person.id == actor.id:
            raise Refused("OWN_BREAKER")
