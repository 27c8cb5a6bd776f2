"""A commander closes a circuit breaker before its time, with a reason; nobody closes what holds themselves."""

from __future__ import annotations

from services.access.authority import require
from services.domain.breakers import Breaker, BreakerScope, BreakerState
from services.domain.errors import NotFound, Refused
from services.domain.people import Actor, Role
from services.risk.breaking import BreakerBook
from services.storage import breakers
from services.storage.database import Database, Unit

REASON_LENGTH = 200


class CloseBreaker:
    """Close the opening of a breaker that somebody looked at."""

    def __init__(self, database: Database, book: BreakerBook) -> None:
        self._database = database
        self._book = book

    async def __call__(self, actor: Actor, breaker_id: str, reason: str) -> Breaker:
        """Return the breaker closed; raise NotFound for an opening that is over, Refused without a reason or for one's own."""

        def body(unit: Unit) -> Breaker:
            person = require(unit, actor, Role.COMMANDER)
            breaker = breakers.by_id(unit, breaker_id)
            if breaker is None or breaker.state is BreakerState.CLOSED:
                raise NotFound("BREAKER")
            if breaker.scope is BreakerScope.PERSON and breaker.subject == str(person.id):
                raise Refused("OWN_BREAKER")
            said = reason.strip()
            if not said:
                raise Refused("NO_REASON")
            return self._book.close(unit, actor, breaker, by=person.name, reason=said[:REASON_LENGTH])

        return await self._database.write(body, urgent=True)
