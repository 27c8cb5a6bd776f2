"""The report of the long runs: one page from the JSON that each program keeps, with commit, date and length of each run."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.programs import ROOT

PAGE = ROOT / "docs" / "soak.md"
TEXT = Path(__file__).with_name("soak.md")
TITLES = {
    "soak": "Hours of load",
    "kills": "`kill -9` under load",
    "crash": "Crashes at every point",
    "sim": "Simulated worlds",
}
# What a run says of itself; everything else that is a number or a word is a figure.
_ABOUT = ("kind", "commit", "at", "machine", "ok", "seed", "note")


def write(files: Sequence[Path], page: Path = PAGE) -> Path:
    """Write the page from the JSON of runs; raise ValueError for a file that holds none."""
    page.write_text(render([_read(file) for file in files]), encoding="utf-8")
    return page


def render(runs: Sequence[Mapping[str, Any]]) -> str:
    """Return the page."""
    kinds = list(TITLES)
    ordered = sorted(runs, key=lambda run: (kinds.index(run["kind"]), run["at"]))
    return TEXT.read_text(encoding="utf-8").format(runs="\n\n".join(_run(run) for run in ordered))


def _read(file: Path) -> Mapping[str, Any]:
    run = json.loads(file.read_text(encoding="utf-8"))
    if not isinstance(run, dict) or run.get("kind") not in TITLES or not {"commit", "at", "ok"} <= run.keys():
        raise ValueError(f"{file} holds no run: it needs kind ({', '.join(TITLES)}), commit, at and ok")
    return run


def _run(run: Mapping[str, Any]) -> str:
    about = f"Commit {run['commit']}, {run['at'][:16].replace('T', ' ')} UTC"
    if "machine" in run:
        about += f", {run['machine']}"
    if "seed" in run:
        about += f", seed {run['seed']}"
    verdict = "everything held" if run["ok"] else "**something did not hold**"
    note = f" {run['note']}" if "note" in run else ""
    rows = [f"| {name} | {value} |" for name, value in _figures(run)]
    return "\n".join(
        [f"## {TITLES[run['kind']]}", "", f"{about}: {verdict}.{note}", "", "| figure | value |", "| --- | ---: |", *rows]
    )


def _figures(values: Mapping[str, Any], before: str = "") -> Iterable[tuple[str, str]]:
    for name, value in values.items():
        words = f"{before}{name.replace('_', ' ')}"
        if not before and name in _ABOUT:
            continue
        if isinstance(value, dict):
            yield from _figures(value, f"{words}: ")
        elif isinstance(value, list):
            yield words, ", ".join(map(str, value)) or "none"
        else:
            yield words, f"{value:.4g}" if isinstance(value, float) else str(value)
