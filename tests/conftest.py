"""The order of the whole suite: files that take minutes begin first, so that no process is left alone with them at the end."""

from __future__ import annotations

from pathlib import Path

import pytest

LONG = ("demo", "kills", "process", "sim", "crash", "postgres")
HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Move the long folders to the front; within a folder the order stays."""
    items.sort(key=_turn)


def _turn(item: pytest.Item) -> int:
    folder = item.path.relative_to(HERE).parts[0] if item.path.is_relative_to(HERE) else ""
    return LONG.index(folder) if folder in LONG else len(LONG)
