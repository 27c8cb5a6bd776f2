"""The page's routes: what people see and do, over HTTP, on loopback only."""

from __future__ import annotations

from collections.abc import Callable

from aiohttp import web

from sandbox.page.acts import Acts
from sandbox.page.control import Control
from sandbox.page.events import EventHub
from sandbox.page.guard import answering, only_loopback
from sandbox.page.reading import Playing, Reading
from sandbox.telegram.world import World


def add_page(
    router: web.UrlDispatcher,
    world: World,
    hub: EventHub,
    control: Control,
    *,
    flush: Callable[[], None],
    playing: Playing,
) -> None:
    """Add `/page/...` to a router; `flush` keeps what an act changed before it is answered."""
    reading = Reading(world, playing, has_control=control.present)
    for path, act in reading.routes().items():
        router.add_get(path, answering(act, flush))
    acts = Acts(world, hub)
    for path, act in acts.routes().items():
        router.add_post(path, answering(act, flush))
    router.add_get("/page/updates", answering(acts.updates_asked, flush))
    router.add_get("/page/faults", answering(hub.faults_asked, flush))
    router.add_get("/page/events", only_loopback(hub.stream))
    router.add_get("/page/transcript", only_loopback(reading.transcript))
    router.add_get("/page/files/{file_id}", only_loopback(reading.file))
    router.add_get("/page/control/{what:status|venue|verify}", only_loopback(control.forward))
    router.add_post("/page/control/{what:kill|start}", only_loopback(control.forward))
