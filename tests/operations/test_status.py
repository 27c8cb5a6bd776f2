"""The desk's state as another process reads it."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

from services.domain.halts import Halt, HaltScope
from services.domain.people import Role
from services.domain.states import HaltState
from services.domain.trades import TerminalMode
from services.operations.stages import STAGES, Stages, WatchStages
from services.operations.status import READY, DeskStatus, Pulse, desk_status
from services.storage import desk, halts, incidents, outbox, updates
from services.storage.counters import set_fact
from services.storage.database import Unit
from tests.access.bench import ANN, TOM, AccessBench


def read(bench: AccessBench, file_since: datetime | None = None) -> DeskStatus:
    now = bench.clock.now()
    return bench.database.read_now(lambda unit: desk_status(unit, now=now, file_since=file_since))


async def run_for_a_moment(bench: AccessBench) -> Stages:
    stages = Stages(bench.clock)
    for stage in STAGES:
        stages.attach(stage.name)
    stages.beat("feed", detail="4 instruments")
    await WatchStages(bench.database, stages, bench.clock, bench.ids)()

    def body(unit: Unit) -> None:
        desk.take_lease(unit, "executor", "host:42", 20)
        set_fact(unit, READY, json.dumps({"pid": 42, "at": unit.now.isoformat()}))

    bench.database.write_now(body)
    return stages


def test_desk_that_never_ran_is_not_alive(empty: AccessBench) -> None:
    status = read(empty)

    assert (status.alive, status.owner, status.uptime, status.stages, status.badge) == (False, None, None, (), None)


async def test_running_desk_names_owner_uptime_and_stages_in_their_order(bench: AccessBench) -> None:
    await run_for_a_moment(bench)
    bench.clock.move(15)

    status = read(bench)

    assert (status.alive, status.owner, status.uptime) == (True, "host:42", timedelta(seconds=15))
    assert [stage.name for stage in status.stages] == [stage.name for stage in STAGES]
    feed, scan = status.stages[:2]
    assert (feed.pulse, feed.age, feed.detail) == (Pulse.OK, timedelta(seconds=15), "4 instruments")
    assert (scan.pulse, scan.age) == (Pulse.NEVER, None)
    assert status.badge is TerminalMode.PAPER


async def test_a_desk_that_asks_about_itself_runs_even_while_its_lease_is_late(bench: AccessBench) -> None:
    await run_for_a_moment(bench)
    started = bench.clock.now()
    bench.clock.move(3600)
    now = bench.clock.now()

    status = bench.database.read_now(lambda unit: desk_status(unit, now=now, started_at=started))

    assert (status.alive, status.uptime) == (True, timedelta(hours=1))


async def test_desk_that_died_is_not_alive_and_its_stages_are_late(bench: AccessBench) -> None:
    await run_for_a_moment(bench)
    bench.clock.move(21)

    status = read(bench)

    assert (status.alive, status.owner, status.uptime) == (False, "host:42", None)
    assert status.stages[0].pulse is Pulse.LATE


async def test_stages_of_the_own_process_win_over_stored_rows(bench: AccessBench) -> None:
    stages = await run_for_a_moment(bench)
    bench.clock.move(3)
    stages.beat("feed", detail="5 instruments")

    now = bench.clock.now()
    status = bench.database.read_now(lambda unit: desk_status(unit, now=now, rows=stages.rows()))

    assert (status.stages[0].age, status.stages[0].detail) == (timedelta(0), "5 instruments")


def test_halts_queues_and_incidents_are_counted(bench: AccessBench) -> None:
    def body(unit: Unit) -> None:
        for scope, subject, state in (
            (HaltScope.PERSON, str(ANN), HaltState.HALTED),
            (HaltScope.DESK, halts.DESK, HaltState.REDUCING),
        ):
            halts.save(unit, Halt(scope=scope, subject=subject, state=state, by_id=1, by_name="x", reason="", since=unit.now))
        updates.store(unit, [(1, "{}"), (2, "{}")])
        outbox.tell(unit, ANN, "fill", {})
        outbox.show(unit, "halt:desk", TOM)
        desk.add_request(unit, "r1", "revoked", {}, "shell", "c")
        incidents.open_incident(unit, "i1", "STAGE_SILENT", "feed", {})

    bench.add(TOM, Role.TRADER)
    bench.database.write_now(body)

    status = read(bench)

    assert status.state is HaltState.REDUCING and len(status.halts) == 2
    assert (status.queues.updates, status.queues.messages, status.queues.requests) == (2, 2, 1)
    assert [(each.code, each.subject) for each in status.incidents] == [("STAGE_SILENT", "feed")]


def test_halt_file_halts_the_desk_whatever_the_rows_say(bench: AccessBench) -> None:
    status = read(bench, bench.clock.now())

    assert status.state is HaltState.HALTED
    assert status.halts[0].by_name == "halt file"
