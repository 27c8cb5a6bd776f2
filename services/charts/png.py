"""From a picture's description to PNG, in one small process of its own, because the drawing library holds the GIL."""

from __future__ import annotations

import asyncio
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path

import structlog

from services.charts import worker
from services.charts.spec import PictureSpec
from services.charts.svg import render_svg
from services.domain.errors import Unavailable

log = structlog.get_logger()

# By path and with -P the process finds the installed libraries and nothing of the desk.
COMMAND: tuple[str, ...] = (sys.executable, "-P", str(Path(worker.__file__)))
# The rest of the environment holds secrets that a drawing process has no use for.
_ENVIRONMENT = ("PATH", "PYTHONPATH", "PYTHONHOME", "SYSTEMROOT", "LD_LIBRARY_PATH", "TEMP", "TMPDIR")


class ChartRenderer:
    """Draws pictures one at a time, starts its process with the first one, and keeps the newest pictures.

    ``timeout`` is in seconds and covers waiting, start and drawing; ``keep`` is how many pictures are kept.
    """

    def __init__(self, *, timeout: float = 10.0, keep: int = 48, command: Sequence[str] = COMMAND) -> None:
        self._timeout = timeout
        self._keep = keep
        self._command = tuple(command)
        self._process: Process | None = None
        self._pictures: OrderedDict[PictureSpec, bytes] = OrderedDict()
        self._lock = asyncio.Lock()
        self._closed = False

    @property
    def pid(self) -> int | None:
        """Return the drawing process's id, or None while there is none."""
        return self._process.pid if self._process is not None else None

    async def png(self, spec: PictureSpec) -> bytes:
        """Return the picture as PNG, 900 by 600; raise Unavailable when it cannot be drawn, or not in time.

        A process that died is started again once.
        """
        if spec in self._pictures:
            return self._known(spec)
        try:
            async with asyncio.timeout(self._timeout), self._lock:
                if spec in self._pictures:
                    return self._known(spec)
                picture = await self._draw(render_svg(spec).encode())
        except TimeoutError as error:
            raise Unavailable("CHART_TIMEOUT", limit_s=self._timeout) from error
        self._pictures[spec] = picture
        if len(self._pictures) > self._keep:
            self._pictures.popitem(last=False)
        return picture

    async def close(self) -> None:
        """End the drawing process; later pictures are refused."""
        self._closed = True
        await self._stop()
        # A process that was just being started stands only now.
        async with self._lock:
            await self._stop()

    def _known(self, spec: PictureSpec) -> bytes:
        self._pictures.move_to_end(spec)
        return self._pictures[spec]

    async def _draw(self, svg: bytes) -> bytes:
        lost = ""
        for attempt in (1, 2):
            try:
                return await self._ask(svg)
            except (OSError, asyncio.IncompleteReadError) as error:
                lost = repr(error)
                log.warning("chart.worker_lost", attempt=attempt, reason=lost)
        raise Unavailable("CHART_WORKER_LOST", reason=lost)

    async def _ask(self, svg: bytes) -> bytes:
        if self._closed:
            raise Unavailable("CHARTS_CLOSED")
        answered = False
        try:
            kind, body = await self._exchange(await self._running(), svg)
            answered = True
        finally:
            # Whatever interrupted the exchange left a half answer in the stream: this process is of no more use.
            if not answered:
                await self._stop()
        if kind != worker.PICTURE:
            raise Unavailable("CHART_REFUSED", reason=body.decode(errors="replace"))
        return body

    async def _exchange(self, process: Process, svg: bytes) -> tuple[bytes, bytes]:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(worker.LENGTH.pack(len(svg)) + svg)
        await process.stdin.drain()
        head = await process.stdout.readexactly(1 + worker.LENGTH.size)
        return head[:1], await process.stdout.readexactly(worker.LENGTH.unpack(head[1:])[0])

    async def _running(self) -> Process:
        if self._process is None or self._process.returncode is not None:
            await self._stop()
            environment = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
            self._process = await asyncio.create_subprocess_exec(*self._command, stdin=PIPE, stdout=PIPE, env=environment)
            log.info("chart.worker_started", pid=self._process.pid)
        return self._process

    async def _stop(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        if process.returncode is None:
            process.kill()
        if process.stdin is not None:
            process.stdin.close()
        await process.wait()
