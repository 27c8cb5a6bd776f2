"""A fresh, empty database on each backend."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.postgres.server import BACKENDS, server
from tests.storage.bench import url_of


@pytest.fixture(params=BACKENDS)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of a database without tables."""
    return server().empty() if request.param == "postgresql" else url_of(tmp_path / "desk.db")
