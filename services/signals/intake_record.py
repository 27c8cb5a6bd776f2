"""What the calls of senders came to: followed by the candles, counted, and a source below the floor muted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from config.intake import IntakeSettings
from services.access.alerts import AlertCode, alert
from services.domain.courses import course_of
from services.domain.edge import MeanR, mean_r
from services.domain.errors import Unavailable
from services.domain.market import timeframe_seconds
from services.domain.money import ZERO
from services.domain.people import Actor
from services.domain.ports import Ids
from services.domain.signals import Signal
from services.domain.sources import Source, SourceState
from services.signals.intake import ReceiveAlert
from services.signals.intake_call import SeriesOf
from services.storage import missions, sources
from services.storage.database import Database, Unit

# What no history of candles reaches back to is not asked for again.
FOLLOWED = timedelta(days=14)


class FollowSources:
    """Look what calls came to, mute what is below the floor, and forget what is old."""

    def __init__(
        self,
        database: Database,
        receive: ReceiveAlert,
        series_of: SeriesOf,
        settings: IntakeSettings,
        ids: Ids,
        least_sample: int,
    ) -> None:
        self._database = database
        self._receive = receive
        self._series_of = series_of
        self._settings = settings
        self._ids = ids
        self._least = least_sample

    async def __call__(self) -> None:
        """Bring every source's record up to now; a desk without sources only reads."""
        counted = self._receive.take_counts()
        if not counted and not await self._database.read(sources.everything):
            return
        try:
            await self._database.write(lambda unit: self._keep(unit, counted))
        except Unavailable:
            self._receive.give_back(counted)
            raise

    def _keep(self, unit: Unit, counted: dict[tuple[str, str], int]) -> None:
        sources.count(unit, counted)
        for arrival_id, signal_id in sources.unfollowed(unit, unit.now - FOLLOWED):
            signal = missions.find_signal(unit, signal_id)
            came_to = self._course(signal) if signal is not None else None
            if came_to is not None:
                sources.set_result(unit, arrival_id, came_to)
        for source in sources.everything(unit):
            if source.state is SourceState.ACTIVE:
                self._judge(unit, source)
        sources.sweep(unit, unit.now - timedelta(days=self._settings.kept_days))

    def _course(self, signal: Signal) -> Decimal | None:
        series = self._series_of(signal.symbol)
        if series is None:
            return None
        return course_of(signal, series.candles, timedelta(seconds=timeframe_seconds(series.timeframe)))

    def _judge(self, unit: Unit, source: Source) -> None:
        since = max(source.judged_from, unit.now - timedelta(days=self._settings.kept_days))
        record = record_of([each.result_r for each in sources.outcomes(unit, source.name, since)], self._least)
        floor = self._settings.floor_r
        if record.high is None or record.mean is None or record.high >= floor:
            return
        note = f"{record.n} calls, mean {record.mean:+.2f} R, at most {record.high:+.2f} R, floor {floor:+.2f} R"
        note = note.replace("-", "−")
        sources.put(unit, replace(source, state=SourceState.MUTED, note=note), None)
        alert(unit, self._ids, AlertCode.SOURCE_MUTED, source.name, {"reason": note})
        unit.record(Actor.job("sources", self._ids.row()), "source.muted", source=source.name, reason=note)


def record_of(results: Sequence[Decimal | None], least: int) -> MeanR:
    """Return what calls came to; one that is not over, or whose entry was never reached, is no sample."""
    return mean_r([each for each in results if each is not None and each != ZERO], least)
