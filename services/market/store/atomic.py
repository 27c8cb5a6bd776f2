"""Files that are there as a whole or not at all, and one writer at a time."""

from __future__ import annotations

import os
import secrets
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from services.domain.errors import Unavailable

PARTIAL = ".partial"
_LOOK_AGAIN_S = 0.01


def write_whole(file: Path, content: bytes) -> None:
    """Put a file in the place of another, on disk before this returns; a crash leaves the old or the new one."""
    partial = file.with_name(f".{file.name}.{secrets.token_hex(4)}{PARTIAL}")
    try:
        with open(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
            out.write(content)
            out.flush()
            os.fsync(out.fileno())
        os.replace(partial, file)
        sync_folder(file.parent)
    finally:
        partial.unlink(missing_ok=True)


def sweep(folder: Path) -> int:
    """Remove what killed writers left, and tell how many; whoever sweeps holds the lock, so no writer is at work."""
    left = list(folder.glob(f".*{PARTIAL}"))
    for each in left:
        each.unlink(missing_ok=True)
    return len(left)


def sync_folder(folder: Path) -> None:
    """Have the names in a folder on disk; systems that cannot do that for a folder are left alone."""
    if sys.platform == "win32":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def make_folder(folder: Path) -> None:
    """Make a folder and those above it, with their names on disk; nothing when it is there."""
    missing = [each for each in (folder, *folder.parents) if not each.exists()]
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for each in missing:
        sync_folder(each.parent)


@contextmanager
def alone(folder: Path, *, wait_s: float) -> Iterator[None]:
    """Be the only writer in a folder, among threads and processes; raise Unavailable when another is at it for too long."""
    deadline = time.monotonic() + wait_s
    with (folder / ".lock").open("a+b") as file:
        while not _locked(file):
            if time.monotonic() > deadline:
                raise Unavailable(
                    "CANDLES_BUSY", folder=folder, waited=f"{wait_s:g} s", fix="another process writes these candles; try again"
                )
            time.sleep(_LOOK_AGAIN_S)
        # Closing the file lets go, and so does the end of the process.
        yield


if sys.platform == "win32":  # pragma: no cover - the same lock by another call
    import msvcrt

    def _locked(file: IO[bytes]) -> bool:
        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True
else:
    import fcntl

    def _locked(file: IO[bytes]) -> bool:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
