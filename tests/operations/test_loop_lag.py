"""A loop that is late is measured, and an alert when it stays so."""

from __future__ import annotations

import asyncio
import time
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest

from bot.metrics import Meters
from bot.system import SystemClock, SystemIds
from services.domain.errors import Unavailable
from services.operations.loop_lag import EVERY_S, LIMIT_S, PAUSE_S, WINDOW, LoopLag, waits
from services.storage import incidents
from tests.trading.rig import Rig, desk_at


def lag_of(rig: Rig, meters: Meters | None = None) -> LoopLag:
    return LoopLag(rig.trading.database, rig.clock, SystemIds(), meters or Meters())


async def open_codes(rig: Rig) -> list[str]:
    rows = await rig.read(incidents.open_incidents)
    return [row.code for row in rows]


async def test_a_late_minute_is_an_alert_until_one_is_in_time(tmp_path: Path) -> None:
    async with desk_at(tmp_path) as rig:
        lag = lag_of(rig)
        for _ in range(WINDOW):
            lag.note(0.002)
        await lag.judge()
        assert await open_codes(rig) == []

        for _ in range(WINDOW // 50):
            lag.note(LIMIT_S + 0.1)
        await lag.judge()
        await lag.judge()
        assert await open_codes(rig) == ["LOOP_LAG"]

        for _ in range(WINDOW):
            lag.note(0.002)
        await lag.judge()
        assert await open_codes(rig) == []


async def test_what_the_process_before_left_open_is_closed(tmp_path: Path) -> None:
    async with desk_at(tmp_path) as rig:
        opened = partial(incidents.open_incident, incident_id="i" * 26, code="LOOP_LAG", subject="event loop", facts={})
        await rig.trading.database.write(opened)

        await lag_of(rig).judge()

        assert await open_codes(rig) == []


async def test_a_database_that_does_not_answer_is_asked_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with desk_at(tmp_path) as rig:
        lag, write = lag_of(rig), rig.trading.database.write
        for _ in range(WINDOW):
            lag.note(1.0)

        async def refused(*_arguments: object, **_more: object) -> None:
            raise Unavailable("DATABASE", reason="locked")

        monkeypatch.setattr(rig.trading.database, "write", refused)
        await lag.judge()
        monkeypatch.setattr(rig.trading.database, "write", write)
        await lag.judge()

        assert await open_codes(rig) == ["LOOP_LAG"]


async def test_one_long_block_counts_for_everyone_it_kept_waiting(tmp_path: Path) -> None:
    async with desk_at(tmp_path) as rig:
        lag = lag_of(rig)
        for _ in range(WINDOW - 20):
            lag.note(0.0)
        lag.note(5.0)

        assert len(list(waits(5.0))) == 5.0 / EVERY_S
        assert lag.delay().longest == 5.0
        assert lag.delay().p99 > 4.0


async def test_a_pause_of_the_whole_process_says_nothing_about_the_loop(tmp_path: Path) -> None:
    async with desk_at(tmp_path) as rig:
        meters = Meters()
        lag = lag_of(rig, meters)
        for _ in range(WINDOW):
            lag.note(0.001)
        lag.note(PAUSE_S + timedelta(hours=1).total_seconds())

        assert lag.delay().p99 == 0.001
        assert lag.delay().last > 3600
        assert meters.registry.get_sample_value("sortie_loop_delay_seconds_count") == WINDOW + 1


async def test_a_block_of_the_real_loop_is_seen(tmp_path: Path) -> None:
    async with desk_at(tmp_path) as rig:
        lag = LoopLag(rig.trading.database, SystemClock(), SystemIds(), Meters())
        running = asyncio.create_task(lag.run())
        await asyncio.sleep(0)
        time.sleep(EVERY_S + 0.4)  # noqa: ASYNC251 - this is what is to be seen
        end = time.monotonic() + 40
        while lag.delay().longest < 0.35 and time.monotonic() < end:
            await asyncio.sleep(0.01)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

        assert lag.delay().longest >= 0.35
