"""What a measurement comes to: figures beside their floors, targets, and how samples become one number."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median

Details = Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What a figure should reach: a bound on the value itself, or with ``of_floor`` on the value divided by its floor."""

    at_most: float | None = None
    at_least: float | None = None
    of_floor: bool = False

    def met_by(self, value: float, floor: float | None) -> bool:
        """Tell whether a value is within the bounds; without its floor a relative one is not."""
        if self.of_floor:
            if not floor:
                return False
            value = value / floor
        return (self.at_most is None or value <= self.at_most) and (self.at_least is None or value >= self.at_least)

    def __str__(self) -> str:
        least = [] if self.at_least is None else [f"≥ {self.at_least:.4g}"]
        most = [] if self.at_most is None else [f"≤ {self.at_most:.4g}"]
        return " and ".join(least + most) + (" x floor" if self.of_floor else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One line of the table; without a target it is reported only."""

    name: str
    value: float
    unit: str
    floor: float | None = None
    floor_is: str = ""
    target: Target | None = None

    @property
    def ratio(self) -> float | None:
        """Return the value in floors, or None without one."""
        return self.value / self.floor if self.floor else None

    @property
    def met(self) -> bool | None:
        """Tell whether the target is met; None without one."""
        return None if self.target is None else self.target.met_by(self.value, self.floor)


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What one bench came to; ``details`` are its samples and circumstances, for the JSON file."""

    figures: Sequence[Figure]
    details: Details = field(default_factory=dict)


def percentile(samples: Sequence[float], share: float) -> float:
    """Return the smallest sample that at least ``share`` of all do not exceed (nearest rank); ValueError for none."""
    if not samples:
        raise ValueError("a percentile of no samples")
    return sorted(samples)[max(0, math.ceil(share * len(samples)) - 1)]


def middle(samples: Sequence[float]) -> float:
    """Return the median."""
    return median(samples)


def spread(samples: Sequence[float]) -> dict[str, float]:
    """Return count, least, median, 99th percentile and largest of samples."""
    return {
        "n": len(samples),
        "min": min(samples),
        "p50": percentile(samples, 0.5),
        "p99": percentile(samples, 0.99),
        "max": max(samples),
    }
