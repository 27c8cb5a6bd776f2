"""Named points at which a test may kill the process; they do nothing otherwise."""

from __future__ import annotations

from collections.abc import Callable

_hook: Callable[[str], None] | None = None


def reach(name: str) -> None:
    """Tell an installed hook that this point was reached."""
    if _hook is not None:
        _hook(name)


def install(hook: Callable[[str], None] | None) -> None:
    """Install a hook for all points, or remove it with None."""
    global _hook
    _hook = hook
