"""Senders outside, put together: who lets alerts in, who judges them, and who keeps the senders' records."""

from __future__ import annotations

from dataclasses import dataclass

from bot.wiring import Outside
from config.settings import Settings
from handlers.telegram.app import SourceActs
from services.domain.ports import QuoteSource
from services.signals.intake import ReceiveAlert
from services.signals.intake_call import JudgeAlert
from services.signals.intake_record import FollowSources
from services.signals.intake_work import WorkAlerts
from services.signals.sources import AddSource, SwitchSource
from services.storage.database import Database


@dataclass(frozen=True, slots=True, kw_only=True)
class Senders:
    """Everything about alerts from outside."""

    receive: ReceiveAlert
    work: WorkAlerts
    follow: FollowSources
    acts: SourceActs


def build_senders(settings: Settings, outside: Outside, database: Database, quotes: QuoteSource) -> Senders:
    """Build what takes alerts in, on the desk's own prices and candles."""
    intake, ids, series_of, seals = settings.intake, outside.ids, outside.series, settings.key_store
    judge = JudgeAlert(quotes, series_of, settings.signals, intake)
    receive = ReceiveAlert(database, seals, judge, intake, outside.clock, ids, outside.nursery)
    return Senders(
        receive=receive,
        work=WorkAlerts(database, judge, outside.wakeups, intake.stale_s),
        follow=FollowSources(database, receive, series_of, intake, ids, settings.desk.least_sample),
        acts=SourceActs(add=AddSource(database, seals, ids), switch=SwitchSource(database), kept_days=intake.kept_days),
    )
