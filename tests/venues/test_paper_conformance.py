"""The paper venue passes the cards of every venue."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.venues.conformance_silence import SilenceConformance
from tests.venues.paper_bench import PaperBench, paper_bench


class TestPaperVenue(SilenceConformance):
    @pytest.fixture
    async def bench(self, tmp_path: Path) -> AsyncIterator[PaperBench]:
        async with paper_bench(tmp_path / "paper.db") as bench:
            yield bench
