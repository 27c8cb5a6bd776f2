"""Every card and notice about a terminal or a trade says whether its money is real."""

from __future__ import annotations

from dataclasses import replace

import pytest

from handlers.telegram.views.entering import render_how
from handlers.telegram.views.halt import render_halt
from handlers.telegram.views.message import Rendered
from handlers.telegram.views.missions import render_mission, render_why
from handlers.telegram.views.notices import NOTICES, render_notice
from handlers.telegram.views.preview import render_checks, render_preview
from handlers.telegram.views.trades import render_trade
from services.domain.trades import TerminalMode
from services.reporting.trade_view import TradeWord
from tests.views import samples

MODES = pytest.mark.parametrize("mode", list(TerminalMode), ids=lambda mode: mode.value)
# What these tell of is no terminal's and no trade's; the digest has the modes of all of them.
OF_NO_TERMINAL = frozenset(
    {
        "access_request",
        "answer_lost",
        "awaited",
        "benched",
        "bound",
        "breaker_closed",
        "change_told",
        "chat_answered",
        "chat_question",
        "checklist_done",
        "goodbye",
        "interrupted",
        "lease_ended",
        "lease_ending",
        "mode_set",
        "people_changed",
        "rearm_off",
        "resumed",
        "revoked",
        "stranger",
        "streak",
        "unbound",
        "writable_again",
    }
)
ABOUT = frozenset({"terminal", "trade", "mission"})
# It shows what is waited for as well, under the same first line.
WAITING = {TradeWord.ARMED}


@MODES
@pytest.mark.parametrize("template", sorted(NOTICES - OF_NO_TERMINAL))
def test_a_notice_has_its_badge(template: str, mode: TerminalMode) -> None:
    facts = samples.NOTICES[template] | ({"modes": [mode.value]} if template == "digest" else {"mode": mode.value})

    assert mode.value.upper() in render_notice(template, facts).plain()


def test_a_notice_without_a_badge_names_no_terminal_trade_or_mission() -> None:
    assert [name for name in sorted(OF_NO_TERMINAL & NOTICES) if ABOUT & samples.NOTICES[name].keys()] == []
    assert set(samples.NOTICES) >= OF_NO_TERMINAL & NOTICES


def cards(mode: TerminalMode) -> list[Rendered]:
    mission, preview = samples.mission_view(modes=(mode,)), samples.preview_view(mode=mode)
    trades = [render_trade(replace(samples.unfilled(word), mode=mode)) for word in set(TradeWord) - WAITING]
    return [
        render_mission(mission),
        render_why(mission),
        render_preview(preview),
        render_preview(samples.refused_view(samples.OVER_DAILY, mode=mode)),
        render_how(preview),
        render_checks(samples.refused_view(samples.OVER_DAILY, mode=mode)),
        render_trade(replace(samples.closed_view(), mode=mode)),
        render_halt(samples.halt_view(modes=(mode,))),
        *trades,
    ]


@MODES
def test_a_card_has_its_badge(mode: TerminalMode) -> None:
    assert [card.plain() for card in cards(mode) if mode.value.upper() not in card.plain()] == []
