"""Standings: written and read back, and which of two lets more happen."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from config.grades import BUILT_IN
from services.access.seeding import grade_of
from services.domain.grades import FireMode, Grade, unknown_grade
from services.domain.people import Role
from services.domain.standing import Standing, adds, frees

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
DAY = timedelta(days=1)
CADET, REGULAR, VETERAN = (grade_of(name, BUILT_IN[name]) for name in ("cadet", "regular", "veteran"))
TIGHT = Grade(
    name="tight",
    without=("call",),
    terminals=("paper",),
    per_trade=Decimal("0.01"),
    max_notional=Decimal("0.5"),
    slots=2,
    shots=3,
    modes=(FireMode.ALERT,),
)
FREER = (
    replace(TIGHT, without=()),
    replace(TIGHT, without=("fire",)),
    replace(TIGHT, terminals=()),
    replace(TIGHT, terminals=("paper", "testnet")),
    replace(TIGHT, per_trade=None),
    replace(TIGHT, per_trade=Decimal("0.02")),
    replace(TIGHT, max_notional=Decimal("0.6")),
    replace(TIGHT, slots=None),
    replace(TIGHT, shots=4),
    replace(TIGHT, modes=(FireMode.ALERT, FireMode.SELECT)),
    replace(TIGHT, approves=True),
)


@pytest.mark.parametrize("until", [None, NOW], ids=["for-good", "with-an-end"])
@pytest.mark.parametrize("role", list(Role))
def test_a_standing_is_read_back_as_it_was_written(role: Role, until: datetime | None) -> None:
    standing = Standing(role=role, grade="cadet", until=until)

    assert Standing.read(standing.write()) == standing


@pytest.mark.parametrize("index", range(len(FREER)))
def test_each_single_part_of_a_grade_that_lets_more_happen_is_seen(index: int) -> None:
    assert frees(TIGHT, FREER[index])
    # What names another command or terminal is freer both ways.
    assert frees(FREER[index], TIGHT) is (FREER[index].without == ("fire",))


def test_the_built_in_grades_stand_in_an_order_and_one_that_is_unknown_below_all() -> None:
    order = (unknown_grade("gone"), CADET, REGULAR, VETERAN)

    assert [[frees(one, other) for other in order] for one in order] == [
        [False, True, True, True],
        [False, False, True, True],
        [False, False, False, True],
        [False, False, False, False],
    ]


@pytest.mark.parametrize("before", list(Role))
@pytest.mark.parametrize("after", list(Role))
def test_a_higher_role_adds_and_a_lower_one_does_not(before: Role, after: Role) -> None:
    assert adds(Standing(role=before), Standing(role=after), REGULAR, REGULAR) is (after > before)


@pytest.mark.parametrize(
    ("had", "gets", "more"),
    [(None, NOW, False), (NOW, None, True), (NOW, NOW + DAY, True), (NOW, NOW - DAY, False), (NOW, NOW, False)],
    ids=["an-end", "no-end", "later", "sooner", "same"],
)
def test_a_later_end_adds(had: datetime | None, gets: datetime | None, more: bool) -> None:
    one, other = Standing(role=Role.TRADER, until=had), Standing(role=Role.TRADER, until=gets)

    assert adds(one, other, REGULAR, REGULAR) is more


def test_a_freer_grade_adds_to_a_lower_role_too() -> None:
    assert adds(Standing(role=Role.COMMANDER), Standing(role=Role.TRADER), CADET, REGULAR)
    assert not adds(Standing(role=Role.COMMANDER), Standing(role=Role.STRANGER), CADET, REGULAR)
