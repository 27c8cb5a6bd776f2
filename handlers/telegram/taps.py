"""Taps: open buttons go to the room that owns them, act buttons to the use case that their token names."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from aiogram.filters.callback_data import CallbackData

from handlers.telegram.app import App
from handlers.telegram.approvals import ApprovalHandlers
from handlers.telegram.breakers import VERBS as BREAKER_VERBS
from handlers.telegram.breakers import BreakerHandlers
from handlers.telegram.callbacks import (
    ActButton,
    ApprovalButton,
    ChoiceButton,
    DeskButton,
    HandoverButton,
    IncidentButton,
    ListButton,
    ListName,
    MissionButton,
    MissionVerb,
    QuestionButton,
    TradeButton,
    TradeVerb,
)
from handlers.telegram.desk import DeskHandlers
from handlers.telegram.entries import AMENDS, EntryHandlers
from handlers.telegram.handover import HandoverHandlers
from handlers.telegram.incidents import IncidentHandlers
from handlers.telegram.lists import Lists
from handlers.telegram.missions import MissionHandlers
from handlers.telegram.people import PeopleHandlers
from handlers.telegram.positions import PositionHandlers
from handlers.telegram.reconcile import ReconcileHandlers
from handlers.telegram.request import Request
from handlers.telegram.risk import RiskHandlers
from handlers.telegram.sources import SourceHandlers
from handlers.telegram.views.errors import toast
from handlers.telegram.views.message import Rendered
from handlers.telegram.views.questions import resumed
from handlers.telegram.views.routes import ROUTE
from handlers.telegram.views.sources import SOURCE
from services.access.authority import require
from services.domain.buttons import Act
from services.domain.errors import NotFound
from services.domain.people import Role
from services.missions.fire import AlreadyFired, Denied, Fired, Refreshed, Waits

STRATEGY = "strategy"
# What shows sizes or money, or somebody's own choices, is not for a group, however the press got there.
PRIVATE_VERBS = frozenset(
    {
        MissionVerb.CARD,
        MissionVerb.CHECKS,
        MissionVerb.BACK,
        MissionVerb.SIZE,
        MissionVerb.TERMINAL,
        MissionVerb.HOW,
    }
)

ActHandler = Callable[[Request, str], Awaitable[None]]


class Taps:
    """Carries out a tap."""

    def __init__(
        self,
        app: App,
        lists: Lists,
        desk: DeskHandlers,
        missions: MissionHandlers,
        positions: PositionHandlers,
        entries: EntryHandlers,
        risk: RiskHandlers,
        people: PeopleHandlers,
        reconcile: ReconcileHandlers,
        incidents: IncidentHandlers,
        breakers: BreakerHandlers,
        approvals: ApprovalHandlers,
        sources: SourceHandlers,
    ) -> None:
        self._app = app
        self._lists = lists
        self._desk = desk
        self._missions = missions
        self._positions = positions
        self._entries = entries
        self._risk = risk
        self._people = people
        self._reconcile = reconcile
        self._incidents = incidents
        self._breakers = breakers
        self._approvals = approvals
        self._sources = sources
        self._handover = HandoverHandlers(app)
        self._acts: Mapping[Act, ActHandler] = {
            Act.CONFIRM_FIRE: self._confirm,
            Act.CLOSE: self._close,
            Act.CLOSE_ALL: self._close_all,
            Act.RESUME: self._resume,
            Act.FLATTEN: risk.flatten_tap,
            Act.GRANT: people.grant_tap,
            Act.REVOKE: people.revoke_tap,
            Act.APPROVE_CHAT: people.approve_chat_tap,
            Act.DECIDE: reconcile.decide_tap,
            Act.SETTLE_UNKNOWN: reconcile.settle_tap,
            Act.APPROVE: approvals.approve_tap,
        }

    async def carry_out(self, request: Request, button: CallbackData) -> None:
        """Find the handler of a button; strangers get no further than this, or than the token that is not theirs."""
        if not isinstance(button, ActButton):
            await self._app.database.read(lambda unit: require(unit, request.actor, Role.OBSERVER))
        if request.is_group and _is_private(button):
            await request.toast("Ask me in private for that.", alert=True)
            return
        match button:
            case MissionButton():
                await self._missions.tap(request, button)
            case TradeButton() if button.verb in AMENDS:
                await self._entries.tap(request, button)
            case TradeButton():
                await self._positions.tap(request, button)
            case DeskButton() if button.verb in BREAKER_VERBS:
                await self._breakers.tap(request, button)
            case DeskButton():
                await self._risk.tap(request, button)
            case ListButton() if button.name is ListName.LIMITS:
                await self._approvals.show(request, button.page, button.arg)
            case ApprovalButton():
                await self._approvals.tap(request, button)
            case ListButton():
                await self._lists.tap(request, button)
            case ChoiceButton() if button.name == ROUTE:
                await self._entries.apply(request, button)
            case ChoiceButton() if button.name == SOURCE:
                await self._sources.choose(request, button)
            case ChoiceButton():
                room = self._desk if button.name == STRATEGY else self._people
                await room.choose(request, button)
            case QuestionButton():
                await self._reconcile.tap(request, button)
            case HandoverButton():
                await self._handover.tap(request, button)
            case IncidentButton():
                await self._incidents.tap(request, button)
            case ActButton():
                handler = self._acts.get(button.act)
                if handler is None:
                    raise NotFound("BUTTON")
                await handler(request, button.token)

    async def _confirm(self, request: Request, token: str) -> None:
        outcome = await self._app.trading.fire(request.actor, token, request.message_id)
        match outcome:
            case Fired():
                await request.toast(f"Approved as trade #{outcome.number}.")
            case Waits():
                await request.toast(_waits(outcome))
            case Denied():
                await request.toast(toast(outcome.check.code.value, self._app.check_values(outcome.check)), alert=True)
            case Refreshed():
                await request.toast(f"Refreshed: {outcome.reason}. Look again, then confirm.")
            case AlreadyFired():
                await request.toast("Already fired.")

    async def _close(self, request: Request, token: str) -> None:
        closing = await self._app.trading.close(request.actor, token, Act.CLOSE)
        await request.toast("Closing." if closing.trades else "Nothing left to close.")

    async def _close_all(self, request: Request, token: str) -> None:
        closing = await self._app.trading.close(request.actor, token, Act.CLOSE_ALL)
        numbers = ", ".join(f"#{trade.number}" for trade in closing.trades) or "nothing left"
        await request.show(Rendered(text=f"Closing {numbers}. Each card shows how it ends."))

    async def _resume(self, request: Request, token: str) -> None:
        await request.show(resumed(await self._app.trading.resume(request.actor, token, "")))


def _waits(outcome: Waits) -> str:
    others = "your own phrase" if outcome.solo else f"{outcome.needed} yes of others"
    return f"Trade #{outcome.number} waits for {others}. Its card shows how it stands."


def _is_private(button: CallbackData) -> bool:
    match button:
        case MissionButton():
            return button.verb in PRIVATE_VERBS
        case TradeButton():
            return button.verb is not TradeVerb.CARD
        case ChoiceButton():
            return button.name != STRATEGY
        case QuestionButton() | HandoverButton():
            return True
    return False
