"""Numbers that people type."""

from __future__ import annotations

LONGEST_NUMBER = 9
"""As many digits as a mission's, a trade's or a question's number has at most."""


def typed_number(text: str, longest: int = LONGEST_NUMBER) -> int | None:
    """Return a number as somebody typed it, or None for anything else and for more digits than ``longest``.

    A superscript two is a digit to Python and no number to anybody.
    """
    return int(text) if text.isdecimal() and len(text) <= longest else None
