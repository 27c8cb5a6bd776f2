"""The shape of the code: the table and the methods agree, and the state machine stays pure."""

from __future__ import annotations

import ast
from pathlib import Path

import sandbox
from sandbox.telegram import api
from sandbox.telegram.table import published

ROOT = Path(sandbox.__file__).parent
SKIN = {"door.py", "requests.py", "webhook.py"}
"""The files of sandbox/telegram that speak HTTP; all others are the state machine."""


def imports(path: Path) -> set[str]:
    """List the modules a file imports."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return found


def test_every_served_method_is_in_the_table_and_none_is_missing() -> None:
    assert set(api._HANDLERS) == set(published().methods)
    assert not set(published().unserved) & set(published().methods)


def test_table_names_its_origin() -> None:
    assert "Alex Root Junior" in (ROOT / "telegram" / "botapi.json").read_text("utf-8")


def test_sandbox_imports_nothing_of_the_desk() -> None:
    desk = {"bot", "handlers", "services", "config", "domain", "migrations", "templates"}
    for path in ROOT.rglob("*.py"):
        assert not {name.partition(".")[0] for name in imports(path)} & desk, path


def test_state_machine_has_no_clock_chance_or_event_loop_of_its_own() -> None:
    banned = {"time", "datetime", "random", "secrets", "uuid", "asyncio", "threading", "aiohttp", "os", "socket"}
    for path in (ROOT / "telegram").glob("*.py"):
        if path.name not in SKIN:
            assert not {name.partition(".")[0] for name in imports(path)} & banned, path
