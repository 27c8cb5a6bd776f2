"""The ccxt venue passes the cards of every venue, at the sandbox's exchange."""

from collections.abc import AsyncIterator

import pytest

from tests.venues.conformance_silence import SilenceConformance
from tests.venues.sandbox_bench import SandboxBench, sandbox_bench


class TestCcxtVenue(SilenceConformance):
    @pytest.fixture
    async def bench(self) -> AsyncIterator[SandboxBench]:
        async with sandbox_bench() as bench:
            yield bench
