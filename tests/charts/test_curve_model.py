"""A backtest's picture: the curve over its falls, everything inside, on one point too."""

from __future__ import annotations

from datetime import timedelta

import pytest

from services.charts.curve_model import SPLIT, curve_model
from services.charts.layout import BOTTOM, HEIGHT, TOP, WIDTH, Tone
from services.charts.spec import CurvePoint, CurveSpec
from services.charts.svg import render_svg
from services.charts.worker import draw, font_files
from tests.charts.pictures import START


def curve(*values: float, capital: float = 10_000.0) -> CurveSpec:
    highest, points = capital, []
    for day, value in enumerate(values):
        highest = max(highest, value)
        points.append(CurvePoint(time=START + timedelta(days=day), value=value, fall=value / highest - 1))
    return CurveSpec(title="trend · BTC/USDT · 1h", subtitle="a while", points=tuple(points), capital=capital)


@pytest.mark.parametrize(
    "values", [(10_000.0,), (10_000.0, 10_000.0), (12_000.0, 3_000.0, 15_000.0), (0.01, -500.0), (1e9, 2e9)],
    ids=["one", "level", "deep", "ruined", "huge"],
)  # fmt: skip
def test_both_curves_stay_in_their_halves_and_all_labels_in_the_picture(values: tuple[float, ...]) -> None:
    model = curve_model(curve(*values))

    assert all(TOP <= y <= SPLIT for _, y in model.line)
    assert all(SPLIT < y <= BOTTOM for _, y in model.falls)
    for text in (*model.ticks, *model.times, model.last.label):
        assert text.box.left >= 0
        assert text.box.right <= WIDTH
        assert text.box.top >= 0
        assert text.box.bottom <= HEIGHT


def test_colour_and_words_say_whether_money_was_made() -> None:
    won, lost = curve_model(curve(10_000, 12_500)), curve_model(curve(10_000, 7_500))

    assert (won.tone, lost.tone) == (Tone.GOOD, Tone.BAD)
    assert lost.description.endswith("from 10,000 to 7,500, deepest fall 25.0%.")


def test_the_picture_can_be_drawn() -> None:
    assert draw(render_svg(curve(10_000, 12_500, 9_000)), font_files()).startswith(b"\x89PNG")
