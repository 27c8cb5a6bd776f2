"""Urgent alerts call on until somebody has them: the next commander, then the second channel, then everybody again.

Waiting is counted by the desk's monotonic time and kept in the incident's row: a clock that jumps calls nobody early, and a
start goes on where the crash was.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from config.alerting import AlertSettings
from services.access.alerts import AlertCode, alert, call, in_order
from services.access.runbooks import severity_of
from services.domain.incidents import Incident, Severity
from services.domain.people import Actor, Person
from services.domain.ports import Clock, Ids
from services.storage import incidents, outside
from services.storage.database import Database, Unit

# A process that was stopped did not wait for anybody's answer: no more than this counts between two looks.
MOST_BETWEEN_S = 5.0
SAVE_EVERY_S = 5
# A loud message tells as much as ten: the others of one look stand in the chat already.
LOUD_AT_ONCE = 5
TELEGRAM, UNANSWERED = "telegram", "unanswered"
SUBJECT = "Telegram"


@dataclass(slots=True, kw_only=True)
class _Wait:
    """How long an incident has waited for an answer to its last call, and for its first message to arrive; in seconds."""

    answer: float
    saved: int
    arrival: float = 0.0


class Escalate:
    """Looks at what is urgent and nobody has; called every second.

    ``silence`` returns the seconds since Telegram last answered anything, ``silent_after`` is how long that may be;
    ``places`` counts the addresses of the second channel.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        ids: Ids,
        settings: AlertSettings,
        silence: Callable[[], float],
        silent_after_s: float,
        places: int,
    ) -> None:
        self._database = database
        self._clock = clock
        self._ids = ids
        self._settings = settings
        self._silence = silence
        self._silent_after_s = silent_after_s
        self._places = places
        self._waits: dict[str, _Wait] = {}
        self._looked_at: float | None = None
        self._silent: bool | None = None

    async def __call__(self) -> int:
        """Look once and return how many incidents called on; raise Unavailable when that cannot be stored."""
        now = self._clock.monotonic()
        passed = min(now - self._looked_at, MOST_BETWEEN_S) if self._looked_at is not None else 0.0
        self._looked_at = now
        await self._watch_telegram()
        waiting, order, reached = await self._database.glance(_read)
        self._count(waiting, reached, passed)
        due = [each for each in waiting if self._calls(each, len(order)) or self._leaves(each)]
        if due or any(int(wait.answer) - wait.saved >= SAVE_EVERY_S for wait in self._waits.values()):
            return await self._database.write(lambda unit: self._book(unit, [each.id for each in waiting]), urgent=True)
        return 0

    async def _watch_telegram(self) -> None:
        silent = self._silence() >= self._silent_after_s
        if silent == self._silent:
            return
        await self._database.write(lambda unit: self._telegram(unit, silent=silent), urgent=True)
        self._silent = silent

    def _telegram(self, unit: Unit, *, silent: bool) -> None:
        if silent:
            facts: dict[str, object] = {"detail": f"no answer for {self._silence():.0f} s"}
            alert(unit, self._ids, AlertCode.TELEGRAM_SILENT, SUBJECT, facts)
        else:
            incidents.close_incident(unit, AlertCode.TELEGRAM_SILENT.value, SUBJECT)

    def _count(self, waiting: list[Incident], reached: frozenset[str], passed: float) -> None:
        known = {each.id for each in waiting}
        self._waits = {name: wait for name, wait in self._waits.items() if name in known}
        for each in waiting:
            wait = self._waits.get(each.id)
            if wait is None:
                self._waits[each.id] = _Wait(answer=each.waited_s, saved=each.waited_s)
                continue
            wait.answer += passed
            wait.arrival = 0.0 if each.id in reached else wait.arrival + passed

    def _calls(self, incident: Incident, commanders: int) -> bool:
        """Tell whether the last call has gone unanswered for long enough; with nobody to call, the second channel is next."""
        limit = self._settings.ack_s if incident.step < max(commanders, 1) else self._settings.repeat_s
        if not commanders and not incident.step:
            limit = 0.0
        return self._waits[incident.id].answer >= limit

    def _leaves(self, incident: Incident) -> bool:
        """Tell whether an alert that reached nobody has to leave by another way, for Telegram does not answer."""
        longest = self._settings.telegram_silent_s
        return self._places > 0 and self._waits[incident.id].arrival >= longest and self._silence() >= longest

    def _book(self, unit: Unit, listed: list[str]) -> int:
        order, calls, loud = _reachable(unit), 0, 0
        for incident_id in listed:
            incident, wait = incidents.find(unit, incident_id), self._waits[incident_id]
            if incident is None or incident.closed_at is not None or incident.taken_at is not None:
                continue
            if self._leaves(incident) and not outside.asked(unit, incident_id, TELEGRAM):
                outside.want(unit, self._ids, incident_id, self._places, TELEGRAM)
                calls += 1
            if self._calls(incident, len(order)):
                loud += self._call(unit, incident, order, quietly=loud >= LOUD_AT_ONCE)
                wait.answer, calls = 0.0, calls + 1
                incidents.called(unit, incident_id, step=incident.step + 1, waited_s=0)
            else:
                incidents.called(unit, incident_id, step=incident.step, waited_s=int(wait.answer))
            wait.saved = int(wait.answer)
        return calls

    def _call(self, unit: Unit, incident: Incident, order: list[Person], *, quietly: bool) -> bool:
        """Take the next step for one incident; tell whether it made a sound."""
        step = incident.step + 1
        last = step >= len(order)
        called = order[step : step + 1] if not last else order if step > len(order) or not self._places else []
        if called and not quietly:
            call(unit, incident, called)
        if last and self._places:
            outside.want(unit, self._ids, incident.id, self._places, UNANSWERED)
        whom = [person.name for person in called] + (["the second channel"] if last and self._places else [])
        actor = Actor.job("alarms", f"alarms-{self._ids.row()}")
        unit.record(actor, "incident.called", incident=incident.id, code=incident.code, step=step, whom=", ".join(whom))
        return bool(called)


def _read(unit: Unit) -> tuple[list[Incident], list[Person], frozenset[str]]:
    found = incidents.open_incidents(unit)
    waiting = [each for each in found if each.taken_at is None and severity_of(each.code) is Severity.URGENT]
    return (waiting, _reachable(unit), incidents.reached(unit)) if waiting else ([], [], frozenset())


def _reachable(unit: Unit) -> list[Person]:
    return [person for person in in_order(unit) if person.reachable]
