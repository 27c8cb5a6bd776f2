"""What the tests of the paper venue stand on."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.venues.paper_bench import PaperBench, paper_bench


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[PaperBench]:
    async with paper_bench(tmp_path / "paper.db") as bench:
        yield bench
