"""Telling the service manager how the desk is, by sd_notify's protocol: a datagram to the socket that $NOTIFY_SOCKET names.

https://www.freedesktop.org/software/systemd/man/latest/sd_notify.html
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable, Mapping

import structlog

from services.domain.ports import Clock

log = structlog.get_logger()
# What lives by this process alone. A feed or a chat that is out of reach is no reason to kill a desk that guards positions.
VITAL = ("executor", "entries", "keep", "scheduler")
# How often the manager hears of us, as a share of what it waits for.
SHARE = 1 / 4


class ServiceManager:
    """The manager that started this process, if one did; without it every call does nothing.

    ``alive`` tells whether a stage shows life. A manager that watches is pinged only while all vital stages do.
    """

    def __init__(self, alive: Callable[[str], bool], clock: Clock, environment: Mapping[str, str] = os.environ) -> None:
        self._alive = alive
        self._clock = clock
        self._address = _address(environment.get("NOTIFY_SOCKET", ""))
        self._every_s = _watched_s(environment) * SHARE
        self._withheld = False

    def ready(self) -> None:
        """Say that the desk has recovered and works."""
        self._tell("READY=1\nSTATUS=The desk works")

    def stopping(self) -> None:
        """Say that the desk is on its way out."""
        self._tell("STOPPING=1\nSTATUS=Settling what is under way")

    async def run(self) -> None:
        """Show life for as long as there is some; for ever, and idle where nobody watches."""
        while self._address and self._every_s:
            self.show_life()
            await self._clock.sleep(self._every_s)
        await asyncio.Event().wait()

    def show_life(self) -> None:
        """Ping once, unless a vital stage is silent."""
        silent = [name for name in VITAL if not self._alive(name)]
        if not silent:
            self._tell("WATCHDOG=1")
        elif not self._withheld:
            log.error("watchdog.withheld", silent=silent)
        self._withheld = bool(silent)

    def _tell(self, state: str) -> None:
        if not self._address:
            return
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as wire:
                wire.setblocking(False)
                wire.sendto(state.encode(), self._address)
        except OSError as error:
            log.warning("watchdog.not_told", state=state.partition("\n")[0], error=error.strerror)


def _address(named: str) -> str:
    """Return the socket's address; a leading @ stands for the abstract namespace's zero byte."""
    return f"\0{named[1:]}" if named.startswith("@") else named


def _watched_s(environment: Mapping[str, str]) -> float:
    """Return how long the manager waits for a sign of life, or 0 when it does not watch this process."""
    microseconds, pid = environment.get("WATCHDOG_USEC", ""), environment.get("WATCHDOG_PID", "")
    ours = not pid or pid == str(os.getpid())
    return int(microseconds) / 1_000_000 if ours and microseconds.isdigit() else 0.0
