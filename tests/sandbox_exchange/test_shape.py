"""The shape of the exchange: its state machine has no clock, chance, event loop or wire of its own."""

import ast
from pathlib import Path

import sandbox.exchange

ROOT = Path(sandbox.exchange.__file__).parent
SKIN = {
    *("__main__.py", "arguments.py", "web.py", "door.py", "failing.py", "delivery.py", "pump.py", "control.py"),
    *("control_accounts.py", "ws_api.py", "ws_market.py", "ws_wire.py", "keys.py", "account_store.py", "state.py"),
}
"""The files that speak HTTP, run in the event loop, keep files or make up keys; all others are the state machine."""
BANNED = {"aiohttp", "asyncio", "os", "secrets", "socket", "sqlite3", "threading", "time", "uuid"}


def imports(path: Path) -> set[str]:
    """List the packages that a file imports."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return {name.partition(".")[0] for name in found}


def test_the_state_machine_is_pure() -> None:
    files = {path.name: imports(path) for path in ROOT.glob("*.py")}

    assert set(files) >= SKIN
    assert {name: found & BANNED for name, found in files.items() if name not in SKIN and found & BANNED} == {}
