"""What can be died through: one shape for the desk at a chat, the desk without one, and the desk at a spot exchange."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

from tests.crash.forking import Ask, Deathtrap
from tests.crash.verdict import Problem


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What was found after a recovery, the points that it passed, the steps of its loop, and how it ended, in a word."""

    problems: tuple[Problem, ...]
    reached: tuple[str, ...]
    end: str


class Subject(Protocol):
    """Something that is prepared once and then, on copies of its folder, acted and recovered again and again.

    ``handle`` and ``state`` are those of what outlives the desk, in the process that prepared.
    """

    name: str

    def prepare(self, folder: Path) -> None:
        """Lead to the moment before the act, in a fresh folder."""
        ...

    def act(self, folder: Path, trap: Deathtrap, ask: Ask) -> None:
        """Carry out the act with the trap set."""
        ...

    def recover(self, folder: Path, trap: Deathtrap, ask: Ask, died: Any, deaths: int) -> Outcome:
        """Start again after a death with these last words, come to rest, and judge; the trap may kill this start too."""
        ...

    def handle(self, request: Any) -> Any:
        """Answer the desk."""
        ...

    def state(self) -> str:
        """Return what of it the desk could meet again."""
        ...


def later(died: object, otherwise: datetime, seconds: float) -> datetime:
    """Return when a desk is back that died at the time of its last words, or ended in peace at another."""
    return (died if isinstance(died, datetime) else otherwise) + timedelta(seconds=seconds)
