"""When the desk was drilled, and how it went."""

from __future__ import annotations

from handlers.telegram.app import App
from handlers.telegram.commands import CommandSpec, Kind, Where, row_of
from handlers.telegram.request import Request
from handlers.telegram.views.drills import render_drills
from services.domain.people import Role
from services.storage.drills import last_drills


class DrillHandlers:
    """The command about drills; they are run on the machine."""

    def __init__(self, app: App) -> None:
        self._app = app

    def commands(self) -> tuple[CommandSpec, ...]:
        """Return the rows of this room."""
        row = row_of("alerts")
        return (row("drill", "How the last drills went", "", Role.OBSERVER, Kind.READ, Where.ANYWHERE, self.drill),)

    async def drill(self, request: Request) -> None:
        """Show the last drill of each kind."""
        await request.reply(render_drills(await self._app.database.read(last_drills)))
