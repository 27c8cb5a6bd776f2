"""Three kills of the real desk under load, and a judge that sees what is planted."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import dataclass

import pytest

from tests.kills.campaign import Result, Terms, run
from tests.kills.controls import CONTROLS, Controlled, control_judge
from tests.kills.report import wrong

pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="processes are killed where the system has signals"),
    pytest.mark.timeout(300),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A campaign and what the judge missed of what was planted in it."""

    result: Result
    controlled: Controlled


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Judged:
    async def both() -> Judged:
        folder = tmp_path_factory.mktemp("kills")
        result = await run(folder, Terms(kills=2, kill_halts=1, seed=4), lambda text: None)
        return Judged(result=result, controlled=await control_judge(result.evidence, folder))

    return asyncio.run(both())


def test_kills_under_load_lose_nothing_double_nothing_and_leave_nobody_without_an_answer(judged: Judged) -> None:
    result = judged.result

    assert wrong(result.verdict) == []
    assert result.kills >= 3
    assert result.verdict.verify == "10/10"
    assert result.verdict.counts["trades"] and result.verdict.counts["fills"]


def test_a_desk_that_is_killed_at_a_halt_comes_up_halted(judged: Judged) -> None:
    assert (judged.result.halted, judged.result.sent_after_halt) == (1, 0)


def test_the_judge_sees_every_loss_that_is_planted(judged: Judged) -> None:
    assert judged.controlled.blind == ()
    assert len(CONTROLS) - len(judged.controlled.not_planted) >= 5
