"""How missions become entries: one's own mode, somebody's, a strategy's."""

from __future__ import annotations

from handlers.telegram.app import App
from handlers.telegram.callbacks import ChoiceButton
from handlers.telegram.commands import CommandSpec, Kind, Where, row_of
from handlers.telegram.request import Request
from handlers.telegram.views.modes import MINE, mode_asked, render_modes
from services.domain.errors import Refused
from services.domain.grades import FireMode
from services.domain.people import Role


class ModeHandlers:
    """The command and its buttons."""

    def __init__(self, app: App) -> None:
        self._app = app

    def commands(self) -> tuple[CommandSpec, ...]:
        """Return the rows of this room."""
        row = row_of("people")
        usage = "[[@name|strategy] alert|select|auto]"
        return (row("mode", "Tap, alert only, or auto", usage, Role.TRADER, Kind.ACT, Where.PRIVATE, self.command),)

    async def command(self, request: Request) -> None:
        """Show the modes, or set one."""
        words = request.args.split()
        if not words:
            await request.reply(render_modes(await self._app.people.mode.look(request.actor)))
            return
        wanted = words[-1].lower()
        if len(words) > 2 or wanted not in set(FireMode):
            raise Refused("MODE_SYNTAX", value=request.args[:40])
        if len(words) == 1:
            asked = await self._app.people.mode.mine(request.actor, FireMode(wanted))
        else:
            asked = await self._app.people.mode.of(request.actor, words[0], FireMode(wanted))
        await request.reply(mode_asked(asked))

    async def choose(self, request: Request, button: ChoiceButton) -> None:
        """Set a mode by its button."""
        if button.value not in set(FireMode):
            raise Refused("MODE_SYNTAX", value=button.value[:20])
        acts, mode = self._app.people.mode, FireMode(button.value)
        asked = await (acts.mine(request.actor, mode) if button.key == MINE else acts.of(request.actor, button.key, mode))
        await request.toast(mode_asked(asked).plain()[:190])
        await request.show(render_modes(await acts.look(request.actor)))
