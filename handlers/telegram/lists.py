"""Lists that page and refresh in place."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from handlers.telegram.app import App
from handlers.telegram.callbacks import ListButton, ListName
from handlers.telegram.commands import Handler
from handlers.telegram.request import Request
from handlers.telegram.views.breakers import render_breakers, render_standing
from handlers.telegram.views.desk_people import render_desk
from handlers.telegram.views.digest import render_digest
from handlers.telegram.views.health import render_doctor, render_status
from handlers.telegram.views.lists import render_list
from handlers.telegram.views.message import Rendered
from handlers.telegram.views.news import render_news
from handlers.telegram.views.slo import render_slo
from handlers.telegram.views.sources import source_card, sources_page
from services.access.authority import require
from services.domain.errors import NotFound
from services.domain.people import Role
from services.operations.places import halted_since
from services.operations.slo import Window, measure
from services.operations.status import DeskStatus, desk_status
from services.reporting.desk_people import read_desk
from services.reporting.digest_content import digest_now
from services.reporting.holding_back import read_breakers
from services.reporting.lists import ListData, Terms, read_list
from services.reporting.source_list import SourcesList, sources_list
from services.storage import people
from services.storage.database import Unit

_TRADERS = frozenset({ListName.COOLDOWN})
_COMMANDERS = frozenset({ListName.PEOPLE, ListName.DESK, ListName.CHATS, ListName.DOCTOR})
_MONEY = frozenset(
    {
        ListName.POSITIONS,
        ListName.ORDERS,
        ListName.HISTORY,
        ListName.BALANCE,
        ListName.PNL,
        ListName.TERMINALS,
        ListName.NOTIFY,
        ListName.SETTINGS,
    }
)
_Special = Callable[[Request, int, str], Awaitable[Rendered]]


class Lists:
    """Reads a list and shows a page of it."""

    def __init__(self, app: App, terms: Terms) -> None:
        self._app = app
        self._terms = terms
        self._special: Mapping[ListName, _Special] = {
            ListName.STATUS: self._status,
            ListName.DOCTOR: self._doctor,
            ListName.DIGEST: self._digest,
            ListName.SLO: self._slo,
            ListName.BREAKERS: self._breakers,
            ListName.COOLDOWN: self._cooldown,
            ListName.DESK: self._desk,
            ListName.SOURCES: self._sources,
            ListName.NEWS: self._news,
        }

    def command(self, name: ListName) -> Handler:
        """Return a command handler that shows a list's first page."""

        async def handler(request: Request) -> None:
            await self.show(request, name, 1, request.args)

        return handler

    async def tap(self, request: Request, button: ListButton) -> None:
        """Show a page in place; in a group, what shows money is for private chats only."""
        if request.is_group and button.name in _MONEY:
            await request.toast("Ask me in private for that.", alert=True)
            return
        await self.show(request, button.name, button.page, button.arg)

    async def show(self, request: Request, name: ListName, page: int = 1, arg: str = "") -> None:
        """Read the list as it is now and show a page of it; raise NotAllowed for a list above the asker's role."""
        least = Role.COMMANDER if name in _COMMANDERS else Role.TRADER if name in _TRADERS else Role.OBSERVER
        await self._app.database.glance(lambda unit: require(unit, request.actor, least))
        special = self._special.get(name)
        rendered = await (special(request, page, arg) if special else self._read(request, name, page, arg))
        await request.show(rendered)

    async def _read(self, request: Request, name: ListName, page: int, arg: str) -> Rendered:
        live = self._app.live()
        where = request.actor.id if request.private_only else request.chat_id

        def body(unit: Unit) -> ListData | None:
            return read_list(unit, name.value, person_id=request.actor.id, chat_id=where, live=live, terms=self._terms, arg=arg)

        data = await self._app.database.read(body)
        if data is None:
            raise NotFound("LIST", reference=name.value)
        return render_list(name, page, data)

    async def _status(self, request: Request, page: int, arg: str) -> Rendered:
        now, since = self._app.live().now, halted_since(self._app.state_dir)

        def body(unit: Unit) -> DeskStatus:
            return desk_status(unit, now=now, started_at=self._app.started_at, rows=self._app.stage_rows(), file_since=since)

        return render_status(self._app.desk_name, await self._app.database.read(body), self._app.config_hash)

    async def _doctor(self, request: Request, page: int, arg: str) -> Rendered:
        await request.toast("Asking every dependency, up to ten seconds.")
        return render_doctor(await self._app.doctor())

    async def _slo(self, request: Request, page: int, arg: str) -> Rendered:
        week = arg.strip().lower() in ("7d", "7", "week")
        window = Window.WEEK if week else Window.DAY
        return render_slo(await self._app.database.read(lambda unit: measure(unit, window)))

    async def _breakers(self, request: Request, page: int, arg: str) -> Rendered:
        return render_breakers(await self._app.database.read(read_breakers), page)

    async def _cooldown(self, request: Request, page: int, arg: str) -> Rendered:
        return render_standing(await self._app.standing(request.actor.id))

    async def _desk(self, request: Request, page: int, arg: str) -> Rendered:
        found = await self._app.standing.everybody(read_desk)
        return render_desk(found, page, private=not request.is_group)

    async def _news(self, request: Request, page: int, arg: str) -> Rendered:
        where = request.actor.id if request.private_only else request.chat_id
        return render_news(await self._app.news(request.actor.id, where), page)

    async def _sources(self, request: Request, page: int, arg: str) -> Rendered:
        live, person = self._app.live(), request.actor.id

        def body(unit: Unit) -> SourcesList:
            boss = not request.is_group and people.role_of(unit, person) is Role.COMMANDER
            return sources_list(unit, live, self._app.sources.kept_days, may_switch=boss)

        data, name = await self._app.database.read(body), arg.strip().lower()
        found = next((each for each in data.rows if each.source.name == name), None)
        if name and found is None:
            raise NotFound("SOURCE", reference=name[:32])
        return sources_page(data, page) if found is None else source_card(data, found)

    async def _digest(self, request: Request, page: int, arg: str) -> Rendered:
        live = self._app.live()
        facts = await self._app.database.read(lambda unit: digest_now(unit, request.chat_id, live, self._app.desk_name))
        return render_digest(facts)
