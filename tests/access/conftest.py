"""The bench of the people's rooms."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.domain.people import Role
from tests.access.bench import ANN, CARL, CORA, OLGA, AccessBench


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[AccessBench]:
    """A desk that nobody has."""
    bench = AccessBench(tmp_path)
    yield bench
    asyncio.run(bench.database.close())


@pytest.fixture
def bench(empty: AccessBench) -> AccessBench:
    """A desk with two commanders, a trader and an observer."""
    for person_id, role, name in (
        (CARL, Role.COMMANDER, "Carl"),
        (CORA, Role.COMMANDER, "Cora"),
        (ANN, Role.TRADER, "Ann"),
        (OLGA, Role.OBSERVER, "Olga"),
    ):
        empty.add(person_id, role, name)
    return empty
