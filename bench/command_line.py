"""How long `sortie --help` takes, the whole process, beside Python alone and beside Python with the libraries it draws with."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import Sequence

from bench.figures import Figure, Measured, Target, middle, spread
from bench.plan import Plan
from bench.programs import ROOT, BenchError, environment

MOST_S = 0.3
COMMANDS = {
    "help": ["-m", "bot", "--help"],
    "python": ["-c", "pass"],
    "libraries": ["-c", "import typer, rich"],
}


async def measure(plan: Plan) -> Measured:
    """Run the three commands in turns, each as often as the plan says."""
    samples: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for turn in range(plan.help_runs + 1):
        for name, command in COMMANDS.items():
            seconds = await asyncio.to_thread(_seconds, command)
            # The first turn reads files from the disk and writes compiled code.
            if turn:
                samples[name].append(seconds)
    figure = Figure(
        name="`sortie --help`, whole process",
        value=middle(samples["help"]),
        unit="s",
        floor=middle(samples["libraries"]),
        floor_is="`import typer, rich`",
        target=Target(at_most=MOST_S),
    )
    return Measured(figures=[figure], details={name: spread(each) for name, each in samples.items()})


def _seconds(command: Sequence[str]) -> float:
    began = time.perf_counter()
    done = subprocess.run([sys.executable, *command], cwd=ROOT, env=environment(), capture_output=True, check=False)
    took = time.perf_counter() - began
    if done.returncode:
        raise BenchError(f"{' '.join(command)} ended with code {done.returncode}: {done.stderr.decode()[-500:]}")
    return took
