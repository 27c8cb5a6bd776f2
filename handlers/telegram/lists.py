"""Lists that page and refresh in place."""

from __future__ import annotations

from handlers.telegram.app import App
from handlers.telegram.callbacks import ListButton, ListName
from handlers.telegram.commands import Handler
from handlers.telegram.request import Request
from handlers.telegram.views.lists import render_list
from services.domain.errors import NotAllowed
from services.domain.people import Role
from services.reporting.lists import read_list
from services.storage import people

_COMMANDERS = frozenset({ListName.PEOPLE, ListName.CHATS, ListName.DOCTOR})
_MONEY = frozenset({ListName.POSITIONS, ListName.ORDERS, ListName.HISTORY, ListName.BALANCE, ListName.PNL, ListName.TERMINALS})


class Lists:
    """Reads a list and shows a page of it."""

    def __init__(self, app: App, settings: object, stages: object) -> None:
        self._app = app
        self._settings = settings
        self._stages = stages

    def command(self, name: ListName) -> Handler:
        """Return a command handler that shows a list's first page."""

        async def handler(request: Request) -> None:
            await self.show(request, name, 1, request.args)

        return handler
