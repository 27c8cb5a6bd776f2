"""What other parts of the desk say of an entry: each a port, each with an end to what it says."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from services.domain.signals import Signal


class InputName(StrEnum):
    """The inputs, by their keys in the settings."""

    NEWS = "news"
    VITALITY = "vitality"
    CALIBRATION = "calibration"


@dataclass(frozen=True, slots=True, kw_only=True)
class InputAnswer:
    """Whether an entry may be made, in a few words why, and until when that is worth anything.

    ``frees_at`` is when a no ends by itself, where that is known.
    """

    passed: bool
    said: str
    until: datetime
    frees_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class InputState:
    """One input as the gate gets it; ``answer`` is None where there is no data."""

    required: bool
    answer: InputAnswer | None


class EntryInput(Protocol):
    """A part that has something to say of an entry."""

    def about(self, signal: Signal, now: datetime) -> InputAnswer | None:
        """Return what it says of an entry on this signal, or None without data."""
        ...
