"""The second person: what one person asks, others answer; nobody ever answers their own question.

Everything here works inside the caller's unit, and a question is nothing but rows, so a restart changes nothing about it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta

from config.approvals import ApprovalSettings
from services.access import buttons
from services.access.authority import require
from services.domain.approvals import (
    Answer,
    Approval,
    ApprovalState,
    ApprovalSubject,
    needed,
    same_phrase,
    solo_phrase,
)
from services.domain.buttons import Act
from services.domain.cards import approval_card, trade_card
from services.domain.errors import Expired, NotAllowed, NotFound, Refused
from services.domain.notices import Priority
from services.domain.people import Actor, Person, Role
from services.domain.ports import Ids
from services.storage import approvals, grades, outbox, people, tokens
from services.storage.counters import next_number
from services.storage.database import Unit

MayApprove = Callable[[Unit, Person, ApprovalSubject], bool]
SERIES = "approval"
TERM = "approval"


def may_approve(unit: Unit, person: Person, subject: ApprovalSubject) -> bool:
    """Tell whether someone may answer: commanders anything, a trader whose grade approves trades of others."""
    if person.role is Role.COMMANDER:
        return True
    trades = subject is ApprovalSubject.TRADE and person.role is Role.TRADER
    return trades and grades.find(unit, person.grade).approves


class SecondPerson:
    """Asks, takes answers, and ends what nobody answered."""

    def __init__(self, ids: Ids, settings: ApprovalSettings, may_approve: MayApprove = may_approve) -> None:
        """``may_approve`` is asked again at every answer: authority counts as it is stored then."""
        self._ids = ids
        self._settings = settings
        self._may_approve = may_approve

    def eligible(self, unit: Unit, subject: ApprovalSubject, besides: int) -> list[Person]:
        """Return everybody who may answer a question of this kind now, without the one who asks it."""
        return [each for each in people.everyone(unit) if each.id != besides and self._may_approve(unit, each, subject)]

    def ask(
        self,
        unit: Unit,
        actor: Actor,
        *,
        subject: ApprovalSubject,
        subject_id: str,
        kind: str,
        eligible: Sequence[Person],
        quorum: int | None = None,
        lasts_s: float | None = None,
        solo_wait_s: float,
    ) -> Approval:
        """Store a question and show it to everybody eligible but the asker, and to the asker.

        With nobody else and the asker the only commander it becomes solo: a phrase to type, ``solo_wait_s`` from now at the
        earliest; its time to answer begins then. Raises Refused when nobody may answer and it is not that case.
        """
        others = [each for each in eligible if each.id != actor.id]
        solo = not others and self._is_only_commander(unit, actor.id)
        if not others and not solo:
            raise Refused("NOBODY_TO_APPROVE", kind=kind)
        lasts = timedelta(seconds=lasts_s if lasts_s is not None else self._settings.lasts_s)
        ready_at = unit.now + timedelta(seconds=solo_wait_s) if solo else None
        approval = Approval(
            id=self._ids.row(),
            number=next_number(unit, SERIES),
            subject=subject,
            subject_id=subject_id,
            kind=kind,
            asked_by=actor.id,
            needed=1 if solo else needed(quorum if quorum is not None else self._settings.quorum, len(others)),
            solo=solo,
            phrase=solo_phrase(kind) if solo else None,
            ready_at=ready_at,
            asked_at=unit.now,
            expires_at=(ready_at or unit.now) + lasts,
            state=ApprovalState.WAITING,
        )
        approvals.add(unit, approval)
        self._let_answer(unit, approval, others)
        if people.find(unit, actor.id) is not None:
            outbox.show(unit, approval_card(approval.id), actor.id, priority=Priority.TAP)
        unit.record(actor, "approval.asked", **_facts(approval), needed=approval.needed, of=[each.id for each in others])
        return approval

    def answer(self, unit: Unit, actor: Actor, token_id: str, yes: bool, reason: str | None = None) -> Approval:
        """Book a person's word by their button and return the question as it then stands: approved, rejected or waiting on.

        Raises NotFound or NotAllowed for a button that is not theirs or an authority that is gone, Expired when it is too
        late, Refused when it is decided or they have answered already.
        """
        token = buttons.check(unit, actor, token_id, Act.APPROVE if yes else Act.REJECT)
        approval = self._open(unit, approvals.find(unit, token.terms[TERM]))
        if approval.solo or actor.id == approval.asked_by:
            raise NotAllowed("OWN_QUESTION", number=approval.number)
        self._require_authority(unit, actor, approval)
        given = Answer(approval_id=approval.id, person_id=actor.id, yes=yes, reason=reason, at=unit.now)
        if not approvals.answer(unit, given):
            raise Refused("APPROVAL_ANSWERED", number=approval.number)
        buttons.use(unit, actor, token_id, token.act)
        unit.record(actor, "approval.answered", **_facts(approval), yes=yes, reason=reason)
        if not yes:
            return _decide(unit, actor, approval, ApprovalState.REJECTED, reason)
        if self._yeses(unit, approval) >= approval.needed:
            return _decide(unit, actor, approval, ApprovalState.APPROVED)
        _show_anew(unit, approval)
        return approval

    def confirm_solo(self, unit: Unit, actor: Actor, number: int, phrase: str) -> Approval:
        """Approve one's own question by its phrase, where there is nobody else.

        Returns the question approved; or, when somebody who may answer has come meanwhile, waiting for them and solo no more.
        Raises Refused before its time or for another phrase, NotAllowed for anybody but the asker.
        """
        approval = self._open(unit, approvals.by_number(unit, number))
        if actor.id != approval.asked_by:
            raise NotAllowed("NOT_YOURS")
        require(unit, actor, Role.COMMANDER)
        if not approval.solo:
            raise NotAllowed("OWN_QUESTION", number=approval.number)
        others = self.eligible(unit, approval.subject, approval.asked_by)
        if others:
            return self._hand_over(unit, approval, others)
        if approval.ready_at is not None and unit.now < approval.ready_at:
            raise Refused("APPROVAL_EARLY", number=approval.number, frees_at=approval.ready_at)
        if approval.phrase is None or not same_phrase(approval.phrase, phrase):
            raise Refused("APPROVAL_PHRASE", number=approval.number, limit=approval.phrase)
        return _decide(unit, actor, approval, ApprovalState.APPROVED)

    @staticmethod
    def withdraw(unit: Unit, actor: Actor, approval: Approval, why: str) -> Approval:
        """Take a question back; whether the actor may is decided by whoever calls. Raises Refused when it is decided."""
        return _decide(unit, actor, _waiting(approval), ApprovalState.WITHDRAWN, why)

    def has_work(self, unit: Unit) -> bool:
        """Tell whether something is past its time, or has to change hands: to those who came, or to who is left alone."""
        waiting = approvals.waiting(unit)
        return any(each.is_late(unit.now) or self._is_deserted(unit, each) for each in waiting) or any(
            self.eligible(unit, each.subject, each.asked_by) for each in waiting if each.solo
        )

    def expire_due(self, unit: Unit) -> list[Approval]:
        """End what is past its time; return it as it ended."""
        actor = self._job()
        return [_decide(unit, actor, each, ApprovalState.EXPIRED) for each in approvals.due(unit, unit.now)]

    def switch_solo_off(self, unit: Unit) -> list[Approval]:
        """Give what one commander was to decide alone to those who may answer by now; return what changed hands."""
        alone = [each for each in approvals.waiting(unit) if each.solo and not each.is_late(unit.now)]
        found = [(each, self.eligible(unit, each.subject, each.asked_by)) for each in alone]
        return [self._hand_over(unit, each, others) for each, others in found if others]

    def deserted(self, unit: Unit) -> list[Approval]:
        """Return what waits for others of whom nobody is left, where its asker is the only commander."""
        return [each for each in approvals.waiting(unit) if not each.is_late(unit.now) and self._is_deserted(unit, each)]

    def leave_alone(self, unit: Unit, approval: Approval, wait_s: float) -> Approval:
        """Turn a deserted question into one that its asker decides alone, by a phrase and ``wait_s`` from now at the earliest.

        A trade's keeps its end, for its terms grow old; a change's has from then on as long as it had in the beginning.
        """
        ready_at, ends = unit.now + timedelta(seconds=wait_s), approval.expires_at
        if approval.subject is ApprovalSubject.CHANGE:
            ends = ready_at + (approval.expires_at - approval.asked_at)
        phrase = solo_phrase(approval.kind)
        after = approvals.leave_alone(unit, approval, phrase=phrase, ready_at=ready_at, expires_at=ends)
        _show_anew(unit, after)
        unit.record(self._job(), "approval.left_alone", **_facts(after), ready_at=ready_at.isoformat())
        return after

    def _is_deserted(self, unit: Unit, approval: Approval) -> bool:
        if approval.solo or self.eligible(unit, approval.subject, approval.asked_by):
            return False
        return self._is_only_commander(unit, approval.asked_by)

    def _hand_over(self, unit: Unit, approval: Approval, others: Sequence[Person]) -> Approval:
        after = approvals.hand_over(unit, approval, needed(self._settings.quorum, len(others)))
        self._let_answer(unit, after, others)
        _show_anew(unit, after)
        unit.record(self._job(), "approval.handed_over", **_facts(after), needed=after.needed, of=[each.id for each in others])
        return after

    def _let_answer(self, unit: Unit, approval: Approval, others: Sequence[Person]) -> None:
        lasts_s = (approval.expires_at - unit.now).total_seconds()
        for person in others:
            for act in (Act.APPROVE, Act.REJECT):
                buttons.issue(
                    unit, self._ids, act, {TERM: approval.id}, person_id=person.id, chat_id=person.id, lasts_s=lasts_s
                )
            outbox.show(unit, approval_card(approval.id), person.id, priority=Priority.URGENT)

    def _open(self, unit: Unit, approval: Approval | None) -> Approval:
        """Return a question that may be answered now."""
        if approval is None:
            raise NotFound("APPROVAL")
        if _waiting(approval).is_late(unit.now):
            raise Expired("APPROVAL_EXPIRED", number=approval.number, at=approval.expires_at.isoformat())
        return approval

    def _require_authority(self, unit: Unit, actor: Actor, approval: Approval) -> None:
        person = require(unit, actor, Role.OBSERVER)
        if not self._may_approve(unit, person, approval.subject):
            raise NotAllowed("ROLE", have=person.role.value, need=Role.COMMANDER.value)

    def _yeses(self, unit: Unit, approval: Approval) -> int:
        """Count the yeses of those who may still answer: whoever lost their authority since has no say any more."""
        may = {each.id for each in self.eligible(unit, approval.subject, approval.asked_by)}
        return sum(each.yes and each.person_id in may for each in approvals.answers(unit, approval.id))

    def _is_only_commander(self, unit: Unit, person_id: int) -> bool:
        return [each.id for each in people.everyone(unit, Role.COMMANDER)] == [person_id]

    def _job(self) -> Actor:
        return Actor.job("approvals", f"approvals-{self._ids.row()}")


def _waiting(approval: Approval) -> Approval:
    """Return a question that nobody has decided yet."""
    if approval.state is ApprovalState.EXPIRED:
        raise Expired("APPROVAL_EXPIRED", number=approval.number, at=approval.expires_at.isoformat())
    if approval.state is not ApprovalState.WAITING:
        raise Refused("APPROVAL_DECIDED", number=approval.number, state=approval.state.value)
    return approval


def _decide(unit: Unit, actor: Actor, approval: Approval, state: ApprovalState, reason: str | None = None) -> Approval:
    after = approvals.decide(unit, approval, state, reason)
    _show_anew(unit, after)
    unit.record(actor, f"approval.{state.value}", **_facts(after), reason=reason)
    return after


def _show_anew(unit: Unit, approval: Approval) -> None:
    """Show how a question stands on its own card, and on that of the trade which waits for it."""
    outbox.refresh(unit, approval_card(approval.id), Priority.TAP)
    if approval.subject is ApprovalSubject.TRADE:
        outbox.refresh(unit, trade_card(approval.subject_id), Priority.TAP)


def _facts(approval: Approval) -> dict[str, object]:
    """Return what every journal row about a question says of it."""
    return {
        "approval": approval.number,
        "subject": approval.subject.value,
        "subject_id": approval.subject_id,
        "what": approval.kind,
        "by": approval.asked_by,
        "solo": approval.solo,
    }


def buttons_of(unit: Unit, approval: Approval, person_id: int) -> dict[Act, str]:
    """Return the ids of the buttons with which a person may answer, as long as the question waits."""
    if approval.state is not ApprovalState.WAITING:
        return {}
    found = {act: tokens.waiting(unit, act, person_id, TERM, approval.id) for act in (Act.APPROVE, Act.REJECT)}
    return {act: token.id for act, token in found.items() if token is not None}
