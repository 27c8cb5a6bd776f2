"""Measure: `python -m bench --help` lists the flags."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import tempfile
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from bench import backtest, books, broadcast, command_line, exchange, gate, halting, report, scan, start, under_load
from bench.figures import Details, Figure, Measured
from bench.plan import FULL, QUICK, Plan
from bench.programs import BenchError

Bench = Callable[[Plan, Path], Awaitable[Measured]]
BENCHES: Mapping[str, Bench] = {
    "help": lambda plan, _: command_line.measure(plan),
    "start": start.measure,
    "load": under_load.measure,
    "broadcast": broadcast.measure,
    "exchange": exchange.measure,
    "books": books.measure,
    "gate": gate.measure,
    "halt": halting.measure,
    "scan": scan.measure,
    "backtest": backtest.measure,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benches and return 0, 1 when a figure misses its target, 2 when one could not be measured."""
    args = _parser().parse_args(arguments)
    console = Console(width=None if sys.stdout.isatty() else 140)
    load = os.getloadavg()[0]
    at = datetime.now(UTC)
    names = args.benches or list(BENCHES)
    try:
        measured = asyncio.run(_measure(console, names, QUICK if args.quick else FULL))
    except BenchError as error:
        console.print(f"not measured: {error}", style="red", markup=False)
        return 2
    figures: list[Figure] = [figure for each in measured.values() for figure in each.figures]
    details: dict[str, Details] = {name: each.details for name, each in measured.items()}
    run = report.Run(
        commit=report.commit_of_source(), at=at, machine=report.machine(), load_before=load, figures=figures, details=details
    )
    console.print(report.table(run))
    console.print(f"kept in {report.write_json(run)}", soft_wrap=True)
    if args.write_docs:
        console.print(f"written: {report.write_page(run)}", soft_wrap=True)
    return 1 if run.missed else 0


async def _measure(console: Console, names: Sequence[str], plan: Plan) -> dict[str, Measured]:
    measured = {}
    for name in names:
        with tempfile.TemporaryDirectory(prefix="sortie-bench-") as folder, console.status(f"measuring {name}"):
            measured[name] = await BENCHES[name](plan, Path(folder))
    return measured


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure speed and memory, each beside its floor.")
    known = ", ".join(BENCHES)
    parser.add_argument("benches", nargs="*", metavar="BENCH", choices=[*BENCHES, []], help=f"any of {known} (default: all)")
    parser.add_argument("--quick", action="store_true", help="a few of everything: shows that it works, measures nothing well")
    parser.add_argument("--write-docs", action="store_true", help="write docs/bench.md from this run")
    return parser


if __name__ == "__main__":
    sys.exit(main())
