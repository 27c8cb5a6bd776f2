"""Roles are ordered by what they may do, not by their letters."""

from __future__ import annotations

from itertools import pairwise

import pytest

from services.domain.people import Role

ORDER = [Role.STRANGER, Role.OBSERVER, Role.TRADER, Role.COMMANDER]


@pytest.mark.parametrize(("lower", "higher"), list(pairwise(ORDER)))
def test_each_role_is_above_the_one_before_by_every_comparison(lower: Role, higher: Role) -> None:
    assert lower < higher
    assert lower <= higher
    assert higher > lower
    assert higher >= lower
    assert not higher < lower
    assert not higher <= lower
    assert not lower > higher
    assert not lower >= higher


@pytest.mark.parametrize("role", ORDER)
def test_a_role_reaches_itself(role: Role) -> None:
    assert role >= role
    assert role <= role
