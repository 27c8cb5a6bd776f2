"""Where a desk keeps what other processes look at, and the database as a shell command opens it."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import make_url
from sqlalchemy.exc import SQLAlchemyError

from services.domain.errors import Misconfigured, Unavailable
from services.domain.ports import Clock
from services.storage.database import Database

HALT_FILE = "HALT"
PAPER_FILE = "paper.db"


def halt_file(state_dir: Path) -> Path:
    """Return the file whose presence halts the desk, whatever its database says."""
    return state_dir / HALT_FILE


def halted_since(state_dir: Path) -> datetime | None:
    """Return when the halt file was written, or None when there is none."""
    try:
        return datetime.fromtimestamp(halt_file(state_dir).stat().st_mtime, UTC)
    except FileNotFoundError:
        return None


def paper_file(state_dir: Path) -> Path:
    """Return the paper venue's own book."""
    return state_dir / PAPER_FILE


def backup_folder(chosen: Path | None, state_dir: Path) -> Path:
    """Return where backups go: where the settings say, else beside the state."""
    return chosen or state_dir / "backups"


def log_files(state_dir: Path) -> list[Path]:
    """Return the log and what was rotated out of it."""
    return sorted((state_dir / "logs").glob("*.log*"))


def write_halt_file(state_dir: Path, *, by: str, reason: str, at: str, flatten: bool = False) -> Path:
    """Put the halt file there, on disk before this returns; raise OSError when even that fails.

    A desk that finds it cancels its entries, and sells its positions when ``flatten`` stands in it.
    """
    file = halt_file(state_dir)
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    wish = {"by": by, "reason": reason, "at": at, "cancel": True, "flatten": flatten}
    with file.open("w", encoding="utf-8") as paper:
        paper.write(json.dumps(wish, ensure_ascii=False) + "\n")
        paper.flush()
        os.fsync(paper.fileno())
    return file


class _Nobody:
    """A shell command waits for nothing; the desk's own polls find what it committed."""

    def wake(self, stage: str, about: str = "") -> None:
        """Let nobody know."""

    async def wait(self, stage: str, timeout_s: float) -> frozenset[str]:
        """Return at once."""
        return frozenset()


@asynccontextmanager
async def shell_database(url: str, clock: Clock, busy_timeout_s: float) -> AsyncIterator[Database]:
    """Open an existing desk's database beside whoever runs it.

    Raise Misconfigured rather than make an empty one, Unavailable when it cannot be used.
    """
    _require_file(url)
    database = Database(url, clock, _Nobody(), busy_timeout_s=busy_timeout_s, threads=False)
    try:
        yield database
    except SQLAlchemyError as error:
        cause = getattr(error, "orig", None) or error
        raise Unavailable("DATABASE", reason=str(cause)) from error
    finally:
        await database.close()


def _require_file(url: str) -> None:
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite" and not Path(str(parsed.database)).exists():
        raise Misconfigured("NO_DATABASE", file=parsed.database, fix="check desk.state_dir, or let `sortie run` make it")
