"""A halt thrown anywhere between Confirm and the venue: once it is committed, no entry is sent any more."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from services.domain import crashpoints
from services.execution import killing
from services.execution.executor import Executor
from tests.in_full import promised
from tests.trading.interleavings import POINTS, interleave, race, sent_and_halted
from tests.trading.rig import desk_at

ROUNDS = promised(1_000, in_suite=120)


@pytest.fixture(autouse=True)
def no_points_left() -> Iterator[None]:
    yield
    crashpoints.install(None)


async def test_no_entry_is_sent_after_the_halt_was_committed(tmp_path: Path) -> None:
    found = await interleave(tmp_path, ROUNDS, seed=2026)

    assert found.problems == ()
    assert ROUNDS // 10 < found.sent_before < ROUNDS * 19 // 20


async def test_twin_that_neither_withdraws_nor_asks_again_sends_after_the_halt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(killing, "to_take_back", lambda _: [])
    monkeypatch.setattr(Executor, "_entry_refusal", lambda *_: None)
    late = 0
    for at in range(1, POINTS):
        async with desk_at(tmp_path / str(at), paper={"latency_ms": 500}, threads=True) as rig:
            since = await race(rig, at, 0)
            sent, halted = await rig.read(partial(sent_and_halted, since=since))
            late += any(sequence > halted[0] for sequence in sent)

    assert late > 0
