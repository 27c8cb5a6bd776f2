"""Rendering is cheap: the sender renders every card and every event."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from handlers.telegram.views.message import Rendered
from handlers.telegram.views.missions import render_mission
from handlers.telegram.views.notices import render_notice
from handlers.telegram.views.preview import render_preview
from handlers.telegram.views.trades import render_trade
from tests.views import samples

LIMIT_S = 0.001


@pytest.mark.parametrize(
    "render",
    [
        lambda: render_mission(samples.mission_view()),
        lambda: render_preview(samples.preview_view()),
        lambda: render_trade(samples.trade_view()),
        lambda: render_notice("digest", samples.DIGEST),
    ],
    ids=["mission", "preview", "trade", "digest"],
)
def test_a_warm_card_takes_less_than_a_millisecond(render: Callable[[], Rendered]) -> None:
    render()
    taken = []
    for _ in range(50):
        start = time.perf_counter()
        render()
        taken.append(time.perf_counter() - start)

    # The fastest of many: what a busy machine adds is not the template's.
    assert min(taken) < LIMIT_S
