"""What the service manager hears, over a real socket."""

from __future__ import annotations

import asyncio
import os
import secrets
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.readiness import VITAL, ServiceManager
from bot.system import SystemClock

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there is no such socket")


class Manager:
    """The manager's end of the socket."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(f"\0{address[1:]}" if address.startswith("@") else address)
        self.socket.setblocking(False)

    def heard(self) -> list[str]:
        found = []
        while True:
            try:
                found.append(self.socket.recv(4096).decode())
            except BlockingIOError:
                return found


@pytest.fixture(params=["file", "abstract"])
def manager(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Manager]:
    if request.param == "abstract" and sys.platform != "linux":
        pytest.skip("only Linux has abstract sockets")
    made = Manager(str(tmp_path / "notify") if request.param == "file" else f"@sortie-{secrets.token_hex(8)}")
    yield made
    made.socket.close()


def desk(manager: Manager, silent: set[str], **more: str) -> ServiceManager:
    return ServiceManager(lambda stage: stage not in silent, SystemClock(), {"NOTIFY_SOCKET": manager.address, **more})


def test_ready_and_stopping_are_told(manager: Manager) -> None:
    told = desk(manager, set())
    told.ready()
    told.stopping()

    assert [each.partition("\n")[0] for each in manager.heard()] == ["READY=1", "STOPPING=1"]


@pytest.mark.parametrize("stage", VITAL)
def test_a_desk_with_a_silent_vital_stage_shows_no_life_until_it_is_back(manager: Manager, stage: str) -> None:
    silent = {stage}
    told = desk(manager, silent)
    told.show_life()
    quiet = manager.heard()
    silent.clear()
    told.show_life()

    assert quiet == []
    assert manager.heard() == ["WATCHDOG=1"]


def test_what_only_the_outside_can_mend_does_not_cost_the_desk_its_life(manager: Manager) -> None:
    desk(manager, {"feed", "sender", "intake", "fills", "reconcile", "database"}).show_life()

    assert manager.heard() == ["WATCHDOG=1"]


async def test_life_is_shown_several_times_within_what_the_manager_waits_for(manager: Manager) -> None:
    told = desk(manager, set(), WATCHDOG_USEC="80000", WATCHDOG_PID=str(os.getpid()))
    running = asyncio.ensure_future(told.run())
    heard: list[str] = []
    try:
        async with asyncio.timeout(40):
            while len(heard) < 3:
                await asyncio.sleep(0)
                heard += manager.heard()
    finally:
        running.cancel()

    assert set(heard) == {"WATCHDOG=1"}


@pytest.mark.parametrize(
    "environment", [{}, {"NOTIFY_SOCKET": "/nowhere/at/all", "WATCHDOG_USEC": "soon"}], ids=["none", "lost"]
)
async def test_without_a_manager_or_with_a_lost_one_the_desk_goes_on(environment: dict[str, str]) -> None:
    told = ServiceManager(lambda stage: True, SystemClock(), environment)
    running = asyncio.ensure_future(told.run())
    told.ready()
    told.show_life()
    await asyncio.sleep(0)
    told.stopping()

    assert not running.done()
    running.cancel()


async def test_another_process_watchdog_is_not_ours(manager: Manager) -> None:
    told = desk(manager, set(), WATCHDOG_USEC="1000", WATCHDOG_PID="1")
    running = asyncio.ensure_future(told.run())
    for _ in range(20):
        await asyncio.sleep(0)
    running.cancel()

    assert manager.heard() == []
