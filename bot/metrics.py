"""Metrics as Prometheus reads them: what was measured in memory, and what one look at the desk says."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import structlog
from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector, disable_created_metrics, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from services.domain.measures import Counted, Timed
from services.operations import metrics
from services.operations.backup_file import backups_in, copies_in
from services.operations.gauges import Readings, read_gauges
from services.operations.loop_lag import LoopDelay
from services.operations.metrics import COUNTED, TIMED, Metric
from services.operations.places import halt_file
from services.operations.stages import StageAge
from services.storage.database import Database

log = structlog.get_logger()
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
KEPT_S = 1.0
PATIENCE_S = 3.0
MOST_BEGUN = 1024
Kept = Callable[[Timed, float], None]
Values = Mapping[tuple[str, ...], float]


class Meters:
    """The process's meter: one registry of its own, histograms and counters by the catalogue."""

    def __init__(self, kept: Kept | None = None) -> None:
        """``kept`` also hears of every duration without labels, to keep what outlives the process."""
        # When a series began is in no catalogue, and Prometheus does not need it.
        disable_created_metrics()  # type: ignore[no-untyped-call] # the library leaves this one without types
        self.registry = CollectorRegistry(auto_describe=False)
        self._kept = kept
        self._histograms = {what: self._histogram(metric) for what, metric in TIMED.items()}
        self._counters = {what: self._counter(metric) for what, metric in COUNTED.items()}
        self._begun: OrderedDict[tuple[Timed, str], datetime] = OrderedDict()
        ProcessCollector(namespace="sortie", registry=self.registry)

    def time(self, what: Timed, seconds: float, *labels: str) -> None:
        """Note how long something took; a clock that was set back measures nothing below zero."""
        took = max(0.0, seconds)
        histogram = self._histograms[what]
        (histogram.labels(*labels) if labels else histogram).observe(took)
        if self._kept is not None:
            self._kept(what, took)

    def count(self, what: Counted, *labels: str) -> None:
        """Note that something happened."""
        counter = self._counters[what]
        (counter.labels(*labels) if labels else counter).inc()

    def begin(self, what: Timed, key: str, at: datetime) -> None:
        """Note when something began; of very many without an end, the oldest are forgotten."""
        self._begun[what, key] = at
        while len(self._begun) > MOST_BEGUN:
            self._begun.popitem(last=False)

    def end(self, what: Timed, key: str, at: datetime) -> None:
        """Measure from the beginning to now, once."""
        began = self._begun.pop((what, key), None)
        if began is not None:
            self.time(what, (at - began).total_seconds())

    def _histogram(self, metric: Metric) -> Histogram:
        return Histogram(metric.name, metric.about, metric.labels, buckets=metric.bounds, registry=self.registry)

    def _counter(self, metric: Metric) -> Counter:
        return Counter(metric.name.removesuffix("_total"), metric.about, metric.labels, registry=self.registry)


@dataclass(frozen=True, slots=True, kw_only=True)
class Build:
    """What runs."""

    version: str
    config: str
    schema: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """Everything that gauges are made from; ``readings`` is None when the database did not answer."""

    build: Build
    ready: bool
    stages: Mapping[str, StageAge]
    halt_file: bool
    backup_ages: Mapping[str, float]
    loop: LoopDelay
    readings: Readings | None


class Looks:
    """One look at the desk, at most a second old, for everybody who asks over HTTP; who asks meanwhile shares it."""

    def __init__(
        self,
        database: Database,
        stages: Callable[[], Mapping[str, StageAge]],
        loop: Callable[[], LoopDelay],
        build: Build,
        state_dir: Path,
        backups: Path,
    ) -> None:
        self._database = database
        self._stages = stages
        self._loop = loop
        self._build = build
        self._state_dir = state_dir
        self._backups = backups
        self._turn = asyncio.Lock()
        self._newest: Look | None = None
        self._until = float("-inf")
        self._reading: asyncio.Task[Readings] | None = None

    async def __call__(self) -> Look:
        """Return the newest look, or make one; it waits a few seconds for the database and then does without."""
        async with self._turn:
            if self._newest is None or time.monotonic() >= self._until:
                self._newest = await self._look()
                self._until = time.monotonic() + KEPT_S
            return self._newest

    async def _look(self) -> Look:
        readings = await self._readings()
        file, ages = await asyncio.to_thread(self._files)
        stages = self._stages()
        return Look(
            build=self._build,
            ready=all(each.age_s is not None for each in stages.values() if each.mandatory),
            stages=stages,
            halt_file=file,
            backup_ages=ages,
            loop=self._loop(),
            readings=readings,
        )

    async def _readings(self) -> Readings | None:
        # A reading that hangs is waited for anew, and never joined by a second one: readers are few.
        if self._reading is None:
            self._reading = asyncio.create_task(self._database.read(read_gauges))
        reading = self._reading
        await asyncio.wait({reading}, timeout=PATIENCE_S)
        if not reading.done():
            log.warning("metrics.no_database", error="no answer")
            return None
        self._reading = None
        error = reading.exception()
        if error is not None:
            # Whatever is wrong with the database, the rest is told all the same.
            log.warning("metrics.no_database", error=type(error).__name__)
            return None
        return reading.result()

    def _files(self) -> tuple[bool, Mapping[str, float]]:
        return halt_file(self._state_dir).exists(), backup_ages(self._backups)


