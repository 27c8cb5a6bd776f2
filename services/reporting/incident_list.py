"""What is wrong now, and what was in the last day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from services.access.runbooks import severity_of
from services.domain.incidents import Incident, Severity
from services.reporting.live import Live
from services.storage import incidents, people
from services.storage.database import Unit

OVER_FOR = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentLine:
    """One incident with the name of who has it, None while nobody does."""

    incident: Incident
    severity: Severity
    taken_by: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentsList:
    """Open incidents, the urgent ones first and then the oldest; behind them those that ended within a day, newest first."""

    rows: tuple[IncidentLine, ...]
    running: int
    at: datetime


def incidents_list(unit: Unit, live: Live) -> IncidentsList:
    """Read what is and was wrong; it says nothing of money, so everybody of the desk may see it."""
    names = {person.id: person.name for person in people.everyone(unit)}
    running = [_line(each, names) for each in incidents.open_incidents(unit)]
    over = [_line(each, names) for each in incidents.incidents_since(unit, live.now - OVER_FOR) if each.closed_at is not None]
    running.sort(key=lambda line: (line.severity is not Severity.URGENT, line.incident.opened_at))
    return IncidentsList(rows=(*running, *over), running=len(running), at=live.now)


def _line(incident: Incident, names: dict[int, str]) -> IncidentLine:
    holder = incident.taken_by
    name = None if holder is None else names.get(holder, str(holder))
    return IncidentLine(incident=incident, severity=severity_of(incident.code), taken_by=name)
