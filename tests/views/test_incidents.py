"""An alert's card: the money in private, shares in groups, one next step, who has it, and how it ends."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.telegram.views.incidents import incidents_page, render_incident
from sandbox.telegram.html import parse
from services.domain.incidents import AlertCode, Incident, Severity
from services.domain.money import Money
from services.domain.trades import TerminalMode
from services.reporting.incident_list import IncidentLine, IncidentsList
from services.reporting.incident_view import AtRisk, IncidentView
from tests.views.hostile import HOSTILE
from tests.views.shape import labels, problems

LETTERS = st.characters(categories=("L", "N", "P"))
NOW = datetime(2026, 11, 21, 2, 14, tzinfo=UTC)
RISK = AtRisk(
    positions=1,
    worth=(Money(Decimal("802.1"), "USDT"),),
    priced_at=NOW,
    to_stop=(Money(Decimal("11.3"), "USDT"),),
    percent=Decimal("0.56"),
    r=Decimal("0.98"),
    quantity=Decimal("0.0125"),
    base="BTC",
)
INCIDENT = Incident(
    id="01INCIDENT",
    code=AlertCode.STOP_NOT_PLACED.value,
    subject="trade 17",
    opened_at=NOW - timedelta(minutes=2),
    last_at=NOW,
    count=1,
    closed_at=None,
    facts={"trade": 17, "trade_id": "01TRADE", "symbol": "BTC/USDT", "quantity": "0.0125", "detail": "PRICE_FILTER"},
    person_id=1001,
    taken_at=None,
    taken_by=None,
    step=0,
    waited_s=0,
)
VIEW = IncidentView(
    incident=INCIDENT,
    severity=Severity.URGENT,
    done="the position is being closed at market",
    next="/positions",
    modes=(TerminalMode.LIVE,),
    at_risk=RISK,
    taken_by=None,
    private=True,
    may_take=True,
    now=NOW,
)
PROPOSAL = {
    "proposal": "01m7z1aa6kfq2as5tqk63fq2as",
    "kind": "position_differs",
    "terminal": "ann-paper",
    "symbol": "BTC/USDT",
    "unexplained": "-0.0125",
    "at_desk": "0.05",
    "at_venue": "0.0375",
    "price": None,
    "order": "",
    "answers": ["adopt", "ignore"],
}


def test_an_alert_says_what_is_wrong_exposed_done_and_next() -> None:
    rendered = render_incident(VIEW)

    assert rendered.plain() == (
        "🔥 STOP_NOT_PLACED · trade 17 · LIVE\n"
        "PRICE_FILTER\n"
        "exposed: 802 USDT, 0.0125 BTC\n"
        "to its stop: 11.30 USDT, 0.56 % of equity\n"
        "done: the position is being closed at market\n"
        "next: /positions\n"
        "since 02:12 UTC"
    )
    assert labels(rendered) == [["Positions", "I have it", "Runbook"], ["Close"]]
    assert problems(rendered) == []


def test_a_group_reads_shares_and_no_money() -> None:
    rendered = render_incident(replace(VIEW, private=False))

    assert "exposed: 0.98 R, 0.56 % of equity" in rendered.plain()
    assert "USDT" not in rendered.plain() and "0.0125" not in rendered.plain()
    assert labels(rendered) == [["I have it", "Runbook"]]


def test_who_has_it_stands_on_the_card_and_the_button_goes() -> None:
    taken = replace(INCIDENT, count=7, taken_by=2001, taken_at=NOW - timedelta(minutes=1))
    rendered = render_incident(replace(VIEW, incident=taken, taken_by="Carl", may_take=False))

    assert rendered.plain().endswith("7 times, last 02:14 UTC\nCarl has it since 02:13 UTC")
    assert labels(rendered)[0] == ["Positions", "Runbook"]


def test_what_is_over_says_how_long_it_lasted() -> None:
    over = replace(INCIDENT, count=3, closed_at=NOW + timedelta(minutes=1), taken_by=2001, taken_at=NOW)
    rendered = render_incident(replace(VIEW, incident=over, at_risk=None, taken_by="Carl", may_take=False))

    assert rendered.plain() == ("✅ STOP_NOT_PLACED · trade 17 · LIVE\nover after 3 min · 3 times\nPRICE_FILTER\nCarl had it")
    assert labels(rendered) == []


def test_an_old_price_is_said_to_be_old_and_a_missing_one_to_be_missing() -> None:
    old = render_incident(replace(VIEW, at_risk=replace(RISK, priced_at=NOW - timedelta(minutes=3))))
    none = render_incident(replace(VIEW, at_risk=replace(RISK, worth=(), priced_at=None)))

    assert "at a price of 3 min ago" in old.plain()
    assert "exposed: no price, 0.0125 BTC" in none.plain()


def test_a_difference_between_both_books_offers_its_answers() -> None:
    found = replace(INCIDENT, code=AlertCode.POSITION_MISMATCH.value, subject="ann-paper:BTC/USDT 3fq2as", facts=PROPOSAL)
    rendered = render_incident(replace(VIEW, incident=found, next="/resolve 3fq2as", done="it waits for an answer"))

    assert "0.0125 BTC less there than explained\ndesk 0.05, venue 0.0375 BTC" in rendered.plain()
    assert labels(rendered) == [["Resolve", "I have it", "Runbook"], ["Adopt", "Ignore"]]
    assert problems(rendered, width=60) == []


@pytest.mark.parametrize("private", [True, False], ids=["private", "group"])
@pytest.mark.parametrize("text", HOSTILE)
def test_no_fact_can_break_the_card(text: str, private: bool) -> None:
    facts: dict[str, object] = dict.fromkeys((*INCIDENT.facts, *PROPOSAL), text)
    odd = replace(INCIDENT, code=text[:32] or "X", subject=text, facts=facts | {"proposal": "x", "trade_id": "y"})

    parse(render_incident(replace(VIEW, incident=replace(odd, code="NEW_CODE"), private=private)).text)
    parse(incidents_page(_page(replace(odd, code="NEW_CODE")), 1).text)


@given(count=st.integers(1, 10**6), open_for=st.integers(0, 10**6), name=st.text(LETTERS, max_size=80))
def test_the_list_fits_whatever_is_wrong(count: int, open_for: int, name: str) -> None:
    incident = replace(INCIDENT, count=count, opened_at=NOW - timedelta(seconds=open_for), subject=name)

    assert problems(incidents_page(_page(*[incident] * 7), 1), width=48) == []


def _page(*found: Incident) -> IncidentsList:
    rows = tuple(IncidentLine(incident=each, severity=Severity.URGENT, taken_by=None) for each in found)
    return IncidentsList(rows=rows, running=len(rows), at=NOW)
