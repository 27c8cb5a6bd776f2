"""Drills: what was tried on a desk that is not the real one, how it went, and what the real desk remembers of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class DrillKind(StrEnum):
    """What is drilled."""

    KILL = "kill"
    OUTAGE = "outage"
    RESTORE = "restore"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One thing that had to hold, whether it did, and what was measured."""

    what: str
    ok: bool
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DrillResult:
    """One drill as it went; ``figures`` are measurements by name, as people read them."""

    kind: DrillKind
    at: datetime
    took_s: float
    steps: tuple[Step, ...]
    figures: Mapping[str, str]

    @property
    def passed(self) -> bool:
        """Tell whether it came to its end and everything held."""
        return bool(self.steps) and all(step.ok for step in self.steps)

    @property
    def failed(self) -> tuple[str, ...]:
        """Return what did not hold."""
        return tuple(step.what for step in self.steps if not step.ok)


@dataclass(frozen=True, slots=True, kw_only=True)
class LastDrill:
    """What the desk remembers of the last drill of a kind; ``by`` is the journal's name of whoever ran it."""

    kind: DrillKind
    at: datetime
    passed: bool
    took_s: float
    failed: tuple[str, ...]
    figures: Mapping[str, str]
    by: str


class CutShort(Exception):
    """A step failed without which the rest of a drill says nothing."""


@dataclass(slots=True)
class Steps:
    """The steps of a running drill; each is told as it is taken."""

    tell: Callable[[Step], None]
    taken: list[Step] = field(default_factory=list)
    figures: dict[str, str] = field(default_factory=dict)

    def check(self, what: str, ok: bool, detail: str = "") -> bool:
        """Take a step; the drill goes on when it failed."""
        step = Step(what=what, ok=ok, detail=detail)
        self.taken.append(step)
        self.tell(step)
        return ok

    def need(self, what: str, ok: bool, detail: str = "") -> None:
        """Take a step that the rest stands on; raise CutShort when it failed."""
        if not self.check(what, ok, detail):
            raise CutShort(what)

    def measure(self, name: str, value: str) -> None:
        """Keep a figure."""
        self.figures[name] = value
