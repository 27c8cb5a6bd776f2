"""The tests that the page of the gate names are there."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "gate.md").read_text(encoding="utf-8")


def test_every_test_that_the_page_names_exists() -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", PAGE)
    missing = [
        f"{file}::{name}"
        for file, name in named
        if not re.search(rf"def {name}\b" if name else "", (ROOT / file).read_text(encoding="utf-8"))
    ]

    assert len(named) > 30
    assert missing == []
