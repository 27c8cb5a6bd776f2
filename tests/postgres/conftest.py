"""Every desk that a test here opens has its database on PostgreSQL instead of beside its other files."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from config.settings import Settings
from tests.postgres.server import Server, server


@pytest.fixture
def postgresql() -> Server:
    """The server."""
    return server()


@pytest.fixture(autouse=True)
def on_postgresql(monkeypatch: pytest.MonkeyPatch) -> dict[Path, str]:
    """Give each state folder a database of the server, the same whenever it is opened again; return them as they come."""
    place, made = server(), dict[Path, str]()

    def url(settings: Settings) -> str:
        folder = settings.desk.state_dir.absolute()
        if folder not in made:
            made[folder] = place.migrated()
        return made[folder]

    monkeypatch.setattr(Settings, "database_url", property(url))
    return made


@pytest.fixture
def short_folder() -> Iterator[Path]:
    """A folder whose name leaves room for a socket's."""
    with tempfile.TemporaryDirectory(prefix="pg-") as folder:
        yield Path(folder)
