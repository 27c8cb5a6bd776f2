"""Alerts that were let in become signals, each once: what a crash left is taken up where it lies."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

import structlog

from services.domain.errors import Unavailable
from services.domain.people import Actor
from services.domain.ports import Wakeups
from services.domain.signals import DropCode
from services.domain.sources import Arrival
from services.signals.intake import STAGE
from services.signals.intake_call import JudgeAlert, Told
from services.signals.rules import Dropped
from services.storage import missions, sources
from services.storage.database import Database, Unit

log = structlog.get_logger()
LOOK_EVERY_S = 1.0


class WorkAlerts:
    """Judge what waits, an alert a unit: its signal, its end and the journal's row are committed together or not at all."""

    def __init__(self, database: Database, judge: JudgeAlert, wakeups: Wakeups, stale_s: int) -> None:
        """An alert waits for a price no longer than ``stale_s``."""
        self._database = database
        self._judge = judge
        self._wakeups = wakeups
        self._patience = timedelta(seconds=stale_s)

    async def run(self) -> None:
        """Judge for ever, at once when an alert is let in."""
        while True:
            try:
                await self()
            except Unavailable as error:
                # What waits is on disk, and is looked at again.
                log.warning("alerts.not_judged", reason=error.code)
            await self._wakeups.wait(STAGE, LOOK_EVERY_S)

    async def __call__(self) -> int:
        """Judge what waits and return how many alerts that were."""
        judged = 0
        for arrival in await self._database.glance(sources.waiting):
            judged += await self._database.write(partial(self._decide, arrival=arrival))
        return judged

    def _decide(self, unit: Unit, arrival: Arrival) -> bool:
        source = sources.find(unit, arrival.source)
        if source is None or not sources.still_waits(unit, arrival.id):
            return False
        try:
            told = self._judge(unit, source, arrival)
        except (ArithmeticError, ValueError) as error:
            # One alert whose numbers nothing can be made of must not hold up those behind it.
            log.error("alert.not_judged", arrival=arrival.id, exc_info=error)
            told = Told(signal=None, dropped=Dropped(code=DropCode.MALFORMED, note="its numbers cannot be worked with"))
        no_price = told.dropped is not None and told.dropped.code is DropCode.NO_DATA
        if no_price and unit.now - arrival.received_at <= self._patience:
            return False
        self._write(unit, arrival, told)
        return True

    def _write(self, unit: Unit, arrival: Arrival, told: Told) -> None:
        signal, drop = told.signal, told.dropped
        code, note = (drop.code.value, drop.note) if drop is not None else (None, None)
        if signal is not None:
            missions.add_signal(unit, signal, drop.code if drop is not None else None, note)
        sources.decide(unit, arrival.id, signal_id=signal.id if signal is not None else None, drop_code=code, note=note)
        if drop is None:
            unit.wake("missions")
        unit.record(
            Actor.job(STAGE, f"alert-{arrival.id}"),
            "signal.stored" if drop is None else "signal.dropped",
            signal=signal.id if signal is not None else None,
            arrival=arrival.id,
            source=f"outside:{arrival.source}",
            symbol=signal.symbol if signal is not None else arrival.alert.symbol,
            side=arrival.alert.side.value,
            score=signal.score if signal is not None else None,
            drop=code,
        )
