"""The menu: the daily things of each role as buttons, reads first, the stop last."""

from __future__ import annotations

from handlers.telegram.callbacks import DeskButton, DeskVerb, ListButton, ListName
from handlers.telegram.views.message import Button, Rendered, Style
from services.domain.people import Role

_READS = (
    ("Missions", ListName.MISSIONS),
    ("Positions", ListName.POSITIONS),
    ("Risk", ListName.RISK),
    ("Balance", ListName.BALANCE),
    ("Results", ListName.PNL),
    ("Digest", ListName.DIGEST),
    ("Status", ListName.STATUS),
    ("Strategies", ListName.STRATEGIES),
    ("Settings", ListName.SETTINGS),
)
_COMMANDS = (("People", ListName.PEOPLE), ("Chats", ListName.CHATS), ("Terminals", ListName.TERMINALS))
_MONEY = frozenset({ListName.POSITIONS, ListName.BALANCE, ListName.PNL, ListName.SETTINGS, ListName.TERMINALS})


def render_menu(role: Role, *, is_group: bool) -> Rendered:
    """Return the menu of a role; in a group without what shows money."""
    shown = _READS + (_COMMANDS if role >= Role.COMMANDER else ())
    buttons = [Button(text=text, data=ListButton(name=name)) for text, name in shown if not (is_group and name in _MONEY)]
    rows: list[list[Button]] = [buttons[at : at + 3] for at in range(0, len(buttons), 3)]
    if role >= Role.TRADER:
        rows.append([Button(text="Halt the desk", data=DeskButton(verb=DeskVerb.HALT), style=Style.DANGER)])
    return Rendered(text="What would you like to see?", rows=rows)
