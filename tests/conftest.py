"""What holds for the whole suite: no example is timed, files that take minutes begin first, and what is loaded stays.

Otherwise one process would be left alone with them at the end.
"""

from __future__ import annotations

import gc
import logging
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from hypothesis import HealthCheck, settings

from bot.loading import nothing_collected

# How long an example takes says something about the machine and its other work, and nothing about the desk.
settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")

# Pytest's own copies of log lines took a third of a conversation's time, and nothing reads them; nor are they for the terminal.
logging.getLogger().addHandler(logging.NullHandler())
structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))

LONG = ("demo", "kills", "process", "sim", "crash", "postgres")
HERE = Path(__file__).parent
MEMORY, ENOUGH_BYTES = Path("/dev/shm"), 2 * 2**30


def keep_files_in_memory() -> None:
    """Let what tests write lie in memory where there is plenty and programs may start from it.

    A desk waits for the disk at each commit, and no test cuts the power.
    """
    if "TMPDIR" in os.environ or not MEMORY.is_dir() or os.statvfs(MEMORY).f_flag & os.ST_NOEXEC:
        return
    if os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free >= ENOUGH_BYTES:
        # The processes that tests start go by the environment, this one asked long ago.
        os.environ["TMPDIR"] = tempfile.tempdir = str(MEMORY)


keep_files_in_memory()


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """Load everything without collecting, and let no later collection look at it."""
    with nothing_collected():
        yield
    gc.collect()
    gc.freeze()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Move the long folders to the front; within a folder the order stays."""
    items.sort(key=_turn)


def _turn(item: pytest.Item) -> int:
    folder = item.path.relative_to(HERE).parts[0] if item.path.is_relative_to(HERE) else ""
    return LONG.index(folder) if folder in LONG else len(LONG)
