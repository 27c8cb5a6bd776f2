"""The desk's kill switch as a card."""

from __future__ import annotations

from handlers.telegram.callbacks import DeskButton, DeskVerb
from handlers.telegram.views.message import Rendered, act
from handlers.telegram.views.templating import render
from handlers.telegram.views.words import badge
from services.domain.kills import Leftover
from services.domain.states import HaltState
from services.reporting.desk_views import HaltView

SHOWN = 4
_STATES = {HaltState.HALTED: "HALTED", HaltState.REDUCING: "REDUCING, exits only", HaltState.ACTIVE: "active"}


def render_halt(view: HaltView) -> Rendered:
    """Return the halt's card; lifting it is offered to commanders, in private."""
    if view.halt.state is HaltState.ACTIVE:
        return Rendered(text=render("halt_over", v=view, badge=badge(view.modes)))
    rows = [[act("Details", DeskButton(verb=DeskVerb.HALT_DETAILS))]]
    if view.commands:
        rows[0].append(act("Resume", DeskButton(verb=DeskVerb.RESUME)))
        if view.exposure.open and (view.kill is None or not view.kill.flatten):
            rows.append([act("Flatten all", DeskButton(verb=DeskVerb.FLATTEN))])
    text = render("halt", v=view, state=_STATES[view.halt.state], badge=badge(view.modes), left=_left(view), more=_more(view))
    return Rendered(text=text, rows=tuple(rows))


def _left(view: HaltView) -> list[str]:
    """Return what is left behind the kill, one line each: what, where, why."""
    leftovers = view.kill.leftovers if view.kill is not None else ()
    return [" · ".join(filter(None, (_what(each), each.terminal, each.reason))) for each in leftovers[:SHOWN]]


def _what(leftover: Leftover) -> str:
    kind = "entry " if leftover.entry else ""
    return f"{kind}{leftover.symbol or leftover.name}" if not leftover.name.startswith("trade ") else f"#{leftover.name[6:]}"


def _more(view: HaltView) -> int:
    return max(0, len(view.kill.leftovers) - SHOWN) if view.kill is not None else 0
