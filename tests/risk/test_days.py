"""The trading day in the desk's zone, over changes of the clock too."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.risk.days import day_end, day_of, day_start

ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Pacific/Apia", "Australia/Lord_Howe")
moments = st.integers(0, 20 * 366 * 86_400).map(lambda seconds: datetime(2015, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds))


@given(moments, st.sampled_from(ZONES))
@settings(max_examples=500, deadline=None)
def test_a_moment_lies_in_its_day_and_days_follow_each_other_without_a_gap(now: datetime, zone: str) -> None:
    start, end = day_start(now, zone), day_end(now, zone)

    assert start <= now < end
    assert day_of(start, zone) == day_of(now, zone) == day_of(end - timedelta(microseconds=1), zone)
    assert day_of(end, zone) > day_of(now, zone)
    assert day_start(end, zone) == end


@pytest.mark.parametrize(("day", "hours"), [("2026-03-29", 23), ("2026-10-25", 25), ("2026-06-01", 24)])
def test_a_day_of_a_clock_change_has_23_or_25_hours(day: str, hours: int) -> None:
    noon = datetime.fromisoformat(f"{day}T12:00").replace(tzinfo=ZoneInfo("Europe/Berlin"))

    assert day_end(noon, "Europe/Berlin") - day_start(noon, "Europe/Berlin") == timedelta(hours=hours)
