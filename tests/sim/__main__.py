"""Play seeds and print what they came to: ``python -m tests.sim --seeds 100``."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from bench.report import stamp
from tests.sim.campaign import Summary, look_for, play_all, repeats
from tests.sim.faults import POINTS
from tests.sim.twins import CONTROLS
from tests.sim.watch import RULES
from tests.sim.world import Plan

TWICE = 4
SHOWN = 3


def main(
    seeds: Annotated[int, typer.Option(help="How many seeds", min=1)] = 100,
    first: Annotated[int, typer.Option(help="The first seed")] = 0,
    minutes: Annotated[float, typer.Option(help="Simulated minutes of each", min=0.1)] = 10.0,
    workers: Annotated[int, typer.Option(help="Processes", min=1)] = 2,
    json_file: Annotated[Path | None, typer.Option("--json", help="Where the figures go as JSON")] = None,
    controls: Annotated[bool, typer.Option(help="Whether the broken twins are played too")] = True,
) -> None:
    """Play seeds, a few of them twice, and the broken twins; exit with 1 when a rule was broken or a twin was not seen."""
    console, summary, hashes = Console(), Summary(), dict[int, str]()
    plans = [Plan(seed=seed, minutes=minutes) for seed in range(first, first + seeds)]
    for report in play_all(plans, workers):
        summary.add(report)
        hashes[report.seed] = report.hash
        for rule, what in report.broken[:SHOWN]:
            console.print(f"seed {report.seed} breaks {rule}: {what}", markup=False, soft_wrap=True)
    summary.unsteady = repeats(plans[:TWICE], hashes, workers)
    if controls:
        summary.found = {name: look_for(name, workers) for name in CONTROLS}
    _print(console, summary)
    if json_file is not None:
        json_file.write_text(json.dumps(stamp("sim", ok=summary.holds) | summary.wire(), indent=2) + "\n", encoding="utf-8")
    raise typer.Exit(0 if summary.holds else 1)


def _print(console: Console, summary: Summary) -> None:
    console.print(
        _table(
            "Simulation",
            (
                ("seeds", summary.seeds),
                ("simulated minutes", f"{summary.minutes:,.0f}"),
                ("events", f"{sum(summary.events.values()):,}"),
                ("starts", summary.starts),
                ("restarts", summary.restarts),
                ("deaths", summary.deaths),
                ("trades", summary.trades),
                ("fills", summary.fills),
                ("seeds that did not repeat", len(summary.unsteady)),
            ),
        )
    )
    console.print(_table("Faults by point", ((point, summary.faults[point]) for point in POINTS)))
    console.print(f"points that never fired: {', '.join(summary.never_fired) or 'none'}", markup=False)
    console.print(_table("Violations", ((f"{rule}: {said}", summary.broken[rule]) for rule, said in RULES.items())))
    seen = ((name, f"seen within {tried} seeds" if tried else "NOT SEEN") for name, tried in summary.found.items())
    console.print(_table("Controls", seen))
    console.print("holds" if summary.holds else "does not hold")


def _table(title: str, rows: Iterable[tuple[str, object]]) -> Table:
    table = Table("", "", title=title, show_header=False)
    for name, value in rows:
        table.add_row(name, str(value))
    return table


if __name__ == "__main__":
    typer.run(main)
