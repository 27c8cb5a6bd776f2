"""What people set for themselves: how loudly they hear of what, their quiet hours, zone and terminal."""

from __future__ import annotations

import re
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from services.access.authority import require
from services.domain.errors import Refused
from services.domain.notices import SAFETY_EVENTS, Event, Loudness
from services.domain.people import Actor, Role
from services.domain.trades import Terminal
from services.storage import people, terminals
from services.storage.database import Database, Unit

_CLOCK = re.compile(r"([01]\d|2[0-3]):[0-5]\d")


class SetLoudness:
    """Choose how one event is told; halts and alerts are always loud."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def __call__(self, actor: Actor, event: Event, level: Loudness) -> Loudness:
        """Store the choice and return it; raise Refused for an event that safety keeps loud."""

        def body(unit: Unit) -> Loudness:
            person = require(unit, actor, Role.OBSERVER)
            if event in SAFETY_EVENTS and level is not Loudness.LOUD:
                raise Refused("SAFETY_EVENT", value=event.value, limit=Loudness.LOUD.value)
            people.set_loudness(unit, person.id, event, level)
            unit.record(actor, "choice.loudness", event=event.value, level=level.value)
            return level

        return await self._database.write(body)


class SetQuietHours:
    """Choose when loud events come without a sound; the span may cross midnight."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def __call__(self, actor: Actor, start: str | None, end: str | None) -> None:
        """Store local times such as 22:00, or none; raise Refused for anything else."""
        times = [each for each in (start, end) if each is not None]
        if len(times) == 1 or any(not _CLOCK.fullmatch(each) for each in times) or (times and start == end):
            raise Refused("QUIET_HOURS", value=f"{start}-{end}", limit="two different times such as 22:00-07:00")

        def body(unit: Unit) -> None:
            person = require(unit, actor, Role.OBSERVER)
            people.set_quiet_hours(unit, person.id, start, end)
            unit.record(actor, "choice.quiet", start=start, end=end)

        await self._database.write(body)


class SetZone:
    """Choose the zone that times and quiet hours are read in."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def __call__(self, actor: Actor, zone: str) -> str:
        """Store an IANA zone and return it; raise Refused for an unknown one."""
        try:
            ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise Refused("ZONE", value=zone[:64], limit="an IANA zone such as Europe/Berlin") from error

        def body(unit: Unit) -> str:
            person = require(unit, actor, Role.OBSERVER)
            people.set_zone(unit, person.id, zone)
            unit.record(actor, "choice.zone", zone=zone)
            return zone

        return await self._database.write(body)


class ChooseTerminal:
    """Choose which terminal a trader's previews start at."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def __call__(self, actor: Actor, terminal_id: str) -> Terminal:
        """Store the choice and return the terminal; raise Refused for one that is not theirs to use."""

        def body(unit: Unit) -> Terminal:
            person = require(unit, actor, Role.TRADER)
            chosen = next((each for each in terminals.usable_by(unit, person.id) if each.id == terminal_id), None)
            if chosen is None:
                raise Refused("TERMINAL_USE", value=terminal_id[:40])
            terminals.choose(unit, person.id, chosen.id)
            unit.record(actor, "choice.terminal", terminal=chosen.id)
            return chosen

        return await self._database.write(body)
