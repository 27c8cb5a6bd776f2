"""The desk's own cards: its kill switch, the missions beyond a chat's quota, and a new person's checklist."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from services.access.checklist import ITEMS
from services.domain.halts import Halt, HaltScope, Rearm
from services.domain.kills import Kill
from services.domain.people import Role
from services.domain.signals import Mission
from services.domain.states import HaltState
from services.domain.trades import TerminalMode
from services.reporting.exposure import Exposure, exposure
from services.reporting.live import Live
from services.reporting.viewer import modes_of
from services.risk.days import day_end, day_start
from services.storage import halts, kills, missions, people, terminals
from services.storage.database import Unit


@dataclass(frozen=True, slots=True, kw_only=True)
class HaltView:
    """The desk's kill switch as it stands, what throwing it did, and what is still exposed.

    ``kill`` is what follows the halt, None before the first one was thrown and when nothing is halted any more; ``rearm`` is
    the wait before it is lifted; ``commands`` tells that a commander looks at it in private.
    """

    halt: Halt
    kill: Kill | None
    rearm: Rearm | None
    exposure: Exposure
    modes: tuple[TerminalMode, ...]
    private: bool
    commands: bool
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupedView:
    """The missions of a day that a chat got in one silent card, newest first."""

    day: str
    missions: tuple[Mission, ...]
    modes: tuple[TerminalMode, ...]
    zone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChecklistView:
    """What a new person has tried so far: items in their order, each with whether it is done."""

    name: str
    items: tuple[tuple[str, bool], ...]

    @property
    def done(self) -> int:
        """Return how many items are ticked."""
        return sum(done for _, done in self.items)


def halt_view(unit: Unit, chat_id: int, live: Live) -> HaltView | None:
    """Put the desk's halt card for one chat together, or return None when the switch was never thrown."""
    halt = halts.find(unit, HaltScope.DESK, halts.DESK)
    if halt is None:
        return None
    person = people.find(unit, chat_id) if chat_id > 0 else None
    halted = halt.state is not HaltState.ACTIVE
    return HaltView(
        halt=halt,
        kill=_following(unit, halt) if halted else None,
        rearm=halts.rearm(unit) if halted else None,
        exposure=exposure(unit, terminals.everything(unit), live),
        modes=modes_of(terminals.everything(unit)),
        private=chat_id > 0,
        commands=halted and person is not None and person.role is Role.COMMANDER,
        now=live.now,
    )


def _following(unit: Unit, halt: Halt) -> Kill | None:
    kill = kills.newest(unit)
    return kill if kill is not None and kill.at >= halt.since else None


def grouped_view(unit: Unit, day: str, chat_id: int, zone: str) -> GroupedView:
    """Put the silent card of a day together; ``day`` is an ISO date in the desk's ``zone``."""
    noon = datetime.fromisoformat(f"{day}T12:00").replace(tzinfo=ZoneInfo(zone))
    return GroupedView(
        day=day,
        missions=tuple(missions.grouped_between(unit, chat_id, day_start(noon, zone), day_end(noon, zone))),
        modes=modes_of(terminals.everything(unit)),
        zone=zone,
    )


def checklist_view(unit: Unit, person_id: int) -> ChecklistView | None:
    """Put a person's checklist together, or return None for someone unknown."""
    person = people.find(unit, person_id)
    if person is None:
        return None
    done = people.ticked(unit, person_id)
    return ChecklistView(name=person.name, items=tuple((item, item in done) for item in ITEMS))
