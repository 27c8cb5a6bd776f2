"""Whole worlds, ten minutes each: whatever fails in them, every rule holds."""

from __future__ import annotations

import pytest

from tests.sim.world import Plan, play

MINUTES = 10.0
# As many as the tests have time for; CI plays a hundred (`make sim`).
SEEDS = range(6)


@pytest.mark.parametrize("seed", SEEDS)
def test_whatever_fails_every_rule_holds(seed: int) -> None:
    assert not play(Plan(seed=seed, minutes=MINUTES)).broken
