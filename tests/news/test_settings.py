"""Settings of news that cannot be meant stop the start, and what judges entries is in the settings' fingerprint."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from config.settings import Settings

WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "both": ({"calendar": {"file": "a.json", "url": "https://a.example/"}}, "either `file` or `url`"),
    "file for a url": ({"calendar": {"url": "file:///etc/passwd"}}, "not an http or https address"),
    "password in it": ({"news": {"feeds": {"a": "https://me@a.example/rss"}}}, "without a name and password"),
    "no host": ({"news": {"feeds": {"a": "https:///rss"}}}, "not an http or https address"),
    "name of a feed": ({"news": {"feeds": {"A Feed": "https://a.example/rss"}}}, "a feed's name has at most 24"),
    "importance": ({"calendar": {"blackouts": [{"importance": "huge"}]}}, "'low', 'medium' or 'high'"),
    "before": ({"calendar": {"blackouts": [{"before_min": -1}]}}, "greater than or equal to 0"),
    "unknown": ({"calendar": {"blackout": []}}, "Extra inputs are not permitted"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_cannot_be_meant_is_refused(name: str) -> None:
    groups, said = WRONG[name]

    with pytest.raises(ValidationError, match=said):
        Settings(**groups)


def test_what_judges_entries_counts_in_the_fingerprint_and_where_it_comes_from_does_not() -> None:
    plain = Settings().fingerprint

    assert Settings(calendar={"file": "a.json", "every_s": 5}).fingerprint == plain
    assert Settings(news={"feeds": {"a": "https://a.example/rss"}}).fingerprint == plain
    assert Settings(calendar={"blackouts": [{"before_min": 31}]}).fingerprint != plain
    assert Settings(calendar={"max_age_s": 5}).fingerprint != plain
