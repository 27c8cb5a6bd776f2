"""The card of trades that somebody left behind: what each stands at, and what its keeper may do."""

from __future__ import annotations

from handlers.telegram.callbacks import HandoverButton, HandoverVerb
from handlers.telegram.views.format import clip, r_units
from handlers.telegram.views.message import Button, Rendered, act
from handlers.telegram.views.templating import render
from handlers.telegram.views.words import SIDE_MARK, badge
from services.domain.handovers import Kept
from services.reporting.handover_view import HandoverView

SHOWN = 6
_WHY = {"revoked": "role taken", "granted": "role changed", "lease_ended": "role ended"}
_SAID = {Kept.KEEP: "kept", Kept.TIGHTEN: "tightened", Kept.CLOSE: "closing"}


def render_handover(found: HandoverView) -> Rendered:
    """Return the card; buttons stand for what waits for a word, at most six trades at a time."""
    lines = [
        {
            "mark": SIDE_MARK[each.side],
            "name": f"#{each.number} {each.side.value.upper()} {clip(each.symbol, 12)}",
            "now": r_units(each.now_r) if each.open else "entry being taken back",
            "stop": r_units(each.stop_r) if each.open else "",
            "said": _SAID[each.answer] if each.answer is not None else "",
        }
        for each in found.lines[:SHOWN]
    ]
    text = render(
        "handover",
        badge=badge(sorted({each.mode for each in found.lines if each.mode is not None})),
        name=clip(found.name, 20),
        why=_WHY.get(found.why, found.why),
        lines=lines,
        more=max(0, len(found.lines) - SHOWN),
        over=not found.lines,
    )
    waiting = [each.number for each in found.lines[:SHOWN] if each.answer is None and each.open]
    rows = [_row(found.person_id, number, f"#{number}") for number in waiting]
    if len(waiting) > 1:
        rows.append(_row(found.person_id, 0, "all"))
    return Rendered(text=text, rows=tuple(rows))


def _row(person_id: int, number: int, name: str) -> tuple[Button, ...]:
    return tuple(
        act(f"{label} {name}", HandoverButton(verb=verb, person=person_id, trade=number))
        for label, verb in (("Keep", HandoverVerb.KEEP), ("Tighten", HandoverVerb.TIGHTEN), ("Close", HandoverVerb.CLOSE))
    )
