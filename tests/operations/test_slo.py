"""Objectives are measured from what is stored, judged with their sample, and outlive a restart."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, update

from services.domain.measures import Timed
from services.domain.people import Actor
from services.domain.states import InstructionState
from services.operations import tallies
from services.operations.slo import AT_RISK, OBJECTIVES, Measured, Verdict, Window, measure, of_counts, of_sorted
from services.operations.tallies import BOUNDS, KEPT, Tallies, counts_since, store
from services.storage import instructions, outbox, terminals
from services.storage.database import Unit, UpdateTicket, current_update
from services.storage.tables import facts, notices
from services.storage.tables import instructions as instruction_rows
from tests.trading.rig import ANN, Rig, desk_at
from tests.trading.taps import confirm_token, fire

BY_NAME = {each.name: each for each in OBJECTIVES}


@asynccontextmanager
async def tapped(at: datetime) -> AsyncIterator[None]:
    """Do what happens inside as the handling of an update that came then."""
    token = current_update.set(UpdateTicket(1, at))
    current_update.get().marked = True  # type: ignore[union-attr]
    try:
        yield
    finally:
        current_update.reset(token)


async def measured(rig: Rig, window: Window = Window.DAY) -> dict[str, Measured]:
    kept = await rig.read(lambda unit: measure(unit, window))
    return {each.objective.name: each for each in kept.measured}


async def test_a_tap_is_measured_from_its_receipt_to_the_venues_answer(tmp_path: Path) -> None:
    async with desk_at(tmp_path) as rig:
        token = await confirm_token(rig)
        async with tapped(rig.clock.now() - timedelta(seconds=0.4)):
            await rig.trading.fire(rig.actor(), token)
        rig.clock.advance(0.25)
        await rig.settle()

        found = await measured(rig)

        assert found["tap_to_order_p50"].value_s == pytest.approx(0.65, abs=0.01)
        assert found["tap_to_order_p50"].samples == found["gate_p99"].samples == 1
        assert found["ack_to_fill_p99"].samples == 1
        assert found["ack_to_fill_p99"].value_s is not None


async def test_an_order_without_an_answer_counts_up_to_now(tmp_path: Path) -> None:
    async with desk_at(tmp_path) as rig:
        await fire(rig)
        actor = Actor.job("test", "test")
        sent = (await rig.read(instructions.intents))[0]

        def lost(unit: Unit) -> None:
            claimed = instructions.set_state(unit, sent, InstructionState.SENT, epoch=1)
            assert claimed is not None
            instructions.set_state(unit, claimed, InstructionState.UNKNOWN, answer="TimeoutError")
            unit.record(actor, "instruction.unknown", instruction=sent.id, reason="TimeoutError")

        await rig.trading.database.write(lost)
        rig.clock.advance(300)
        found = await measured(rig)

        assert found["unknown_resolved_p99"].value_s == 300
        # One is enough: so seldom is there any.
        assert found["unknown_resolved_p99"].verdict is Verdict.MISSED

        ended = update(instruction_rows).values(state="resolved", answered_at=rig.clock.now() - timedelta(seconds=290))
        await rig.trading.database.write(lambda unit: unit.run(ended))

        assert (await measured(rig))["unknown_resolved_p99"].value_s == 10


async def test_an_event_that_came_due_later_waits_from_then_on(tmp_path: Path) -> None:
    async with desk_at(tmp_path) as rig:
        now = rig.clock.now()
        await rig.trading.database.write(lambda unit: outbox.tell(unit, ANN, "plain", {"text": "a"}))
        await rig.trading.database.write(
            lambda unit: outbox.tell(unit, ANN, "plain", {"text": "b"}, not_before=now + timedelta(hours=1))
        )
        rig.clock.advance(3604)
        pending = await rig.read(partial(outbox.pending_notices, limit=5))
        first, second = (each for each in pending if each.facts.get("text") in ("a", "b"))
        rows = await rig.read(lambda unit: unit.all(select(notices.c.id)))
        others = [row.id for row in rows if row.id not in (first.id, second.id)]
        await rig.trading.database.write(lambda unit: unit.run(notices.delete().where(notices.c.id.in_(others))))
        await rig.trading.database.write(lambda unit: outbox.told(unit, second, 7))
        lag = (await measured(rig))["message_lag_p99"]

        assert (lag.value_s, lag.samples) == (4, 1)


async def test_what_no_row_tells_is_kept_by_the_hour_and_outlives_a_restart(tmp_path: Path) -> None:
    counted = Tallies()
    for seconds in (0.3, 0.3, 0.8, 4.0):
        counted.add(Timed.ANSWER.value, seconds)
    counted.add(Timed.COMMIT.value, 1.0)
    async with desk_at(tmp_path) as rig:
        for _ in range(2):
            taken = counted.take()
            await rig.trading.database.write(partial(store, taken=taken))
            counted.give_back(taken)
            rig.clock.advance(3600)

    async with desk_at(tmp_path, clock=rig.clock, people_too=False) as rig:
        answers = (await measured(rig))["answer_p99"]
        assert (answers.value_s, answers.samples) == (5.0, 8)
        assert set(await rig.read(lambda unit: counts_since(unit, unit.now - timedelta(days=1)))) == {"answer"}

        rig.clock.advance(timedelta(days=9).total_seconds())
        assert (await measured(rig, Window.WEEK))["answer_p99"].verdict is Verdict.FEW
        await rig.trading.database.write(lambda unit: store(unit, {}))
        old = await rig.read(lambda unit: unit.all(select(facts.c.name).where(facts.c.name.startswith(tallies.PREFIX))))
        assert len(old) == 1


async def test_a_terminal_that_was_not_compared_is_infinitely_late(tmp_path: Path) -> None:
    async with desk_at(tmp_path) as rig:
        rig.clock.advance(5)
        age_s = await rig.read(tallies.oldest_comparison_s)
        await rig.trading.database.write(lambda unit: terminals.set_reconciled(unit, f"paper-{ANN}", None))

        assert age_s == 5
        assert await rig.read(tallies.oldest_comparison_s) == math.inf


@pytest.mark.parametrize(
    ("value", "samples", "verdict"),
    [
        (None, 0, Verdict.FEW),
        (0.5, 19, Verdict.FEW),
        (0.5, 20, Verdict.OK),
        (1.0 * AT_RISK + 0.01, 20, Verdict.AT_RISK),
        (1.0, 20, Verdict.AT_RISK),
        (1.01, 20, Verdict.MISSED),
        (1.01, 3, Verdict.MISSED),
        (1.01, 2, Verdict.FEW),
        (math.inf, 20, Verdict.MISSED),
    ],
)
def test_verdicts(value: float | None, samples: int, verdict: Verdict) -> None:
    assert Measured(objective=BY_NAME["answer_p99"], value_s=value, samples=samples).verdict is verdict


@given(st.lists(st.floats(0, 5000), min_size=1, max_size=200), st.sampled_from([0.5, 0.9, 0.99]))
def test_counts_never_flatter_and_are_off_by_a_bucket_at_most(samples: list[float], quantile: float) -> None:
    exact = of_sorted(sorted(samples), quantile)
    counted = Tallies()
    for each in samples:
        counted.add(Timed.ANSWER.value, each)
    kept = of_counts(counted.take()["answer"], quantile)

    assert exact is not None
    assert kept is not None
    assert exact <= kept
    below = [bound for bound in BOUNDS if bound < kept]
    assert exact > (below[-1] if below else -1)


def test_every_objective_is_whole() -> None:
    assert len(BY_NAME) == len(OBJECTIVES)
    for each in OBJECTIVES:
        assert (each.samples is None) != (each.tally is None), each.name
        if each.tally is not None:
            assert each.tally in KEPT
            # Judged at a bucket's end, or a value within the limit could count as beyond it.
            assert each.target_s in BOUNDS
        if each.metric.bounds:
            assert each.target_s in each.metric.bounds, each.name
