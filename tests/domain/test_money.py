"""Amounts: written and read back exactly, rounded the way that is asked for, and never anything that is no number."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.domain.money import Money, canonical, ceil_to, exact, floor_to, nearest_to, on_grid, truncate_to

NO_NUMBERS = ("NaN", "sNaN", "Infinity", "-Infinity", "inf")
wide = st.decimals(min_value="-1e15", max_value="1e15", places=12, allow_nan=False, allow_infinity=False)
grids = st.builds(lambda digit, exponent: Decimal(digit).scaleb(exponent), st.sampled_from([1, 2, 5, 25]), st.integers(-8, 3))
thorough = settings(max_examples=500, deadline=None)


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value="-1e30", max_value="1e30"))
@thorough
def test_an_amount_comes_back_exactly_and_in_one_form(value: Decimal) -> None:
    text = canonical(value)

    assert exact(text) == value
    assert canonical(exact(text)) == text
    assert "E" not in text.upper()
    assert text != "-0"
    assert "." not in text or text[-1] not in ".0"


@given(value=wide, grid=grids)
@thorough
def test_rounding_stays_on_the_grid_and_within_one_step_on_its_side(value: Decimal, grid: Decimal) -> None:
    down, up, toward_zero, nearest = (each(value, grid) for each in (floor_to, ceil_to, truncate_to, nearest_to))

    assert all(on_grid(each, grid) for each in (down, up, toward_zero, nearest))
    assert value - grid < down <= value <= up < value + grid
    assert abs(toward_zero) <= abs(value)
    assert toward_zero in (down, up)
    assert abs(nearest - value) * 2 <= grid
    assert (down == up) is on_grid(value, grid)


@given(value=wide, grid=grids)
@thorough
def test_what_is_on_the_grid_stays_as_it_is(value: Decimal, grid: Decimal) -> None:
    fitting = floor_to(value, grid)

    assert [each(fitting, grid) for each in (floor_to, ceil_to, truncate_to, nearest_to)] == [fitting] * 4


@pytest.mark.parametrize("text", [*NO_NUMBERS, "", "1,5", "0x10", "one", "1 000"])
def test_what_is_no_number_is_not_parsed(text: str) -> None:
    with pytest.raises(ValueError, match="not a"):
        exact(text)


@pytest.mark.parametrize("text", NO_NUMBERS)
def test_what_is_no_number_is_neither_written_nor_money(text: str) -> None:
    with pytest.raises(ValueError, match="finite"):
        canonical(Decimal(text))
    with pytest.raises(ValueError, match="finite"):
        Money(Decimal(text), "USDT")


def test_two_currencies_are_never_added() -> None:
    with pytest.raises(ValueError, match="USDT with BTC"):
        Money(Decimal(1), "USDT") + Money(Decimal(1), "BTC")
    with pytest.raises(ValueError, match="USDT with BTC"):
        Money(Decimal(1), "USDT") - Money(Decimal(1), "BTC")


@given(first=wide, second=wide)
@thorough
def test_money_of_one_currency_adds_exactly(first: Decimal, second: Decimal) -> None:
    one, other = Money(first, "USDT"), Money(second, "USDT")

    assert (one + other - other).amount == first
    assert (one + -one) == Money.zero("USDT")
