"""The process that runs one backtest: a job in, progress and the outcome out, at idle priority and bound in memory.

usage: python -m services.research.worker, with a job (see :mod:`services.research.job`) as one line on the standard input

It answers with lines of JSON: ``{"stage", "share"}`` while it works; at the end ``{"done": rows of the summary}``, or
``{"error": code, "values"}``. The report is in the job's folder by then. It ends by itself when nobody reads its answers.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from services.domain.errors import Refused, SortieError
from services.research.job import Job, job_from_json

if TYPE_CHECKING:
    from services.research.report import Report

REPORT, PAGE = "report.json", "report.html"
MIB = 1 << 20
HEARD_PARTS = 100


class Answers:
    """Writes answers; what a strategy prints goes elsewhere."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._last: tuple[str, int] | None = None

    def heard(self, stage: str, share: float) -> None:
        """Tell how far it is, at most a hundred times a stage."""
        now = (stage, int(share * HEARD_PARTS))
        if now != self._last:
            self._last = now
            self.write({"stage": stage, "share": round(share, 2)})

    def write(self, answer: Mapping[str, object]) -> None:
        """Write one line."""
        self._out.write(json.dumps(answer) + "\n")
        self._out.flush()


def main() -> int:
    """Run the job of the standard input; return 0 when there is a report."""
    answers = Answers(os.fdopen(os.dup(1), "w", encoding="utf-8"))
    os.dup2(2, 1)
    try:
        job = job_from_json(sys.stdin.readline())
        bound(job)
        answers.write({"done": run(job, answers)})
    except SortieError as error:
        answers.write({"error": error.code, "values": {name: str(value) for name, value in error.values.items()}})
        return 1
    except MemoryError:
        answers.write(
            {"error": "OUT_OF_MEMORY", "values": {"limit": f"{job.memory_mib} MiB", "fix": "fewer candles, or --memory"}}
        )
        return 1
    return 0


def run(job: Job, answers: Answers) -> list[tuple[str, str, str]]:
    """Run a job, write its report, and return the summary: name, value and note of each figure."""
    from services.research.lean import load_talib

    load_talib()
    from services.research.backtest import run_backtest
    from services.research.report import as_json

    report = run_backtest(job, answers.heard)
    answers.heard("report", 0.0)
    try:
        _write(job.folder / REPORT, json.dumps(as_json(report), allow_nan=False))
        if job.page:
            from services.research.page import render_page

            _write(job.folder / PAGE, render_page(report))
    except OSError as error:
        raise Refused("NOT_WRITTEN", folder=job.out, problem=error.strerror or type(error).__name__) from error
    return summary_of(report)


def summary_of(report: Report) -> list[tuple[str, str, str]]:
    """Return the figures as rows of a table."""
    from services.research.tiles import tiles_of

    return [(each.name, each.value, each.note) for each in tiles_of(report)]


def bound(job: Job) -> None:
    """Let everything else go first, and take no more memory than the job allows."""
    if job.idle:
        os.nice(19)
        if hasattr(os, "SCHED_IDLE"):
            os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    if sys.platform == "linux":
        import resource

        most = job.memory_mib * MIB
        resource.setrlimit(resource.RLIMIT_DATA, (most, most))


def _write(file: Path, text: str) -> None:
    """Replace a file as a whole."""
    fresh = file.with_suffix(f".{os.getpid()}.tmp")
    fresh.write_text(text, encoding="utf-8")
    fresh.replace(file)


if __name__ == "__main__":
    sys.exit(main())
