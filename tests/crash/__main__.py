"""``python -m tests.crash``: die through every scenario, at every point, and show that broken desks are found out."""

from __future__ import annotations

import json
import logging
import os
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import chain
from multiprocessing import get_context
from pathlib import Path
from typing import Annotated

import structlog
import typer
from rich.console import Console
from rich.table import Table

from bench.report import stamp
from tests.crash.campaign import Plan, Tally, die_through
from tests.crash.controls import CONTROLS, caught
from tests.crash.everything import EVERYTHING
from tests.crash.verdict import INVARIANTS

MEMORY = Path("/dev/shm")
SHOWN = 20
PARTS = 2
# A step of the loop is drawn this often in each scenario for each seed.
BETWEEN_A_SEED = 2
PAIRS_A_SEED = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One part of one scenario."""

    name: str
    plan: Plan


def die(job: Job) -> Tally:
    """Do one job in a folder in memory, where the system has one: a killed process loses nothing of it, as with a disk."""
    with _folder() as folder:
        return die_through(Path(folder), EVERYTHING[job.name], job.plan)


def show_control(number: int) -> tuple[str, bool, str]:
    """Return a control's name, whether its break was found by its sign, and by what."""
    with _folder() as folder:
        return (CONTROLS[number].name, *caught(CONTROLS[number], Path(folder)))


def jobs(names: list[str], seeds: int, *, pairs: bool, points: int | None = None) -> Iterator[Job]:
    """Return the work: every point once, or so many drawn ones; for each seed steps of the loop and second deaths, drawn."""
    for name in names:
        for part in range(PARTS if points is None else 0):
            yield Job(name=name, plan=Plan(pairs=pairs, part=part, parts=PARTS))
        drawn = Plan(
            points=points or 0, between=BETWEEN_A_SEED * seeds, second=0 if pairs else PAIRS_A_SEED * seeds, seed=seeds
        )
        yield Job(name=name, plan=drawn)


def main(
    seeds: Annotated[int, typer.Option(help="Draws of other steps to die at, and of second deaths.")] = 1,
    scenario: Annotated[str, typer.Option(help="Only scenarios whose name holds this.")] = "",
    pairs: Annotated[bool, typer.Option(help="Die at every point of every recovery, too.")] = False,
    points: Annotated[
        int | None, typer.Option(help="Only so many points of each scenario, drawn; all by default.", min=1)
    ] = None,
    processes: Annotated[int, typer.Option(help="How many at once.")] = os.cpu_count() or 1,
    into: Annotated[Path | None, typer.Option("--json", help="Write the figures there.")] = None,
) -> None:
    """Print points, runs, deaths and violations for each scenario; exit 1 on any violation, or when a control is not caught."""
    _be_quiet()
    names = [name for name in EVERYTHING if scenario in name]
    if not names:
        raise typer.BadParameter(f"no scenario's name holds {scenario!r}; there are: {', '.join(EVERYTHING)}")
    began, tallies = time.monotonic(), {name: Tally(name=name) for name in names}
    with ProcessPoolExecutor(processes, mp_context=get_context("fork"), initializer=_be_quiet) as pool:
        controls = [pool.submit(show_control, number) for number in range(len(CONTROLS))]
        for tally in pool.map(die, jobs(names, seeds, pairs=pairs, points=points)):
            tallies[tally.name].add(tally)
        shown = [control.result() for control in controls]
    seconds = time.monotonic() - began
    console = Console(width=150)
    _print(console, list(tallies.values()), shown, seeds, seconds)
    ok = not any(tally.problems for tally in tallies.values()) and all(found for _, found, _ in shown)
    if into is not None:
        figures = _figures(list(tallies.values()), shown, seeds, pairs, seconds)
        into.write_text(json.dumps(stamp("crash", ok=ok) | figures, indent=2) + "\n")
    if not ok:
        raise typer.Exit(1)


def _print(console: Console, tallies: list[Tally], shown: list[tuple[str, bool, str]], seeds: int, seconds: float) -> None:
    table = Table("scenario", *(name for name, _ in _COLUMNS), title=f"crash: {seeds} seeds, {seconds:.0f} s")
    for tally in tallies:
        table.add_row(tally.name, *(str(figure(tally)) for _, figure in _COLUMNS))
    table.add_section()
    table.add_row("all", *(str(sum(figure(tally) for tally in tallies)) for _, figure in _COLUMNS))
    console.print(table)
    broken = violations(tallies)
    held = Table("invariant", "violations")
    for name in INVARIANTS:
        held.add_row(name, str(broken[name]))
    console.print(held)
    seen = Table("control", "result", "seen by")
    for name, found, by in shown:
        seen.add_row(name, "failed as it must" if found else "NOT CAUGHT", by[:100])
    console.print(seen)
    for problem in list(chain.from_iterable(tally.problems for tally in tallies))[:SHOWN]:
        console.print(problem, markup=False, highlight=False)


_COLUMNS: tuple[tuple[str, Callable[[Tally], int]], ...] = (
    ("points", lambda tally: tally.points),
    ("runs", lambda tally: tally.runs),
    ("deaths", lambda tally: tally.deaths),
    ("second deaths", lambda tally: tally.second_deaths),
    ("between points", lambda tally: tally.between),
    ("left alike", lambda tally: tally.alike),
    ("violations", lambda tally: len(tally.problems)),
)


def violations(tallies: list[Tally]) -> Counter[str]:
    """Count what does not hold, by invariant."""
    return Counter(what for tally in tallies for each in tally.found for what, _ in each.problems)


def _figures(
    tallies: list[Tally], shown: list[tuple[str, bool, str]], seeds: int, pairs: bool, seconds: float
) -> dict[str, object]:
    broken = violations(tallies)
    return {
        "seeds": seeds,
        "pairs": pairs,
        "seconds": round(seconds, 1),
        "scenarios": {tally.name: {name: figure(tally) for name, figure in _COLUMNS} for tally in tallies},
        "violations": {name: broken[name] for name in INVARIANTS},
        "problems": [problem for tally in tallies for problem in tally.problems],
        "controls": [{"name": name, "caught": found, "by": by} for name, found, by in shown],
    }


def _folder() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None)


def _be_quiet() -> None:
    """Keep the desks without a log file of their own from telling everything on the terminal."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))


if __name__ == "__main__":
    typer.run(main)
