"""The desk's kill switch as a card."""

from __future__ import annotations

from handlers.telegram.callbacks import DeskButton, DeskVerb
from handlers.telegram.views.message import Rendered, act
from handlers.telegram.views.templating import render
from handlers.telegram.views.words import badge
from services.domain.states import HaltState
from services.reporting.desk_views import HaltView

_STATES = {HaltState.HALTED: "HALTED", HaltState.REDUCING: "REDUCING, exits only", HaltState.ACTIVE: "active"}


def render_halt(view: HaltView) -> Rendered:
    """Return the halt's card; lifting it is offered to commanders, in private."""
    if view.halt.state is HaltState.ACTIVE:
        return Rendered(text=render("halt_over", v=view, badge=badge(view.modes)))
    buttons = [act("Details", DeskButton(verb=DeskVerb.HALT_DETAILS))]
    if view.may_resume:
        buttons.append(act("Resume", DeskButton(verb=DeskVerb.RESUME)))
    return Rendered(text=render("halt", v=view, state=_STATES[view.halt.state], badge=badge(view.modes)), rows=(buttons,))
