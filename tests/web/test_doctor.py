"""The doctor asks the desk's own port, and tells a stopped desk from a port that somebody else has."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from aiohttp import web

from bot.system import SystemClock
from bot.web_probe import address_of, ask_port
from config.settings import Settings
from config.web import WebSettings
from services.operations.doctor import Sick
from services.storage import desk
from tests.blank import migrate
from tests.setup.servers import serving
from tests.web.conftest import free_port, watched_at


async def test_a_desk_that_listens_is_well(tmp_path: Path) -> None:
    async with watched_at(tmp_path) as watched:
        watched.live()
        found = await ask_port(watched.settings, SystemClock())

    assert found == f"http://127.0.0.1:{watched.settings.web.port} says ok"


async def test_silence_is_right_while_no_desk_runs_and_wrong_while_one_does(tmp_path: Path) -> None:
    settings = Settings(desk={"state_dir": tmp_path}, web={"port": free_port()})
    before = await ask_port(settings, SystemClock())
    migrate(settings.database_url)
    async with watched_at(tmp_path) as watched:
        watched.clock.time = datetime.now(UTC) + timedelta(seconds=60)
        await watched.database.write(lambda unit: desk.take_lease(unit, "executor", "pid 1", 20))
    after = await ask_port(settings, SystemClock())

    assert isinstance(before, str)
    assert "no desk runs" in before
    assert isinstance(after, Sick)
    assert "nothing answers" in after.cause


@pytest.mark.parametrize("kind", ["page", "json"])
async def test_somebody_else_on_the_port_is_found(tmp_path: Path, kind: str) -> None:
    async def answer(_request: web.Request) -> web.Response:
        return web.Response(text="hello") if kind == "page" else web.json_response({"status": "UP"})

    async with serving(answer) as url:
        settings = Settings(desk={"state_dir": tmp_path}, web={"port": int(url.rsplit(":", 1)[1])})
        found = await ask_port(settings, SystemClock())

    assert isinstance(found, Sick)
    assert "something else answers" in found.cause


@pytest.mark.parametrize(
    ("listen", "address"),
    [
        ("127.0.0.1", "http://127.0.0.1:9464"),
        ("0.0.0.0", "http://127.0.0.1:9464"),
        ("::", "http://[::1]:9464"),
        ("10.0.0.7", "http://10.0.0.7:9464"),
    ],
    ids=["home", "everywhere", "everywhere-six", "elsewhere"],
)
def test_what_listens_everywhere_is_asked_at_home(listen: str, address: str) -> None:
    assert address_of(WebSettings(listen=listen, port=9464)) == address
