"""Circuit breakers, how a person stands, and the bench."""

from __future__ import annotations

import re
from datetime import timedelta

from handlers.telegram.app import App
from handlers.telegram.callbacks import DeskButton, DeskVerb, ListName
from handlers.telegram.commands import CommandSpec, Kind, Where, row_of
from handlers.telegram.lists import Lists
from handlers.telegram.request import Request
from handlers.telegram.views.breakers import CLOSE_REASONS, benched, breaker_closed, called_back, close_breaker_question
from services.access.authority import require
from services.domain.errors import NotFound, Refused
from services.domain.people import Role

VERBS = frozenset({DeskVerb.BREAKER, DeskVerb.BREAKER_REASON})
_TIME = re.compile(r"([0-9]{1,4})(m|h|d)")
_MINUTES = {"m": 1, "h": 60, "d": 1440}
OFF = "off"


class BreakerHandlers:
    """Commands and taps about what holds entries back."""

    def __init__(self, app: App, lists: Lists) -> None:
        self._app = app
        self._lists = lists

    def commands(self) -> tuple[CommandSpec, ...]:
        """Return the rows of this room."""
        row = row_of("risk")
        breakers, cooldown = self._lists.command(ListName.BREAKERS), self._lists.command(ListName.COOLDOWN)
        return (
            row("breakers", "What a rule has stopped", "", Role.OBSERVER, Kind.READ, Where.ANYWHERE, breakers),
            row("cooldown", "What holds me back", "", Role.TRADER, Kind.READ, Where.MONEY, cooldown),
            row(
                "bench",
                "Stop a person for a time",
                "@name|id 2h|off [reason]",
                Role.COMMANDER,
                Kind.ACT,
                Where.ANYWHERE,
                self.bench,
            ),
        )

    async def bench(self, request: Request) -> None:
        """Put a person on the bench, or call them back."""
        reference, _, rest = request.args.strip().partition(" ")
        word, _, reason = rest.strip().partition(" ")
        if word.lower() == OFF:
            await request.reply(called_back(await self._app.trading.bench.off(request.actor, reference, reason)))
            return
        asked = _TIME.fullmatch(word.lower())
        if asked is None:
            raise Refused("BENCH_SYNTAX")
        lasts = timedelta(minutes=int(asked[1]) * _MINUTES[asked[2]])
        await request.reply(benched(await self._app.trading.bench(request.actor, reference, lasts, reason), lasts))

    async def tap(self, request: Request, button: DeskButton) -> None:
        """Ask a commander why a breaker may be closed, or close it."""
        if button.verb is DeskVerb.BREAKER:
            await self._app.database.read(lambda unit: require(unit, request.actor, Role.COMMANDER))
            await request.show(close_breaker_question(button.arg))
            return
        breaker_id, _, index = button.arg.partition(".")
        if not index.isdigit() or int(index) >= len(CLOSE_REASONS):
            raise NotFound("BUTTON")
        done = await self._app.trading.close_breaker(request.actor, breaker_id, CLOSE_REASONS[int(index)])
        await request.show(breaker_closed(done))
