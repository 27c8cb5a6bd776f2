"""The benches of the operations room."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from tests.access.conftest import bench, empty
from tests.operations.story import Story, tell

__all__ = ["bench", "empty"]


@pytest.fixture(scope="session")
def told(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, datetime]:
    """The story's files and its end, lived once."""
    folder = tmp_path_factory.mktemp("story")
    return folder, tell(folder)


@pytest.fixture
def story(told: tuple[Path, datetime], tmp_path: Path) -> Story:
    """A copy to falsify."""
    return Story(told[0], tmp_path, told[1])
