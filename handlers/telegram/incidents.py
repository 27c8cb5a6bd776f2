"""What is wrong: the runbook's pages."""

from __future__ import annotations

from handlers.telegram.app import App
from handlers.telegram.callbacks import IncidentButton
from handlers.telegram.commands import CommandSpec, Kind, Where, row_of
from handlers.telegram.request import Request
from handlers.telegram.views.message import Rendered
from handlers.telegram.views.runbooks import render_codes, render_runbook
from services.access.runbooks import find_code
from services.domain.incidents import AlertCode
from services.domain.people import Role
from services.storage import desk


class IncidentHandlers:
    """Commands and taps about alerts."""

    def __init__(self, app: App) -> None:
        self._app = app

    def commands(self) -> tuple[CommandSpec, ...]:
        """Return the rows of this room."""
        row = row_of("alerts")
        return (row("runbook", "What to do about an alert", "[code]", Role.OBSERVER, Kind.READ, Where.ANYWHERE, self.runbook),)

    async def runbook(self, request: Request) -> None:
        """Show a code's page, or which codes there are and which are raised now."""
        if request.args:
            await request.reply(render_runbook(find_code(request.args)))
            return
        rows = await self._app.database.read(desk.open_incidents)
        known = {row.code for row in rows}
        await request.reply(render_codes([code for code in AlertCode if code.value in known]))

    async def tap(self, request: Request, button: IncidentButton) -> None:
        """Show a code's page beside the alert, in a group to the one who asked where the server can."""
        await self._beside(request, render_runbook(find_code(button.item)))

    async def _beside(self, request: Request, rendered: Rendered) -> None:
        if not await request.whisper(rendered):
            await request.reply(rendered)
