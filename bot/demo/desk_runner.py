"""The desk as a process that is started, watched, killed and started again; it is never restarted unasked."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from enum import StrEnum

from bot.demo.desk_reading import DeskReading, last_problem
from bot.demo.processes import Child

LOOK_S = 0.1
STOP_PATIENCE_S = 15.0


class DeskState(StrEnum):
    """How the desk's process is."""

    STARTING = "starting"
    RUNNING = "running"
    STOPPED = "stopped"


class DeskRunner:
    """Runs the desk's process; ``say`` is told what it does by itself."""

    def __init__(self, child: Child, environment: Mapping[str, str], reading: DeskReading, say: Callable[[str], None]) -> None:
        self._child = child
        self._environment = environment
        self._reading = reading
        self._say = say
        self._watch: asyncio.Task[None] | None = None
        self._turn = asyncio.Lock()
        self._changed = asyncio.Event()
        self._ends_as_asked = False
        self._started_at = 0.0
        self._ready_at = 0.0
        self.state = DeskState.STOPPED
        self.detail = ""

    @property
    def pid(self) -> int | None:
        """Return the process id while it runs."""
        return self._child.pid

    @property
    def uptime_s(self) -> int:
        """Return for how long it has been ready, in whole seconds, 0 when it is not."""
        return int(time.monotonic() - self._ready_at) if self.state is DeskState.RUNNING else 0

    async def start(self) -> None:
        """Start the desk when it does not run."""
        async with self._turn:
            if self._child.running:
                return
            await self._watched()
            begun = datetime.now(UTC)
            self._started_at = time.monotonic()
            self._ends_as_asked = False
            await self._child.start([], self._environment)
            self._enter(DeskState.STARTING)
            self._watch = asyncio.create_task(self._follow(begun), name="desk watch")

    async def ready(self, limit_s: float) -> bool:
        """Wait until the desk is ready; False when it ended first, or when ``limit_s`` have passed."""
        try:
            async with asyncio.timeout(limit_s):
                while self.state is DeskState.STARTING:
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            return False
        return self.state is DeskState.RUNNING

    async def kill(self) -> None:
        """Kill the desk as a power cut would; it stays down until it is started."""
        async with self._turn:
            self._ends_as_asked = True
            await self._child.kill()
            await self._watched()

    async def stop(self) -> None:
        """Let the desk end in its own way, within its time."""
        async with self._turn:
            self._ends_as_asked = True
            await self._child.stop(STOP_PATIENCE_S)
            await self._watched()

    def why(self) -> str:
        """Return what the desk said last before it ended, and where the rest stands."""
        said = self._child.last_line() or last_problem(self._reading.state) or "it said nothing"
        return f"{said} (more in {self._child.log} and {self._reading.state / 'logs'})"

    async def _watched(self) -> None:
        if self._watch is not None:
            await self._watch

    async def _follow(self, begun: datetime) -> None:
        ended = asyncio.ensure_future(self._child.ended())
        try:
            if await self._became_ready(ended, begun):
                self._ready_at = time.monotonic()
                self._say(f"The desk is ready after {self._ready_at - self._started_at:.1f} s.")
                self._enter(DeskState.RUNNING)
            code = await ended
        finally:
            ended.cancel()
        if self._ends_as_asked:
            self._enter(DeskState.STOPPED)
            return
        self._enter(DeskState.STOPPED, f"ended by itself with code {code}")
        self._say(f"The desk ended by itself with code {code}: {self.why()}")

    async def _became_ready(self, ended: asyncio.Future[int], begun: datetime) -> bool:
        while not ended.done():
            noted = await asyncio.to_thread(self._reading.ready)
            if noted is not None and noted.at >= begun:
                return True
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK_S):
                    await asyncio.shield(ended)
        return False

    def _enter(self, state: DeskState, detail: str = "") -> None:
        self.state, self.detail = state, detail
        self._changed.set()
