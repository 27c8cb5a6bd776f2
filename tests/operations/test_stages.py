"""Stages: signs of life, silence as one incident within twice the period, and what another process reads."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from services.domain.errors import Unavailable
from services.operations.stages import DATABASE, STAGES, WATCH_EVERY_S, Stage, Stages, WatchStages
from services.storage import desk
from services.storage.tables import incidents
from tests.access.bench import CARL, CORA, AccessBench
from tests.told import alerts_for

PERIOD = 10.0
FEED = Stage(name="feed", period_s=PERIOD)
BOOKS = Stage(name=DATABASE, period_s=15)


@pytest.fixture
def stages(bench: AccessBench) -> Stages:
    made = Stages(bench.clock, (FEED, BOOKS, Stage(name="digest", period_s=40, mandatory=False)))
    made.attach("feed")
    made.beat("feed")
    return made


@pytest.fixture
def watch(bench: AccessBench, stages: Stages) -> WatchStages:
    return WatchStages(bench.database, stages, bench.clock, bench.ids)


async def pass_time(bench: AccessBench, watch: WatchStages, seconds: float) -> list[str]:
    """Look every ``WATCH_EVERY_S`` for a while; return every name that a look returned."""
    named: list[str] = []
    for _ in range(round(seconds / WATCH_EVERY_S)):
        bench.clock.move(WATCH_EVERY_S)
        named += await watch()
    return named


def rows(bench: AccessBench) -> dict[str, Any]:
    return {row.name: row for row in bench.database.read_now(desk.all_stages)}


def all_incidents(bench: AccessBench) -> list[Any]:
    return list(bench.database.read_now(lambda unit: unit.all(select(incidents))))


def test_mandatory_stage_that_nobody_runs_is_named(bench: AccessBench) -> None:
    made = Stages(bench.clock)
    for stage in STAGES:
        if stage.name not in ("sender", "digest"):
            made.attach(stage.name)

    assert made.missing_mandatory() == ["sender"]


def test_attached_stage_is_ready_with_its_first_beat(bench: AccessBench) -> None:
    made = Stages(bench.clock, (Stage(name="feed", period_s=1), Stage(name="scan", period_s=1)))
    made.attach("feed")
    made.attach("scan")
    made.beat("scan")

    assert (made.missing_mandatory(), made.not_ready()) == ([], ["feed"])


def test_unknown_stage_cannot_be_attached(bench: AccessBench) -> None:
    with pytest.raises(KeyError):
        Stages(bench.clock).attach("tea")


@pytest.mark.parametrize("stage", [stage for stage in STAGES if stage.name != DATABASE], ids=lambda stage: stage.name)
async def test_silence_of_every_stage_alerts_within_twice_its_period(bench: AccessBench, stage: Stage) -> None:
    made = Stages(bench.clock, (stage, BOOKS))
    made.beat(stage.name)
    watch = WatchStages(bench.database, made, bench.clock, bench.ids)

    named = await pass_time(bench, watch, 2 * stage.period_s - WATCH_EVERY_S)

    assert named == [stage.name]
    assert [row.code for row in all_incidents(bench)] == ["STAGE_SILENT"]


async def test_no_alert_while_it_beats_in_time(bench: AccessBench, stages: Stages, watch: WatchStages) -> None:
    for _ in range(10):
        assert await pass_time(bench, watch, PERIOD) == []
        stages.beat("feed")

    assert all_incidents(bench) == []


async def test_long_silence_is_one_incident_one_message_and_repeated_restarts(bench: AccessBench, watch: WatchStages) -> None:
    named = await pass_time(bench, watch, 10 * PERIOD)

    assert named == ["feed"] * 6
    assert [row.count for row in all_incidents(bench)] == [6]
    told = [bench.database.read_now(lambda unit, person=person: alerts_for(unit, person)) for person in (CARL, CORA)]
    assert [[each.subject for each in alerts] for alerts in told] == [["feed"], ["feed"]]
    assert bench.journal() == ["stage.silent"]


async def test_incident_closes_when_the_stage_is_back_but_not_by_a_restart_alone(
    bench: AccessBench, stages: Stages, watch: WatchStages
) -> None:
    await pass_time(bench, watch, 2 * PERIOD)
    assert all_incidents(bench)[0].closed_at is None

    stages.beat("feed")
    await pass_time(bench, watch, 1)

    assert all_incidents(bench)[0].closed_at is not None
    assert bench.journal() == ["stage.silent", "stage.back"]


async def test_incident_of_the_process_before_is_closed_by_the_next(bench: AccessBench, watch: WatchStages) -> None:
    await pass_time(bench, watch, 2 * PERIOD)

    fresh = Stages(bench.clock, (FEED, BOOKS))
    second = WatchStages(bench.database, fresh, bench.clock, bench.ids)
    await second()
    fresh.beat("feed")
    await pass_time(bench, second, 1)

    assert all_incidents(bench)[0].closed_at is not None


async def test_pause_of_the_whole_process_is_nobodys_silence(bench: AccessBench, stages: Stages, watch: WatchStages) -> None:
    await watch()
    bench.clock.move(600)

    assert await watch() == []
    stages.beat("feed")
    assert await pass_time(bench, watch, PERIOD) == []
    assert await pass_time(bench, watch, PERIOD) == ["feed"]


async def test_stage_that_never_beat_is_silent_too(bench: AccessBench) -> None:
    made = Stages(bench.clock, (FEED, BOOKS))
    made.attach("feed")

    assert await pass_time(bench, WatchStages(bench.database, made, bench.clock, bench.ids), 2 * PERIOD) == ["feed"]


async def test_stage_stopped_on_purpose_is_not_missed(bench: AccessBench, stages: Stages, watch: WatchStages) -> None:
    stages.detach("feed")

    assert await pass_time(bench, watch, 5 * PERIOD) == []


async def test_rows_tell_another_process_age_detail_lag_and_next_run(
    bench: AccessBench, stages: Stages, watch: WatchStages
) -> None:
    bench.clock.move(12)
    stages.beat("feed", detail="4 instruments")
    await watch()

    row = rows(bench)["feed"]
    assert (row.last_success, row.detail, row.lag_ms) == (bench.clock.now(), "4 instruments", 2000)
    assert (row.next_run - row.last_success).total_seconds() == PERIOD


async def test_planned_run_is_stored(bench: AccessBench, stages: Stages, watch: WatchStages) -> None:
    stages.plan("feed", bench.clock.now())

    await watch()

    assert rows(bench)["feed"].next_run == bench.clock.now()


async def test_well_stages_cost_a_commit_every_few_seconds(bench: AccessBench, stages: Stages, watch: WatchStages) -> None:
    commits = 0
    write = bench.database.write

    async def counting(*args: Any, **values: Any) -> Any:
        nonlocal commits
        commits += 1
        return await write(*args, **values)

    bench.database.write = counting  # type: ignore[method-assign]
    for _ in range(4):
        stages.beat("feed")
        await pass_time(bench, watch, 5)

    assert commits == 4


async def test_database_that_cannot_be_written_is_logged_and_silence_still_named(
    bench: AccessBench, stages: Stages, watch: WatchStages
) -> None:
    async def refuse(*args: Any, **values: Any) -> Any:
        raise Unavailable("DATABASE", reason="OperationalError")

    await watch()
    bench.database.write = refuse  # type: ignore[method-assign]

    assert await pass_time(bench, watch, 25) == ["feed", DATABASE]
