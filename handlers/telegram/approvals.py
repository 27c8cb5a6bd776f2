"""Questions that wait for a second person, the limits, and the way back from a change."""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal

from handlers.telegram.app import App
from handlers.telegram.callbacks import ApprovalButton, ApprovalVerb
from handlers.telegram.commands import CommandSpec, Kind, Where, row_of
from handlers.telegram.request import Request
from handlers.telegram.views.approvals import REJECT_REASONS, answered_words, proposed_words, reject_reasons
from handlers.telegram.views.limits import limit_page, limit_question, limits_page
from handlers.telegram.views.message import Rendered
from services.access.authority import find_person, require
from services.access.second_person import TERM
from services.domain.approvals import Approval
from services.domain.buttons import Act
from services.domain.cards import approval_card
from services.domain.changes import Change, ChangeState
from services.domain.errors import NotFound, Refused
from services.domain.limits import Scope
from services.domain.notices import Priority
from services.domain.people import Role
from services.domain.typed import typed_number
from services.reporting.limit_list import LimitsList, limits_list
from services.reporting.trade_question import denied_after
from services.risk.limit_changes import Target, read_value, tightens
from services.storage import approvals, outbox, tokens
from services.storage.database import Unit

_DELAY = re.compile(r"([0-9]{1,4})(m|h|d)")
_MINUTES = {"m": 1, "h": 60, "d": 1440}
USAGE = "[limit [scope:subject] [value|off [in 2h]]]"


