"""The desk dies before and after every commit and every venue write, and starts again."""

from __future__ import annotations

import shutil
from functools import partial
from pathlib import Path

import pytest

from services.domain.states import TradeState
from tests.crash.forking import Deathtrap, Died, in_fork
from tests.crash.recovery import act_at, prepare_at, recover_at
from tests.crash.scenarios import SCENARIOS, Scenario


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda each: each.name.replace(" ", "-"))
def test_death_at_any_point_leaves_one_order_a_protected_position_and_a_person_who_is_told(
    tmp_path: Path, scenario: Scenario
) -> None:
    base = tmp_path / "base"
    in_fork(partial(prepare_at, base, scenario))
    at, survived = 0, False
    wrong: list[str] = []
    ends: set[TradeState | None] = set()
    while not survived:
        at += 1
        folder = tmp_path / str(at)
        shutil.copytree(base, folder)
        survived = not isinstance(in_fork(partial(act_at, folder, scenario, Deathtrap(at))), Died)
        found = in_fork(partial(recover_at, folder, scenario, Deathtrap()))
        wrong += [f"{at}: {problem}" for problem in found.problems]
        ends.add(found.end)
        shutil.rmtree(folder)

    assert not wrong, "\n".join(wrong)
    assert ends == scenario.ends