class Scrape:
    """Writes a look and what was measured as Prometheus reads them, in a thread of its own."""

    def __init__(self, meters: Meters, looks: Looks) -> None:
        self._meters = meters
        self._looks = looks
        self._written: tuple[Look, bytes] | None = None

    async def __call__(self) -> bytes:
        """Return the text exposition; what the database knows is missing from it while the database does not answer."""
        look = await self._looks()
        if self._written is None or self._written[0] is not look:
            self._written = look, await asyncio.to_thread(self._write, look)
        return self._written[1]

    def _write(self, look: Look) -> bytes:
        gauges = CollectorRegistry(auto_describe=False)
        gauges.register(_Gauges(look))
        return generate_latest(self._meters.registry) + generate_latest(gauges)


def backup_ages(folder: Path) -> Mapping[str, float]:
    """Return the age in seconds of the newest backup and of the newest rolling copy, of those that there are."""
    found = {"daily": backups_in(folder), "rolling": copies_in(folder)}
    ages = {}
    for kind, files in found.items():
        try:
            stamps = [each.stat().st_mtime for each in files]
        except OSError as error:
            # One that was removed between the two looks; the next look sees what is there then.
            log.info("metrics.no_backups", kind=kind, error=type(error).__name__)
            continue
        if stamps:
            ages[kind] = max(0.0, time.time() - max(stamps))
    return ages


class _Gauges(Collector):
    """One look as gauges: a label that is gone is gone from the text too."""

    def __init__(self, look: Look) -> None:
        self._look = look

    def collect(self) -> Iterable[GaugeMetricFamily]:
        for metric, values in gauges_of(self._look):
            family = GaugeMetricFamily(metric.name, metric.about, labels=metric.labels)
            for labels, value in values.items():
                family.add_metric(list(labels), float(value))
            yield family


def gauges_of(look: Look) -> Iterator[tuple[Metric, Values]]:
    """Return every gauge of a look with its values by labels."""
    build = look.build
    yield metrics.BUILD_INFO, {(build.version, build.config, build.schema): 1}
    yield metrics.DATABASE_UP, _one(look.readings is not None)
    yield metrics.DESK_READY, _one(look.ready)
    yield metrics.STAGE_AGE, {(name,): each.age_s for name, each in look.stages.items() if each.age_s is not None}
    yield metrics.STAGE_LIMIT, {(name,): each.limit_s for name, each in look.stages.items()}
    yield metrics.STAGE_LATE, {(name,): not each.alive for name, each in look.stages.items()}
    yield metrics.HALT_FILE, _one(look.halt_file)
    yield metrics.BACKUP_AGE, {(kind,): age for kind, age in look.backup_ages.items()}
    yield metrics.LOOP_LAG, _one(look.loop.last)
    yield metrics.LOOP_LAG_MAX, _one(look.loop.longest)
    yield metrics.LOOP_LAG_P99, _one(look.loop.p99)
    if look.readings is not None:
        yield from _of_database(look.readings)


def _of_database(readings: Readings) -> Iterator[tuple[Metric, Values]]:
    yield metrics.QUEUE_SIZE, {(name,): queue.size for name, queue in readings.queues.items()}
    yield metrics.QUEUE_OLDEST, {(name,): queue.oldest_s for name, queue in readings.queues.items()}
    yield metrics.UNKNOWN, _one(readings.unknown.size)
    yield metrics.UNKNOWN_OLDEST, _one(readings.unknown.oldest_s)
    yield metrics.INCIDENTS, {(severity,): count for severity, count in readings.incidents.items()}
    yield metrics.HALTS, {(scope, state): count for (scope, state), count in readings.halts.items()}
    yield metrics.LIVE_TRADES, {(state,): count for state, count in readings.live_trades.items()}
    yield metrics.POSITIONS, _one(readings.positions)
    yield metrics.BARE, _one(readings.bare)
    yield metrics.PROPOSALS, _one(readings.proposals)
    yield metrics.TERMINALS, {key: each.terminals for key, each in readings.accounts.items()}
    yield metrics.UNRECONCILED, {key: each.unreconciled for key, each in readings.accounts.items()}
    ages = {key: each.reconcile_age_s for key, each in readings.accounts.items()}
    yield metrics.RECONCILE_AGE, {key: age for key, age in ages.items() if age is not None}
    yield metrics.JOURNAL, _one(readings.journal)


def _one(value: float) -> Values:
    """Return a gauge without labels."""
    return {(): value}
