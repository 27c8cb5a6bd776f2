"""Senders outside: their record for everybody, who sends at all for commanders."""

from __future__ import annotations

from handlers.telegram.app import App
from handlers.telegram.callbacks import ChoiceButton, ListName
from handlers.telegram.commands import CommandSpec, Kind, Where, row_of
from handlers.telegram.lists import Lists
from handlers.telegram.request import Request
from handlers.telegram.views.message import Rendered
from handlers.telegram.views.sources import HEAR, MUTE, source_added
from services.domain.errors import NotFound, Refused
from services.domain.people import Role
from services.domain.sources import SourceState

PLAIN = "plain"
STATES = {MUTE: SourceState.MUTED, HEAR: SourceState.ACTIVE, "remove": SourceState.REMOVED}


class SourceHandlers:
    """Commands and taps about senders outside."""

    def __init__(self, app: App, lists: Lists) -> None:
        self._app = app
        self._lists = lists

    def commands(self) -> tuple[CommandSpec, ...]:
        """Return the rows of this room."""
        row, listing = row_of("desk"), self._lists.command(ListName.SOURCES)
        usage = "add NAME [plain] | mute|hear|remove NAME"
        return (
            row("sources", "Outside senders, their record", "[name]", Role.OBSERVER, Kind.READ, Where.ANYWHERE, listing),
            row("source", "Let a sender in, or mute it", usage, Role.COMMANDER, Kind.ACT, Where.PRIVATE, self.source),
        )

    async def source(self, request: Request) -> None:
        """Let a sender in, mute it, hear it again or send it away."""
        verb, *rest = request.args.lower().split() or [""]
        if verb == "add" and rest and rest[1:] in ([], [PLAIN]):
            made = await self._app.sources.add(request.actor, rest[0], plain=len(rest) > 1)
            await request.reply(source_added(made))
            return
        if verb not in STATES or len(rest) != 1:
            raise Refused("SOURCE_SYNTAX")
        await self._app.sources.switch(request.actor, rest[0], STATES[verb])
        await request.reply(Rendered(text=f"{rest[0]} is {STATES[verb].value} now."))

    async def choose(self, request: Request, button: ChoiceButton) -> None:
        """Mute a source, or hear it again, by its button, and show its card again."""
        if button.value not in (MUTE, HEAR):
            raise NotFound("BUTTON")
        await self._app.sources.switch(request.actor, button.key, STATES[button.value])
        await request.toast(f"{button.key} is {STATES[button.value].value} now.")
        await self._lists.show(request, ListName.SOURCES, arg=button.key)
