"""Child processes that are measured: started, waited for, asked for time and memory, stopped."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")
ROOT = Path(__file__).resolve().parent.parent
LOOK_S = 0.02
STOP_S = 20.0
MIB = 1024 * 1024
_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")


class BenchError(Exception):
    """A measurement cannot be made or would not be true; the text says why."""


class Program:
    """One child process; what it says goes to a file."""

    def __init__(self, name: str, process: subprocess.Popen[bytes], output: Path, started_at: float) -> None:
        self.name = name
        self.output = output
        self.started_at = started_at
        self._process = process

    @property
    def pid(self) -> int:
        """Return its process id."""
        return self._process.pid

    def require_alive(self) -> None:
        """Raise BenchError with its last words when it has ended."""
        code = self._process.poll()
        if code is not None:
            said = self.output.read_text(encoding="utf-8", errors="replace")[-2000:]
            raise BenchError(f"{self.name} ended with code {code}: {said}")

    def rss_mib(self) -> float:
        """Return the resident memory of the process itself."""
        fields = Path(f"/proc/{self.pid}/statm").read_text(encoding="ascii").split()
        return int(fields[1]) * _PAGE / MIB

    def cpu_s(self) -> float:
        """Return the seconds of CPU that it has used, user and system."""
        text = Path(f"/proc/{self.pid}/stat").read_text(encoding="utf-8")
        fields = text.rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS

    def kill(self) -> None:
        """End it at once."""
        self._process.kill()
        self._process.wait()

    async def stop(self) -> None:
        """Ask it to end and wait; kill it when it does not."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        try:
            await asyncio.to_thread(self._process.wait, STOP_S)
        except subprocess.TimeoutExpired:
            self.kill()
            raise BenchError(f"{self.name} did not end within {STOP_S:g} s of SIGTERM") from None


def environment(**more: str) -> dict[str, str]:
    """Return this process's environment without the settings of a desk that may run beside it."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith(("SORTIE_", "SANDBOX_"))}
    return plain | more


@asynccontextmanager
async def running(name: str, command: Sequence[str], folder: Path, **variables: str) -> AsyncIterator[Program]:
    """Run a Python program (its arguments after the interpreter) until the block ends; ``folder`` gets its output."""
    program = _start(name, command, folder, environment(**variables))
    try:
        yield program
    except BaseException:
        program.kill()
        raise
    await program.stop()


def _start(name: str, command: Sequence[str], folder: Path, variables: Mapping[str, str]) -> Program:
    folder.mkdir(parents=True, exist_ok=True)
    output = folder / f"{name}.out"
    with output.open("wb") as sink:
        started_at = time.time()
        process = subprocess.Popen([sys.executable, *command], cwd=ROOT, env=variables, stdout=sink, stderr=subprocess.STDOUT)
    return Program(name, process, output, started_at)


async def wait_for(what: str, look: Callable[[], T | None], program: Program, seconds: float) -> T:
    """Look until there is an answer and return it; raise BenchError when the program ends or the time is over."""
    end = time.monotonic() + seconds
    while True:
        found = look()
        if found is not None:
            return found
        program.require_alive()
        if time.monotonic() >= end:
            raise BenchError(f"{what}: not within {seconds:g} s")
        await asyncio.sleep(LOOK_S)
