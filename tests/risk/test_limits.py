"""Limits: the tightest value of all scopes that apply is in force, and a value that the desk could not have is refused."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from config.limits import RiskSettings, limit_keys
from services.domain.limits import RULES, Bound, Effective, Limit, LimitBook, Scope, ScopedValue, effective
from services.domain.verdicts import CheckCode
from services.risk.limits import book_of
from tests.risk.cases import amounts, check_of, passing, with_limits

NARROWER = [scope for scope in Scope if scope is not Scope.DESK]
values = st.builds(
    ScopedValue,
    limit=st.sampled_from(Limit),
    scope=st.sampled_from(NARROWER),
    subject=st.sampled_from("ab"),
    value=amounts("0", "9", 1),
)


@given(
    desk=st.dictionaries(st.sampled_from(Limit), amounts("0", "9", 1)),
    scoped=st.lists(values, max_size=12).map(tuple),
    where=st.dictionaries(st.sampled_from(NARROWER), st.sampled_from("ab")),
)
def test_no_value_that_applies_is_tighter_than_the_one_in_force(
    desk: dict[Limit, Decimal], scoped: tuple[ScopedValue, ...], where: dict[Scope, str]
) -> None:
    found = effective(desk, scoped, where)
    applying = [(each.limit, each.value) for each in scoped if where.get(each.scope) == each.subject] + list(desk.items())

    assert set(found) == {limit for limit, _ in applying}
    for limit, kept in found.items():
        of_it = [value for each, value in applying if each is limit]
        assert kept.value == (min(of_it) if RULES[limit].bound is Bound.MOST else max(of_it))
        named = ScopedValue(limit=limit, scope=kept.scope, subject=kept.subject, value=kept.value)
        assert desk.get(limit) == kept.value if kept.scope is Scope.DESK else named in scoped


def test_a_check_names_the_scope_that_its_limit_came_from() -> None:
    tight = Effective(value=Decimal("0.001"), scope=Scope.PERSON, subject="7")
    denied = check_of(with_limits(passing(), {Limit.PER_TRADE: tight}), CheckCode.RISK_PER_TRADE)

    assert (denied.passed, denied.limit, denied.scope) == (False, "0.001", "person:7")
    assert check_of(passing(), CheckCode.RISK_PER_TRADE).scope == "desk"


def test_every_limit_of_the_settings_is_a_limit_of_the_gate_and_back() -> None:
    assert list(limit_keys()) == [limit.value for limit in Limit]
    assert set(RULES) == set(Limit)


def test_scoped_settings_hold_where_their_subjects_meet() -> None:
    row = {"scope": "instrument", "subject": "BTC/USDT", "limit": "max_notional", "value": "0.3"}
    book: LimitBook = book_of(RiskSettings.model_validate({"scoped": [row]}))

    assert book.at({Scope.INSTRUMENT: "ETH/USDT"})[Limit.MAX_NOTIONAL].named == "desk"
    assert book.at({Scope.INSTRUMENT: "BTC/USDT"})[Limit.MAX_NOTIONAL].named == "instrument:BTC/USDT"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"limit": "per_trad"}, "no such limit"),
        ({"limit": "confirm_s"}, "no such limit"),
        ({"limit": "quote_age_s"}, "set for the desk only"),
        ({"value": "0"}, "greater than 0"),
        ({"value": "NaN"}, "finite"),
        ({"value": "1.5"}, "less than or equal to 1"),
        ({"scope": "tier", "subject": "E"}, "A, B, C or D"),
        ({"scope": "person", "subject": "Ann"}, "Telegram number"),
        ({"scope": "desk"}, "Input should be"),
        ({"subject": ""}, "at least 1 character"),
        ({"scope": "terminal", "limit": "open_positions", "value": "2.5"}, "integer"),
    ],
)
def test_nonsense_in_a_scoped_limit_stops_the_start(changes: dict[str, str], said: str) -> None:
    row = {"scope": "strategy", "subject": "trend", "limit": "per_trade", "value": "0.005"} | changes

    with pytest.raises(ValidationError, match=said):
        RiskSettings.model_validate({"scoped": [row]})
