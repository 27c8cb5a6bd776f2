"""Missions of strategies in auto fired for people in auto, as themselves: the same preview, gate and commit as a tap's."""

from __future__ import annotations

from functools import partial

from services.domain.cards import preview_card, trade_card
from services.domain.errors import Refused
from services.domain.grades import FireMode, ModeScope
from services.domain.people import Actor, Person, Role
from services.domain.ports import Ids
from services.domain.signals import Mission, strategy_of
from services.domain.states import MissionState
from services.domain.verdicts import CheckCode
from services.missions.fire import Denied, Fired, FireMission, Waits
from services.missions.planning import AUTO
from services.missions.preview import OpenPreview
from services.storage import grades, missions, modes, outbox, people, previews
from services.storage.database import Database, Unit

FIRED, WAITS = "fired", "waits"
# What holds a person or the desk back is told where it began; a mission that comes meanwhile is only offered.
HELD_BACK = frozenset(
    {
        CheckCode.HALT,
        CheckCode.RECONCILED,
        CheckCode.LIVE_DECISION,
        CheckCode.BREAKER_PERSON,
        CheckCode.BREAKER_TERMINAL,
        CheckCode.BREAKER_INSTRUMENT,
        CheckCode.COOLDOWN,
        CheckCode.TILT,
        CheckCode.SHOTS,
    }
)


class FireByItself:
    """Give each person in auto one try at each mission that may be fired without a tap; what came of it is stored with it."""

    def __init__(self, database: Database, previewing: OpenPreview, fire: FireMission, ids: Ids) -> None:
        self._database = database
        self._previewing = previewing
        self._fire = fire
        self._ids = ids

    async def __call__(self) -> int:
        """Return how many trades were fired; a desk without anybody in auto only reads."""
        due = await self._database.read(_due)
        fired = 0
        for mission, person in due:
            try:
                fired += await self._database.write(partial(self._try, mission_id=mission.id, person_id=person.id))
            except Refused as error:
                # Nothing of that unit stands; the try is used up all the same, or it would come again every second.
                await self._database.write(partial(self._give_up, mission_id=mission.id, person_id=person.id, code=error.code))
        return fired

    def _try(self, unit: Unit, mission_id: str, person_id: int) -> bool:
        """Use the try up and fire in the same unit: whatever happens after it, there is no second one."""
        mission, person = missions.find(unit, mission_id), people.find(unit, person_id)
        if mission is None or person is None or not _may(unit, mission, person):
            return False
        if not modes.try_once(unit, mission.id, person.id):
            return False
        actor = Actor(
            kind="person", id=person.id, name=person.name, channel=AUTO, correlation=self._ids.row(), chat_id=person.id
        )
        outcome = self._outcome(unit, actor, mission, person)
        _note(unit, actor, mission, person.id, outcome)
        return outcome == FIRED

    def _give_up(self, unit: Unit, mission_id: str, person_id: int, code: str) -> None:
        mission = missions.find(unit, mission_id)
        if mission is not None and modes.try_once(unit, mission_id, person_id):
            _note(unit, Actor.job(AUTO, self._ids.row()), mission, person_id, code)

    def _outcome(self, unit: Unit, actor: Actor, mission: Mission, person: Person) -> str:
        shown = self._previewing.prepare(unit, person, mission, size="full", anew=True)
        if shown.refused is not None:
            if shown.refused.code in HELD_BACK:
                previews.forget(unit, mission.id, person.id)
                outbox.drop_card(unit, preview_card(mission.id, person.id), person.id)
            return shown.refused.code.value
        preview = previews.find(unit, mission.id, person.id)
        if preview is None or preview.token_id is None:
            return "NO_PREVIEW"
        done = self._fire.in_unit(unit, actor, preview.token_id, None)
        if isinstance(done, Denied):
            return done.check.code.value
        if not isinstance(done, Fired | Waits):
            return type(done).__name__
        facts = {
            "trade": done.number,
            "symbol": mission.signal.symbol,
            "side": mission.signal.side.value,
            "mode": self._previewing.mode_of(unit, preview.terminal_id),
            "yeses": 0 if isinstance(done, Fired) or done.solo else done.needed,
            "alone": isinstance(done, Waits) and done.solo,
        }
        outbox.tell(unit, person.id, "auto_fired", facts, reply_to_card=trade_card(done.trade_id))
        return FIRED if isinstance(done, Fired) else WAITS


def _note(unit: Unit, actor: Actor, mission: Mission, person_id: int, outcome: str) -> None:
    modes.note_outcome(unit, mission.id, person_id, outcome)
    unit.record(actor, "auto.tried", mission=mission.number, person=person_id, outcome=outcome)


def _due(unit: Unit) -> list[tuple[Mission, Person]]:
    chosen, strategies = modes.in_auto(unit, ModeScope.PERSON), modes.in_auto(unit, ModeScope.STRATEGY)
    if not chosen or not strategies:
        return []
    waiting = [each for each in missions.open_missions(unit) if strategy_of(each.signal.source) in strategies]
    everyone = [person for person in people.everyone(unit, Role.TRADER) if str(person.id) in chosen] if waiting else []
    # The oldest first: it is the first whose time is over.
    return [
        (mission, person)
        for mission in reversed(waiting)
        for person in everyone
        if not modes.was_tried(unit, mission.id, person.id) and _may(unit, mission, person)
    ]


def _may(unit: Unit, mission: Mission, person: Person) -> bool:
    """Tell whether a mission fires by itself for somebody who has not decided about it."""
    if person.role < Role.TRADER or mission.state is not MissionState.OPEN or mission.signal.expires_at <= unit.now:
        return False
    grade = grades.find(unit, person.grade)
    if not grade.may("fire") or modes.in_force(unit, person.id, grade, mission.signal.source) is not FireMode.AUTO:
        return False
    return all(row.person_id != person.id for row in missions.decisions_on(unit, mission.id))
