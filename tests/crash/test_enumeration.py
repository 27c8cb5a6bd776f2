"""The desk dies before and after every commit and every venue write, starts again, and dies once more while it recovers."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.crash.campaign import die_everywhere, die_twice
from tests.crash.scenarios import SCENARIOS, Scenario

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="dies in forked children")
every_scenario = pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda each: each.name.replace(" ", "-"))


@every_scenario
def test_death_at_any_point_leaves_one_write_a_protected_position_and_a_person_who_is_told(
    memory_folder: Path, scenario: Scenario
) -> None:
    campaign = die_everywhere(memory_folder, scenario)

    assert not campaign.problems, "\n".join(campaign.problems)
    assert campaign.ends == scenario.ends
    assert campaign.deaths >= 4


@every_scenario
def test_a_second_death_during_the_recovery_changes_nothing_of_that(memory_folder: Path, scenario: Scenario) -> None:
    campaign = die_twice(memory_folder, scenario, pairs=4, seed=2026)

    assert not campaign.problems, "\n".join(campaign.problems)
    assert campaign.ends <= scenario.ends
    assert campaign.deaths == 4
