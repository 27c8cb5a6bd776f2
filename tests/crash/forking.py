"""Work in a forked child, which may die at any named point of the program; the parent gets the result or the death."""

from __future__ import annotations

import gc
import os
import pickle
import traceback
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from services.domain import crashpoints

KILLED = 137


@dataclass(frozen=True, slots=True, kw_only=True)
class Died:
    """The child was killed at a point and gave no result."""

    code: int


def in_fork(work: Callable[[], Any]) -> Any:
    """Run ``work`` in a child and return its result, or Died; what it raised is raised here with the child's traceback."""
    reading, writing = os.pipe()
    with warnings.catch_warnings():
        # Newer Pythons warn of threads at a fork; those of earlier tests are idle, and the child starts its own.
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        # Collecting would touch, and so copy, every page that the child shares with its parent.
        gc.disable()
        os.close(reading)
        _be_the_child(work, writing)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        said = pipe.read()
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if code == KILLED:
        return Died(code=code)
    failed, result = pickle.loads(said)
    if failed:
        raise AssertionError(f"the child failed:\n{result}")
    return result


def _be_the_child(work: Callable[[], Any], writing: int) -> None:
    try:
        said = pickle.dumps((False, work()))
    except BaseException:  # noqa: BLE001 - the child ends here, and the parent raises what went wrong
        said = pickle.dumps((True, traceback.format_exc()))
    with os.fdopen(writing, "wb") as pipe:
        pipe.write(said)
    # No clean-up of the parent's test session in the child.
    os._exit(0)


class Deathtrap:
    """Counts the named points that are reached, and kills the process at the ``at``-th; 0 only counts."""

    def __init__(self, at: int = 0) -> None:
        self.reached: list[str] = []
        self._at = at

    def arm(self) -> None:
        """Start counting."""
        crashpoints.install(self._reach)

    def disarm(self) -> None:
        """Stop counting."""
        crashpoints.install(None)

    def _reach(self, name: str) -> None:
        self.reached.append(name)
        if len(self.reached) == self._at:
            os._exit(KILLED)
