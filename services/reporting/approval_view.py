"""A question that waits for a second person, as its card shows it: to who answers, to who asked, and once it is over."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from services.access.changes import name_of
from services.access.second_person import buttons_of
from services.domain.approvals import Answer, Approval, ApprovalState
from services.domain.buttons import Act
from services.domain.changes import Change, ChangeKind, ChangeState
from services.domain.people import Role
from services.reporting.live import Live, viewer_zone
from services.reporting.real_money import RealTerminalView, real_terminal_view
from services.storage import approvals, changes, people
from services.storage.database import Unit


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeQuestionView:
    """One change's question for one reader; ``answers`` are names with their words, ``others`` who may answer.

    ``named`` is the name of the person that is changed, None where it is something else. ``buttons`` are the reader's own,
    ``mine`` tells that they asked, ``may_undo`` that they may roll back what is in force.
    """

    approval: Approval
    change: Change
    named: str | None
    asker: str
    others: tuple[str, ...]
    answers: tuple[tuple[str, Answer], ...]
    buttons: dict[Act, str]
    mine: bool
    may_undo: bool
    zone: str
    now: datetime
    real: RealTerminalView | None = None


def change_question_view(unit: Unit, approval: Approval, chat_id: int, live: Live) -> ChangeQuestionView | None:
    """Put the card together for a commander, or for who asked or was asked; None for anybody else."""
    change = changes.find(unit, approval.subject_id)
    reader = people.find(unit, chat_id) if chat_id > 0 else None
    if change is None or reader is None or (reader.role is not Role.COMMANDER and reader.id != approval.asked_by):
        return None
    names = {each.id: each.name for each in people.everyone(unit, Role.STRANGER)}
    commanders = people.everyone(unit, Role.COMMANDER)
    commands = reader.role is Role.COMMANDER
    return ChangeQuestionView(
        approval=approval,
        change=change,
        named=name_of(unit, change),
        asker=names.get(approval.asked_by, str(approval.asked_by)),
        others=tuple(each.name for each in commanders if each.id != approval.asked_by),
        answers=tuple((names.get(each.person_id, "?"), each) for each in approvals.answers(unit, approval.id)),
        buttons=buttons_of(unit, approval, reader.id) if commands else {},
        mine=reader.id == approval.asked_by and approval.state is ApprovalState.WAITING,
        may_undo=commands and change.state is ChangeState.IN_FORCE,
        zone=viewer_zone(unit, chat_id, live.zone),
        now=live.now,
        real=real_terminal_view(unit, change.subject, live) if change.kind is ChangeKind.TERMINAL_MODE else None,
    )
