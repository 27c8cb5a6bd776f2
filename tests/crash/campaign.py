"""One scenario, died through: at every point, and for a sample once more while it recovers."""

from __future__ import annotations

import random
import shutil
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from services.domain.states import TradeState
from tests.crash.forking import Deathtrap, Died, in_fork
from tests.crash.recovery import Outcome, Twin, act_at, prepare_at, recover_at, whole
from tests.crash.scenarios import Scenario


@dataclass(frozen=True, slots=True, kw_only=True)
class Campaign:
    """What all runs together showed: the problems by run, the states that trades ended in, and how often the desk died."""

    problems: tuple[str, ...]
    ends: frozenset[TradeState | None]
    deaths: int


def die_everywhere(folder: Path, scenario: Scenario, twin: Twin = whole) -> Campaign:
    """Let the desk die at each point of the act in turn, and recover; the last run is the one that survives.

    A broken ``twin`` is enough of a run at its first problem.
    """
    base = folder / "base"
    in_fork(partial(prepare_at, base, scenario))
    runs: list[Outcome] = []
    survived = caught = False
    while not survived and not caught:
        place = _copy(base, folder / str(len(runs) + 1))
        survived = not isinstance(in_fork(partial(act_at, place, scenario, Deathtrap(len(runs) + 1), twin)), Died)
        runs.append(in_fork(partial(recover_at, place, scenario, Deathtrap(), twin)))
        caught = twin is not whole and bool(runs[-1].problems)
        shutil.rmtree(place)
    return _sum_up(runs, deaths=len(runs) - 1)


def die_twice(folder: Path, scenario: Scenario, pairs: int, seed: int) -> Campaign:
    """Let the desk die in the act and again while it recovers, for a seeded sample of pairs of points."""
    base = folder / "base"
    in_fork(partial(prepare_at, base, scenario))
    points = in_fork(partial(act_at, _copy(base, folder / "act"), scenario, Deathtrap()))
    chance = random.Random(f"{seed} {scenario.name}")
    runs: list[Outcome] = []
    deaths = 0
    while len(runs) < pairs:
        first = chance.randint(1, points)
        place = _copy(base, folder / f"{len(runs)}")
        in_fork(partial(act_at, place, scenario, Deathtrap(first)))
        reached = in_fork(partial(recover_at, _copy(place, folder / "probe"), scenario, Deathtrap())).reached
        again = in_fork(partial(recover_at, place, scenario, Deathtrap(chance.randint(1, reached))))
        deaths += isinstance(again, Died)
        runs.append(in_fork(partial(recover_at, place, scenario, Deathtrap(), later=5)))
        shutil.rmtree(folder / "probe")
        shutil.rmtree(place)
    return _sum_up(runs, deaths=deaths)


def _copy(base: Path, place: Path) -> Path:
    shutil.copytree(base, place)
    return place


def _sum_up(runs: list[Outcome], *, deaths: int) -> Campaign:
    problems = tuple(f"run {number}: {problem}" for number, run in enumerate(runs, start=1) for problem in run.problems)
    return Campaign(problems=problems, ends=frozenset(run.end for run in runs), deaths=deaths)
