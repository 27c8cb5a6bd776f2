"""What the scores of calls were worth so far, as an input of the gate: measured now and then, asked at every entry."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from services.domain.inputs import InputAnswer
from services.domain.signals import Signal, strategy_of
from services.portfolio.calibration import Calibration, Outcome, Reading, calibrate, outcomes_since
from services.storage.database import Database

SPAN = timedelta(days=365)
# Twice as long as the pause between two measurements: one may fail.
HOLDS = timedelta(minutes=20)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Measured:
    at: datetime
    by_strategy: Mapping[str, Calibration]


class CalibrationBoard:
    """Keeps the newest measurement by strategy, or by person for calls of people."""

    def __init__(self) -> None:
        self._measured: _Measured | None = None

    def measure(self, outcomes: Sequence[Outcome], least: int, now: datetime) -> None:
        """Calibrate each strategy's scores by what its missions came to."""
        held: dict[str, list[Outcome]] = defaultdict(list)
        for outcome in outcomes:
            held[strategy_of(outcome.source)].append(outcome)
        self._measured = _Measured(at=now, by_strategy={name: calibrate(each, least) for name, each in held.items()})

    def about(self, signal: Signal, now: datetime) -> InputAnswer | None:
        """Refuse a score whose band lost with 95 % confidence; without enough results there is no data."""
        if self._measured is None:
            return None
        found = self._measured.by_strategy.get(strategy_of(signal.source))
        band = found.band_of(signal.score) if found is not None else None
        if found is None or band is None or not band.rate.enough or band.r.mean is None or band.r.high is None:
            return None
        word = "" if found.reading is Reading.INFORMATIVE else f", score {found.reading.value}"
        said = f"{band.low}-{band.high}: {band.rate.wins} of {band.rate.n} won, mean {band.r.mean:+.2f} R{word}"
        return InputAnswer(passed=band.r.high > 0, said=said, until=self._measured.at + HOLDS)


class MeasureCalibration:
    """Measure what the scores of the last year were worth."""

    def __init__(self, database: Database, board: CalibrationBoard, least: int) -> None:
        self._database = database
        self._board = board
        self._least = least

    async def __call__(self) -> None:
        """Measure once."""
        now, outcomes = await self._database.read(lambda unit: (unit.now, outcomes_since(unit, unit.now - SPAN)))
        self._board.measure(outcomes, self._least, now)
