"""The committed reference pages are what the code says now."""

from __future__ import annotations

import pytest

from bot.reference import FOLDER, PAGES, page


@pytest.mark.parametrize("name", PAGES)
def test_page_is_current(name: str) -> None:
    assert (FOLDER / name).read_text(encoding="utf-8") == page(name), "run `make docs`"


def test_every_file_has_its_page() -> None:
    assert {file.name for file in FOLDER.glob("*.md")} == {name for name in PAGES if "/" not in name}
