"""Only one process runs a desk: a lock file beside its state, on PostgreSQL a lock at the server as well.

Lease rows name the owner, and each claim of work names its lease's epoch: should a lock be lost unseen, a second desk still
cannot send what the first one sends.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sys
import time
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import IO, Self

import structlog
from sqlalchemy import make_url

from config.settings import Settings
from services.domain.errors import Unavailable
from services.operations.swap import finish
from services.storage.desk_lock import PostgresqlLock

log = structlog.get_logger()
LOOK_EVERY_S = 5.0
STOP_S = 60.0


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
        """Take the lock, unless it is ours already; raise AlreadyRunning naming the holder."""
        if self._file is not None:
            return
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

    def take_again(self) -> bool:
        """Lock the file that has the name now when it is no longer the one that we hold; tell whether that was so.

        Somebody removed it, or put another in its place, and a second desk could start beside us. Raise AlreadyRunning
        naming the holder when one has, OSError when the folder cannot be used.
        """
        if self._file is None or self._is_ours(self._file):
            return False
        self._file.close()
        self._file = None
        self.take()
        return True

    def _is_ours(self, file: IO[str]) -> bool:
        try:
            return os.path.samestat(os.fstat(file.fileno()), self._path.stat())
        except FileNotFoundError:
            return False


class DeskLock:
    """Both locks of one desk; whoever takes them first ends a restore that was cut short."""

    def __init__(self, settings: Settings, now: datetime) -> None:
        self._state = settings.desk.state_dir
        self._file = RunLock(self._state, now)
        url = settings.database_url
        on_server = make_url(url).get_backend_name() != "sqlite"
        self._server = PostgresqlLock(url, settings.database.busy_timeout_s) if on_server else None
        self.owner = self._file.owner

    def take_file(self) -> None:
        """Take the lock of the folder alone, which needs no event loop; raise AlreadyRunning naming the holder."""
        self._file.take()

    def release_file(self) -> None:
        """Let go of the folder's lock, if it is still held."""
        self._file.release()

    async def __aenter__(self) -> Self:
        """Take the locks; raise AlreadyRunning naming the holder, Unavailable when the server cannot be asked."""
        self._file.take()
        try:
            await asyncio.to_thread(finish, self._state)
            if self._server is not None and not await self._server.take():
                raise AlreadyRunning(await self._server.holder())
        except BaseException:
            self._file.release()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let go."""
        await self.leave_database()
        self._file.release()

    async def leave_database(self) -> None:
        """Let go of the server's lock, which is a connection to the database."""
        if self._server is not None:
            await self._server.release()

    async def lost(self) -> str:
        """Return the holder when another process has one of the locks; a lost one that nobody has is taken anew."""
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            try:
                anew = self._file.take_again()
                if self._server is not None and not await self._server.held():
                    if not await self._server.take():
                        return await self._server.holder()
                    anew = True
            except AlreadyRunning as error:
                return error.holder
            except (Unavailable, OSError) as error:
                log.warning("lock.out_of_reach", reason=str(error))
                continue
            if anew:
                log.warning("lock.taken_anew")


def stop_holder(folder: Path, now: datetime) -> None:
    """Tell the desk that runs on a state folder of this machine to stop, and wait until it has.

    Return at once when none does; raise AlreadyRunning for one of another machine, or one that does not end in time.
    """
    lock = RunLock(folder, now)
    told = False
    deadline = time.monotonic() + STOP_S
    while True:
        try:
            lock.take()
        except AlreadyRunning as error:
            if time.monotonic() > deadline or not (told or _tell(error.holder)):
                raise
            told = True
            time.sleep(0.1)
        else:
            lock.release()
            return


def _tell(holder: str) -> bool:
    try:
        found = json.loads(holder)
        if found["host"] != socket.gethostname():
            return False
        os.kill(int(found["pid"]), signal.SIGTERM)
    except (ValueError, KeyError, TypeError, OSError):
        return False
    return True


if sys.platform == "win32":  # pragma: no cover - the same lock by another call
    import msvcrt

    def _lock(file: IO[str]) -> None:
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _lock(file: IO[str]) -> None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
