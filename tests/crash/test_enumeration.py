"""The desk dies before and after its commits, venue writes and calls to the chat, starts again, and dies once more then.

Here each scenario dies at a seeded sample of its points; ``python -m tests.crash`` takes all of them.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.crash.campaign import Plan, die_through
from tests.crash.everything import CHATTING, SELLING, WORKING
from tests.crash.subjects import Subject

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="dies in forked children")
SEED = 1


@pytest.mark.parametrize("make", CHATTING.values(), ids=CHATTING.keys())
def test_a_death_of_the_whole_desk_leaves_all_ten_rules_and_an_answer_for_everyone(
    memory_folder: Path, make: Callable[[], Subject]
) -> None:
    tally = die_through(memory_folder, make, Plan(seed=SEED, points=1, between=1))

    assert not tally.problems, "\n".join(tally.problems)
    assert tally.deaths == 2


@pytest.mark.parametrize("make", (WORKING | SELLING).values(), ids=(WORKING | SELLING).keys())
def test_a_death_of_the_trading_side_leaves_one_write_and_a_protected_position(
    memory_folder: Path, make: Callable[[], Subject]
) -> None:
    tally = die_through(memory_folder, make, Plan(seed=SEED, points=2, between=1, second=1))

    assert not tally.problems, "\n".join(tally.problems)
    assert (tally.deaths, tally.second_deaths) == (4, 1)
