"""Open questions: writes of unknown outcome, and differences that a person decides."""

from __future__ import annotations

from handlers.telegram.app import App
from handlers.telegram.callbacks import QuestionButton, QuestionVerb
from handlers.telegram.commands import CommandSpec, Kind, Where, row_of
from handlers.telegram.request import Request
from handlers.telegram.views.message import Rendered
from handlers.telegram.views.reconcile import (
    decision_question,
    reason_question,
    render_proposal,
    render_questions,
    render_write,
    resolve_question,
)
from services.access.authority import require
from services.domain.errors import NotFound, Refused
from services.domain.people import Actor, Role
from services.domain.proposals import REASONS, Answer, ProposalState
from services.execution.resolving import WriteEvidence

TAKEN, NOT = "taken", "not"


class ReconcileHandlers:
    """The command and the taps about open questions."""

    def __init__(self, app: App) -> None:
        self._app = app

    def commands(self) -> tuple[CommandSpec, ...]:
        """Return the rows of this room."""
        row = row_of("reconcile")
        usage = "[id [answer reason]]"
        return (row("resolve", "What is unknown or differs", usage, Role.TRADER, Kind.ACT, Where.MONEY, self.resolve),)

    async def resolve(self, request: Request) -> None:
        """List what is open, show one question with its evidence, or ask for the tap that answers it."""
        actor = self._app.in_private(request.actor)
        reference, _, rest = request.args.partition(" ")
        answer, _, reason = rest.strip().partition(" ")
        if not reference:
            await request.reply(render_questions(await self._app.trading.resolve.questions(actor)))
        elif not answer:
            await request.reply(await self._evidence(actor, reference))
        else:
            await request.reply(await self._question(actor, reference, answer.lower(), reason.strip()))

    async def tap(self, request: Request, button: QuestionButton) -> None:
        """Carry out a tap on an open question."""
        await self._app.database.read(lambda unit: require(unit, request.actor, Role.TRADER))
        match button.verb:
            case QuestionVerb.LIST:
                await request.show(render_questions(await self._app.trading.resolve.questions(request.actor)))
            case QuestionVerb.SHOW:
                await request.show(await self._evidence(request.actor, button.item))
            case QuestionVerb.ANSWER if button.arg == Answer.IGNORE.value:
                await request.show(reason_question(button.item))
            case QuestionVerb.ANSWER:
                await request.show(await self._question(request.actor, button.item, button.arg, ""))
            case QuestionVerb.REASON:
                index = int(button.arg) if button.arg.isdigit() else len(REASONS)
                if index >= len(REASONS):
                    raise NotFound("BUTTON")
                asked = await self._app.trading.decide.ask(request.actor, button.item, Answer.IGNORE, REASONS[index])
                await request.show(decision_question(asked))

    async def decide_tap(self, request: Request, token: str) -> None:
        """Decide a difference."""
        decided = await self._app.trading.decide(request.actor, token)
        word = "Under way" if decided.state is ProposalState.CLOSING else "Decided"
        await request.show(Rendered(text=f"{word}: {decided.answer.value if decided.answer else ''}, {decided.symbol}."))

    async def settle_tap(self, request: Request, token: str) -> None:
        """Close a write of unknown outcome."""
        asked = await self._app.trading.resolve(request.actor, token)
        word = "taken" if asked.taken else "not taken"
        await request.show(Rendered(text=f"Closed as {word}: {asked.write.instruction.symbol}. Nothing is sent again."))

    async def _evidence(self, actor: Actor, reference: str) -> Rendered:
        evidence = await self._app.trading.resolve.evidence(actor, reference)
        if isinstance(evidence, WriteEvidence):
            return render_write(evidence)
        return render_proposal(evidence, evidence.answers)

    async def _question(self, actor: Actor, reference: str, answer: str, reason: str) -> Rendered:
        if answer in (TAKEN, NOT):
            asked = await self._app.trading.resolve.ask(actor, reference, taken=answer == TAKEN, reason=reason)
            return resolve_question(asked)
        if answer not in set(Answer):
            raise Refused("ANSWER", value=answer[:20], limit=", ".join((TAKEN, NOT, *Answer)))
        return decision_question(await self._app.trading.decide.ask(actor, reference, Answer(answer), reason))
