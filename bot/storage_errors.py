"""What a disk or a database that refuses means to whoever started a command: a cause and a fix, no traceback."""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Mapping

from services.domain.errors import Unavailable

_FULL = "free some space on the disk of desk.state_dir"
_READ_ONLY = "let this user write desk.state_dir and the files in it"
# By what the database says, the first that fits.
_FIXES: Mapping[str, str] = {
    "locked": "another process writes to it: wait until it is done, or stop it",
    "readonly": _READ_ONLY,
    "unable to open": "check that desk.state_dir is there and that this user may write in it",
    "full": _FULL,
    "disk I/O": "free some space, then look at the system's log: the disk refuses to read or to write",
}
_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_NO_RIGHT = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})
_ELSE = "sortie doctor says what is wrong"


def cause_and_fix(error: BaseException) -> tuple[str, str] | None:
    """Return what stands in the way and what to do, or None for an error of another kind."""
    if isinstance(error, OSError) and error.errno in _NO_ROOM | _NO_RIGHT:
        return f"{error.filename or 'the disk'}: {error.strerror}", _FULL if error.errno in _NO_ROOM else _READ_ONLY
    reason = _reason(error)
    if reason is None:
        return None
    return f"the database cannot be used: {reason}", next((fix for part, fix in _FIXES.items() if part in reason), _ELSE)


def _reason(error: BaseException) -> str | None:
    from sqlalchemy.exc import OperationalError

    if isinstance(error, Unavailable) and error.code == "DATABASE":
        return str(error.values.get("reason", error.code))
    if isinstance(error, OperationalError):
        return str(error.orig)
    return str(error) if isinstance(error, sqlite3.OperationalError) else None
