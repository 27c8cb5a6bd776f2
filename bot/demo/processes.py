"""A child process: its output in a log file, its end awaited, and an end of its own when the launcher dies."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from bot.release import ROOT

_PR_SET_PDEATHSIG = 1
# Only Windows has this flag, where it does what a new session does elsewhere.
_GROUP_FLAG: int = getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)
_TAIL_BYTES = 16_384


class Child:
    """One program of the demo. It runs in a group of its own, so that Ctrl-C in the terminal reaches the launcher alone."""

    def __init__(self, name: str, module: Sequence[str], log: Path) -> None:
        self.name = name
        self.log = log
        self._module = module
        self._process: asyncio.subprocess.Process | None = None
        if log.exists():
            log.replace(log.with_name(f"{log.name}.1"))

    @property
    def pid(self) -> int | None:
        """Return the process id while it runs."""
        return self._process.pid if self._process is not None and self.running else None

    @property
    def running(self) -> bool:
        """Tell whether it was started and has not ended."""
        return self._process is not None and self._process.returncode is None

    async def start(self, arguments: Sequence[str], environment: Mapping[str, str]) -> None:
        """Start it as ``python -m module arguments...``."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as output:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                *self._module,
                *arguments,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=ROOT,
                env=dict(environment),
                start_new_session=True,
                creationflags=_GROUP_FLAG,
                preexec_fn=_ending_with_the_launcher(),
            )

    async def ended(self) -> int:
        """Wait for its end; return the exit code, negative for a signal."""
        return await self._process.wait() if self._process is not None else 0

    async def stop(self, patience_s: float) -> None:
        """Ask it to end, and end it when it has not after ``patience_s``."""
        if self._process is None or not self.running:
            return
        with contextlib.suppress(ProcessLookupError):
            self._process.terminate()
        try:
            async with asyncio.timeout(patience_s):
                await self.ended()
        except TimeoutError:
            await self.kill()

    async def kill(self) -> None:
        """End it at once, without a word to it."""
        self.kill_now()
        await self.ended()

    def kill_now(self) -> None:
        """End it at once, without waiting for its end."""
        if self._process is not None and self.running:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()

    def last_line(self) -> str:
        """Return the last line of its output that says something, or an empty text."""
        try:
            with self.log.open("rb") as file:
                file.seek(max(0, os.fstat(file.fileno()).st_size - _TAIL_BYTES))
                lines = file.read().decode("utf-8", "replace").splitlines()
        except OSError:
            return ""
        return next((line.strip() for line in reversed(lines) if line.strip()), "")


def _ending_with_the_launcher() -> Callable[[], None] | None:
    """Return what makes the kernel send SIGTERM to the child when the launcher dies, however it dies; Linux has that."""
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None).prctl

    def ask_kernel() -> None:
        prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)

    return ask_kernel
