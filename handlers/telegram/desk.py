"""The desk itself: start, help, menu, status, what is traded by what, and one's own settings."""

from __future__ import annotations

from handlers.telegram.app import App
from handlers.telegram.callbacks import ChoiceButton, ListName
from handlers.telegram.commands import CommandSpec, CommandTable, Kind, Where, row_of
from handlers.telegram.lists import Lists
from handlers.telegram.request import Request
from handlers.telegram.views.help import render_help
from handlers.telegram.views.menu import render_menu
from handlers.telegram.views.message import Rendered
from handlers.telegram.views.people import render_whoami
from services.domain.errors import NotFound, Refused
from services.domain.grades import Grade
from services.domain.people import Role
from services.domain.signals import StrategyState
from services.signals.switches import SwitchStrategy
from services.storage import grades, people
from services.storage.database import Unit

DEEP_LINK_MISSION = "m_"
_NOW = {StrategyState.ENABLED: "on", StrategyState.DISABLED: "off", StrategyState.SANDBOXED: "sandboxed"}


class DeskHandlers:
    """Commands about the desk."""

    def __init__(self, app: App, lists: Lists, switch: SwitchStrategy) -> None:
        self._app = app
        self._lists = lists
        self._switch = switch
        self._table: CommandTable | None = None

    def know(self, table: CommandTable) -> None:
        """Hand over the finished table, which help and menus are made from."""
        self._table = table

    def commands(self) -> tuple[CommandSpec, ...]:
        """Return the rows of this room."""
        row, listing = row_of("desk"), self._lists.command
        observer, boss, read = Role.OBSERVER, Role.COMMANDER, Kind.READ
        return (
            row("start", "Begin, or open a link", "", Role.STRANGER, Kind.ACT, Where.PRIVATE, self.start),
            row("help", "What I can do", "[command]", observer, read, Where.ANYWHERE, self.help),
            row("menu", "Buttons for the daily things", "", observer, read, Where.ANYWHERE, self.menu),
            row("status", "Is the desk alive", "", observer, read, Where.ANYWHERE, listing(ListName.STATUS)),
            row("slo", "Does it keep its promises", "[7d]", observer, read, Where.ANYWHERE, listing(ListName.SLO)),
            row("whoami", "My role and terminal", "", observer, read, Where.PRIVATE, self.whoami),
            row("strategies", "Strategies and their record", "", observer, read, Where.ANYWHERE, listing(ListName.STRATEGIES)),
            row("enable", "Switch a strategy on", "name", boss, Kind.ACT, Where.ANYWHERE, self.enable),
            row("disable", "Switch a strategy off", "name", boss, Kind.ACT, Where.ANYWHERE, self.disable),
            row("sandbox", "Record a strategy, offer nothing", "name", boss, Kind.ACT, Where.ANYWHERE, self.sandbox),
            row("universe", "What may be traded", "", observer, read, Where.ANYWHERE, listing(ListName.UNIVERSE)),
            row("terminals", "Accounts at venues", "", observer, read, Where.MONEY, listing(ListName.TERMINALS)),
            row("digest", "The summary now", "", observer, read, Where.ANYWHERE, listing(ListName.DIGEST)),
            row("settings", "My settings", "[zone Europe/Berlin]", observer, Kind.ACT, Where.PRIVATE, self.settings),
            row("doctor", "Check every dependency", "", boss, read, Where.MONEY, listing(ListName.DOCTOR)),
        )

    async def start(self, request: Request) -> None:
        """Welcome, let in by a link, open a mission by its link, or turn a stranger away."""
        payload = request.args.strip() or None
        if payload is not None and payload.startswith(DEEP_LINK_MISSION):
            role = await self._app.database.read(lambda unit: people.role_of(unit, request.actor.id))
            if role >= Role.TRADER:
                await self._app.trading.preview(request.actor, payload.removeprefix(DEEP_LINK_MISSION))
                return
        await self._app.people.start(request.actor, request.actor.name, request.username, payload)

    async def help(self, request: Request) -> None:
        """List the commands that the asker's role and grade leave them."""

        def look(unit: Unit) -> tuple[Role, Grade]:
            return people.role_of(unit, request.actor.id), grades.of_person(unit, request.actor.id)

        role, grade = await self._app.database.read(look)
        assert self._table is not None
        offered = self._table.for_role(role, group=request.is_group, grade=grade)
        await request.reply(render_help(role, offered, request.args))

    async def menu(self, request: Request) -> None:
        """Show the menu of the asker's role."""
        role = await self._app.database.read(lambda unit: people.role_of(unit, request.actor.id))
        await request.show(render_menu(role, is_group=request.is_group))

    async def whoami(self, request: Request) -> None:
        """Say who the asker is here."""
        await request.reply(await self._app.database.read(lambda unit: render_whoami(unit, request.actor.id)))

    async def settings(self, request: Request) -> None:
        """Show one's settings, or set the zone."""
        word, _, value = request.args.partition(" ")
        if word == "zone" and value:
            await self._app.people.set_zone(request.actor, value.strip())
        elif request.args:
            raise Refused("SETTINGS_SYNTAX", value=request.args[:40])
        await self._lists.show(request, ListName.SETTINGS)

    async def enable(self, request: Request) -> None:
        """Switch a strategy on."""
        await self._switch_to(request, StrategyState.ENABLED)

    async def disable(self, request: Request) -> None:
        """Switch a strategy off."""
        await self._switch_to(request, StrategyState.DISABLED)

    async def sandbox(self, request: Request) -> None:
        """Let a strategy's calls be recorded, and offer none of them."""
        await self._switch_to(request, StrategyState.SANDBOXED)

    async def choose(self, request: Request, button: ChoiceButton) -> None:
        """Switch a strategy by its button and show the list again."""
        if button.value not in ("on", "off"):
            raise NotFound("BUTTON")
        state = StrategyState.ENABLED if button.value == "on" else StrategyState.DISABLED
        await self._switch(request.actor, button.key, state)
        await request.toast(f"{button.key} is {button.value} now.")
        await self._lists.show(request, ListName.STRATEGIES)

    async def _switch_to(self, request: Request, state: StrategyState) -> None:
        name = request.args.strip().lower()
        if not name:
            await self._lists.show(request, ListName.STRATEGIES)
            return
        await self._switch(request.actor, name, state)
        await request.reply(Rendered(text=f"{name} is {_NOW[state]} now."))
