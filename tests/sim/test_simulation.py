"""Seeds of the simulated world: every rule holds, the same seed comes to the same, and broken twins are seen."""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
from inspect import iscoroutinefunction

import pytest

from services.domain.ports import Venue
from tests.sim.campaign import REGRESSIONS, Regression, look_for, regressions
from tests.sim.desk import Machine
from tests.sim.venues import BadLine
from tests.sim.world import Plan, play
from tests.trading.spot_venue import SpotVenue

# What is decided by the order of a set would differ between processes.
SAID = "import json, sys; from tests.sim.world import Plan, play; json.dump(play(Plan(seed=9, minutes=2)).hash, sys.stdout)"


@pytest.mark.parametrize("regression", regressions(), ids=lambda each: f"seed-{each.seed}")
def test_seed_that_once_failed_holds(regression: Regression) -> None:
    assert not play(Plan(seed=regression.seed, minutes=regression.minutes)).broken, REGRESSIONS.name


@pytest.mark.parametrize("stand_in", [SpotVenue, BadLine])
def test_what_stands_in_for_a_venue_can_do_all_that_a_venue_can(stand_in: type[object]) -> None:
    calls = [name for name, value in vars(Venue).items() if iscoroutinefunction(value)]

    assert "place" in calls
    assert [name for name in calls if not hasattr(stand_in, name)] == []


def test_one_seed_comes_to_one_trace_in_every_process() -> None:
    hashes = []
    for salt in ("1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": salt}
        done = subprocess.run([sys.executable, "-c", SAID], env=environment, capture_output=True, check=True, timeout=100)
        hashes.append(json.loads(done.stdout))

    assert hashes[0] == hashes[1]
    assert hashes[0] != play(Plan(seed=8, minutes=2)).hash


def test_world_that_is_over_is_gone() -> None:
    play(Plan(seed=7, minutes=1))

    assert not [each for each in gc.get_objects() if isinstance(each, Machine)]


def test_instruction_committed_after_its_write_is_seen() -> None:
    assert look_for("instruction committed after the write", workers=1, minutes=2.7)
