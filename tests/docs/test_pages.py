"""What the pages name exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("docs/decisions/*.md")])
_PATH = re.compile(r"`((?:bot|handlers|services|sandbox|config|templates|migrations|tests|bench|deploy|docs)/[\w./-]*)`")
_LINK = re.compile(r"\]\((?!https?:|#)([^)#]+)")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_paths_and_links_of_a_page_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    paths = [ROOT / name for name in _PATH.findall(text)]
    links = [page.parent / link for link in _LINK.findall(text)]
    missing = [str(each.relative_to(ROOT)) for each in paths if not each.exists()]

    assert missing == []
    assert [str(each) for each in links if not each.exists()] == []


def test_there_are_pages() -> None:
    assert len(PAGES) > 5
