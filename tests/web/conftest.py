"""A desk's watchers on a port of their own: stages that a test lets live or fall silent, a real database, real HTTP."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bot.metrics import Meters
from bot.monitoring import Monitoring
from bot.system import StageWakeups, SystemIds
from config.settings import Settings
from services.operations.stages import STAGES, Stages
from services.operations.tallies import Tallies
from services.storage.database import Database
from tests.blank import migrate
from tests.trading.rig import HandClock

Desk = Callable[..., Any]


@dataclass
class Watched:
    """What a test holds: the watchers, and a client that speaks to their port."""

    settings: Settings
    monitoring: Monitoring
    meters: Meters
    tallies: Tallies
    stages: Stages
    database: Database
    clock: HandClock
    session: aiohttp.ClientSession
    key: str | None = None
    seen: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        assert self.monitoring.web is not None
        return f"http://127.0.0.1:{self.monitoring.web.port}"

    def live(self, *silent: str) -> None:
        """Let every stage show life but these."""
        for stage in STAGES:
            if stage.name not in silent:
                self.stages.beat(stage.name)

    async def get(self, path: str, *, key: str | None = None, method: str = "GET", **more: Any) -> tuple[int, Any, str]:
        """Return status, headers and text."""
        headers = {"Authorization": f"Bearer {key}"} if key is not None else {}
        async with self.session.request(method, self.url + path, headers=headers, **more) as answer:
            return answer.status, answer.headers, await answer.text()

    async def raw(self, text: bytes) -> bytes:
        """Send bytes as they are and return everything that comes back."""
        assert self.monitoring.web is not None
        reader, writer = await asyncio.open_connection("127.0.0.1", self.monitoring.web.port)
        writer.write(text)
        await writer.drain()
        answer = await asyncio.wait_for(reader.read(), 40)
        writer.close()
        return answer


def free_port() -> int:
    """Return a port that nobody listens on now."""
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@asynccontextmanager
async def watched_at(folder: Path, **groups: Any) -> AsyncIterator[Watched]:
    """Open the watchers of a desk without the desk."""
    web = {"port": free_port(), "key": secrets.token_hex(16), **groups.pop("web", {})}
    settings = Settings(desk={"state_dir": folder}, web=web, **groups)
    migrate(settings.database_url)
    clock, ids = HandClock(), SystemIds()
    tallies = Tallies()
    meters, stages = Meters(tallies.add), Stages(clock)
    database = Database(settings.database_url, clock, StageWakeups(), meter=meters)
    monitoring = Monitoring(settings, meters, tallies, database, stages, clock, ids)
    await monitoring.open()
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=40)) as session:
        yield Watched(settings, monitoring, meters, tallies, stages, database, clock, session, settings.web.read_key())
    await monitoring.close()
    await database.close()


@pytest.fixture
async def watched(tmp_path: Path) -> AsyncIterator[Watched]:
    async with watched_at(tmp_path) as found:
        yield found
