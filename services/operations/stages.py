"""The stages of the desk and their signs of life; a silent one is an alert and is named for a restart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog

from services.access.alerts import AlertCode, alert
from services.domain.errors import Unavailable
from services.domain.people import Actor
from services.domain.ports import Clock, Ids
from services.operations.journal_anchor import keep_head
from services.storage import desk, incidents
from services.storage.database import Database, Unit

log = structlog.get_logger()

# Past one and a half periods a stage is late, so that with a look every quarter of a period the alert comes within two.
LATE_AFTER = 1.5
WATCH_EVERY_S = 1.0
SAVE_EVERY_S = 5.0
DATABASE = "database"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """A part of the desk that must show life every ``period_s`` seconds; the desk does not start without a mandatory one."""

    name: str
    period_s: float
    mandatory: bool = True


# The periods are the longest pauses that are normal, not how often a stage could beat.
STAGES = (
    Stage(name="feed", period_s=10),
    Stage(name="scan", period_s=60),
    Stage(name="missions", period_s=10),
    Stage(name="executor", period_s=10),
    Stage(name="fills", period_s=10),
    Stage(name="reconcile", period_s=60),
    Stage(name="resolve", period_s=10),
    Stage(name="entries", period_s=10),
    Stage(name="keep", period_s=10),
    Stage(name="breakers", period_s=10),
    Stage(name="kill", period_s=10),
    Stage(name="halt", period_s=10),
    Stage(name="deadman", period_s=10, mandatory=False),
    Stage(name="sender", period_s=10),
    Stage(name="intake", period_s=60),
    Stage(name="scheduler", period_s=10),
    Stage(name=DATABASE, period_s=15),
    Stage(name="alarms", period_s=10, mandatory=False),
    Stage(name="digest", period_s=120, mandatory=False),
)


@dataclass(slots=True, kw_only=True)
class _Life:
    """What is known of one attached stage; monotonic seconds count, wall times are for people."""

    period_s: float
    counted_from: float
    last_beat: float | None = None
    last_success: datetime | None = None
    next_run: datetime | None = None
    detail: str = ""
    lag_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """A stage that should have shown life ``silent_s`` seconds ago or less."""

    name: str
    silent_s: float
    period_s: float
    last_success: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StageAge:
    """How a stage of this process is: ``age_s`` is None before its first success, ``limit_s`` the age from which it is late."""

    age_s: float | None
    limit_s: float
    alive: bool
    mandatory: bool


class Stages:
    """Keeps the beats of this process's stages (the StageBeat port)."""

    def __init__(self, clock: Clock, stages: tuple[Stage, ...] = STAGES) -> None:
        self._clock = clock
        self._stages = {stage.name: stage for stage in stages}
        self._lives: dict[str, _Life] = {}
        self._looked_at: float | None = None

    def attach(self, name: str, *, period_s: float | None = None) -> None:
        """Say that this process runs a stage, from now on expected every ``period_s`` seconds; KeyError for none of ours."""
        stage = self._stages[name]
        self._lives[name] = _Life(period_s=period_s or stage.period_s, counted_from=self._clock.monotonic())

    def detach(self, name: str) -> None:
        """Say that a stage was stopped on purpose."""
        self._lives.pop(name, None)

    def missing_mandatory(self) -> list[str]:
        """Return the mandatory stages that nothing in this process runs: with any, the start is refused."""
        return [stage.name for stage in self._stages.values() if stage.mandatory and stage.name not in self._lives]

    def not_ready(self) -> list[str]:
        """Return the mandatory stages that have not shown life yet."""
        mandatory = [stage.name for stage in self._stages.values() if stage.mandatory]
        return [name for name in mandatory if name not in self._lives or self._lives[name].last_beat is None]

    def beat(self, stage: str, *, detail: str = "") -> None:
        """Say that the stage just succeeded; a stage that nothing attached is attached with its usual period."""
        if stage not in self._lives:
            self.attach(stage)
        life, now = self._lives[stage], self._clock.monotonic()
        if life.last_beat is not None:
            life.lag_s = max(0.0, now - life.last_beat - life.period_s)
        life.last_beat = life.counted_from = now
        life.last_success = self._clock.now()
        life.detail = detail

    def plan(self, stage: str, next_run: datetime | None) -> None:
        """Say when a stage that works at certain times runs next."""
        if stage in self._lives:
            self._lives[stage].next_run = next_run

    def excuse(self, stage: str) -> None:
        """Give a stage that is being restarted a fresh period; its last success stays what it was."""
        if stage in self._lives:
            self._lives[stage].counted_from = self._clock.monotonic()

    def age(self, stage: str) -> timedelta | None:
        """Return how long ago the stage last succeeded, or None before its first success."""
        life = self._lives.get(stage)
        if life is None or life.last_beat is None:
            return None
        return timedelta(seconds=self._clock.monotonic() - life.last_beat)

    def alive(self, stage: str) -> bool:
        """Tell whether a stage has shown life in its time; being excused is no sign of life."""
        life, age = self._lives.get(stage), self.age(stage)
        return life is not None and age is not None and age.total_seconds() <= life.period_s * LATE_AFTER

    def ages(self) -> Mapping[str, StageAge]:
        """Return how each attached stage is, and each mandatory one that nothing attached."""
        names = [*self._lives, *(name for name in self.missing_mandatory())]
        return {name: self._stage_age(name) for name in names}

    def _stage_age(self, name: str) -> StageAge:
        life, age, stage = self._lives.get(name), self.age(name), self._stages[name]
        return StageAge(
            age_s=age.total_seconds() if age is not None else None,
            limit_s=(life.period_s if life is not None else stage.period_s) * LATE_AFTER,
            alive=self.alive(name),
            mandatory=stage.mandatory,
        )

    def late(self) -> list[Silence]:
        """Return the stages that are silent for too long.

        A pause of the whole process (a suspended machine, SIGSTOP) is nobody's silence: when this look itself comes late,
        all stages get a fresh period first.
        """
        now = self._clock.monotonic()
        if self._looked_at is not None and now - self._looked_at > self._shortest_period():
            for life in self._lives.values():
                life.counted_from = now
        self._looked_at = now
        return [
            Silence(
                name=name,
                silent_s=now - (life.counted_from if life.last_beat is None else life.last_beat),
                period_s=life.period_s,
                last_success=life.last_success,
            )
            for name, life in self._lives.items()
            if self._is_late(life)
        ]

    def save(self, unit: Unit) -> None:
        """Store what each stage last said of itself, so that another process can read it."""
        desk.save_stages(unit, self.rows())

    def rows(self) -> Mapping[str, Mapping[str, Any]]:
        """Return what each stage last said of itself, as it is stored."""
        return {name: self._row(life) for name, life in self._lives.items()}

    def _row(self, life: _Life) -> Mapping[str, Any]:
        expected = life.last_success + timedelta(seconds=life.period_s) if life.last_success is not None else None
        return {
            "period_s": max(1, round(life.period_s)),
            "last_success": life.last_success,
            "next_run": life.next_run if life.next_run is not None else expected,
            "detail": life.detail[:160],
            "lag_ms": round(life.lag_s * 1000),
        }

    def _is_late(self, life: _Life) -> bool:
        return self._clock.monotonic() - life.counted_from > life.period_s * LATE_AFTER

    def _shortest_period(self) -> float:
        return min((life.period_s for life in self._lives.values()), default=WATCH_EVERY_S)


