"""What a bench's table says is what was measured: percentiles, floors, bounds."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from bench import report
from bench.figures import Figure, Target, percentile
from bench.load import post_at_rate

FLOOR = 4.0


@pytest.mark.parametrize(
    ("share", "expected"), [(0.5, 5), (0.99, 10), (0.9, 9), (0.01, 1), (1.0, 10)], ids=["p50", "p99", "p90", "p1", "p100"]
)
def test_a_percentile_is_a_sample_that_so_many_do_not_exceed(share: float, expected: float) -> None:
    assert percentile([7, 1, 10, 3, 2, 5, 4, 6, 9, 8], share) == expected


def test_there_is_no_percentile_of_nothing() -> None:
    with pytest.raises(ValueError, match="no samples"):
        percentile([], 0.5)


@pytest.mark.parametrize(
    ("value", "target", "met"),
    [
        (10.0, Target(at_most=2.5, of_floor=True), True),
        (10.1, Target(at_most=2.5, of_floor=True), False),
        (1.4, Target(at_least=1 / 3, of_floor=True), True),
        (1.3, Target(at_least=1 / 3, of_floor=True), False),
        (1.0, Target(at_most=1.0), True),
        (1.1, Target(at_most=1.0), False),
        (3.0, Target(at_least=3.0, at_most=3.0), True),
        (2.0, Target(at_least=3.0, at_most=3.0), False),
    ],
)
def test_a_target_bounds_the_value_or_its_ratio(value: float, target: Target, met: bool) -> None:
    assert Figure(name="x", value=value, unit="ms", floor=FLOOR, target=target).met is met


def test_a_relative_target_without_a_floor_is_missed_and_no_target_is_only_reported() -> None:
    assert Figure(name="x", value=1, unit="ms", target=Target(at_most=2.5, of_floor=True)).met is False
    assert Figure(name="x", value=1, unit="ms", floor=FLOOR).met is None


def test_a_run_misses_what_is_beyond_its_target_and_the_page_shows_every_figure() -> None:
    figures = [
        Figure(name="Fast", value=8, unit="ms", floor=FLOOR, floor_is="echo", target=Target(at_most=2.5, of_floor=True)),
        Figure(name="Slow", value=12, unit="ms", floor=FLOOR, floor_is="echo", target=Target(at_most=2.5, of_floor=True)),
        Figure(name="Seen", value=0.25, unit="s"),
    ]
    at = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
    run = report.Run(commit="c0ffee", at=at, machine="a machine", load_before=0.5, figures=figures, details={})

    page = report.page(run)

    assert [figure.name for figure in run.missed] == ["Slow"]
    assert "| Fast | 8 ms | 4 ms (echo) | 2.00 | ≤ 2.5 x floor | met |" in page
    assert "| Slow | 12 ms | 4 ms (echo) | 3.00 | ≤ 2.5 x floor | missed |" in page
    assert "| Seen | 0.250 s |  |  |  | reported |" in page


async def test_a_load_goes_out_in_its_order_however_long_answers_take() -> None:
    asked: list[int] = []

    async def act(number: int) -> int:
        asked.append(number)
        return number

    acts = [lambda number=number: act(number) for number in range(5)]  # type: ignore[misc]
    posted = await post_at_rate(acts, 1000)

    assert asked == [each.answer for each in posted] == list(range(5))
