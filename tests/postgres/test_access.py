"""People, roles, groups and choices once more, with the desk's database on PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from services.storage.database import Database
from tests.access import bench as benches
from tests.access.conftest import bench
from tests.access.test_chats import *  # noqa: F403 - the tests of that module are the tests of this one
from tests.access.test_choices import *  # noqa: F403
from tests.access.test_roles import *  # noqa: F403
from tests.access.test_seeding import *  # noqa: F403
from tests.access.test_start import *  # noqa: F403
from tests.postgres.server import Server

__all__ = ["bench"]


@pytest.fixture
def empty(tmp_path: Path, postgresql: Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[benches.AccessBench]:
    """A desk that nobody has, on the server."""
    url = postgresql.migrated()

    def database(_url: str, *ports: Any, **options: Any) -> Database:
        return Database(url, *ports, **options)

    monkeypatch.setattr(benches, "Database", database)
    made = benches.AccessBench(tmp_path)
    yield made
    asyncio.run(made.database.close())
