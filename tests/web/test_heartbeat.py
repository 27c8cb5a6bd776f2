"""The ping to an outside watch: sent while all is well, withheld when not, and never in anybody's way."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from aiohttp import ClientSession, web
from pydantic import ValidationError

from bot import heartbeat as module
from bot.heartbeat import Heartbeat
from config.settings import Settings
from config.web import HeartbeatSettings
from services.operations.heartbeat import ALERT_AFTER, JudgePings
from services.storage import incidents
from tests.setup.servers import serving
from tests.web.conftest import Watched, watched_at


@dataclass
class Watch:
    """Somebody else's dead-man service, as a test wants it."""

    status: int = 200
    heard: list[tuple[str, str, str]] = field(default_factory=list)

    async def answer(self, request: web.Request) -> web.Response:
        self.heard.append((request.method, request.path, (await request.read()).decode()))
        headers = {"Location": "/elsewhere"} if 300 <= self.status < 400 else {}
        return web.Response(status=self.status, headers=headers)


@dataclass
class Beating:
    """One desk's heartbeat at one watch."""

    watched: Watched
    watch: Watch
    heart: Heartbeat
    session: ClientSession

    async def beat(self, times: int = 1) -> None:
        for _ in range(times):
            await self.heart.beat(self.session)

    def counted(self, result: str) -> float:
        name = "sortie_heartbeat_pings_total"
        return self.watched.meters.registry.get_sample_value(name, {"result": result}) or 0.0

    async def open_codes(self) -> list[str]:
        return [row.code for row in await self.watched.database.read(incidents.open_incidents)]


@asynccontextmanager
async def beating(folder: Path, status: int = 200, *, fail: bool = False, method: str = "GET") -> AsyncIterator[Beating]:
    watch = Watch(status)
    async with serving(watch.answer) as url, watched_at(folder) as watched, ClientSession() as session:
        addresses = {"url": f"{url}/ping", "fail_url": f"{url}/ping/fail" if fail else None, "method": method}
        settings = HeartbeatSettings.model_validate(addresses)
        judge = JudgePings(watched.database, watched.monitoring._ids)
        heart = Heartbeat(settings, watched.stages.ages, judge, watched.clock, watched.meters)
        yield Beating(watched, watch, heart, session)


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_living_desk_pings_without_saying_anything(tmp_path: Path, method: str) -> None:
    async with beating(tmp_path, method=method) as found:
        found.watched.live()
        await found.beat(2)

        assert found.watch.heard == [(method, "/ping", "")] * 2
        assert found.counted("ok") == 2


async def test_a_silent_stage_withholds_the_ping_and_is_named_to_the_other_address(tmp_path: Path) -> None:
    async with beating(tmp_path, fail=True) as found:
        found.watched.live("executor", "feed")
        await found.beat()

        assert found.watch.heard == [("POST", "/ping/fail", "silent: executor, feed")]
        assert (found.counted("ok"), found.counted("withheld")) == (0, 1)

    async with beating(tmp_path / "alone") as found:
        found.watched.live("executor")
        await found.beat()
        assert found.watch.heard == []


async def test_a_stage_that_need_not_run_withholds_nothing(tmp_path: Path) -> None:
    async with beating(tmp_path) as found:
        found.watched.live("digest")
        await found.beat()

        assert found.counted("ok") == 1


async def test_the_third_lost_ping_is_an_alert_and_the_next_that_arrives_ends_it(tmp_path: Path) -> None:
    async with beating(tmp_path, status=500) as found:
        found.watched.live()
        await found.beat(ALERT_AFTER - 1)
        assert await found.open_codes() == []
        await found.beat(2)
        assert await found.open_codes() == ["HEARTBEAT_FAILED"]
        assert found.counted("failed") == ALERT_AFTER + 1

        found.watch.status = 204
        await found.beat()
        assert await found.open_codes() == []


async def test_a_redirect_is_a_lost_ping_and_is_not_followed(tmp_path: Path) -> None:
    async with beating(tmp_path, status=302) as found:
        found.watched.live()
        await found.beat()

        assert [path for _, path, _ in found.watch.heard] == ["/ping"]
        assert found.counted("failed") == 1


async def test_a_watch_that_hangs_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "TIMEOUT_S", 0.2)
    hanging = asyncio.Event()

    async def answer(_request: web.Request) -> web.Response:
        await hanging.wait()
        return web.Response()

    async with serving(answer) as url, watched_at(tmp_path, heartbeat={"url": url}) as watched:
        judge = JudgePings(watched.database, watched.monitoring._ids)
        heart = Heartbeat(watched.settings.heartbeat, dict, judge, watched.clock, watched.meters)
        running = asyncio.create_task(heart.run())
        await seen(lambda: failed(watched) >= 2)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        hanging.set()


def failed(watched: Watched) -> float:
    return watched.meters.registry.get_sample_value("sortie_heartbeat_pings_total", {"result": "failed"}) or 0.0


async def seen(what: Callable[[], bool]) -> None:
    end = asyncio.get_running_loop().time() + 40
    while not what():
        assert asyncio.get_running_loop().time() < end
        await asyncio.sleep(0.01)


@pytest.mark.parametrize(
    "given",
    [{"url": "watch.example/ping"}, {"url": "ftp://watch.example"}, {"fail_url": "https://watch.example"}, {"every_s": 1}],
    ids=["no-scheme", "ftp", "fail-alone", "too-often"],
)
def test_settings_that_make_no_heartbeat_stop_the_start(given: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Settings.model_validate({"heartbeat": given})
