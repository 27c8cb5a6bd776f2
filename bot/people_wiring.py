"""What waits for a second person, put together: who is asked, what their answers lead to, and what the clock does with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType

from config.settings import Settings
from handlers.telegram.app import ApprovalActs
from services.access.answering import Alone, AnswerApproval, Outcome, TendApprovals
from services.access.changes import ChangeBook, TendChanges, UndoChange
from services.access.granting import register_grants
from services.access.mode_changes import register_modes
from services.access.roles import GrantBook, RoleBook
from services.access.second_person import SecondPerson
from services.domain.approvals import ApprovalSubject
from services.domain.live_facts import LiveGround
from services.domain.ports import Ids
from services.execution.going_live import GoLive, LiveChanges, RetireLive
from services.execution.sync import VenueSync
from services.risk.evidence import evidence_of
from services.risk.limit_changes import LimitChanges, LookForUnbound, ProposeLimit, RetireLimits
from services.storage.database import Database


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposals:
    """The second person, the book of changes, and everything that is done with both."""

    second: SecondPerson
    book: ChangeBook
    acts: ApprovalActs
    tend_approvals: TendApprovals
    tend_changes: TendChanges
    retire_limits: RetireLimits
    look_for_unbound: LookForUnbound
    retire_live: RetireLive


def build_proposals(
    settings: Settings,
    database: Database,
    ids: Ids,
    roles: RoleBook,
    grounds: Mapping[str, LiveGround],
    sync: VenueSync,
    outcomes: Mapping[ApprovalSubject, Outcome] = MappingProxyType({}),
    alone: Mapping[ApprovalSubject, Alone] = MappingProxyType({}),
) -> Proposals:
    """Put it together.

    ``outcomes`` and ``alone`` are those of other subjects than changes, ``grounds`` where live terminals stand.
    """
    second = SecondPerson(ids, settings.approvals)
    book, limits = ChangeBook(ids, settings.approvals, second), LimitChanges(settings.risk)
    live = LiveChanges(ids, grounds, sync.last_right)
    limits.register(book)
    live.register(book)
    register_modes(book)
    register_grants(book, GrantBook(roles))
    leads_to = {ApprovalSubject.CHANGE: book.decided, **outcomes}
    return Proposals(
        second=second,
        book=book,
        acts=ApprovalActs(
            answer=AnswerApproval(database, second, leads_to),
            propose_limit=ProposeLimit(database, book, limits, partial(evidence_of, least=settings.desk.least_sample)),
            undo=UndoChange(database, book),
            limits=limits,
            go_live=GoLive(database, book, live, sync.ask_right),
        ),
        tend_approvals=TendApprovals(database, second, leads_to, {ApprovalSubject.CHANGE: book.alone, **alone}, ids),
        tend_changes=TendChanges(database, book),
        retire_limits=RetireLimits(database, limits, ids),
        look_for_unbound=LookForUnbound(database, limits),
        retire_live=RetireLive(database, grounds, ids),
    )