class ApprovalHandlers:
    """Commands and taps about what waits for somebody else, and what may be changed."""

    def __init__(self, app: App) -> None:
        self._app = app

    def commands(self) -> tuple[CommandSpec, ...]:
        """Return the rows of this room."""
        row = row_of("risk")
        return (
            row("limits", "Every limit, its use, a change", USAGE, Role.OBSERVER, Kind.ACT, Where.ANYWHERE, self.limits),
            row("approve", "What waits for an answer", "[number phrase]", Role.TRADER, Kind.ACT, Where.PRIVATE, self.approve),
            row("rollback", "Back from a change", "number", Role.COMMANDER, Kind.ACT, Where.ANYWHERE, self.rollback),
        )

    async def limits(self, request: Request) -> None:
        """List the limits, show one, or propose a value of one."""
        words = request.args.split()
        if len(words) < 2:
            await self.show(request, 1, request.args)
            return
        target, value, delay = await self._read(words)
        at = self._app.live().now + delay if delay else None
        await _reply(request, await self._app.approvals.propose_limit(request.actor, target, value, at))

    async def show(self, request: Request, page: int, arg: str) -> None:
        """Show a page of the limits, or one of them."""
        limit = Target.read(arg).limit if arg.strip() else None
        data = await self._app.database.read(lambda unit: self._list(unit, request))
        await request.show(limit_page(data, limit) if limit is not None else limits_page(data, page))

    async def approve(self, request: Request) -> None:
        """Bring what waits to the end of the chat; or confirm one's own question by its phrase."""
        typed, _, phrase = request.args.strip().removeprefix("#").partition(" ")
        if not typed:
            count = await self._app.database.write(lambda unit: self._bring(unit, request))
            if not count:
                await request.reply(Rendered(text="Nothing waits for an answer."))
            return
        number = typed_number(typed)
        if number is None:
            raise Refused("APPROVAL", reference=typed)
        done = await self._app.approvals.answer.alone(request.actor, number, phrase)
        await request.reply(Rendered(text=answered_words(done)))

    async def rollback(self, request: Request) -> None:
        """Propose the way back from a change, or take a pending one back."""
        number = typed_number(request.args.strip().removeprefix("#"))
        if number is None:
            raise Refused("ROLLBACK_SYNTAX")
        await _reply(request, await self._app.approvals.undo(request.actor, number))

    async def approve_tap(self, request: Request, token: str) -> None:
        """Say yes; a trade may be denied all the same, by the price and the books of now."""
        done = await self._app.approvals.answer(request.actor, token, True)
        denied = await self._app.database.read(lambda unit: denied_after(unit, done))
        await request.toast(answered_words(done, denied), alert=denied is not None)

    async def tap(self, request: Request, button: ApprovalButton) -> None:
        """Say no with a reason, take a question back, lead back from a change, or propose a limit's value."""
        match button.verb:
            case ApprovalVerb.NO:
                approval = await self._app.database.read(lambda unit: _asked_by(unit, request, button.item))
                await request.show(reject_reasons(approval, button.item))
            case ApprovalVerb.REASON:
                await self._reject(request, button)
            case ApprovalVerb.BACK:
                await self._app.show_card(request, approval_card(button.item))
            case ApprovalVerb.WITHDRAW:
                await request.toast(answered_words(await self._app.approvals.answer.withdraw(request.actor, button.item)))
            case ApprovalVerb.UNDO:
                if not button.item.isdigit():
                    raise NotFound("BUTTON")
                await _reply(request, await self._app.approvals.undo(request.actor, int(button.item)))
            case ApprovalVerb.SET:
                await self._question(request, Target.read(button.item), button.arg)
            case ApprovalVerb.DO:
                change = await self._app.approvals.propose_limit(request.actor, Target.read(button.item), button.arg)
                await request.show(proposed_words(change))

    async def _reject(self, request: Request, button: ApprovalButton) -> None:
        approval = await self._app.database.read(lambda unit: _asked_by(unit, request, button.item))
        reasons = REJECT_REASONS[approval.subject]
        if not button.arg.isdigit() or int(button.arg) >= len(reasons):
            raise NotFound("BUTTON")
        done = await self._app.approvals.answer(request.actor, button.item, False, reasons[int(button.arg)])
        await request.toast(answered_words(done))

    async def _question(self, request: Request, target: Target, text: str) -> None:
        def look(unit: Unit) -> tuple[Decimal | None, Decimal | None]:
            require(unit, request.actor, Role.COMMANDER)
            return self._app.approvals.limits.value(unit, target), read_value(target, text)

        before, after = await self._app.database.read(look)
        if after is None:
            raise NotFound("BUTTON")
        await request.show(limit_question(target.limit, before, after, tightens=tightens(target, before, after)))

    async def _read(self, words: list[str]) -> tuple[Target, str, timedelta | None]:
        """Read ``per_trade person:@ann 0.02 in 2h``; scope and delay may be missing."""
        delay = None
        if len(words) > 3 and words[-2].lower() == "in":
            asked = _DELAY.fullmatch(words[-1].lower())
            if asked is None:
                raise Refused("LIMIT_SYNTAX", value=words[-1])
            delay, words = timedelta(minutes=int(asked[1]) * _MINUTES[asked[2]]), words[:-2]
        if len(words) > 3:
            raise Refused("LIMIT_SYNTAX", value=" ".join(words[3:]))
        target = Target.read(" ".join(words[:-1]))
        if target.scope is Scope.PERSON and not target.subject.isdigit():
            person = await self._app.database.read(lambda unit: find_person(unit, target.subject))
            target = Target(limit=target.limit, scope=target.scope, subject=str(person.id))
        return target, words[-1], delay

    def _list(self, unit: Unit, request: Request) -> LimitsList:
        person = require(unit, request.actor, Role.OBSERVER)
        may_change = person.role is Role.COMMANDER
        settings = self._app.approvals.limits.settings
        return limits_list(unit, settings, person.id, self._app.live(), may_change=may_change)

    def _bring(self, unit: Unit, request: Request) -> int:
        """Ask anew for the cards of all questions that the person has one of."""
        require(unit, request.actor, Role.TRADER)
        keys = [approval_card(each.id) for each in approvals.waiting(unit)]
        theirs = [key for key in keys if outbox.card(unit, key, request.actor.id) is not None]
        for key in theirs:
            outbox.show(unit, key, request.actor.id, priority=Priority.TAP, anew=True)
        return len(theirs)


async def _reply(request: Request, change: Change) -> None:
    """Say what a proposal came to; one that waits has a card, which says it better."""
    if change.state is not ChangeState.WAITING:
        await request.reply(proposed_words(change))
    elif request.is_group or request.callback_id is not None:
        await request.toast(f"Change #{change.number} waits for a second person.")


def _asked_by(unit: Unit, request: Request, token_id: str) -> Approval:
    """Return the question that a No button belongs to; raise for one that is not the presser's."""
    token = tokens.find(unit, token_id)
    if token is None or token.act is not Act.REJECT or token.person_id != request.actor.id:
        raise NotFound("BUTTON")
    approval = approvals.find(unit, token.terms[TERM])
    if approval is None:
        raise NotFound("BUTTON")
    return approval
