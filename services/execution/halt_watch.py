"""What halts and lifts the desk without anybody's tap: the halt file beside the database, and a wait that is over.

The file stops every claim as long as it is there (services/execution/executor.py); here it becomes a committed halt with its
kill, which stay when the file is removed.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path

import structlog

from services.domain.errors import SortieError
from services.domain.halts import HaltScope
from services.domain.people import Actor, Person, Role
from services.domain.ports import Clock, Ids, StageBeat, Wakeups
from services.domain.states import HaltState
from services.execution.halting import throw
from services.execution.rearming import CarryOutRearm
from services.storage import halts
from services.storage.counters import get_fact, set_fact
from services.storage.database import Database, Unit

log = structlog.get_logger()
HALT = "halt"
POLL_S = 1.0
LEAST_S = 0.05
SEEN = "halt_file.seen"
# Whatever somebody puts there stops the desk; only this much of it is read.
LARGEST = 64 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class FileWish:
    """What a halt file asks for; ``mark`` tells one file from another."""

    mark: str
    by: str
    reason: str
    flatten: bool


class WatchHalt:
    """Commits the halt that a file asks for, and lifts the one whose wait is over."""

    def __init__(
        self, database: Database, clock: Clock, ids: Ids, wakeups: Wakeups, beats: StageBeat, file: Path, rearm: CarryOutRearm
    ) -> None:
        self._database = database
        self._clock = clock
        self._ids = ids
        self._wakeups = wakeups
        self._beats = beats
        self._file = file
        self._rearm = rearm
        self._done: str | None = None

    async def run(self) -> None:
        """Watch for ever: each second, and when a wait is over."""
        while True:
            pause = POLL_S
            try:
                due_at = await self()
            except SortieError as error:
                log.error("halt.watch.failed", error=str(error))
            else:
                self._beats.beat(HALT, detail="waits to be lifted" if due_at is not None else "")
                if due_at is not None:
                    pause = min(POLL_S, max(LEAST_S, (due_at - self._clock.now()).total_seconds()))
            await self._wakeups.wait(HALT, pause)

    async def __call__(self) -> datetime | None:
        """Look at the file, then at the wait; return when the wait that goes on is over."""
        wish = read_halt_file(self._file)
        if wish is not None and wish.mark != self._done:
            await self._database.write(partial(self._throw, wish=wish), urgent=True)
            self._done = wish.mark
        return await self._rearm()

    def _throw(self, unit: Unit, wish: FileWish) -> None:
        """Halt for a file once: one that still lies there asks for nothing new after a restart."""
        if get_fact(unit, SEEN) == wish.mark:
            return
        actor = Actor(kind="system", id=0, name="halt file", channel="file", correlation=f"file-{self._ids.row()}")
        by = Person(id=0, name=wish.by, username=None, role=Role.COMMANDER, zone="UTC", locale="en")
        state, reason = HaltState.HALTED, wish.reason
        throw(unit, actor, self._ids, HaltScope.DESK, halts.DESK, state, by, reason, flatten=wish.flatten)
        set_fact(unit, SEEN, wish.mark)


def read_halt_file(file: Path) -> FileWish | None:
    """Return what a halt file asks for, or None without one; whatever cannot be read asks for a halt all the same."""
    try:
        stamp = file.stat().st_mtime_ns
    except OSError:
        return None
    try:
        with file.open("rb") as paper:
            content = paper.read(LARGEST)
    except OSError:
        content = b""
    said = _object(content)
    by, reason = said.get("by"), said.get("reason")
    return FileWish(
        mark=f"{stamp}:{hashlib.sha256(content).hexdigest()[:16]}",
        by=f"halt file ({by[:80]})" if isinstance(by, str) and by else "halt file",
        reason=reason if isinstance(reason, str) else "the file HALT was put beside the database",
        flatten=said.get("flatten") is True,
    )


def _object(content: bytes) -> dict[str, object]:
    try:
        said = json.loads(content)
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}
