"""What happened to a trade, why things are as they are, and all of one's trades as a file: what was recorded."""

from __future__ import annotations

from handlers.telegram.app import App
from handlers.telegram.commands import CommandSpec, Kind, Where, row_of
from handlers.telegram.request import Request
from handlers.telegram.views.calibration import render_calibration
from handlers.telegram.views.edge import Part, render_edge
from handlers.telegram.views.message import Rendered
from handlers.telegram.views.story import render_reasons, render_story
from handlers.telegram.views.symbol_story import render_symbol_story
from handlers.telegram.views.words import plural
from services.access.authority import find_person, find_trade, require
from services.access.runbooks import find_code
from services.domain.errors import Refused
from services.domain.people import Role
from services.missions.planning import find_mission
from services.portfolio.calibration import Calibration, calibrate, outcomes_since
from services.reporting.edge import SPAN, Edge, edge_of_person, edge_of_sources, edge_of_strategy
from services.reporting.export import decisions_csv, trades_csv
from services.reporting.live import viewer_zone
from services.reporting.story import Reasons, story_of, why_alert, why_mission, why_silent, why_trade
from services.reporting.symbol_story import SymbolStory, symbol_story
from services.storage.database import Unit

EDGE_USAGE = "[@name | strategy NAME | source | reason | score NAME]"


class StoryHandlers:
    """Commands about what was recorded."""

    def __init__(self, app: App) -> None:
        self._app = app

    def commands(self) -> tuple[CommandSpec, ...]:
        """Return the rows of this room."""
        row = row_of("positions")
        usage = "[trade | m12 | symbol | alert]"
        return (
            row("incident", "A trade from the tap to its end", "trade", Role.TRADER, Kind.READ, Where.MONEY, self.incident),
            row("export", "Your own trades and decisions", "", Role.TRADER, Kind.READ, Where.MONEY, self.export),
            row("edge", "What decisions were worth", EDGE_USAGE, Role.TRADER, Kind.READ, Where.ANYWHERE, self.edge),
            row("why", "Why it is so, with the journal's rows", usage, Role.TRADER, Kind.READ, Where.MONEY, self.why),
        )

    async def incident(self, request: Request) -> None:
        """Show the recorded life of the named trade."""
        if not request.args:
            raise Refused("PROOF_SYNTAX")
        story = await self._app.database.read(lambda unit: story_of(unit, find_trade(unit, request.actor, request.args)))
        await request.reply(render_story(story))

    async def export(self, request: Request) -> None:
        """Send the asker's own trades and decisions as CSV, in private wherever it was asked."""

        def body(unit: Unit) -> tuple[tuple[int, bytes], tuple[int, bytes]]:
            person_id = require(unit, request.actor, Role.TRADER).id
            return trades_csv(unit, person_id), decisions_csv(unit, person_id)

        (made, trades), (decided, decisions) = await self._app.database.read(body)
        files = []
        if made:
            files.append(("trades.csv", trades, f"{plural(made, 'trade')}, amounts exact, times UTC"))
        if decided:
            files.append(("decisions.csv", decisions, f"{plural(decided, 'decision')} and what was shown, times UTC"))
        if not files:
            await request.reply(Rendered(text="You have made no trade yet, and no decision."))
        elif not all([await request.answers.send_file(request.actor.id, *file) for file in files]):
            await request.reply(Rendered(text="The chat did not take every file. Ask again in a moment: /export"))
        elif request.is_group:
            await request.answers.send(
                request.chat_id, request.thread_id, Rendered(text="Sent to you in private."), request.message_id
            )

    async def edge(self, request: Request) -> None:
        """Say what decisions were worth: one's own, a person's for a commander, a strategy's, every source's, or a score's."""
        word, _, rest = request.args.strip().partition(" ")
        if word.lower() == "score":
            known = await self._app.database.read(lambda unit: self._calibration(unit, request, rest.strip()))
            await request.reply(render_calibration(known, rest.strip()))
            return
        edge, part = await self._app.database.read(lambda unit: self._edge(unit, request))
        await request.reply(render_edge(edge, part))

    def _calibration(self, unit: Unit, request: Request, strategy: str) -> Calibration:
        require(unit, request.actor, Role.TRADER)
        return calibrate(outcomes_since(unit, unit.now - SPAN, strategy or None), self._app.live().least_sample)

    def _edge(self, unit: Unit, request: Request) -> tuple[Edge, Part]:
        person = require(unit, request.actor, Role.TRADER)
        live, money = self._app.live(), not request.is_group
        word, _, rest = request.args.strip().partition(" ")
        match word.lower():
            case "strategy" if rest.strip():
                return edge_of_strategy(unit, rest.strip(), live), Part.ALL
            case "source":
                return edge_of_sources(unit, live), Part.SOURCES
            case "" | "reason":
                part = Part.REASONS if word else Part.ALL
                return edge_of_person(unit, person.id, person.name, live, money=money), part
            case _ if word.startswith("@") and not rest:
                require(unit, request.actor, Role.COMMANDER)
                other = find_person(unit, word)
                return edge_of_person(unit, other.id, other.name, live, money=money), Part.ALL
        raise Refused("EDGE_SYNTAX", value=request.args[:20])

    async def why(self, request: Request) -> None:
        """Say why a trade, a refusal, an alert or a silence is as it is."""
        said = await self._app.database.read(lambda unit: self._reasons(unit, request))
        await request.reply(render_symbol_story(said) if isinstance(said, SymbolStory) else render_reasons(said))

    def _reasons(self, unit: Unit, request: Request) -> Reasons | SymbolStory:
        person = require(unit, request.actor, Role.TRADER)
        asked = request.args.strip().lstrip("#")
        if not asked:
            return why_silent(unit, person)
        if asked[:1] in ("m", "M") and asked[1:].isascii() and asked[1:].isdigit():
            anyone = person.role is Role.COMMANDER
            return why_mission(unit, find_mission(unit, asked[1:]), None if anyone else person.id)
        if asked.isascii() and asked.isdigit():
            return why_trade(unit, find_trade(unit, request.actor, asked))
        live = self._app.live()
        story = symbol_story(unit, asked, live, viewer_zone(unit, request.chat_id, live.zone))
        if story is None and "/" in asked:
            raise Refused("NOT_IN_UNIVERSE", value=asked[:20])
        return story if story is not None else why_alert(unit, find_code(asked).value)
