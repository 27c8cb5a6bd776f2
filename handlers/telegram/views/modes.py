"""Modes as messages: how missions become entries of the asker, and of each strategy."""

from __future__ import annotations

from html import escape

from handlers.telegram.callbacks import ChoiceButton
from handlers.telegram.views.format import clip, row
from handlers.telegram.views.message import Button, Rendered, act
from handlers.telegram.views.templating import render
from services.access.mode_changes import ModeAsked, ModesView
from services.domain.grades import FireMode
from services.domain.people import Role

MODE, MINE = "mode", "me"
MEANS = {
    FireMode.ALERT: "cards without Fire",
    FireMode.SELECT: "each entry by your tap",
    FireMode.AUTO: "fires by itself, never on LIVE",
}
STRATEGIES_SHOWN = 8


def render_modes(found: ModesView) -> Rendered:
    """Return one's mode and every strategy's, with the buttons that change them."""
    shown = found.strategies[:STRATEGIES_SHOWN]
    text = render(
        "modes",
        mode=found.mode.value,
        means=MEANS[found.mode],
        lines=[row(clip(name, 20), mode.value) for name, mode in shown],
        allowed=", ".join(found.allowed),
        grade=found.person.grade,
    )
    rows = [tuple(_button(mode.value, MINE, mode, found.mode) for mode in found.allowed)]
    if found.person.role is Role.COMMANDER:
        rows += [tuple(_button(f"{clip(n, 9)} {m.value}", n, m, now) for m in FireMode) for n, now in shown if len(n) <= 40]
    return Rendered(text=text, rows=tuple(rows))


def mode_asked(asked: ModeAsked) -> Rendered:
    """Say what became of a wish."""
    text = f"{escape(asked.name)}: mode {asked.mode.value}, {MEANS[asked.mode]}."
    if asked.waits is not None:
        text += f"\n⏳ {asked.waits.after} waits for a second person: change #{asked.waits.number}."
    return Rendered(text=text)


def _button(label: str, key: str, mode: FireMode, now: FireMode) -> Button:
    return act(f"• {label}" if mode is now else label, ChoiceButton(name=MODE, key=key, value=mode.value))
