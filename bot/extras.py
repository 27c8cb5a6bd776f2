"""What only some desks need is installed when it is first used: today the PostgreSQL driver."""

from __future__ import annotations

import importlib
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import typer

from bot.release import ROOT

DRIVER = "asyncpg"
SET = "postgres"


def ensure_driver(url: str, *, root: Path = ROOT, prefix: Path = Path(sys.prefix)) -> bool:
    """Install the driver that a database's address needs; tell whether that was tried.

    It is done only in the environment that a checkout made for itself, from its lock file. Elsewhere the first use says
    what is missing.
    """
    script = root / "deploy" / "environment.py"
    if url.startswith("sqlite") or find_spec(DRIVER) is not None or not script.exists():
        return False
    if prefix.resolve() != (root / ".venv").resolve():
        return False
    typer.echo("database.url names PostgreSQL: its driver is installed now, once", err=True)
    # Whether it worked shows at the first connection.
    subprocess.run([sys.executable, str(script), SET], check=False)
    importlib.invalidate_caches()
    return True
