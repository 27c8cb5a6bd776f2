"""The desk as a process that is killed, stopped, frozen and started again, with how long each start took."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from bot.demo.desk_reading import DeskReading
from bot.demo.processes import Child
from tests.kills.vitals import cpu_s

READY_S = 120.0
STOP_S = 40.0
LOOK_S = 0.05


class NotReady(Exception):
    """The desk ended, or was not ready in time; says what it said last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """One start of the process, with the seconds and the CPU seconds until it was ready; None when it was killed before."""

    at: datetime
    ready_s: float | None
    cpu_s: float | None


class DeskProcess:
    """One state folder, and the process that works on it now."""

    def __init__(self, folder: Path, environment: Mapping[str, str], name: str = "desk") -> None:
        self.reading = DeskReading(folder / "desk")
        self.starts: list[Start] = []
        self.kills = 0
        self._child = Child(name, ["bot", "run"], folder / f"{name}.log")
        self._environment = dict(environment)
        self._ready_for = 0.0
        self._ready_at: float | None = None

    @property
    def pid(self) -> int | None:
        """Return the process id while it runs."""
        return self._child.pid

    @property
    def log(self) -> Path:
        """Return where the process's output goes."""
        return self._child.log

    @property
    def ready_for(self) -> float:
        """Return for how many seconds it has been ready, all its lives together."""
        return self._ready_for + (time.monotonic() - self._ready_at if self._ready_at is not None else 0.0)

    async def start(self) -> None:
        """Start the process; it is not ready yet."""
        self.starts.append(Start(at=datetime.now(UTC), ready_s=None, cpu_s=None))
        await self._child.start([], self._environment)

    async def ready(self) -> float:
        """Wait until it is ready; return how long this start took. Raise NotReady with its last words."""
        begun = self.starts[-1].at
        end = time.monotonic() + READY_S
        while True:
            noted = await asyncio.to_thread(self.reading.ready)
            if noted is not None and noted.pid == self.pid and noted.at >= begun:
                break
            if not self._child.running or time.monotonic() > end:
                raise NotReady(f"{self._child.last_line()} (more in {self._child.log} and {self.reading.state / 'logs'})")
            await asyncio.sleep(LOOK_S)
        took = (noted.at - begun).total_seconds()
        self.starts[-1] = Start(at=begun, ready_s=took, cpu_s=cpu_s(noted.pid))
        self._ready_at = time.monotonic()
        return took

    async def kill(self) -> None:
        """Kill it as a power cut would."""
        self._child.kill_now()
        self.kills += 1
        self._is_over()
        await self._child.ended()

    def ask_to_stop(self) -> None:
        """Tell it to end in its own way, without waiting for it."""
        self._signal(signal.SIGTERM)

    async def stop(self) -> int:
        """Let it end in its own way; return the exit code. Raise NotReady when it does not end in time."""
        self.ask_to_stop()
        try:
            async with asyncio.timeout(STOP_S):
                code = await self._child.ended()
        except TimeoutError:
            await self._child.kill()
            raise NotReady(f"the desk did not end within {STOP_S:g} s of SIGTERM, see {self._child.log}") from None
        finally:
            self._is_over()
        return code

    async def ended(self) -> int:
        """Wait for its end; return the exit code."""
        code = await self._child.ended()
        self._is_over()
        return code

    def freeze(self) -> None:
        """Stop it in its tracks (SIGSTOP)."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on (SIGCONT)."""
        self._signal(signal.SIGCONT)

    async def close(self) -> None:
        """End it at once if it still runs."""
        if self._child.running:
            self.thaw()
            await self._child.kill()

    def _signal(self, number: signal.Signals) -> None:
        if self.pid is not None:
            os.kill(self.pid, number)

    def _is_over(self) -> None:
        self._ready_for, self._ready_at = self.ready_for, None
