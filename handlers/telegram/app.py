"""What handlers may reach: use cases and reads, nothing else."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from handlers.telegram.request import Request
from handlers.telegram.views.cards import render_card
from handlers.telegram.views.menu import render_menu
from handlers.telegram.views.message import Rendered
from services.access import audience, checklist
from services.access.answering import AnswerApproval
from services.access.authority import require
from services.access.changes import UndoChange
from services.access.chats import ApproveChat, BindTopic, ChatLeft, MigrateChat
from services.access.choices import ChooseTerminal, SetLoudness, SetQuietHours, SetZone
from services.access.contacts import Rename
from services.access.granting import Grant
from services.access.incidents import TakeIncident
from services.access.links import Invite
from services.access.mode_changes import ChooseMode
from services.access.roles import Revoke
from services.access.start import Start
from services.domain.cards import mission_card, preview_card
from services.domain.errors import NotFound, Refused
from services.domain.notices import Event, Priority
from services.domain.people import Actor, Role
from services.domain.ports import Ids
from services.domain.verdicts import Check
from services.execution.benching import BenchPerson
from services.execution.deciding import DecideProposal
from services.execution.flattening import FlattenDesk
from services.execution.going_live import GoLive
from services.execution.halting import HaltDesk
from services.execution.handing_over import DecideHandover
from services.execution.keeping import ChooseTrail
from services.execution.manage import AskClose, CancelEntry, CloseTrades, MoveStop
from services.execution.quality import RouteBook
from services.execution.rearming import ResumeDesk
from services.execution.resolving import ResolveByHand
from services.missions.amend import AmendEntry
from services.missions.call import CallMission
from services.missions.explain import ExplainFire
from services.missions.fire import FireMission
from services.missions.planning import find_mission
from services.missions.preview import OpenPreview
from services.missions.skip import SkipMission
from services.operations.doctor import CheckResult
from services.reporting.cards import load_card
from services.reporting.exposure import equity_of
from services.reporting.holding_back import ReadStanding
from services.reporting.live import Live
from services.reporting.news_view import ReadNews
from services.risk.lifting import CloseBreaker
from services.risk.limit_changes import LimitChanges, ProposeLimit
from services.signals.sources import AddSource, SwitchSource
from services.storage import missions, outbox, people, previews, terminals
from services.storage.database import Database, Unit
from services.storage.previews import Preview, PreviewState
from services.strategies.registry import Registry

REMIND_AFTER = timedelta(minutes=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class TradingActs:
    """What a trader does."""

    preview: OpenPreview
    fire: FireMission
    skip: SkipMission
    explain: ExplainFire
    ask_close: AskClose
    close: CloseTrades
    move_stop: MoveStop
    choose_trail: ChooseTrail
    cancel: CancelEntry
    amend: AmendEntry
    routes: RouteBook
    halt: HaltDesk
    flatten: FlattenDesk
    resume: ResumeDesk
    decide: DecideProposal
    resolve: ResolveByHand
    close_breaker: CloseBreaker
    bench: BenchPerson
    handover: DecideHandover


@dataclass(frozen=True, slots=True, kw_only=True)
class PeopleActs:
    """What is done with people and chats."""

    start: Start
    grant: Grant
    revoke: Revoke
    invite: Invite
    approve_chat: ApproveChat
    chat_left: ChatLeft
    migrate_chat: MigrateChat
    bind: BindTopic
    set_loudness: SetLoudness
    set_quiet_hours: SetQuietHours
    set_zone: SetZone
    choose_terminal: ChooseTerminal
    rename: Rename
    mode: ChooseMode


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalActs:
    """What is done about questions that wait for a second person, and about changes."""

    answer: AnswerApproval
    propose_limit: ProposeLimit
    undo: UndoChange
    limits: LimitChanges
    go_live: GoLive


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceActs:
    """What is done about senders outside; ``kept_days`` is how far back their record goes."""

    add: AddSource
    switch: SwitchSource
    kept_days: int


@dataclass(frozen=True, slots=True, kw_only=True)
class App:
    """The bundle that every handler gets."""

    database: Database
    ids: Ids
    trading: TradingActs
    people: PeopleActs
    approvals: ApprovalActs
    sources: SourceActs
    take_incident: TakeIncident
    standing: ReadStanding
    news: ReadNews
    call: CallMission
    registry: Registry
    live: Callable[[], Live]
    doctor: Callable[[], Awaitable[list[CheckResult]]]
    desk_name: str
    zone: str
    username: Callable[[], str]
    conceal: Callable[[str], str]
    command_max_age_s: float
    started_at: datetime
    config_hash: str
    state_dir: Path
    stage_rows: Callable[[], Mapping[str, Mapping[str, Any]]]

    def in_private(self, actor: Actor) -> Actor:
        """Return the actor as if they had spoken in private: the answer goes there, so its button belongs there."""
        return replace(actor, chat_id=actor.id)

    async def show_card(self, request: Request, key: str) -> None:
        """Show a card as it is now, in place of the tapped message or as an answer."""
        chat_id = request.chat_id
        facts = await self.database.read(lambda unit: load_card(unit, key, chat_id, self.live()))
        rendered = render_card(key, facts) if facts is not None else None
        if rendered is None:
            raise NotFound("CARD")
        await request.show(replace(rendered, chart=None) if request.callback_id else rendered, reading=False)

    async def menu(self, request: Request) -> Rendered:
        """Return the menu of the asker's role."""
        role = await self.database.read(lambda unit: people.role_of(unit, request.actor.id))
        return render_menu(role, is_group=request.is_group)

    async def put_away(self, request: Request, mission_id: str) -> None:
        """Take a preview away: its message goes and its Confirm stops; one that was fired is a trade's card by now."""

        def body(unit: Unit) -> None:
            person = require(unit, request.actor, Role.TRADER)
            preview = previews.find(unit, mission_id, person.id)
            if preview is None or preview.state is PreviewState.FIRED:
                raise NotFound("PREVIEW")
            previews.forget(unit, mission_id, person.id)
            outbox.drop_card(unit, preview_card(mission_id, person.id), request.chat_id)

        await self.database.write(body)
        await request.answers.delete(request.chat_id, request.message_id)

    async def remind(self, actor: Actor, mission_id: str) -> datetime:
        """Tell the person again when the refusal frees up, or in five minutes where that is unknown; return when."""

        def body(unit: Unit) -> datetime:
            person = require(unit, actor, Role.TRADER)
            mission = find_mission(unit, mission_id)
            preview = previews.find(unit, mission_id, person.id)
            failed = [check for check in preview.checks if not check.passed] if preview else []
            if not failed:
                raise Refused("NOTHING_REFUSED")
            at = min([each.frees_at for each in failed if each.frees_at], default=unit.now + REMIND_AFTER)
            facts = {
                "mission": mission.number,
                "symbol": mission.signal.symbol,
                "code": failed[0].code.value,
                "mode": _mode_of(unit, preview),
            }
            audience.tell_person(unit, person, Event.REMINDER, "reminder", facts, not_before=at)
            return at

        return await self.database.write(body)

    async def ask_commander(self, actor: Actor, mission_id: str) -> str:
        """Tell the commanders that a trader was refused and asks; return their names."""

        def body(unit: Unit) -> str:
            person = require(unit, actor, Role.TRADER)
            mission = find_mission(unit, mission_id)
            preview = previews.find(unit, mission_id, person.id)
            failed = [check for check in preview.checks if not check.passed] if preview else []
            if not failed:
                raise Refused("NOTHING_REFUSED")
            commanders = [each for each in people.everyone(unit, Role.COMMANDER) if each.id != person.id]
            facts = {
                "person": person.name,
                "mission": mission.number,
                "symbol": mission.signal.symbol,
                "code": failed[0].code.value,
                "value": failed[0].value,
                "limit": failed[0].limit,
                "mode": _mode_of(unit, preview),
            }
            for commander in commanders:
                outbox.tell(unit, commander.id, "asked", facts, priority=Priority.NORMAL)
            if not commanders:
                raise Refused("NO_COMMANDER")
            missions.decide(unit, mission.id, person.id, "asked", failed[0].code.value)
            outbox.refresh(unit, mission_card(mission.id))
            unit.record(actor, "mission.asked", mission=mission.number, code=failed[0].code.value)
            return ", ".join(each.name for each in commanders)

        return await self.database.write(body)

    async def reachable(self, person_id: int) -> bool:
        """Tell whether the bot may write to this person."""
        person = await self.database.read(lambda unit: people.find(unit, person_id))
        return person is not None and person.reachable

    async def risk_percent(self, open_risk: Decimal) -> Decimal | None:
        """Return open risk in percent of all terminals' equity, or None without a reading."""
        live = self.live()
        equity, _ = await self.database.read(lambda unit: equity_of(terminals.everything(unit), live))
        return open_risk / equity.amount * 100 if equity is not None and equity.amount > 0 else None

    async def tick(self, person_id: int, item: str) -> None:
        """Tick a checklist item that a read fulfils."""
        done = await self.database.read(lambda unit: people.ticked(unit, person_id))
        if item not in done:
            await self.database.write(lambda unit: checklist.tick(unit, person_id, item))

    async def stranger(self, request: Request) -> None:
        """Turn a stranger away, and let the commanders know once a day."""
        await self.people.start(request.actor, request.actor.name, request.username, None)

    async def migrate_chat(self, actor: Actor, old: int, new: int) -> None:
        """Carry a group over to its new id."""
        await self.people.migrate_chat(actor, old, new)

    async def membership(self, actor: Actor, chat_id: int, kind: str, title: str, *, present: bool) -> None:
        """Note that the bot was added, removed, blocked or let back."""
        if kind == "private":
            await self.database.write(lambda unit: people.set_reachable(unit, chat_id, present))
        elif present:
            await self.people.approve_chat.ask(actor, chat_id, title, kind)
        else:
            await self.people.chat_left(actor, chat_id)

    def check_values(self, check: Check) -> dict[str, object]:
        """Return a check's figures for a short answer."""
        return {
            "value": check.value,
            "limit": check.limit,
            "unit": check.unit.value,
            "frees_at": check.frees_at,
            "note": check.note,
            "zone": self.zone,
        }


def _mode_of(unit: Unit, preview: Preview | None) -> str | None:
    """Return whether the money of a preview's terminal is real, in a word."""
    terminal = terminals.find(unit, preview.terminal_id) if preview is not None else None
    return terminal.mode.value if terminal is not None else None
