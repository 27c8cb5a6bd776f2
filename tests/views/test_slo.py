"""The objectives in the chat: they fit a phone, and each verdict comes with its sample."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from handlers.telegram.views.slo import count, render_slo, short
from services.domain.trades import TerminalMode
from services.operations.slo import OBJECTIVES, Kept, Measured, Window
from tests.views.samples import NOW
from tests.views.shape import labels, problems


def kept(value_s: float | None, samples: int) -> Kept:
    measured = tuple(Measured(objective=each, value_s=value_s, samples=samples) for each in OBJECTIVES)
    return Kept(window=Window.DAY, measured=measured, modes=(TerminalMode.PAPER,), at=NOW)


def test_objectives_read_like_this() -> None:
    values = {"answer_p99": (2.0, 1204), "gate_p99": (0.042, 61), "ready_p99": (11.2, 2), "ack_to_fill_p99": (None, 0)}
    measured = tuple(
        Measured(
            objective=each,
            value_s=values.get(each.name, (each.target_s / 2, 61))[0],
            samples=values.get(each.name, (0.0, 61))[1],
        )
        for each in OBJECTIVES
    )
    shown = render_slo(Kept(window=Window.DAY, measured=measured, modes=(TerminalMode.PAPER,), at=NOW))

    assert shown.plain().split("\n") == [
        "Objectives, 24 h · PAPER",
        "order p50 0.35 s/0.70 s      61 ok",
        "order p99 1.50 s/3 s         61 ok",
        "fill            /5 s         0 few",
        "gate       42 ms/50 ms     61 RISK",
        "answer       2 s/1 s     1.2k MISS",
        "event        5 s/10 s        61 ok",
        "compare     30 s/60 s        61 ok",
        "start       11 s/15 s         2 ok",
        "unknown     60 s/2 min       61 ok",
        "⛔ missed: answer",
        "Updated 14:30:00 UTC",
    ]
    assert labels(shown) == [["24 h •", "7 days"]]


@pytest.mark.parametrize("value_s", [None, 0.0, 0.0004, 0.0996, 0.7, 9.999, 59.6, 100_000.0, math.inf])
@pytest.mark.parametrize("samples", [0, 7, 999, 1000, 9_999, 5_000_000])
def test_objectives_fit_a_phone_whatever_was_measured(value_s: float | None, samples: int) -> None:
    for window in Window:
        assert problems(render_slo(replace(kept(value_s, samples), window=window))) == []


def test_short_words_stay_short() -> None:
    assert [short(each) for each in (0.004, 0.42, 1.0, 45.0, 3600.0, math.inf)] == [
        "4 ms",
        "0.42 s",
        "1 s",
        "45 s",
        "1 h 00",
        "longer",
    ]
    assert [count(each) for each in (7, 1204, 45_000)] == ["7", "1.2k", "45k"]
