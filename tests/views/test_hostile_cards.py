"""Names, reasons and titles come from people and markets: in a card they are words and nothing else."""

from __future__ import annotations

from dataclasses import replace

import pytest

from handlers.telegram.views.cards import render_card
from handlers.telegram.views.message import Rendered
from handlers.telegram.views.missions import render_why
from handlers.telegram.views.preview import render_checks, render_preview
from handlers.telegram.views.trades import render_trade
from sandbox.telegram.html import parse
from services.domain.states import HaltState
from services.domain.verdicts import CheckCode, Unit
from services.reporting.trade_view import TradeWord
from tests.views import samples
from tests.views.hostile import HOSTILE
from tests.views.shape import CAPTION, LINES


def _named(payload: str) -> list[Rendered]:
    """Return every card with the payload wherever foreign words come from."""
    decision = samples.mission_view().decisions[1]
    nothing = Rendered(text="")
    odd = samples.signal(reason=payload, symbol=payload or "X/Y", facts={payload: 1.0}, score_parts={payload: 3})
    mission = samples.mission(signal=odd)
    said = replace(decision, name=payload, reason=payload, did=payload)
    halt = replace(samples.halt_view().halt, by_name=payload, reason=payload)
    preview = samples.preview_view()
    denial = replace(samples.OVER_DAILY, code=CheckCode.HALT, value=payload, limit=payload, note=payload, unit=Unit.STATE)
    trade = {"owner": payload, "terminal": payload, "symbol": payload, "code": payload}
    return [
        render_card("mission:x", samples.mission_view(mission=mission, source=payload, decisions=(said,) * 9)) or nothing,
        render_why(samples.mission_view(mission=mission, source=payload)),
        render_preview(replace(preview, mission=mission, terminal=payload, preview=replace(preview.preview, note=payload))),
        render_preview(samples.refused_view(denial, ask=payload, terminal=payload)),
        render_checks(samples.refused_view(denial)),
        render_trade(samples.trade_view(**trade)),
        render_trade(replace(samples.unfilled(TradeWord.REJECTED), **trade)),
        render_trade(replace(samples.closed_view(), **trade)),
        render_card("halt:x", samples.halt_view(halt=halt)) or nothing,
        render_card("halt:x", samples.halt_view(halt=replace(halt, state=HaltState.ACTIVE))) or nothing,
        render_card("checklist:x", replace(samples.CHECKLIST, name=payload)) or nothing,
    ]


@pytest.mark.parametrize("payload", HOSTILE)
def test_hostile_names_and_reasons_stay_words(payload: str) -> None:
    for card in _named(payload):
        parsed = parse(card.text)

        assert {entity.type for entity in parsed.entities} <= {"bold", "pre", "date_time"}
        assert len(card.plain().split("\n")) <= LINES
        assert len(card.plain()) <= CAPTION
        card.keyboard()
