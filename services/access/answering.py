"""What people do with a question that waits: answer it, confirm one alone, take it back; and what time does with it.

What an answer leads to is not known here: each subject has one outcome, called in the unit that decided the question.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from services.access.authority import require
from services.access.second_person import SecondPerson
from services.domain.approvals import Approval, ApprovalState, ApprovalSubject
from services.domain.errors import NotAllowed, NotFound
from services.domain.people import Actor, Role
from services.domain.ports import Ids
from services.storage import approvals
from services.storage.database import Database, Unit

Outcome = Callable[[Unit, Actor, Approval], None]
"""Carry out what became of a question that waits no more; raising takes the answer back with everything else."""


Alone = Callable[[Unit, Actor, Approval], float]
"""Say of a question that nobody but its asker is left, to everybody who must hear it; return the asker's wait in seconds."""


class AnswerApproval:
    """Take an answer or a phrase, and carry out what it leads to in the same unit."""

    def __init__(self, database: Database, second: SecondPerson, outcomes: Mapping[ApprovalSubject, Outcome]) -> None:
        self._database = database
        self._second = second
        self._outcomes = outcomes

    async def __call__(self, actor: Actor, token_id: str, yes: bool, reason: str | None = None) -> Approval:
        """Book the answer of whoever pressed; the errors are those of `SecondPerson.answer` and of the outcome."""
        return await self._decided(actor, lambda unit: self._second.answer(unit, actor, token_id, yes, reason))

    async def alone(self, actor: Actor, number: int, phrase: str) -> Approval:
        """Confirm one's own question by its phrase; the errors are those of `SecondPerson.confirm_solo`."""
        return await self._decided(actor, lambda unit: self._second.confirm_solo(unit, actor, number, phrase))

    async def withdraw(self, actor: Actor, approval_id: str) -> Approval:
        """Take one's own question back; raise NotAllowed for anybody else's."""

        def body(unit: Unit) -> Approval:
            require(unit, actor, Role.OBSERVER)
            approval = approvals.find(unit, approval_id)
            if approval is None:
                raise NotFound("APPROVAL")
            if approval.asked_by != actor.id:
                raise NotAllowed("NOT_YOURS")
            return self._second.withdraw(unit, actor, approval, "taken back")

        return await self._decided(actor, body)

    async def _decided(self, actor: Actor, body: Callable[[Unit], Approval]) -> Approval:
        def both(unit: Unit) -> Approval:
            approval = body(unit)
            if approval.state is not ApprovalState.WAITING:
                self._outcomes[approval.subject](unit, actor, approval)
            return approval

        return await self._database.write(both, urgent=True)


class TendApprovals:
    """Called by the clock: end what nobody answered, and let each question be answered by whoever there is.

    What one was to decide alone goes to a second person who came; what nobody else is left for, to its asker alone.
    """

    def __init__(
        self,
        database: Database,
        second: SecondPerson,
        outcomes: Mapping[ApprovalSubject, Outcome],
        alone: Mapping[ApprovalSubject, Alone],
        ids: Ids,
    ) -> None:
        self._database = database
        self._second = second
        self._outcomes = outcomes
        self._alone = alone
        self._ids = ids

    async def __call__(self) -> None:
        """Look, and write only where something is due."""
        if await self._database.read(self._second.has_work):
            await self._database.write(self._tend)

    def _tend(self, unit: Unit) -> None:
        actor = Actor.job("approvals", f"approvals-{self._ids.row()}")
        for approval in self._second.expire_due(unit):
            self._outcomes[approval.subject](unit, actor, approval)
        self._second.switch_solo_off(unit)
        for approval in self._second.deserted(unit):
            self._second.leave_alone(unit, approval, self._alone[approval.subject](unit, actor, approval))
