"""What is wrong: who has it, what is open, and the runbook's pages."""

from __future__ import annotations

from datetime import UTC

from handlers.telegram.app import App
from handlers.telegram.callbacks import IncidentButton, IncidentVerb, ListName
from handlers.telegram.commands import CommandSpec, Kind, Where, row_of
from handlers.telegram.lists import Lists
from handlers.telegram.request import Request
from handlers.telegram.views.runbooks import render_codes, render_runbook
from services.access.runbooks import find_code
from services.domain.incidents import AlertCode
from services.domain.people import Role
from services.storage import incidents


class IncidentHandlers:
    """Commands and taps about alerts."""

    def __init__(self, app: App, lists: Lists) -> None:
        self._app = app
        self._lists = lists

    def commands(self) -> tuple[CommandSpec, ...]:
        """Return the rows of this room."""
        row, listing = row_of("alerts"), self._lists.command(ListName.INCIDENTS)
        return (
            row("incidents", "What is wrong, and who has it", "", Role.OBSERVER, Kind.READ, Where.ANYWHERE, listing),
            row("runbook", "What to do about an alert", "[code]", Role.OBSERVER, Kind.READ, Where.ANYWHERE, self.runbook),
        )

    async def runbook(self, request: Request) -> None:
        """Show a code's page, or which codes there are and which are raised now."""
        if request.args:
            await request.reply(render_runbook(find_code(request.args)))
            return
        known = {each.code for each in await self._app.database.read(incidents.open_incidents)}
        await request.reply(render_codes([code for code in AlertCode if code.value in known]))

    async def tap(self, request: Request, button: IncidentButton) -> None:
        """Take an incident, or show its page beside the alert, in a group to the one who asked where the server can."""
        if button.verb is IncidentVerb.TAKE:
            await self._take(request, button.item)
            return
        rendered = render_runbook(find_code(button.item))
        if not await request.whisper(rendered):
            await request.reply(rendered)

    async def _take(self, request: Request, incident_id: str) -> None:
        taken = await self._app.take_incident(request.actor, incident_id)
        if not taken.before:
            await request.toast("You have it. Nobody else is called, and every card says so.")
        elif taken.at is not None:
            await request.toast(f"{taken.name} has it since {taken.at.astimezone(UTC):%H:%M} UTC.")
        else:
            await request.toast("It is over already.")
