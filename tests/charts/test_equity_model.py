"""The equity picture's geometry."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from itertools import combinations, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.charts.equity_model import equity_model
from services.charts.layout import HEIGHT, WIDTH, Tone
from services.charts.spec import EquityPoint

from .pictures import START, curve, equity_labels


@pytest.mark.parametrize("points", [(), (EquityPoint(time=START, value=Decimal(10_000)),)])
def test_without_a_closed_trade_it_says_so_and_draws_no_line(points: tuple[EquityPoint, ...]) -> None:
    model = equity_model(curve(points=points))

    assert model.note is not None
    assert model.note.text == "no trades yet"
    assert model.line == ()
    assert model.marks == ()
    assert model.header.title.text == "Equity"


def test_each_closed_trade_is_a_mark_on_the_curve() -> None:
    model = equity_model(curve("50", "-80", "0"))

    assert model.header.title.text == "Equity · 3 trades"
    assert [mark.tone for mark in model.marks] == [Tone.GOOD, Tone.BAD, Tone.MUTED]
    assert {(mark.x, mark.y) for mark in model.marks} <= set(model.line)
    assert model.last is not None
    assert model.last.label.text == "9,970 USDT"
    assert model.tone is Tone.BAD


def test_a_value_holds_until_the_next_trade() -> None:
    model = equity_model(curve("50", "-80"))

    corners = list(model.line)
    assert all(before[0] == after[0] or before[1] == after[1] for before, after in pairwise(corners))
    assert corners[-1][0] == model.plot.right


def test_one_trade_is_called_one_trade() -> None:
    model = equity_model(curve("10"))

    assert model.header.title.text == "Equity · 1 trade"
    assert model.description == "Equity: 1 trade, from 10,000 USDT to 10,010 USDT."


def test_trades_at_one_instant_and_without_result_still_draw() -> None:
    points = tuple(EquityPoint(time=START, value=Decimal("0.01"), result=Decimal(0)) for _ in range(3))

    model = equity_model(curve(points=points))

    assert len(model.marks) == 3
    assert model.ticks == ()


@settings(max_examples=60, deadline=None)
@given(
    results=st.lists(st.decimals(-500, 500, places=2), min_size=1, max_size=30),
    unit=st.sampled_from(["R", "%", "USDT"]),
    decimals=st.integers(0, 4),
    hours=st.sampled_from([0.01, 1, 24, 24 * 40]),
    zone=st.sampled_from(["UTC", "America/New_York", "Asia/Kathmandu"]),
)
def test_labels_never_overlap_nor_leave_the_picture(
    results: list[Decimal], unit: str, decimals: int, hours: float, zone: str
) -> None:
    points = [EquityPoint(time=START, value=Decimal(0))]
    for index, result in enumerate(results, start=1):
        time = START + timedelta(hours=hours * index)
        points.append(EquityPoint(time=time, value=points[-1].value + result, result=result))

    model = equity_model(curve(points=tuple(points), unit=unit, decimals=decimals, zone=zone))
    labels = equity_labels(model)

    assert [(a, b) for (a, one), (b, other) in combinations(labels, 2) if one.meets(other)] == []
    assert all(box.left >= 0 and box.top >= 0 and box.right <= WIDTH and box.bottom <= HEIGHT for _, box in labels)
    assert all(model.plot.left <= x <= model.plot.right for x, _ in model.line)
    assert all(model.plot.top <= y <= model.plot.bottom for _, y in model.line)
