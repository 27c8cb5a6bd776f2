"""The page of the long runs says which run a figure is from, and takes nothing that is no run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.kills.soak import _quantile
from tests.kills.soak_page import render, write

KILLS = {
    "kind": "kills",
    "commit": "0123456789ab",
    "at": "2026-11-21T16:00:00+00:00",
    "seed": 5,
    "kills": 20,
    "ready_s": {"p50": 4.25, "p99": 9.0},
    "controls_not_seen": [],
    "ok": True,
}


def test_each_run_has_its_commit_date_verdict_and_figures() -> None:
    page = render([{**KILLS, "ok": False, "kind": "soak", "hours": 0.3}, KILLS])

    assert page.index("## Hours of load") < page.index("## `kill -9` under load")
    assert "Commit 0123456789ab, 2026-11-21 16:00 UTC, seed 5: everything held." in page
    assert "**something did not hold**" in page
    assert "| ready s: p50 | 4.25 |" in page and "| controls not seen | none |" in page and "| hours | 0.3 |" in page


@pytest.mark.parametrize("content", ["[]", '{"kind": "kills"}', '{"kind": "lunch", "commit": "1", "at": "2026", "ok": true}'])
def test_a_file_that_holds_no_run_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "run.json").write_text(content)

    with pytest.raises(ValueError, match="holds no run"):
        write([tmp_path / "run.json"], tmp_path / "page.md")


def test_a_kept_run_becomes_a_page(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text(json.dumps(KILLS))

    assert "| kills | 20 |" in write([tmp_path / "run.json"], tmp_path / "page.md").read_text()


def test_a_quantile_is_the_bound_that_so_many_calls_kept() -> None:
    counts = {0.01: 90.0, 0.1: 98.0, 1.0: 100.0, float("inf"): 100.0}

    assert (_quantile(counts, 0.5), _quantile(counts, 0.98), _quantile(counts, 0.99)) == (0.01, 0.1, 1.0)
