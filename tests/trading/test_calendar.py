"""Weeks, days and pauses in virtual time: over changes of the clock, over midnight, and when the wall clock jumps."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from services.domain.verdicts import CheckCode
from tests.trading.rig import HandClock, Rig, desk_at
from tests.trading.taps import preview_of
from tests.trading.test_breakers import lose

BERLIN = {"zone": "Europe/Berlin"}


async def refusals(rig: Rig) -> set[CheckCode]:
    """Return what refuses an entry now, with fresh prices and readings."""
    await rig.price("63999.99", "64000.01")
    await rig.trading.sync.reconcile_all()
    shown = await preview_of(rig, await rig.mission())
    return {check.code for check in shown.checks if not check.passed}


@pytest.mark.parametrize(
    ("sunday", "monday"),
    [
        (datetime(2026, 3, 29, 10, tzinfo=UTC), datetime(2026, 3, 29, 22, tzinfo=UTC)),
        (datetime(2026, 10, 25, 10, tzinfo=UTC), datetime(2026, 10, 25, 23, tzinfo=UTC)),
    ],
    ids=["23-hours", "25-hours"],
)
async def test_a_lost_week_and_the_days_entries_end_at_the_desks_midnight(
    tmp_path: Path, sunday: datetime, monday: datetime
) -> None:
    risk, clock = {"weekly_loss": "0.004"}, HandClock(sunday)
    async with desk_at(tmp_path, clock=clock, desk=BERLIN, risk=risk, discipline={"shots_per_day": 1}) as rig:
        await lose(rig, apart_s=60)
        assert await refusals(rig) == {CheckCode.WEEKLY_LOSS, CheckCode.SHOTS}

        clock.advance((monday - clock.now()).total_seconds() - 1)
        assert await refusals(rig) == {CheckCode.WEEKLY_LOSS, CheckCode.SHOTS}
        clock.advance(1)
        assert await refusals(rig) == set()


async def test_a_clock_that_jumps_shortens_no_pause_and_makes_none_endless(tmp_path: Path) -> None:
    async with desk_at(tmp_path, discipline={"cooldown_s": 600}) as rig:
        await lose(rig, apart_s=60)
        assert await refusals(rig) == {CheckCode.COOLDOWN}

        rig.clock.time -= timedelta(minutes=5)
        assert CheckCode.COOLDOWN in await refusals(rig)
        rig.clock.time += timedelta(minutes=15)
        assert CheckCode.COOLDOWN not in await refusals(rig)
