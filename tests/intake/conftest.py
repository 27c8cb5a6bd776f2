"""A desk that takes alerts, for each test its own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.intake.rig import IntakeRig, intake_at


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[IntakeRig]:
    async with intake_at(tmp_path) as found:
        yield found
