"""Stored events: told from their facts alone, whatever stands in them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handlers.telegram.views.digest import render_digest
from handlers.telegram.views.notices import NOTICES, render_notice
from sandbox.telegram.html import parse
from services.charts.spec import EquitySpec
from tests.views import samples
from tests.views.hostile import HOSTILE
from tests.views.shape import CAPTION, LINES, labels, problems


@pytest.mark.parametrize("template", sorted(NOTICES))
def test_every_template_has_a_sample_that_keeps_to_the_form(template: str) -> None:
    rendered = render_notice(template, samples.NOTICES[template])

    assert problems(rendered, numbers=template != "chat_question") == []
    assert "no data" not in rendered.plain()


def test_a_close_reads_like_this() -> None:
    rendered = render_notice("closed", samples.NOTICES["closed"])

    assert rendered.plain() == (
        "🏁 LONG BTC/USDT · closed by its stop\n"
        "result −1.02 R · −11.20 USDT\n"
        "= −0.56 % of equity\n"
        "at 63,418.5 · fee 1.60 USDT\n"
        "trade #17"
    )
    assert labels(rendered) == [["Show", "Proof"]]


def test_the_digest_reads_like_this_and_has_its_curve() -> None:
    rendered = render_digest(samples.DIGEST)

    assert rendered.plain() == (
        "Sortie · since 19 Nov 14:30 UTC · PAPER\n"
        "result +0.80 % · +1.90 R of 5 trades\n"
        "wins 3 of 5 · too few (5)\n"
        "open 2 · open risk 1.1 % of equity\n"
        "missions 14 offered, 5 fired, 6 expired\n"
        "skipped 2 news, 1 size\n"
        "refused 2 RISK_PER_TRADE, 1 SPREAD\n"
        "best ETH +1.4 R · worst LTC −1.0 R\n"
        "slip +1.2, worst +8.3 bps (9) · maker 40 %\n"
        "ack 0.31 s (9) · journal 4,212 ✓ 9f3c…e1\n"
        "incidents none · drills ok, 19 Nov"
    )
    assert isinstance(rendered.chart, EquitySpec)
    assert len(rendered.chart.points) == 2


def test_a_private_digest_adds_money_and_still_fits() -> None:
    private = samples.DIGEST | {"mine": True, "money": [["12.3", "USDT"]], "equity": ["10081.2", "USDT"]}
    private |= {"equity_at": samples.NOW.isoformat()}
    full = private | {"halts": ["desk halted by Carl"], "incidents": {"STAGE_SILENT": 2, "FOREIGN_ORDER": 1}}

    rendered = render_notice("digest", full)

    assert "+12.30 USDT · equity 10,081.20 USDT" in rendered.plain()
    assert problems(rendered) == []


@pytest.mark.parametrize(
    ("drills", "said"),
    [
        ([], "incidents none · no drill in 30 days"),
        ([["kill", "2026-11-18T09:00:00+00:00", False], ["outage", "2026-11-19T09:00:00+00:00", True]], "· drill kill FAILED"),
    ],
    ids=["none", "failed"],
)
def test_a_digest_says_when_nobody_drills_and_what_failed(drills: list[object], said: str) -> None:
    rendered = render_digest(samples.DIGEST | {"drills": drills})

    assert rendered.plain().endswith(said)
    assert problems(rendered) == []


def test_a_drill_that_failed_is_said_beside_incidents() -> None:
    troubled = samples.DIGEST | {"incidents": {"STAGE_SILENT": 2, "ORDER_LOST": 1}, "drills": []}

    rendered = render_digest(troubled)

    assert rendered.plain().endswith("incidents 3 · no drill in 30 days")
    assert problems(rendered) == []


def test_a_digest_that_was_stored_before_there_were_drills_says_nothing_of_them() -> None:
    before = {name: value for name, value in samples.DIGEST.items() if name != "drills"}

    assert render_digest(before).plain().endswith("incidents none")


def test_a_broken_journal_is_said_loudly() -> None:
    assert "journal BROKEN at 812" in render_digest(samples.DIGEST | {"broken_at": 812}).plain()


def test_a_digest_without_trades_draws_no_curve_and_claims_no_rate() -> None:
    empty = samples.DIGEST | {"n": 0, "wins": 0, "r": "0", "percent": None, "best": None, "worst": None, "slippage_bps": None}

    rendered = render_digest(empty)

    assert rendered.chart is None
    assert "result no data · 0.00 R of 0 trades" in rendered.plain()
    assert "slip no data" in rendered.plain()


def test_an_unknown_template_is_told_in_plain_words() -> None:
    rendered = render_notice("something_new", {"code": "X", "trade": 17, "token": "secret"})

    assert rendered.plain() == "something new\ncode: X\ntrade: 17"


@pytest.mark.parametrize("template", sorted(NOTICES))
def test_a_missing_fact_never_stops_a_message(template: str) -> None:
    for missing in samples.NOTICES[template]:
        facts = {name: value for name, value in samples.NOTICES[template].items() if name != missing}

        assert render_notice(template, facts).plain().strip()


@pytest.mark.parametrize("template", sorted(NOTICES))
def test_hostile_words_stay_words(template: str) -> None:
    facts = samples.NOTICES[template]
    words = [name for name, value in facts.items() if isinstance(value, str)]
    for payload in HOSTILE:
        cases = [facts | {name: payload} for name in words] + [facts | dict.fromkeys(words, payload)]
        for case in cases:
            rendered = render_notice(template, case)

            parsed = parse(rendered.text)
            assert {entity.type for entity in parsed.entities} <= {"bold", "code", "pre", "date_time"}, case
            assert len(rendered.plain().split("\n")) <= LINES, case
            assert len(rendered.plain()) < 2 * CAPTION, case
            rendered.keyboard()


@settings(max_examples=60)
@given(
    st.sampled_from(sorted(NOTICES)),
    st.dictionaries(
        st.text(max_size=12),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
            lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
            max_leaves=5,
        ),
        max_size=6,
    ),
)
def test_no_fact_whatever_it_is_makes_a_message_fail(template: str, odd: dict[str, object]) -> None:
    names = list(samples.NOTICES[template])
    replaced = dict(zip(names, odd.values(), strict=False))

    rendered = render_notice(template, samples.NOTICES[template] | odd | replaced)

    parse(rendered.text)
    rendered.keyboard()
