"""The desk of a measurement: the real program over a folder of its own, and what its two databases say afterwards."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from bench.chat import BAR_S, GROUP, MISSIONS_TOPIC, Chat
from bench.programs import Program, running, wait_for

READY_S = 90.0
LOG = Path("logs") / "sortie.log"

Settings = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """A desk that is ready; ``ready_s`` are the seconds from its start to its word that it is."""

    program: Program
    state: Path
    ready_s: float

    def rows(self, statement: str, *values: object) -> list[sqlite3.Row]:
        """Ask the desk's database."""
        return _rows(self.state / "sortie.db", statement, values)

    def venue_rows(self, statement: str, *values: object) -> list[sqlite3.Row]:
        """Ask the paper venue's database."""
        return _rows(self.state / "paper.db", statement, values)

    def count(self, statement: str, *values: object) -> int:
        """Return the single number that a query answers."""
        return int(self.rows(statement, *values)[0][0])


def settings_for(chat: Chat, folder: Path, traders: Sequence[int], more: Settings | None = None) -> dict[str, dict[str, Any]]:
    """Return a desk's settings: the sandbox as Telegram and market, these people as traders, the group for missions."""
    tree: dict[str, dict[str, Any]] = {
        "telegram": {"token": chat.token, "api_base": chat.url},
        "desk": {"state_dir": str(folder / "state")},
        "people": {"traders": list(traders)},
        "chats": {"missions": f"{GROUP}/{MISSIONS_TOPIC}"},
        "venues": {"binance": {"exchange": "binance", "base_url": f"{chat.url}/exchange"}},
        "market": {"timeframe": f"{BAR_S}s"},
    }
    for group, values in (more or {}).items():
        tree.setdefault(group, {}).update(values)
    return tree


@asynccontextmanager
async def desk(folder: Path, settings: Settings, *interpreter: str) -> AsyncIterator[Desk]:
    """Run `sortie run` until the block ends; ``interpreter`` are flags of Python itself."""
    file = _write_settings(folder, settings)
    state = folder / "state"
    log = state / LOG
    already = log.stat().st_size if log.exists() else 0
    async with running("desk", [*interpreter, "-m", "bot", "run"], folder, SORTIE_CONFIG=str(file)) as program:
        ready_at = await wait_for("the desk's readiness", lambda: _said_ready(log, already), program, READY_S)
        yield Desk(program=program, state=state, ready_s=ready_at - program.started_at)


def _write_settings(folder: Path, settings: Settings) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "sortie.toml"
    file.touch(mode=0o600)
    file.write_text(_toml(settings), encoding="utf-8")
    return file


def _said_ready(log: Path, after: int) -> float | None:
    if not log.exists():
        return None
    with log.open("rb") as lines:
        lines.seek(after)
        for line in lines:
            if b'"desk.ready"' in line and line.endswith(b"\n"):
                return datetime.fromisoformat(json.loads(line)["at"]).timestamp()
    return None


def _rows(path: Path, statement: str, values: Sequence[object]) -> list[sqlite3.Row]:
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=5)) as connection:
        connection.row_factory = sqlite3.Row
        return connection.execute(statement, values).fetchall()


def _toml(settings: Settings) -> str:
    """Write two levels of settings; the texts and numbers used here read the same in JSON and TOML."""
    lines: list[str] = []
    for group, values in settings.items():
        tables = {name: value for name, value in values.items() if isinstance(value, Mapping)}
        lines += [f"[{group}]", *(f"{name} = {json.dumps(value)}" for name, value in values.items() if name not in tables)]
        for name, table in tables.items():
            lines += [f"[{group}.{name}]", *(f"{key} = {json.dumps(value)}" for key, value in table.items())]
    return "\n".join(lines) + "\n"
