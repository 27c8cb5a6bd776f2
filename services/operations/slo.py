"""Objectives: what the desk promises of itself, and how it kept that, from what is stored.

The same table makes the alert rules in `deploy/prometheus`, so that chat and pager judge alike.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from services.domain.measures import Timed
from services.domain.trades import TerminalMode
from services.operations import metrics, slo_samples, tallies
from services.operations.metrics import TIMED, Metric
from services.operations.tallies import BOUNDS, Counts
from services.storage import terminals
from services.storage.database import Unit

AT_RISK = 0.8
Samples = Callable[[Unit, datetime], Sequence[float]]


class Verdict(StrEnum):
    """How an objective was kept; ``FEW`` means too few samples to say, unless what there is misses it already."""

    OK = "ok"
    AT_RISK = "at risk"
    MISSED = "missed"
    FEW = "too few"


class Window(StrEnum):
    """Over how long it is measured."""

    DAY = "24h"
    WEEK = "7d"

    @property
    def span(self) -> timedelta:
        """Return its length."""
        return timedelta(days=1 if self is Window.DAY else 7)


@dataclass(frozen=True, slots=True, kw_only=True)
class Objective:
    """``quantile`` of the samples are within ``target_s`` seconds; below ``least`` samples it is not judged as kept.

    ``samples`` reads them from rows, or ``tally`` names kept counts. ``metric`` measures the same for Prometheus, and ``page``
    names the alert code whose runbook helps, or the page of the docs.
    """

    name: str
    words: str
    about: str
    quantile: float
    target_s: float
    least: int
    metric: Metric
    page: str
    samples: Samples | None = None
    tally: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """An objective with what was measured: the quantile's value in seconds, None without samples.

    From kept counts the value is the end of its bucket: at most so much, infinite beyond the last.
    """

    objective: Objective
    value_s: float | None
    samples: int

    @property
    def verdict(self) -> Verdict:
        """Judge; what misses already with few samples is missed."""
        objective = self.objective
        if self.value_s is None:
            return Verdict.FEW
        if self.value_s > objective.target_s:
            return Verdict.MISSED if self.samples >= min(objective.least, 3) else Verdict.FEW
        if self.samples < objective.least:
            return Verdict.FEW
        return Verdict.AT_RISK if self.value_s > AT_RISK * objective.target_s else Verdict.OK


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """Every objective over one window that ends at ``at``; ``modes`` are those of the terminals it was measured at."""

    window: Window
    measured: tuple[Measured, ...]
    modes: tuple[TerminalMode, ...]
    at: datetime


OBJECTIVES = (
    Objective(
        name="tap_to_order_p50",
        words="order p50",
        about="half of the Confirms are answered by the venue within this, from the tap's receipt",
        quantile=0.5,
        target_s=0.7,
        least=5,
        metric=TIMED[Timed.TAP_TO_ORDER],
        page="OUTCOME_UNKNOWN",
        samples=slo_samples.tap_to_order,
    ),
    Objective(
        name="tap_to_order_p99",
        words="order p99",
        about="99 of 100 Confirms are answered by the venue within this",
        quantile=0.99,
        target_s=3.0,
        least=20,
        metric=TIMED[Timed.TAP_TO_ORDER],
        page="OUTCOME_UNKNOWN",
        samples=slo_samples.tap_to_order,
    ),
    Objective(
        name="ack_to_fill_p99",
        words="fill",
        about="the first fill of an acknowledged entry that takes is booked within this",
        quantile=0.99,
        target_s=5.0,
        least=20,
        metric=TIMED[Timed.ACK_TO_FILL],
        page="VENUE_UNREACHABLE",
        samples=slo_samples.ack_to_fill,
    ),
    Objective(
        name="gate_p99",
        words="gate",
        about="the gate's verdict with the ledger that it reads",
        quantile=0.99,
        target_s=0.05,
        least=20,
        metric=TIMED[Timed.GATE],
        page="LOOP_LAG",
        samples=slo_samples.gate,
    ),
    Objective(
        name="answer_p99",
        words="answer",
        about="a command or tap has its first visible answer",
        quantile=0.99,
        target_s=1.0,
        least=20,
        metric=TIMED[Timed.ANSWER],
        page="LOOP_LAG",
        tally=Timed.ANSWER.value,
    ),
    Objective(
        name="message_lag_p99",
        words="event",
        about="an event that was stored, or came due, is told in its chat",
        quantile=0.99,
        target_s=10.0,
        least=20,
        metric=TIMED[Timed.MESSAGE],
        page="STAGE_SILENT",
        samples=slo_samples.message_lag,
    ),
    Objective(
        name="reconcile_age_p99",
        words="compare",
        about="every terminal was compared with its venue",
        quantile=0.99,
        target_s=60.0,
        least=20,
        metric=metrics.RECONCILE_AGE,
        page="VENUE_UNREACHABLE",
        tally=tallies.RECONCILE,
    ),
    Objective(
        name="ready_p99",
        words="start",
        about="a start is ready, from the beginning of its recovery",
        quantile=0.99,
        target_s=15.0,
        least=1,
        metric=TIMED[Timed.READY],
        page="STAGE_SILENT",
        tally=Timed.READY.value,
    ),
    Objective(
        name="unknown_resolved_p99",
        words="unknown",
        about="an instruction of unknown outcome is resolved; one that is not counts up to now",
        quantile=0.99,
        target_s=120.0,
        least=1,
        metric=metrics.UNKNOWN_OLDEST,
        page="OUTCOME_UNKNOWN",
        samples=slo_samples.unknown_resolved,
    ),
)


def measure(unit: Unit, window: Window) -> Kept:
    """Measure every objective over a window that ends now."""
    since = unit.now - window.span
    counts = tallies.counts_since(unit, since)
    read: dict[Samples, Sequence[float]] = {}
    measured = tuple(_measured(unit, each, since, counts, read) for each in OBJECTIVES)
    modes = sorted(terminals.modes(unit), key=lambda mode: mode.value)
    return Kept(window=window, measured=measured, modes=tuple(modes), at=unit.now)


def _measured(
    unit: Unit,
    objective: Objective,
    since: datetime,
    counts: Mapping[str, Counts],
    read: dict[Samples, Sequence[float]],
) -> Measured:
    if objective.samples is None:
        kept = counts.get(objective.tally or "", ())
        return Measured(objective=objective, value_s=of_counts(kept, objective.quantile), samples=sum(kept))
    if objective.samples not in read:
        read[objective.samples] = sorted(objective.samples(unit, since))
    found = read[objective.samples]
    return Measured(objective=objective, value_s=of_sorted(found, objective.quantile), samples=len(found))


def of_sorted(samples: Sequence[float], quantile: float) -> float | None:
    """Return a quantile by nearest rank, None of nothing."""
    return samples[max(0, math.ceil(quantile * len(samples)) - 1)] if samples else None


def of_counts(counts: Counts, quantile: float) -> float | None:
    """Return the end of the bucket that a quantile lies in, infinity beyond the last one, None of nothing."""
    total = sum(counts)
    if not total:
        return None
    wanted, seen = math.ceil(quantile * total), 0
    for bound, count in zip((*BOUNDS, math.inf), counts, strict=True):
        seen += count
        if seen >= wanted:
            return bound
    return math.inf
