"""The real process: one desk a folder, a clean stop, a kill that loses nothing, a freeze that fires nothing stale."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest

ROOT = Path(__file__).resolve().parents[2]
ANN, CARL = 1001, 2001
pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="signals are tried where the system has them"),
    pytest.mark.timeout(180),
]


class Outside:
    """A sandbox as a process, and the desk's environment for it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.token = f"770009:{secrets.token_urlsafe(27)[:35]}"
        ready = folder / "sandbox.ready"
        flags = ["--state", str(folder / "sandbox"), "--started", f"{ANN},{CARL}", "--ready-file", str(ready)]
        command = [sys.executable, "-m", "sandbox", *flags, "--limits", "off", "--seed", "3", "--start", "520"]
        self.process = subprocess.Popen(command, cwd=ROOT, env={**os.environ, "SANDBOX_TOKEN": self.token})
        self.url = f"http://127.0.0.1:{wait_for(lambda: ready.exists() and json.loads(ready.read_text())['port'])}"
        self.desks: list[subprocess.Popen[str]] = []
        self.manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.manager.bind(str(folder / "manager"))
        self.manager.setblocking(False)

    def told_the_manager(self) -> list[str]:
        """Return what the desks said to the service manager since the last time."""
        found = []
        with contextlib.suppress(BlockingIOError):
            while True:
                found.append(self.manager.recv(4096).decode().partition("\n")[0])
        return found

    def desk(self) -> subprocess.Popen[str]:
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("SORTIE_")},
            "SORTIE_TELEGRAM__TOKEN": self.token,
            "SORTIE_TELEGRAM__API_BASE": self.url,
            "SORTIE_TELEGRAM__POLL_TIMEOUT_S": "2",
            "SORTIE_VENUES__BINANCE__BASE_URL": f"{self.url}/exchange",
            "SORTIE_PEOPLE__COMMANDERS": str(CARL),
            "SORTIE_PEOPLE__TRADERS": str(ANN),
            "SORTIE_DESK__STATE_DIR": str(self.folder / "desk"),
            "NOTIFY_SOCKET": str(self.folder / "manager"),
        }
        with (self.folder / "desk.out").open("a") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "bot", "run"], cwd=ROOT, env=environment, stdout=log, stderr=log, text=True
            )
        self.desks.append(process)
        return process

    def events(self) -> list[dict[str, object]]:
        log = self.folder / "desk" / "logs" / "sortie.log"
        lines = log.read_text(encoding="utf-8").splitlines() if log.exists() else []
        return [json.loads(line) for line in lines]

    def count(self, event: str) -> int:
        return sum(each.get("event") == event for each in self.events())

    def said(self) -> str:
        return (self.folder / "desk.out").read_text(encoding="utf-8")

    async def say(self, person: int, text: str) -> None:
        async with aiohttp.ClientSession() as session:
            body = {"person": person, "chat_id": person, "text": text}
            async with session.post(f"{self.url}/page/say", json=body) as answer:
                assert answer.status == 200, await answer.text()

    async def transcript(self, person: int) -> str:
        async with aiohttp.ClientSession() as session:
            query = {"chat_id": str(person), "person": str(person)}
            async with session.get(f"{self.url}/page/transcript", params=query) as answer:
                return await answer.text()

    async def hears(self, person: int, words: str) -> str:
        for _ in range(400):
            text = await self.transcript(person)
            if words in text:
                return text
            await asyncio.sleep(0.05)
        raise AssertionError(f"{words!r} never came:\n{await self.transcript(person)}")

    def close(self) -> None:
        for process in [*self.desks, self.process]:
            if process.poll() is None:
                with contextlib.suppress(ProcessLookupError):
                    process.send_signal(signal.SIGCONT)
                process.kill()
            process.wait(10)
        self.manager.close()


def wait_for(what: object, seconds: float = 60) -> object:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = what()  # type: ignore[operator]
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError("waited too long")


@pytest.fixture
def outside(tmp_path: Path) -> Iterator[Outside]:
    found = Outside(tmp_path)
    yield found
    found.close()


async def test_one_desk_a_folder_that_stops_cleanly_and_comes_back_after_a_kill(outside: Outside) -> None:
    first = outside.desk()
    wait_for(lambda: outside.count("desk.ready"))

    second = outside.desk()
    assert second.wait(60) == 3
    assert str(first.pid) in outside.said()

    await outside.say(ANN, "/halt fire drill")
    await outside.hears(ANN, "HALTED by")
    first.kill()
    first.wait(10)
    await outside.say(CARL, "/status")
    third = outside.desk()
    wait_for(lambda: outside.count("desk.ready") == 2)
    assert "halted" in await outside.hears(CARL, "halted")

    third.send_signal(signal.SIGSTOP)
    await outside.say(CARL, "/risk")
    time.sleep(3)  # noqa: ASYNC251
    third.send_signal(signal.SIGCONT)
    await outside.hears(CARL, "Risk")

    third.send_signal(signal.SIGTERM)
    assert third.wait(30) == 0
    assert outside.count("desk.stopped") == 1
    assert outside.told_the_manager() == ["READY=1", "READY=1", "STOPPING=1"]
    assert "stops" in await outside.hears(CARL, "stops")
    assert not [each for each in outside.events() if each.get("event") in ("stage.crashed", "job.crashed", "handler.failed")]
