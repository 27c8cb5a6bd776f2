"""Circuit breakers as a machine: only listed moves, an open one passes nothing, and a trial is judged by its own measure."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.domain.breakers import (
    BREAKER_MOVES,
    TRIED,
    Breaker,
    BreakerKind,
    BreakerState,
    closed,
    first_blocking,
    half_opened,
    opened,
    time_over,
)
from services.domain.discipline import cooldown_until, tilt_until
from services.domain.errors import IllegalMove

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
S = BreakerState


def breaker(kind: BreakerKind, state: BreakerState, lasts_s: int | None) -> Breaker:
    until = None if lasts_s is None else NOON + timedelta(seconds=lasts_s)
    return Breaker(
        id="b", kind=kind, subject="1001", state=state, opened_at=NOON, reason="test", closes_at=until, by="rule", trial=None
    )


def tried(found: Breaker, what: str, now: datetime) -> Breaker:
    if what == "open":
        return opened(
            found,
            id="c",
            kind=found.kind,
            subject="1001",
            reason="again",
            by="rule",
            now=now,
            closes_at=now + timedelta(hours=1),
        )
    if what == "half":
        return half_opened(found)
    return time_over(found, now) if what == "time" else closed(found, by="Carl", reason="looked at", now=now)


@given(
    kind=st.sampled_from(BreakerKind),
    steps=st.lists(st.tuples(st.sampled_from(["open", "half", "close", "time"]), st.integers(0, 7200)), max_size=12),
)
def test_only_listed_moves_happen_and_an_open_breaker_never_lets_an_entry_pass(
    kind: BreakerKind, steps: list[tuple[str, int]]
) -> None:
    found, now = breaker(kind, S.CLOSED, None), NOON
    for what, seconds in steps:
        now += timedelta(seconds=seconds)
        try:
            after = tried(found, what, now)
        except IllegalMove:
            assert {"open": S.OPEN, "half": S.HALF_OPEN, "close": S.CLOSED}[what] not in BREAKER_MOVES[found.state]
            continue
        assert after.state is found.state or after.state in BREAKER_MOVES[found.state]
        assert (first_blocking((after,), after.scope) is None) is (after.state is not S.OPEN)
        found = after


@pytest.mark.parametrize("kind", BreakerKind)
def test_time_ends_an_opening_to_the_second_and_what_is_tried_lets_one_entry_through_first(kind: BreakerKind) -> None:
    found = breaker(kind, S.OPEN, 60)

    assert time_over(found, NOON + timedelta(seconds=59.999)) is found
    assert time_over(found, NOON + timedelta(seconds=60)).state is (S.HALF_OPEN if kind in TRIED else S.CLOSED)
    assert time_over(breaker(kind, S.OPEN, None), NOON + timedelta(days=365)).state is S.OPEN


def test_a_half_open_breaker_with_its_trial_under_way_lets_nobody_else_through() -> None:
    waiting = breaker(BreakerKind.ERROR_RATE, S.HALF_OPEN, None)
    trying = replace(waiting, trial="t1")

    assert first_blocking((waiting,), waiting.scope) is None
    assert first_blocking((trying,), trying.scope) is trying


def test_losses_hold_back_until_exactly_their_time() -> None:
    losses = [NOON - timedelta(minutes=25), NOON - timedelta(minutes=10), NOON]
    half, hour = timedelta(minutes=30), timedelta(hours=1)

    assert cooldown_until(losses, 300, NOON) == NOON + timedelta(seconds=300)
    assert cooldown_until(losses, 300, NOON + timedelta(seconds=300)) is None
    assert tilt_until(losses, 3, half, hour, NOON) == NOON + hour
    assert tilt_until(losses, 3, timedelta(minutes=24), hour, NOON) is None
    assert tilt_until(losses, 3, half, hour, NOON + hour) is None
    assert tilt_until(losses[:2], 3, half, hour, NOON) is None
