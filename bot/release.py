"""Which Sortie this is."""

from __future__ import annotations

import platform
import subprocess
from pathlib import Path

VERSION = "0.1.0"
ROOT = Path(__file__).resolve().parent.parent
GIT_LIMIT_S = 5


def describe() -> str:
    """Return version, commit in a git checkout, and Python, in one line."""
    found = commit()
    return f"sortie {VERSION}{f' ({found})' if found else ''}, Python {platform.python_version()}"


def commit() -> str | None:
    """Return the checkout's short commit, ``+`` behind it when files differ from it, or None outside of a checkout."""
    if not (ROOT / ".git").exists():
        return None
    try:
        found = subprocess.run(
            ["git", "-C", str(ROOT), "describe", "--always", "--dirty=+", "--exclude=*"],
            capture_output=True,
            text=True,
            timeout=GIT_LIMIT_S,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return found.stdout.strip() or None
