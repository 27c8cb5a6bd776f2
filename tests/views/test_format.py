"""Numbers, times and foreign words as they are written."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal, localcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.telegram.views import format as write
from handlers.telegram.views.checks import decimal_of
from handlers.telegram.views.words import close_words, hash_words, plural, share_words, win_words
from services.domain.money import Money
from services.portfolio.results import win_rate

D = Decimal
AMOUNTS = st.decimals(allow_nan=False, allow_infinity=False, min_value=D("-1e15"), max_value=D("1e15"), places=12)


@pytest.mark.parametrize(
    ("value", "decimals", "said"),
    [
        ("64212.345", 2, "64,212.34"),
        ("64212", 0, "64,212"),
        ("0.00001234", 8, "0.00001234"),
        ("64212.3333333333333", None, "64,212.33"),
        ("0.000012345678", None, "0.00001234568"),
        ("65300", None, "65,300"),
        ("0", None, "0"),
        ("1E+5", 2, "100,000.00"),
    ],
)
def test_price_has_its_ticks_decimals_or_seven_digits(value: str, decimals: int | None, said: str) -> None:
    assert write.price(D(value), decimals) == said


@pytest.mark.parametrize(
    ("value", "currency", "said"),
    [
        ("-11.3", "USDT", "−11.30 USDT"),
        ("10081.2", "USDT", "+10,081.20 USDT"),
        ("0.0004", "USDT", "+0.00040 USDT"),
        ("-0.000000001", "USDT", "0.00000000 USDT"),
        ("0", "EUR", "0.00 EUR"),
        ("0.0123", "BTC", "+0.012300 BTC"),
    ],
)
def test_money_has_a_real_sign_and_its_unit(value: str, currency: str, said: str) -> None:
    assert write.money(Money(D(value), currency), sign=True) == said


def test_what_is_missing_is_never_nought() -> None:
    nothing = (write.price(None), write.money(None), write.percent(None), write.bps(None), write.r_units(None))

    assert set(nothing) == {"no data"}
    assert write.quantity(None) == write.seconds(None) == "no data"


@given(AMOUNTS)
def test_numbers_are_never_scientific_and_never_negative_nought(value: Decimal) -> None:
    for said in (
        write.price(value, 2),
        write.price(value),
        write.quantity(value),
        write.percent(value),
        write.money(Money(value, "USDT"), sign=True),
        write.r_units(value),
    ):
        assert "E" not in said.removesuffix(" USDT").removesuffix(" R")
        assert "-" not in said
        assert not said.startswith(("−0.00 ", "−0 "))


@given(AMOUNTS)
def test_quantity_is_exact(value: Decimal) -> None:
    assert Decimal(write.quantity(value).replace(",", "").replace("−", "-")) == value


@pytest.mark.parametrize(
    ("span", "said"),
    [(0, "0 s"), (119, "119 s"), (120, "2 min"), (11_520, "3 h 12"), (187_200, "2 d 4 h"), (-5, "0 s")],
)
def test_spans_name_their_largest_unit(span: int, said: str) -> None:
    assert write.span(timedelta(seconds=span)) == said


def test_time_is_telegrams_entity_with_utc_behind_it() -> None:
    at = datetime(2026, 11, 20, 23, 0, 5, tzinfo=UTC)

    assert write.clock(at, exact=True) == f'<tg-time unix="{int(at.timestamp())}" format="T">23:00:05 UTC</tg-time>'
    assert write.local(at, "Europe/Berlin") == "00:00"
    assert write.city("America/New_York") == "New York"


@given(st.text(), st.text())
def test_a_row_never_leaves_its_columns_or_its_line(left: str, right: str) -> None:
    said = write.row(left, right)

    assert len(said) <= write.COLUMNS
    assert len(said.splitlines()) <= 1


@given(st.text())
def test_foreign_words_stay_on_one_line_in_reading_order(text: str) -> None:
    tamed = write.tame(text)

    assert "\n" not in tamed
    assert not set(tamed) & set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u2028\u2029")


@given(st.text(), st.integers(1, 40))
def test_clip_keeps_to_its_length(text: str, length: int) -> None:
    assert len(write.clip(text, length)) <= length


@pytest.mark.parametrize("text", ["NaN", "Infinity", "1e999999", "x", "", None])
def test_what_no_market_has_is_no_number(text: str | None) -> None:
    assert decimal_of(text) is None


def test_shares_are_named() -> None:
    assert share_words([D(1)]) == ["all"]
    assert share_words([D("0.5"), D("0.5")]) == ["half", "rest"]
    assert share_words([D("0.33"), D("0.33"), D("0.34")]) == ["33 %", "33 %", "rest"]
    assert share_words([]) == []


def test_a_rate_is_named_only_with_its_sample() -> None:
    assert win_words(win_rate(3, 5, 10)) == "too few (5)"
    assert win_words(win_rate(0, 0, 10)) == "too few (0)"
    assert win_words(win_rate(13, 21, 10)) == "62 % of 21 (41–79)"


def test_words_that_many_messages_share() -> None:
    assert (plural(1, "trade"), plural(2, "trade")) == ("1 trade", "2 trades")
    assert plural(1200, "entry", "entries") == "1,200 entries"
    assert close_words("ELSEWHERE") == "outside of the desk"
    assert close_words("SOMETHING") == "by something"
    assert hash_words("9f3c" + "0" * 58 + "e1") == "9f3c…e1"


def test_a_number_reads_the_same_whatever_a_library_made_of_the_thread_s_rounding() -> None:
    with localcontext(rounding=ROUND_HALF_UP, prec=5):
        assert write.price(D("64212.345"), 2) == "64,212.34"
        assert write.fixed(D("123456789012.5"), 0) == "123,456,789,012"
