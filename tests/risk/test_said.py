"""What the checks say is what somebody has read."""

from __future__ import annotations

from services.domain.verdicts import CheckCode
from tests.risk.said import FILE, everything_said


def test_every_check_says_what_is_kept_of_it() -> None:
    said = FILE.read_text(encoding="utf-8")

    assert everything_said() == said, "read the difference that `python -m tests.risk.said` makes"
    assert all(f"\n{code.value} ok " in said and f"\n{code.value} NO " in said for code in CheckCode)
