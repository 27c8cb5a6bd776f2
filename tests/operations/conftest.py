"""The bench of the operations room."""

from __future__ import annotations

from tests.access.conftest import bench, empty

__all__ = ["bench", "empty"]
