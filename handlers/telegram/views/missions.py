"""A mission's card and the reasons behind it."""

from __future__ import annotations

from handlers.telegram.callbacks import MissionButton, MissionVerb
from handlers.telegram.views.format import clip, fixed, listing, r_units
from handlers.telegram.views.message import Rendered, act
from handlers.telegram.views.templating import render
from handlers.telegram.views.words import SIDE_MARK, badge, share_words
from services.domain.money import exact
from services.domain.states import MissionState
from services.reporting.mission_view import Decision, Did, MissionView

NAMED = 4
FACTS = 4


def render_mission(view: MissionView) -> Rendered:
    """Return the card of a mission: the call, its time, and who did what with it."""
    mission = view.mission
    running = mission.state is MissionState.OPEN
    text = render(
        "mission",
        v=view,
        mark=SIDE_MARK[mission.signal.side] if running else "⏳",
        side=mission.signal.side.value.upper(),
        badge=badge(view.modes),
        word="till" if running else mission.state.value,
        until=mission.signal.expires_at if running else mission.closed_at or mission.signal.expires_at,
        shares=share_words([target.share for target in view.targets]),
        decided=_decided(view.decisions),
    )
    why = act("Why", MissionButton(verb=MissionVerb.WHY, mission=mission.id))
    if not running:
        return Rendered(text=text, chart=view.chart)
    if view.private and view.fired_by_viewer:
        return Rendered(text=text, rows=((why,),), chart=view.chart)
    fire = act("Fire", MissionButton(verb=MissionVerb.FIRE, mission=mission.id))
    skip = act("Skip", MissionButton(verb=MissionVerb.SKIP, mission=mission.id))
    return Rendered(text=text, rows=((fire, skip, why) if view.may_fire else (skip, why),), chart=view.chart)


def _decided(decisions: tuple[Decision, ...]) -> str:
    said = [_say(decision) for decision in decisions[:NAMED]]
    return listing([*said, f"+{len(decisions) - NAMED} more" if len(decisions) > NAMED else ""])


def _say(decision: Decision) -> str:
    name = clip(decision.name, 16)
    if decision.did == Did.FIRED and decision.word is not None:
        result = f" {r_units(decision.r)}" if decision.r is not None else ""
        return f"{name} fired, {decision.word.value}{result}"
    if decision.did == Did.ASKED:
        return f"{name} asked a commander"
    return f"{name} {decision.did}" + (f" ({clip(decision.reason, 16)})" if decision.reason else "")


def render_why(view: MissionView) -> Rendered:
    """Return what the call stands on: its reason, the parts of its score, and the numbers behind it."""
    signal = view.mission.signal
    text = render(
        "why",
        v=view,
        side=signal.side.value.upper(),
        badge=badge(view.modes),
        parts=sorted(signal.score_parts.items(), key=lambda part: -part[1])[:FACTS],
        numbers=[(name.replace("_", " "), _figure(value)) for name, value in list(signal.facts.items())[:FACTS]],
    )
    return Rendered(text=text)


def _figure(value: float) -> str:
    """Write an indicator's value: it is a reading without a unit, so four significant digits say enough."""
    number = exact(f"{value:.10f}") if abs(value) < 1e15 else None
    if number is None:
        return f"{value:.3g}"
    places = max(0, 3 - number.adjusted()) if number else 0
    return fixed(number, min(places, 8))
