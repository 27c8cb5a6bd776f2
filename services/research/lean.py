"""Loads a library without what it would pull along: half of a short run's time is spent on imports."""

from __future__ import annotations

import sys
from importlib import import_module

_HIDDEN = ("pandas", "polars")


def load_talib() -> None:
    """Load TA-Lib without the libraries of data frames, which it imports where they are installed; nobody hands it a frame."""
    hidden = [name for name in _HIDDEN if name not in sys.modules]
    # None makes an import fail as if nothing were installed.
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type]
    try:
        import_module("talib")
    finally:
        for name in hidden:
            del sys.modules[name]
