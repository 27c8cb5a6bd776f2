"""How much of a promised number the suite tries; `make numbers` tries all of it, with the same tests."""

from __future__ import annotations

import os

IN_FULL = "IN_FULL" in os.environ


def promised(number: int, *, in_suite: int) -> int:
    """Return what was promised when that is asked for, else what the suite has time for."""
    return number if IN_FULL else in_suite
