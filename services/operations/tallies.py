"""Durations that no row tells, kept by the hour as counts in buckets, so that objectives outlive the process.

An hour is one stored fact. A crash loses what was measured since it was last stored, a minute at most.
"""

from __future__ import annotations

import json
import math
import threading
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from sqlalchemy import bindparam, delete, select

from services.domain.measures import Timed
from services.storage import terminals
from services.storage.counters import get_fact, set_fact
from services.storage.database import Unit
from services.storage.tables import facts

BOUNDS = (0.05, 0.1, 0.2, 0.35, 0.5, 0.7, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0, 15.0, 30.0, 45.0, 60.0, 120.0, 300.0, 1800.0)
RECONCILE = "reconcile_age"
KEPT = frozenset({Timed.ANSWER.value, Timed.READY.value, RECONCILE})
KEEP = timedelta(days=8)
PREFIX = "slo:"
_SINCE = select(facts.c.value).where(facts.c.name >= bindparam("first"), facts.c.name < bindparam("behind"))
_OLD = delete(facts).where(facts.c.name >= PREFIX, facts.c.name < bindparam("first"))

Counts = Sequence[int]


class Tallies:
    """Counts in memory until they are stored; any thread may add."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._fresh: dict[str, list[int]] = {}

    def add(self, name: str, seconds: float) -> None:
        """Count one duration of what is kept; of anything else nothing is."""
        if name not in KEPT:
            return
        with self._lock:
            self._fresh.setdefault(name, _none())[bisect_left(BOUNDS, seconds)] += 1

    def take(self) -> Mapping[str, Counts]:
        """Return what was counted since the last time, and begin anew."""
        with self._lock:
            taken, self._fresh = self._fresh, {}
        return taken

    def give_back(self, taken: Mapping[str, Counts]) -> None:
        """Keep what could not be stored for the next time."""
        with self._lock:
            for name, counts in taken.items():
                self._fresh[name] = _sum(self._fresh.get(name, _none()), counts)


def store(unit: Unit, taken: Mapping[str, Counts]) -> None:
    """Add counts to those of this hour, and drop hours that are too old."""
    name = _name(unit.now)
    known = _read(get_fact(unit, name))
    merged = {each: _sum(known.get(each, _none()), taken.get(each, _none())) for each in {*known, *taken}}
    set_fact(unit, name, json.dumps({"bounds": BOUNDS, "counts": merged}))
    unit.run(_OLD, {"first": _name(unit.now - KEEP)})


def counts_since(unit: Unit, since: datetime) -> Mapping[str, Counts]:
    """Return the sums of all hours from the one that ``since`` lies in."""
    total: dict[str, list[int]] = {}
    for row in unit.all(_SINCE, first=_name(since), behind=f"{PREFIX}~"):
        for name, counts in _read(row.value).items():
            total[name] = _sum(total.get(name, _none()), counts)
    return total


def oldest_comparison_s(unit: Unit) -> float | None:
    """Return since when, in seconds, not every terminal was compared: infinite with one that is closed, None without any."""
    stamps = [each.reconciled_at for each in terminals.everything(unit)]
    ages = [math.inf if at is None else max(0.0, (unit.now - at).total_seconds()) for at in stamps]
    return max(ages, default=None)


def _read(text: str | None) -> Mapping[str, list[int]]:
    """Read one hour; one that was counted in other buckets, by another version, is left out."""
    if text is None:
        return {}
    kept = json.loads(text)
    return dict(kept["counts"]) if kept["bounds"] == list(BOUNDS) else {}


def _name(at: datetime) -> str:
    return f"{PREFIX}{at.astimezone(UTC):%Y-%m-%dT%H}"


def _none() -> list[int]:
    return [0] * (len(BOUNDS) + 1)


def _sum(one: Counts, other: Counts) -> list[int]:
    return [a + b for a, b in zip(one, other, strict=True)]
