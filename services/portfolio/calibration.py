"""What scores were worth: results by band of the score, and whether a higher score was a better call at all."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from services.domain.edge import MeanR, mean_r
from services.domain.money import ZERO
from services.domain.signals import strategy_of
from services.portfolio.results import WinRate, win_rate
from services.storage import trades
from services.storage.database import Unit

BANDS: tuple[tuple[int, int], ...] = ((0, 49), (50, 59), (60, 69), (70, 79), (80, 89), (90, 100))
# One of twenty uninformative scores is taken for an informative one.
CERTAIN = 0.05


class Reading(StrEnum):
    """What can be said of a score."""

    TOO_FEW = "too few"
    INFORMATIVE = "informative"
    UNINFORMATIVE = "uninformative"
    INVERTED = "inverted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What one mission came to: its source, its score, and R after costs, the mean where several people fired it."""

    source: str
    score: int
    r: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """The results of the scores from ``low`` to ``high``, both included."""

    low: int
    high: int
    rate: WinRate
    r: MeanR


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """Results by band, those without any left out; ``p`` is how likely such a trend is by chance, None if unknown."""

    n: int
    bands: tuple[Band, ...]
    p: float | None
    reading: Reading

    def band_of(self, score: int) -> Band | None:
        """Return the band that a score is in, or None where nothing of it is known."""
        return next((band for band in self.bands if band.low <= score <= band.high), None)


def calibrate(outcomes: Sequence[Outcome], least: int) -> Calibration:
    """Gather outcomes by band and test whether the share of wins rises with the score.

    The test is Cochran's and Armitage's for a trend in shares (Armitage 1955), two-sided, by the bands' places. A band below
    ``least`` outcomes names no rate; all together need as many in at least two bands.
    """
    held: dict[tuple[int, int], list[Decimal]] = {band: [] for band in BANDS}
    for outcome in outcomes:
        band = next((each for each in BANDS if each[0] <= outcome.score <= each[1]), None)
        if band is not None:
            held[band].append(outcome.r)
    found = [(place, band, rs) for place, (band, rs) in enumerate(held.items()) if rs]
    n = sum(len(rs) for _, _, rs in found)
    counted = [(place, len(rs), _wins(rs)) for place, _, rs in found]
    z = _trend(counted) if n >= least and len(found) > 1 else None
    p = math.erfc(abs(z) / math.sqrt(2)) if z is not None else None
    bands = tuple(
        Band(low=low, high=high, rate=win_rate(_wins(rs), len(rs), least), r=mean_r(rs, least)) for _, (low, high), rs in found
    )
    return Calibration(n=n, bands=bands, p=p, reading=_reading(z, p))


def outcomes_since(unit: Unit, since: datetime, strategy: str | None = None) -> list[Outcome]:
    """Return what missions came to whose trades were closed since a time, of one strategy or of every source."""
    made: dict[tuple[str, str, int], list[Decimal]] = defaultdict(list)
    for mission_id, source, score, trade in trades.scored_since(unit, since):
        r = trade.r_multiple(trade.realized)
        if r is not None and strategy in (None, strategy_of(source)):
            made[mission_id, source, score].append(r)
    return [Outcome(source=source, score=score, r=sum(rs, ZERO) / len(rs)) for (_, source, score), rs in made.items()]


def _wins(rs: Iterable[Decimal]) -> int:
    return sum(r > 0 for r in rs)


def _trend(counted: Sequence[tuple[int, int, int]]) -> float | None:
    """Return z of the trend over (place, n, wins); None where all won or all lost, or where there is one place."""
    n, wins = sum(each[1] for each in counted), sum(each[2] for each in counted)
    share = wins / n
    weighed = sum(place * (won - size * share) for place, size, won in counted)
    spread = sum(size * place**2 for place, size, _ in counted) - sum(size * place for place, size, _ in counted) ** 2 / n
    variance = share * (1 - share) * spread
    return weighed / math.sqrt(variance) if variance > 0 else None


def _reading(z: float | None, p: float | None) -> Reading:
    if z is None or p is None:
        return Reading.TOO_FEW
    if p >= CERTAIN:
        return Reading.UNINFORMATIVE
    return Reading.INFORMATIVE if z > 0 else Reading.INVERTED
