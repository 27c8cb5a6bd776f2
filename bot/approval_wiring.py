"""What asks a second person, put together from the settings."""

from __future__ import annotations

from config.settings import Settings
from services.access.second_person import SecondPerson
from services.domain.approving import Thresholds
from services.domain.ports import Ids
from services.domain.trades import TerminalMode
from services.missions.approve import ApprovalRules, TradeApprovals
from services.missions.entry_book import EntryBook
from services.missions.planning import Desk


def build_second_person(settings: Settings, ids: Ids) -> SecondPerson:
    """Build what asks and takes answers, of whatever subject."""
    return SecondPerson(ids, settings.approvals)


def build_trade_approvals(settings: Settings, desk: Desk, book: EntryBook, second: SecondPerson) -> TradeApprovals:
    """Build what asks about trades, by the thresholds of the settings."""
    given = settings.approvals
    thresholds = Thresholds(
        currency=settings.desk.currency,
        loss=given.trade_loss,
        value=given.trade_value,
        terminals=frozenset(given.trade_terminals),
        modes=frozenset(TerminalMode(each) for each in given.trade_modes),
        strategies=frozenset(given.trade_strategies),
    )
    rules = ApprovalRules(thresholds=thresholds, lasts_s=given.trade_lasts_s, solo_wait_s=given.trade_solo_wait_s)
    return TradeApprovals(desk, book, second, rules)
