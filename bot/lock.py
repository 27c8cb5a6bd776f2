"""Only one process runs a desk: a lock file beside the database, and lease rows that name the owner."""

from __future__ import annotations

import json
import os
import socket
import sys
from datetime import datetime
from pathlib import Path
from typing import IO


class AlreadyRunning(Exception):
    """Another process holds the desk; ``holder`` says which."""

    def __init__(self, holder: str) -> None:
        self.holder = holder
        super().__init__(f"another desk runs here: {holder}")


class RunLock:
    """An exclusive lock that the system releases when the process dies, however it dies."""

    def __init__(self, folder: Path, now: datetime) -> None:
        self._path = folder / "run.lock"
        self._now = now
        self._file: IO[str] | None = None
        self.owner = f"{socket.gethostname()}:{os.getpid()}"

    def take(self) -> None:
        """Take the lock; raise AlreadyRunning naming the holder."""
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = self._path.open("a+", encoding="utf-8")
        try:
            _lock(file)
        except OSError as error:
            file.seek(0)
            holder = file.read(500).strip() or "unknown"
            file.close()
            raise AlreadyRunning(holder) from error
        file.seek(0)
        file.truncate()
        file.write(json.dumps({"pid": os.getpid(), "host": socket.gethostname(), "since": self._now.isoformat()}))
        file.flush()
        self._file = file

    def release(self) -> None:
        """Let go."""
        if self._file is not None:
            self._file.truncate(0)
            self._file.close()
            self._file = None


if sys.platform == "win32":  # pragma: no cover - the same lock by another call
    import msvcrt

    def _lock(file: IO[str]) -> None:
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _lock(file: IO[str]) -> None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
