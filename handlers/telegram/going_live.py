"""Real money: which terminals trade it, asking for a decision about one, and the way back."""

from __future__ import annotations

from handlers.telegram.app import App
from handlers.telegram.commands import CommandSpec, Kind, Where, row_of
from handlers.telegram.request import Request
from handlers.telegram.views.approvals import proposed_words
from handlers.telegram.views.going_live import render_real_money
from services.access.authority import require
from services.domain.changes import ChangeState
from services.domain.errors import Refused
from services.domain.people import Role
from services.reporting.real_money import RealTerminalView, real_terminals
from services.storage.database import Unit

OFF = "off"


class LiveHandlers:
    """The command; its questions are answered where all questions are."""

    def __init__(self, app: App) -> None:
        self._app = app

    def commands(self) -> tuple[CommandSpec, ...]:
        """Return the rows of this room."""
        row = row_of("risk")
        return (
            row(
                "golive",
                "Real money: terminals, a decision",
                "[terminal [off]]",
                Role.COMMANDER,
                Kind.ACT,
                Where.PRIVATE,
                self.command,
            ),
        )

    async def command(self, request: Request) -> None:
        """Show the live terminals, ask for one to take entries, or close it to them."""
        words, live = request.args.split(), self._app.live()
        if not words:

            def body(unit: Unit) -> list[RealTerminalView]:
                require(unit, request.actor, Role.COMMANDER)
                return real_terminals(unit, live)

            await request.reply(render_real_money(await self._app.database.read(body)))
            return
        if len(words) > 2 or (len(words) == 2 and words[1].lower() != OFF):
            raise Refused("LIVE_SYNTAX", value=request.args[:40])
        acts = self._app.approvals.go_live
        change = await (acts.off(request.actor, words[0]) if len(words) == 2 else acts(request.actor, words[0]))
        if change.state is not ChangeState.WAITING:
            await request.reply(proposed_words(change))
