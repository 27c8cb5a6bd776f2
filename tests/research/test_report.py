"""A report says the same to a program and to a person, and its page needs nothing from elsewhere."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest

from services.charts.svg import render_svg
from services.research.chance import at_random, redraw
from services.research.known import ema_cross
from services.research.page import render_page
from services.research.report import Report, as_json, curve_of, report_of
from services.research.rules import Rules
from services.research.simulation import Entrant, simulate
from services.strategies.indicators import Bars
from tests.research.test_known_answer import walk


def made(rows: int = 6_000, *, strategy: str = "ema_cross", chance: int = 5) -> Report:
    entrants = []
    for seed in (1, 2):
        history = walk(seed, rows, 0.01)
        bars = Bars(open=history.open, high=history.high, low=history.low, close=history.close, volume=history.volume)
        entrants.append(Entrant(history=history, calls=ema_cross(bars)))
    outcome = simulate(entrants, Rules(leverage=3))
    return report_of(
        outcome,
        entrants,
        strategy=strategy,
        version="1.0",
        parameters={"fast": 12},
        redrawn=redraw(outcome.trades, outcome.rules.capital, runs=chance, seed=1),
        at_random=at_random(outcome, entrants, runs=chance, seed=1),
    )


@pytest.fixture(scope="module")
def report() -> Report:
    return made()


def test_the_document_is_plain_json_and_its_trades_add_up(report: Report) -> None:
    document = json.loads(json.dumps(as_json(report), allow_nan=False))

    trades, figures = document["trades"], document["figures"]
    assert len(trades) == figures["trades"] > 100
    assert sum(trade["pnl"] for trade in trades) == pytest.approx(figures["pnl"])
    assert figures["last_equity"] == pytest.approx(figures["first_equity"] + figures["pnl"])
    assert {trade["symbol"] for trade in trades} == {"W/USDT"}
    assert all(trade["call"] < trade["opened"] <= trade["closed"] for trade in trades)
    for group in ("side", "regime", "month", "hour", "reason", "instrument"):
        assert sum(each["n"] for each in document["groups"][group]) == len(trades)


def test_the_page_asks_for_nothing_from_elsewhere_and_runs_no_script(report: Report) -> None:
    page = render_page(report)

    addresses = re.findall(r"(?:https?:)?//[^\s\"'<]+", page)
    assert set(addresses) == {"http://www.w3.org/2000/svg"}
    assert not re.search(r"<script|<link|<img|<iframe|\son\w+=", page)
    assert "prefers-color-scheme: dark" in page
    assert f"{report.figures.trades:,} trades" in page


def test_what_a_strategy_is_called_cannot_write_into_the_page() -> None:
    page = render_page(made(300, strategy="<b>x</b>", chance=0))

    assert "<b>x</b>" not in page
    assert "&lt;b&gt;x" in page


def test_few_trades_are_said_to_be_few(report: Report) -> None:
    page = render_page(made(120, chance=0))

    assert "too few" in page
    assert "too few" not in render_page(report).replace("too few to say anything", "")


def test_the_picture_keeps_the_deepest_fall_however_many_candles_there_are(report: Report) -> None:
    spec = curve_of(report)

    assert len(spec.points) <= 400
    assert min(point.fall for point in spec.points) == pytest.approx(-report.figures.drawdown.depth)
    assert spec.points[-1].value == report.outcome.equity[-1]
    assert np.isfinite([point.value for point in spec.points]).all()
    assert render_svg(spec).startswith("<svg")
