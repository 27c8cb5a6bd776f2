"""Text widths against the real letters, rows that make room, and axes with round values."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.charts.layout import Box, Text, apart, shortened, spread_rows, text_width
from services.charts.scales import clock_words, decimals_format, time_ticks, value_scale, value_ticks

from .pictures import crop

PAGE = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="900" height="600" viewBox="0 0 900 600" font-family="Roboto">'
    '<rect width="900" height="600" fill="#000"/>'
    '<text x="20" y="300" font-size="30" font-weight="{weight}" fill="#fff">{text}</text></svg>'
)


@pytest.mark.parametrize("bold", [False, True])
@pytest.mark.parametrize(
    "text",
    [
        "118,840.01",
        "0.00001234",
        "−1.25 %",
        "TP2 3.0 R",
        "stop +2.0 %",
        "entry",
        "LONG BTC/USDT · 15m",
        "SHORT 1000SHIB/USDT · 1h",
        "TESTNET",
        "as of 14:31:20 CEST, 30 Mar",
        "10,081 USDT",
        "WWW MMM mmm www @@@",
        "Equity · 23 trades",
        "no candles yet…",
    ],
)
def test_a_text_is_never_wider_than_its_box(text: str, bold: bool) -> None:
    width = text_width(text, 30, bold=bold)
    rows = crop(PAGE.format(text=text, weight=700 if bold else 400), Box(left=20, top=270, width=600, height=44))
    inked = [x for row in rows for x, pixel in enumerate(row) if sum(pixel) > 90]

    assert max(inked) <= width
    assert max(inked) >= 0.75 * width


def test_a_text_without_room_is_shortened() -> None:
    assert shortened("LONG BTC/USDT", 36, 900) == "LONG BTC/USDT"
    cut = shortened("LONG " + "X" * 80, 36, 400)
    assert cut.endswith("X…")
    assert text_width(cut, 36) <= 400


@given(st.lists(st.floats(-500, 1500), max_size=9), st.floats(5, 60))
def test_rows_keep_their_order_their_distance_and_their_limits(wanted: list[float], height: float) -> None:
    rows = spread_rows(sorted(wanted), height, 100, 550)
    apart_by = min(height, 450 / max(1, len(wanted)))

    assert len(rows) == len(wanted)
    assert all(100 + apart_by / 2 - 1e-6 <= row <= 550 - apart_by / 2 + 1e-6 for row in rows)
    assert all(after - before >= apart_by - 1e-6 for before, after in pairwise(rows))


def test_rows_with_room_stay_where_they_belong() -> None:
    assert spread_rows([120, 300, 500], 38, 100, 550) == [120, 300, 500]
    assert spread_rows([300, 301, 302], 30, 100, 550) == pytest.approx([271, 301, 331])
    assert spread_rows([90, 95], 30, 100, 550) == pytest.approx([115, 145])


def test_labels_of_a_line_that_would_touch_give_way_to_the_first() -> None:
    texts = [Text(x=x, y=10, text="12:00", size=20) for x in (0, 30, 70, 140)]

    assert [text.x for text in apart(texts)] == [0, 70, 140]


@given(
    low=st.floats(1e-9, 1e9),
    share=st.floats(0, 10),
    decimals=st.integers(0, 8),
)
def test_value_ticks_are_round_on_the_grid_and_apart(low: float, share: float, decimals: int) -> None:
    scale = value_scale([low, low * (1 + share)], 100, 550)
    grid = 10.0**-decimals

    ticks = value_ticks(scale, grid, 64)

    assert all(scale.low <= tick <= scale.high for tick in ticks)
    assert all(scale.y(before) - scale.y(after) >= 63 for before, after in pairwise(ticks))
    assert all(math.isclose(tick / grid, round(tick / grid), rel_tol=1e-6, abs_tol=1e-6) for tick in ticks)


def test_one_value_alone_stands_in_the_middle() -> None:
    assert value_scale([100.0], 100, 500).y(100.0) == 300
    assert value_scale([0.0, 0.0], 100, 500).y(0.0) == 300


def hourly(begin: datetime, count: int, minutes: int = 60) -> list[datetime]:
    return [begin + timedelta(minutes=minutes * index) for index in range(count)]


def test_time_ticks_are_round_in_the_readers_zone_and_name_new_days() -> None:
    instants = hourly(datetime(2025, 11, 20, 9, tzinfo=UTC), 48)

    berlin = time_ticks(instants, ZoneInfo("Europe/Berlin"), pixels=8, gap=80)
    kolkata = time_ticks(instants, ZoneInfo("Asia/Kolkata"), pixels=8, gap=80)

    assert [tick.label for tick in berlin] == ["12:00", "21 Nov", "12:00", "22 Nov"]
    assert [tick.label for tick in kolkata] == ["21 Nov", "12:30", "22 Nov", "12:30"]


def test_a_time_tick_after_a_gap_says_the_candles_own_time() -> None:
    begin = datetime(2025, 11, 20, 9, 50, tzinfo=UTC)
    instants = [*hourly(begin, 8, 1), *hourly(begin + timedelta(minutes=17), 30, 1)]

    ticks = time_ticks(instants, ZoneInfo("UTC"), pixels=10, gap=80)

    assert [tick.label for tick in ticks][:2] == ["10:07", "10:20"]


def test_short_and_long_spans_get_fitting_words() -> None:
    zone = ZoneInfo("UTC")
    begin = datetime(2025, 11, 20, 9, 0, 3, tzinfo=UTC)
    seconds = [begin + timedelta(seconds=index) for index in range(60)]
    years = [begin + timedelta(days=7 * index) for index in range(150)]

    assert time_ticks(seconds, zone, pixels=9, gap=120)[0].label == "09:00:15"
    assert [tick.label for tick in time_ticks(years, zone, pixels=2, gap=90)] == ["Dec 2025", "Dec 2026", "Dec 2027"]
    assert [tick.label for tick in time_ticks([begin], zone, pixels=9, gap=120)] == ["09:00"]
    assert time_ticks([], zone, pixels=9, gap=120) == []


def test_instants_are_written_for_people_of_the_zone() -> None:
    instant = datetime(2025, 7, 21, 22, 31, 20, tzinfo=UTC)

    assert clock_words(instant, ZoneInfo("Europe/Berlin")) == "00:31:20 CEST, 22 Jul"
    assert clock_words(instant, ZoneInfo("UTC")) == "22:31:20 UTC, 21 Jul"


@pytest.mark.parametrize(
    ("value", "decimals", "unit", "words"),
    [
        (118840.01, 2, "", "118,840.01"),
        (0.098123, 6, "", "0.098123"),
        (-1234.5, 1, "R", "−1,234.5 R"),
        (-0.04, 1, "R", "0.0 R"),
        (10081, 0, "USDT", "10,081 USDT"),
    ],
)
def test_numbers_have_real_minus_signs_and_units(value: float, decimals: int, unit: str, words: str) -> None:
    assert decimals_format(decimals, unit)(value) == words
