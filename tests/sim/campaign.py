"""Many seeds over many processes, and the controls: what they came to in one result."""

from __future__ import annotations

import gc
import multiprocessing
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from tests.sim.faults import POINTS
from tests.sim.twins import CONTROLS
from tests.sim.watch import RULES
from tests.sim.world import Plan, Report, empty_database, play

REGRESSIONS = Path(__file__).parent / "regressions.txt"
# From so many seeds on, a fault point that never fired is one that does not work.
ENOUGH_SEEDS = 100
CONTROL_SEEDS = 16
# The seeds before this one trade little in their first minutes.
CONTROL_FIRST = 3
CONTROL_MINUTES = 4.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Regression:
    """A seed that once failed, and what it had found."""

    seed: int
    minutes: float
    found: str


@dataclass(kw_only=True)
class Summary:
    """What a campaign came to; ``found`` says after how many seeds each control was seen, 0 for never."""

    seeds: int = 0
    minutes: float = 0.0
    starts: int = 0
    deaths: int = 0
    restarts: int = 0
    trades: int = 0
    fills: int = 0
    events: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    broken: Counter[str] = field(default_factory=Counter)
    failing: list[Report] = field(default_factory=list)
    unsteady: list[int] = field(default_factory=list)
    found: dict[str, int] = field(default_factory=dict)

    def add(self, report: Report) -> None:
        """Count a seed in."""
        self.seeds += 1
        self.minutes += report.minutes
        self.starts += report.starts
        self.deaths += report.deaths
        self.restarts += report.restarts
        self.trades += report.trades
        self.fills += report.fills
        self.events += report.events
        self.faults += report.faults
        self.broken += Counter(rule for rule, _ in report.broken)
        if report.broken:
            self.failing.append(report)

    @property
    def never_fired(self) -> list[str]:
        """Return the fault points that no seed came by."""
        return [point for point in POINTS if not self.faults[point]]

    @property
    def holds(self) -> bool:
        """Tell whether no rule was broken, every seed repeats, every control was seen and, of many seeds, every fault fired."""
        lame = self.never_fired if self.seeds >= ENOUGH_SEEDS else []
        return not (self.failing or self.unsteady or lame or 0 in self.found.values())

    def wire(self) -> dict[str, object]:
        """Return it for a file."""
        return {
            "seeds": self.seeds,
            "simulated_minutes": round(self.minutes, 1),
            "starts": self.starts,
            "deaths": self.deaths,
            "restarts": self.restarts,
            "trades": self.trades,
            "fills": self.fills,
            "events": dict(self.events),
            "faults": {point: self.faults[point] for point in POINTS},
            "never_fired": self.never_fired,
            "violations": {rule: self.broken[rule] for rule in RULES},
            "failing": {report.seed: [list(each) for each in report.broken] for report in self.failing},
            "unsteady": self.unsteady,
            "controls": self.found,
            "holds": self.holds,
        }


def play_all(plans: Sequence[Plan], workers: int) -> Iterator[Report]:
    """Play seeds, several at once, each in a process that has everything loaded."""
    empty_database()
    gc.collect()
    gc.freeze()
    if workers <= 1:
        yield from map(play, plans)
        return
    with ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("fork")) as pool:
        yield from pool.map(play, plans)


def look_for(name: str, workers: int, *, seeds: int = CONTROL_SEEDS, minutes: float = CONTROL_MINUTES) -> int:
    """Play a broken twin until it is seen; return after how many seeds it was, 0 when it was not."""
    control = CONTROLS[name]
    for tried in range(0, seeds, workers):
        batch = range(CONTROL_FIRST + tried, CONTROL_FIRST + tried + workers)
        plans = [Plan(seed=seed, minutes=minutes, twin=control.twin) for seed in batch]
        if any(control.breaks & {rule for rule, _ in report.broken} for report in play_all(plans, workers)):
            return tried + workers
    return 0


def repeats(plans: Iterable[Plan], known: dict[int, str], workers: int) -> list[int]:
    """Play seeds again and return those that did not come to the same."""
    return sorted(report.seed for report in play_all(list(plans), workers) if report.hash != known[report.seed])


def regressions() -> list[Regression]:
    """Read the seeds that once failed."""
    lines = [line.split(maxsplit=2) for line in REGRESSIONS.read_text(encoding="utf-8").splitlines()]
    return [Regression(seed=int(line[0]), minutes=float(line[1]), found=line[2]) for line in lines if line and line[0] != "#"]
