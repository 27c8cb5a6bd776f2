"""A desk's files for shell commands, and what they print."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from config.settings import Settings
from tests.access.bench import CountingIds
from tests.operations.story import FixedClock, Story, tell


@pytest.fixture(scope="session")
def told(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, datetime]:
    """The story's files and its end, lived once."""
    folder = tmp_path_factory.mktemp("story")
    return folder, tell(folder)


@pytest.fixture
def story(told: tuple[Path, datetime], tmp_path: Path) -> Iterator[Story]:
    """A copy to work on; its log is where the desk's is."""
    copied = Story(told[0], tmp_path, told[1])
    logs = tmp_path / "logs"
    logs.mkdir()
    copied.log = copied.log.rename(logs / "sortie.log")
    yield copied


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings whose desk lives in the test's folder."""
    return Settings(desk={"state_dir": tmp_path}, database={"busy_timeout_s": 0.2})  # type: ignore[arg-type]


@pytest.fixture
def clock(story: Story) -> FixedClock:
    """The moment after the story."""
    return FixedClock(story.now)


@pytest.fixture
def ids() -> CountingIds:
    """Ids that count."""
    return CountingIds()
