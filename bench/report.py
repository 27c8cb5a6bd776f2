"""A run as a table on the screen, as JSON and as a page of the documentation."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from rich.table import Table

from bench.figures import Details, Figure
from bench.programs import ROOT

JSON_FOLDER = ROOT / "var" / "bench"
PAGE = ROOT / "docs" / "bench.md"
TEXT = Path(__file__).with_name("page.md")
HEADINGS = ("figure", "value", "floor", "ratio", "target", "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run: what was measured, of which source, where and when."""

    commit: str
    at: datetime
    machine: str
    load_before: float
    figures: Sequence[Figure]
    details: Mapping[str, Details]

    @property
    def missed(self) -> list[Figure]:
        """Return the figures that do not reach their target."""
        return [figure for figure in self.figures if figure.met is False]


def commit_of_source() -> str:
    """Return the commit that is checked out, with a mark when tracked files differ from it."""
    head = _git("rev-parse", "--short=12", "HEAD")
    return f"{head} with changes" if _git("status", "--porcelain", "--untracked-files=no") else head


def machine() -> str:
    """Return what the run was made on."""
    python = platform.python_version()
    return f"{os.cpu_count()} cores ({_processor()}), {_memory_gib():.0f} GiB, {platform.system()}, Python {python}"


def stamp(kind: str, *, ok: bool) -> dict[str, object]:
    """Return what a kept run says of itself: its kind, of which source, when, on what machine, and whether all held."""
    at = datetime.now(UTC).isoformat(timespec="seconds")
    return {"kind": kind, "commit": commit_of_source(), "at": at, "machine": machine(), "ok": ok}


def table(run: Run) -> Table:
    """Return the table for the screen."""
    shown = Table(title=f"Sortie {run.commit}, {run.at:%Y-%m-%d %H:%M} UTC", caption=run.machine)
    for heading in HEADINGS:
        shown.add_column(heading, justify="left" if heading in ("figure", "target", "") else "right")
    for figure in run.figures:
        shown.add_row(*_cells(figure))
    return shown


def write_json(run: Run) -> Path:
    """Keep a run with all its details and return the file."""
    JSON_FOLDER.mkdir(parents=True, exist_ok=True)
    file = JSON_FOLDER / f"{run.at:%Y%m%dT%H%M%SZ}.json"
    figures = [asdict(figure) | {"ratio": figure.ratio, "met": figure.met} for figure in run.figures]
    content = {
        "commit": run.commit,
        "at": run.at.isoformat(),
        "machine": run.machine,
        "load_before": run.load_before,
        "figures": figures,
        "details": run.details,
    }
    file.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return file


def write_page(run: Run) -> Path:
    """Write the documentation's page of the newest figures and return it."""
    PAGE.write_text(page(run), encoding="utf-8")
    return PAGE


def page(run: Run) -> str:
    """Return the page of the documentation."""
    rows = [f"| {' | '.join(HEADINGS)} |", "| --- | ---: | ---: | ---: | --- | --- |"]
    rows += [f"| {' | '.join(_cells(figure))} |" for figure in run.figures]
    return TEXT.read_text(encoding="utf-8").format(
        rows="\n".join(rows), commit=run.commit, at=f"{run.at:%Y-%m-%d %H:%M} UTC", machine=run.machine, load=run.load_before
    )


def _cells(figure: Figure) -> list[str]:
    floor = "" if figure.floor is None else f"{_number(figure.floor, figure.unit)} ({figure.floor_is})"
    ratio = "" if figure.ratio is None else f"{figure.ratio:.2f}"
    verdict = {True: "met", False: "missed", None: "reported"}[figure.met]
    return [figure.name, _number(figure.value, figure.unit), floor, ratio, str(figure.target or ""), verdict]


def _number(value: float, unit: str) -> str:
    digits = 0 if value == int(value) else 3 if value < 1 else 2 if value < 10 else 1
    return f"{value:.{digits}f} {unit}"


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.strip() or ("" if done.returncode == 0 else "unknown")


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        name, _, value = line.partition(":")
        if name.strip() == "model name":
            return value.strip()
    return platform.machine()


def _memory_gib() -> float:
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