class WatchStages:
    """Look at all stages: alert for a silent one, close the alert when it is back, keep the rows of ``sortie status``."""

    def __init__(self, database: Database, stages: Stages, clock: Clock, ids: Ids) -> None:
        self._database = database
        self._stages = stages
        self._clock = clock
        self._ids = ids
        self._alarmed: set[str] | None = None
        self._saved_at = float("-inf")

    async def __call__(self) -> list[str]:
        """Look once, to be called every ``WATCH_EVERY_S``; return the stages to restart, each at most once a period."""
        late = {each.name: each for each in self._stages.late()}
        back = {name for name in self._alarmed or () if self._stages.alive(name)}
        if late or back or self._alarmed is None or self._clock.monotonic() - self._saved_at >= SAVE_EVERY_S:
            await self._write(late, back)
        for name in late:
            self._stages.excuse(name)
        return list(late)

    async def _write(self, late: Mapping[str, Silence], back: set[str]) -> None:
        started = self._clock.monotonic()
        try:
            await self._database.write(lambda unit: self._book(unit, late, back), urgent=bool(late))
        except Unavailable as error:
            # The alert cannot be stored; the database falls silent as a stage itself, and its restart is up to the caller.
            log.error("stages.not_saved", reason=error.code, silent=sorted(late))
            return
        self._saved_at = self._clock.monotonic()
        self._alarmed = ((self._alarmed or set()) | set(late)) - back
        self._stages.beat(DATABASE, detail=f"save {round((self._saved_at - started) * 1000)} ms")

    def _book(self, unit: Unit, late: Mapping[str, Silence], back: set[str]) -> None:
        actor = Actor.job("watch", f"watch-{self._ids.row()}")
        if self._alarmed is None:
            self._alarmed = self._open_before(unit)
        for name in back:
            if incidents.close_incident(unit, AlertCode.STAGE_SILENT.value, name):
                unit.record(actor, "stage.back", stage=name)
        for name, silence in late.items():
            facts: dict[str, object] = {
                "stage": name,
                "silent_s": round(silence.silent_s),
                "period_s": round(silence.period_s),
                "last_success": silence.last_success.isoformat() if silence.last_success else None,
            }
            if alert(unit, self._ids, AlertCode.STAGE_SILENT, name, facts):
                unit.record(actor, "stage.silent", **facts)
        self._stages.save(unit)
        keep_head(unit)

    def _open_before(self, unit: Unit) -> set[str]:
        """Take over what the process before left open."""
        return {row.subject for row in incidents.open_incidents(unit) if row.code == AlertCode.STAGE_SILENT.value}
