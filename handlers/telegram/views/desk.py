"""The silent card of missions beyond a quota, and a new person's checklist."""

from __future__ import annotations

from handlers.telegram.callbacks import ListButton, ListName
from handlers.telegram.views.format import local
from handlers.telegram.views.message import Rendered, act
from handlers.telegram.views.templating import render
from handlers.telegram.views.words import badge
from services.domain.signals import Mission
from services.domain.states import MissionState
from services.reporting.desk_views import ChecklistView, GroupedView

STEPS = {
    "fire": "fire a mission: Fire, then Confirm",
    "proof": "read the proof of a trade: Proof",
    "move_stop": "move a stop closer: Stop→BE",
    "refused": "be refused once, and read why",
    "close": "close a trade: Close, twice",
}


def render_grouped(view: GroupedView) -> Rendered:
    """Return the missions that a chat got beyond its quota, newest first."""
    text = render("grouped", v=view, badge=badge(view.modes), words=[_word(mission, view.zone) for mission in view.missions])
    return Rendered(text=text, rows=((act("Missions", ListButton(name=ListName.MISSIONS)),),))


def _word(mission: Mission, zone: str) -> str:
    if mission.state is MissionState.OPEN:
        return f"{mission.signal.score} · {local(mission.signal.expires_at, zone)}"
    return mission.state.value


def render_checklist(view: ChecklistView) -> Rendered:
    """Return a new person's first steps, ticked by doing them."""
    return Rendered(text=render("checklist", v=view, words=STEPS))
