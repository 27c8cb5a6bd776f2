"""``sortie demo`` as a person starts it: its processes, its ends, and the headless run that is this project's smoke test."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

LAST_LINE = re.compile(
    r"missions [1-9]\d* fired [1-9]\d* fills [1-9]\d* closed [1-9]\d* refused [1-9]\d* halted [1-9]\d* verify 10/10\n"
)
SOON_S = 60.0


def command(folder: Path, *flags: str) -> list[str]:
    return [sys.executable, "-m", "bot", "demo", "--state", str(folder), "--no-browser", *flags]


def test_a_headless_run_plays_everything_and_all_invariants_hold(tmp_path: Path) -> None:
    done = subprocess.run(
        command(tmp_path, "--headless", "--bar", "60", "--seed", "7", "--seconds", "30"),
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )

    assert "MISSED" not in done.stderr, done.stderr
    assert LAST_LINE.fullmatch(done.stdout), done.stdout + done.stderr
    assert done.returncode == 0
    assert processes_in(tmp_path) == []


@pytest.mark.timeout(240)
def test_a_demo_is_killed_started_stopped_and_gone_on_with(tmp_path: Path) -> None:
    with running(tmp_path, "--start", "600") as demo:
        first = demo.address
        assert demo.control("status")["desk"] == "running"
        assert len(demo.control("verify")["checks"]) == 10
        demo.wait(lambda: demo.terminals() >= {"ann-paper", "carl-paper"})

        second = subprocess.run(command(tmp_path), capture_output=True, text=True, timeout=SOON_S, check=False)
        assert second.returncode == 1
        assert f'"pid": {demo.process.pid}' in second.stderr

        before = demo.control("status")["pid"]
        assert demo.control("kill", post=True)["desk"] == "stopped"
        demo.control("start", post=True)
        demo.wait(lambda: demo.control("status")["desk"] == "running")
        after = demo.control("status")["pid"]
        assert after != before

        os.kill(after, signal.SIGKILL)
        demo.wait(lambda: demo.control("status")["desk"] == "stopped")
        assert "by itself" in demo.control("status")["detail"]
        demo.wait(lambda: "The desk ended by itself with code -9" in demo.output())

        demo.process.send_signal(signal.SIGINT)
        assert demo.process.wait(SOON_S) == 0
    assert processes_in(tmp_path) == []

    with running(tmp_path) as demo:
        chat = demo.get("/page/transcript?chat_id=1001")
        assert demo.address == first
        assert chat.count("/start") == 1 and "Hello, Ann" in chat
        assert "The market goes on" in demo.output()
        demo.process.kill()
        demo.process.wait()
        demo.wait(lambda: sys.platform != "linux" or processes_in(tmp_path) == [])


def test_a_file_that_is_no_recording_stops_the_start_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "BTCUSDT-1h.csv"
    file.write_text("timestamp,open,high,low,close,volume\n1,2,1,1,1,1\n")
    done = subprocess.run(
        command(tmp_path / "demo", "--candles", str(file)), capture_output=True, text=True, timeout=SOON_S, check=False
    )

    assert done.returncode == 1
    assert "line 2" in done.stderr and "fix:" in done.stderr
    assert "Traceback" not in done.stderr


class Demo:
    """A demo's process and its page."""

    def __init__(self, process: subprocess.Popen[str], log: Path) -> None:
        self.process = process
        self._log = log
        self.wait(lambda: "Open http" in self.output())
        found = re.search(r"Open (http://127\.0\.0\.1:\d+)", self.output())
        assert found
        self.address = found[1]

    def output(self) -> str:
        return self._log.read_text()

    def get(self, path: str, *, post: bool = False) -> str:
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(self.address + path, data=b"{}" if post else None, headers=headers)
        with urllib.request.urlopen(request, timeout=20) as answer:
            return str(answer.read().decode())

    def control(self, name: str, *, post: bool = False) -> Any:
        return json.loads(self.get(f"/page/control/{name}", post=post))

    def terminals(self) -> set[str]:
        return {each["name"] for each in self.control("venue")["terminals"]}

    def wait(self, come: Callable[[], bool]) -> None:
        """Wait for a condition, looking ten times a second; the output says what was there instead."""
        end = time.monotonic() + SOON_S
        while not come():
            assert time.monotonic() < end, self.output()
            time.sleep(0.1)


@contextmanager
def running(folder: Path, *flags: str) -> Iterator[Demo]:
    """Start a demo and wait until it says where the page is; end it afterwards, whatever happened."""
    log = folder.parent / f"{folder.name}-{time.monotonic_ns()}.log"
    with log.open("w") as output:
        process = subprocess.Popen(command(folder, *flags), stdout=output, stderr=output, text=True)
    try:
        yield Demo(process, log)
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait(SOON_S)


def processes_in(folder: Path) -> list[str]:
    """List the command lines and environments that name the folder, where the system shows them."""
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        try:
            shown = (place / "cmdline").read_bytes() + (place / "environ").read_bytes()
        except OSError:
            continue
        if str(folder).encode() in shown and int(place.name) != os.getpid():
            found.append(shown.decode(errors="replace")[:200])
    return found
