"""Work in a forked child, which may die at any named point of the program; the parent gets the result or the death."""

from __future__ import annotations

import gc
import os
import traceback
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from typing import Any

from services.domain import crashpoints

KILLED = 137

Ask = Callable[[Any], Any]
"""Puts a question to the parent, which outlives the child, and returns its answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Died:
    """The child was killed at a point, at the time that its ``last_words`` tell, and gave no result."""

    code: int
    last_words: Any = None


def in_fork(work: Callable[[], Any]) -> Any:
    """Run ``work`` in a child and return its result, or Died; what it raised is raised here with the child's traceback."""
    return in_fork_on_line(lambda _ask: work(), _nothing_to_ask)


def in_fork_on_line(work: Callable[[Ask], Any], handle: Ask) -> Any:
    """Run ``work`` in a child that may ask its parent, where ``handle`` answers; return its result, or Died."""
    ours, theirs = Pipe()
    with warnings.catch_warnings():
        # Newer Pythons warn of threads at a fork; those of earlier tests are idle, and the child starts its own.
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        # Collecting would touch, and so copy, every page that the child shares with its parent.
        gc.disable()
        ours.close()
        _be_the_child(work, theirs)
    theirs.close()
    said, last_words = _listen(ours, handle)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if code == KILLED:
        return Died(code=code, last_words=last_words)
    if said is None:
        raise AssertionError(f"the child ended with {code} and without a word")
    failed, result = said
    if failed:
        raise AssertionError(f"the child failed:\n{result}")
    return result


def _nothing_to_ask(question: Any) -> Any:
    raise AssertionError(f"nobody answers {question!r}")


def _listen(line: Connection, handle: Ask) -> tuple[tuple[bool, Any] | None, Any]:
    said, last_words = None, None
    with line:
        while True:
            try:
                kind, content = line.recv()
            except EOFError:
                return said, last_words
            if kind == "ask":
                line.send(handle(content))
            elif kind == "last words":
                last_words = content
            else:
                said = content


def _be_the_child(work: Callable[[Ask], Any], line: Connection) -> None:
    def ask(question: Any) -> Any:
        line.send(("ask", question))
        return line.recv()

    global _last_line
    _last_line = line
    try:
        said = (False, work(ask))
    except BaseException:  # noqa: BLE001 - the child ends here, and the parent raises what went wrong
        said = (True, traceback.format_exc())
    line.send(("said", said))
    line.close()
    # No clean-up of the parent's test session in the child.
    os._exit(0)


_last_line: Connection | None = None


def die(last_words: Any = None) -> None:
    """End this child at once, with nothing flushed, closed or told to anybody but the rig."""
    if _last_line is not None:
        _last_line.send(("last words", last_words))
    os._exit(KILLED)


class Deathtrap:
    """Counts the named points that are reached, and kills the process at the ``at``-th or at a ``step`` of the loop; 0 is none.

    ``now`` tells the time for the last words; ``look`` is called at each point where the process goes on.
    """

    def __init__(self, at: int = 0, *, step: int = 0) -> None:
        self.reached: list[str] = []
        self.steps = 0
        self.now: Callable[[], Any] = lambda: None
        self.look: Callable[[str], None] | None = None
        self._at = at
        self._step = step
        self._armed = False

    def arm(self) -> None:
        """Start counting."""
        self._armed = True
        crashpoints.install(self._reach)

    def disarm(self) -> None:
        """Stop counting."""
        self._armed = False
        crashpoints.install(None)

    def _reach(self, name: str) -> None:
        self.reached.append(name)
        if len(self.reached) == self._at:
            die(self.now())
        if self.look is not None:
            self.look(name)

    def take_step(self) -> None:
        """Count a step of the loop."""
        if self._armed:
            self.steps += 1
            if self.steps == self._step:
                die(self.now())
