"""The desk's database and paper book, read beside the running desk: no lock is taken, nothing is written."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Engine, create_engine, event, exc
from sqlalchemy.engine import Connection
from sqlalchemy.pool import NullPool

from services.storage import terminals
from services.storage.counters import get_fact
from services.storage.database import Unit

T = TypeVar("T")
READY = "desk.ready"
_BUSY_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """What the desk notes when it is ready: its process and the time."""

    pid: int
    at: datetime


def open_read_only(file: Path) -> sqlite3.Connection:
    """Open an SQLite file for reading alone; raise sqlite3.OperationalError when there is none."""
    address = f"{file.absolute().as_uri()}?mode=ro"
    return sqlite3.connect(address, uri=True, timeout=_BUSY_S, isolation_level=None, check_same_thread=False)


class DeskReading:
    """Reads of the desk's database, each one snapshot; None while there is no database or no schema yet."""

    def __init__(self, state: Path) -> None:
        self.state = state
        self.database = state / "sortie.db"
        self._engine = _engine(self.database)

    def read(self, body: Callable[[Unit], T]) -> T | None:
        """Run ``body`` over a snapshot."""
        try:
            with self._engine.connect() as connection:
                return body(Unit(connection, datetime.now(UTC)))
        except exc.OperationalError:
            return None

    def ready(self) -> Ready | None:
        """Return what the desk noted when it was ready, None before and after."""
        text = self.read(lambda unit: get_fact(unit, READY))
        if not text:
            return None
        noted = json.loads(text)
        return Ready(pid=int(noted["pid"]), at=datetime.fromisoformat(noted["at"]))

    def terminal_names(self) -> dict[str, str]:
        """Return what the desk calls its terminals, by account."""
        return self.read(lambda unit: {each.id: each.name for each in terminals.everything(unit)}) or {}


def last_problem(state: Path) -> str:
    """Return the last error in the desk's log as one line, or an empty text."""
    try:
        lines = (state / "logs" / "sortie.log").read_text(encoding="utf-8", errors="replace").splitlines()[-200:]
    except OSError:
        return ""
    for line in reversed(lines):
        try:
            said = json.loads(line)
        except ValueError:
            continue
        if said.get("level") in ("error", "critical"):
            trace = str(said.get("exception") or said.get("error") or "").strip()
            return f"{said.get('event', '')}: {trace.splitlines()[-1]}" if trace else str(said.get("event", ""))
    return ""


def _engine(file: Path) -> Engine:
    engine = create_engine("sqlite://", creator=lambda: open_read_only(file), poolclass=NullPool)

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN")

    return engine
