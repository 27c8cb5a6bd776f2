"""The program's HTTP application: the Bot API, the chat page and, when given, the market."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

from sandbox.page.api import add_page
from sandbox.page.control import Control
from sandbox.page.events import EventHub
from sandbox.page.guard import only_loopback
from sandbox.page.reading import Playing
from sandbox.telegram import requests
from sandbox.telegram.api import BotApi
from sandbox.telegram.door import BotDoor
from sandbox.telegram.webhook import WebhookDelivery
from sandbox.telegram.wire import JsonObject
from sandbox.telegram.world import World

_STATIC = Path(__file__).parent / "page" / "static"
_PAGE_HEADERS = {
    "Content-Security-Policy": "default-src 'self'; img-src 'self' data:; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}


def nothing_plays() -> tuple[str, JsonObject | None]:
    return "no market is played", None


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What an application is made of, for those who drive it from within."""

    world: World
    api: BotApi
    app: web.Application


def create_app(
    world: World,
    *,
    token: str,
    control_url: str = "",
    flush: Callable[[], None] = lambda: None,
    playing: Playing = nothing_plays,
) -> Parts:
    """Put HTTP over a world; `flush` is called before every answer that may have changed it."""
    api = BotApi(world)
    app = web.Application(client_max_size=requests.MOST_BYTES)
    door = BotDoor(api, token, flush)
    hub, control = EventHub(world), Control(control_url)
    webhook = WebhookDelivery(api, flush)
    app.router.add_route("*", "/bot{token:[^/]+}/{method}", door.handle)
    app.router.add_get("/file/bot{token:[^/]+}/{path:.+}", door.file)
    add_page(app.router, world, hub, control, flush=flush, playing=playing)
    app.router.add_get("/", only_loopback(_index))
    app.router.add_static("/static", _STATIC)
    app.on_response_prepare.append(_add_page_headers)

    async def running(_: web.Application) -> AsyncIterator[None]:
        webhook.start()
        yield
        await webhook.close()
        await control.close()

    async def shutting_down(_: web.Application) -> None:
        door.close()
        hub.close()

    app.cleanup_ctx.append(running)
    app.on_shutdown.append(shutting_down)
    return Parts(world=world, api=api, app=app)


async def _index(request: web.Request) -> web.StreamResponse:
    return web.FileResponse(_STATIC / "index.html")


async def _add_page_headers(request: web.Request, response: web.StreamResponse) -> None:
    if request.path == "/" or request.path.startswith("/static"):
        response.headers.update(_PAGE_HEADERS)
