"""Help: the commands of a role by room, or one command with its usage."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from handlers.telegram.callbacks import DeskButton, DeskVerb
from handlers.telegram.commands import CommandSpec
from handlers.telegram.views.message import Button, Rendered
from services.domain.people import Role

_TITLES = {
    "desk": "Desk",
    "missions": "Missions",
    "positions": "Trades and money",
    "entries": "Entries that work",
    "risk": "Risk",
    "people": "People",
    "reconcile": "Open questions",
    "alerts": "What is wrong",
}


def render_help(role: Role, offered: Sequence[CommandSpec], asked: str) -> Rendered:
    """Return help for one command when it is named, else the commands of the role, a line a room."""
    name = asked.strip().lstrip("/").lower()
    found = next((spec for spec in offered if spec.name == name), None)
    if found is not None:
        usage = f"/{found.name} {escape(found.usage)}".strip()
        return Rendered(text=f"<code>{usage}</code>\n{escape(found.description)}. For {found.permission.value} and above.")
    lines = [f"You are {role.value}. Tap a command, or /help and its name."]
    for room, title in _TITLES.items():
        names = " ".join(f"/{spec.name}" for spec in offered if spec.room == room)
        if names:
            lines.append(f"<b>{title}</b>\n{names}")
    return Rendered(text="\n".join(lines), rows=((Button(text="Menu", data=DeskButton(verb=DeskVerb.MENU)),),))
