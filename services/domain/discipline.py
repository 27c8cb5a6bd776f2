"""What holds one person back for a while: pauses after losses, fewer and smaller trades on a bad day. Commanders too."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Discipline:
    """How a person stands now, with the limits in force.

    ``cooldown_until`` and ``tilt_until`` are None or later than now; ``shots`` counts today's entries, which are free again
    at ``shots_free_at``. ``day_result`` is the person's result of the day at this terminal, as a share of its opening equity,
    None when it cannot be measured; at a loss of ``medic_from`` they are in medic mode, where one entry may lose
    ``medic_risk`` of equity at the stop and ``medic_positions`` trades may be live, of which there are ``own_live``.
    """

    cooldown_until: datetime | None
    tilt_until: datetime | None
    tilt_losses: int
    shots: int
    shots_limit: int
    shots_free_at: datetime
    day_result: Decimal | None
    medic_from: Decimal
    medic_risk: Decimal
    medic_positions: int
    own_live: int

    @property
    def medic(self) -> bool:
        """Tell whether the day went so badly that less is allowed, or cannot be measured, which counts as badly."""
        return self.day_result is None or not self.day_result.is_finite() or self.day_result <= -self.medic_from


def cooldown_until(losses: Iterable[datetime], seconds: float, now: datetime) -> datetime | None:
    """Return until when the newest loss holds its person back, or None when it does not any more."""
    until = max((at + timedelta(seconds=seconds) for at in losses), default=None)
    return until if until is not None and until > now else None


def tilt_until(losses: Sequence[datetime], count: int, window: timedelta, lock: timedelta, now: datetime) -> datetime | None:
    """Return until when ``count`` losses within a window lock their person, or None; any such run of the past counts."""
    ordered = sorted(losses)
    runs = zip(ordered, ordered[count - 1 :], strict=False)
    until = max((last + lock for first, last in runs if last - first <= window), default=None)
    return until if until is not None and until > now else None
