"""Every refusal has words: what happened, with which value, and what to do next."""

from __future__ import annotations

import ast
import string
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.telegram.views.checks import LABELS, MEANINGS, UNITS
from handlers.telegram.views.errors import TOAST, render_error, toast
from handlers.telegram.views.reference import alert_reference, denial_reference
from handlers.telegram.views.refusals import REFUSALS
from sandbox.telegram.html import parse
from services.access.alerts import AlertCode
from services.domain.signals import DropCode
from services.domain.verdicts import CheckCode
from tests.views.shape import problems

ROOT = Path(__file__).parents[2]
FOLDERS = ("services/access", "services/missions", "services/execution", "services/signals", "services/charts", "handlers")
CLASSES = {"Refused", "NotAllowed", "NotFound", "Expired"}
LIMIT = {
    "value": "0.053",
    "limit": "0.05",
    "unit": "fraction",
    "note": "",
    "frees_at": datetime(2026, 11, 20, 23, 0, tzinfo=UTC),
}


def raised_codes() -> dict[str, str]:
    """Return every code that a person may be answered with, and where it is raised."""
    found: dict[str, str] = {}
    for folder in FOLDERS:
        for file in sorted((ROOT / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and _name(node.func) in CLASSES | {"_refuse"}:
                    texts = [each for arg in node.args[:2] for each in ast.walk(arg)]
                    codes = [each.value for each in texts if isinstance(each, ast.Constant) and isinstance(each.value, str)]
                    found |= {code: file.name for code in codes if code.isupper()}
    return found


def _name(function: ast.expr) -> str:
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def test_every_code_that_is_raised_has_words() -> None:
    codes = raised_codes()

    assert len(codes) > 50
    assert {code: where for code, where in codes.items() if code not in REFUSALS and code not in set(CheckCode)} == {}


@pytest.mark.parametrize("code", sorted(REFUSALS))
def test_every_refusal_fits_whatever_its_values_are(code: str) -> None:
    names = {name for text in REFUSALS[code] for _, name, _, _ in string.Formatter().parse(text) if name}
    for values in ({}, dict.fromkeys(names, "12"), dict.fromkeys(names, "<b>" * 400)):
        message = render_error(code, values)

        parse(message.text)
        assert message.plain().startswith(f"⛔ {code}\n")
        assert len(message.plain().split("\n")) == 3
        assert len(toast(code, values)) <= TOAST
    # A sentence may break once; columns and cards may not.
    assert problems(render_error(code, dict.fromkeys(names, "12")), width=56) == []


def test_toast_of_a_check_says_value_limit_and_when_it_frees_up() -> None:
    assert toast("DAILY_LOSS", LIMIT | {"zone": "Europe/Berlin"}) == "DAILY_LOSS 5.3 of 5.0 %. Frees 00:00 Berlin."


def test_message_of_a_check_says_it_in_a_sentence() -> None:
    assert render_error("DAILY_LOSS", LIMIT).plain() == (
        "⛔ DAILY_LOSS\nlost today 5.3 % of equity, limit 5.0 %\nfrees at 23:00 UTC\nwait for the next trading day"
    )


def test_a_halt_says_who_and_why_whichever_way_it_is_refused() -> None:
    gate = {"value": "halted", "limit": "active", "unit": "state", "note": "desk by Carl: lag", "frees_at": None}

    assert toast("HALT", gate) == "HALT halted: desk by Carl: lag."
    assert toast("HALT", {"by": "Carl", "reason": "lag"}).startswith("HALT: entries are halted by Carl: lag.")


def test_prices_in_a_refusal_are_written_as_prices() -> None:
    said = render_error("STOP_WIDER", {"value": "62000.5", "limit": "63420"}).plain()

    assert said.splitlines()[1] == "62,000.5 is wider than the stop at 63,420"


def test_an_unknown_code_still_says_what_to_do() -> None:
    assert render_error("BRAND_NEW", {"x": 1}).plain() == (
        "⛔ BRAND_NEW\nthis cannot be done now\ntry again, or ask a commander"
    )


@given(
    st.sampled_from([*REFUSALS, *CheckCode, "NEW"]),
    st.dictionaries(
        st.sampled_from(["value", "limit", "unit", "note", "frees_at", "symbol", "currency", "by", "missing"]),
        st.none() | st.text() | st.integers() | st.sampled_from(["fraction", "s", "state", "money"]),
    ),
)
def test_no_value_whatever_it_is_breaks_a_refusal(code: str, values: dict[str, object]) -> None:
    parse(render_error(str(code), values).text)

    assert len(toast(str(code), values)) <= TOAST


def test_every_check_has_a_label_a_meaning_and_a_unit() -> None:
    assert set(LABELS) == set(MEANINGS) == set(UNITS) == set(CheckCode)


def test_reference_pages_name_every_code() -> None:
    denials, alerts = denial_reference(), alert_reference()

    assert [code for code in (*CheckCode, *DropCode, *REFUSALS) if f"`{code}`" not in denials] == []
    assert [code for code in AlertCode if f"`{code}`" not in alerts] == []
