"""What only some desks need is installed when it is first used: a database's driver, a second channel, backtests, news."""

from __future__ import annotations

import importlib
import subprocess
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import typer

from bot.release import ROOT


@dataclass(frozen=True, slots=True, kw_only=True)
class Extra:
    """A package, the locked set that brings it, and what is said when it is installed."""

    package: str
    name: str
    said: str


DRIVER = Extra(package="asyncpg", name="postgres", said="database.url names PostgreSQL: its driver is installed now, once")
CHANNELS = Extra(
    package="apprise", name="alerts", said="alerts have a second channel: what speaks to it is installed now, once"
)
RESEARCH = Extra(package="numba", name="research", said="candle store and backtests: what computes them is installed now, once")
NEWS = Extra(package="feedparser", name="news", said="news.feeds names feeds: what reads them is installed now, once")


def ensure(extra: Extra, *, root: Path = ROOT, prefix: Path = Path(sys.prefix)) -> bool:
    """Install what the settings ask for; tell whether that was tried.

    It is done only in the environment that a checkout made for itself, from its lock file. Elsewhere the first use says
    what is missing.
    """
    script = root / "deploy" / "environment.py"
    if find_spec(extra.package) is not None or not script.exists():
        return False
    if prefix.resolve() != (root / ".venv").resolve():
        return False
    typer.echo(extra.said, err=True)
    # Whether it worked shows at the first use.
    subprocess.run([sys.executable, str(script), extra.name], check=False)
    importlib.invalidate_caches()
    return True
