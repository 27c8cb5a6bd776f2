"""Cards as people read them, word for word."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from handlers.telegram.callbacks import MissionVerb
from handlers.telegram.views.cards import render_card
from handlers.telegram.views.checks import UNITS
from handlers.telegram.views.entering import render_how
from handlers.telegram.views.message import Rendered, Style
from handlers.telegram.views.missions import render_why
from handlers.telegram.views.preview import render_checks, render_preview
from handlers.telegram.views.trades import render_trade
from services.domain.entries import EntryKind
from services.domain.halts import Halt
from services.domain.money import Price
from services.domain.states import HaltState, MissionState
from services.domain.trades import TerminalMode
from services.domain.verdicts import CheckCode, Unit
from services.reporting.cards import CardFacts
from services.reporting.trade_view import Guard, TradeWord
from services.storage.previews import PreviewState
from tests.views import samples
from tests.views.samples import NOW, D
from tests.views.shape import PREVIEW_LINES, labels, problems


def render(key: str, facts: CardFacts) -> Rendered:
    rendered = render_card(key, facts)
    assert rendered is not None
    return rendered


def test_mission_in_the_group_reads_like_this() -> None:
    card = render("mission:x", samples.mission_view())

    assert card.plain() == (
        "🟢 LONG BTC/USDT · 1h · #12 · PAPER\n"
        "trend 1.2 · score 78 · till 14:32 UTC\n"
        "entry   64,180 – 64,250\n"
        "stop    63,420              −1.3 %\n"
        "TP1     65,495        +1.5 R  half\n"
        "TP2     66,740        +3.0 R  rest\n"
        "Ann fired, filled · Carl skipped (news)"
    )
    assert labels(card) == [["Fire", "Skip", "Why"]]


@pytest.mark.parametrize("state", [MissionState.EXPIRED, MissionState.WITHDRAWN, MissionState.CLOSED])
def test_mission_that_is_over_says_so_and_has_no_keyboard(state: MissionState) -> None:
    over = samples.mission(state=state, closed_at=NOW)

    card = render("mission:x", samples.mission_view(mission=over))

    assert card.plain().splitlines()[1] == f"trend 1.2 · score 78 · {state.value} 14:30 UTC"
    assert card.plain().startswith("⏳")
    assert labels(card) == []


def test_mission_that_its_reader_fired_offers_only_why_in_private() -> None:
    card = render("mission:x", samples.mission_view(private=True, fired_by_viewer=True))

    assert labels(card) == [["Why"]]


def test_why_shows_reason_parts_and_numbers() -> None:
    assert render_why(samples.mission_view()).plain() == (
        "Why LONG BTC/USDT · #12 · PAPER\n"
        "trend 1.2 · score 78 of 100\n"
        "price above its averages, which rise\n"
        "setup                    34 points\n"
        "regime                   24 points\n"
        "volume                   20 points\n"
        "adx                          31.24\n"
        "atr                          412.5\n"
        "volume ratio                 1.310"
    )


@pytest.mark.parametrize(
    ("kind", "waits_for", "said"),
    [
        (EntryKind.WHOLE, None, "all of it at 64,290 or better, or none"),
        (EntryKind.LIMIT, "64100", "rests at 64,100"),
        (EntryKind.POST, "64100", "rests at 64,100, never takes"),
        (EntryKind.MAKER, None, "rests first, then takes at 64,290 or better"),
        (EntryKind.STOP, "64275", "from 64,275 on, at 64,290 or better"),
    ],
)
def test_a_preview_says_how_it_would_enter(kind: EntryKind, waits_for: str | None, said: str) -> None:
    at = Price(Decimal(waits_for)) if waits_for is not None else None
    card = render("preview:x", samples.preview_view(kind=kind, waits_for=at))

    assert said in card.plain().split("\n")
    assert problems(card, lines=PREVIEW_LINES) == []


def test_the_ways_to_enter_fit_on_one_screen() -> None:
    card = render_how(samples.preview_view(kind=EntryKind.MAKER))

    assert [len(row) for row in card.rows] == [2, 2, 2, 1]
    assert "Maker first •" in [button.text for row in card.rows for button in row]
    assert problems(card, width=56) == []
    assert len(card.plain().split("\n")) <= 9


def test_a_terminal_that_only_takes_offers_no_other_way() -> None:
    card = render("preview:x", samples.preview_view(kinds=(EntryKind.TAKE,)))

    assert not any(button.text.startswith("How") for row in card.rows for button in row)


def test_preview_reads_like_this() -> None:
    card = render("preview:x", samples.preview_view())

    assert card.plain() == (
        "PAPER · ann-paper\n"
        "🟢 LONG BTC/USDT 0.0125 BTC (804 USDT)\n"
        "at 64,290 or better\n"
        "stop 63,420 → −11.30 USDT with costs\n"
        "risk 0.56 % of equity\n"
        "targets +1.5 R half, +3.0 R rest\n"
        "nearest: daily loss 1.9 of 5.0 %\n"
        "and positions 2 of 4\n"
        "good until 14:31:20 UTC"
    )
    assert labels(card) == [["½", "1× •", "1.4× max"], ["How: take now"], ["Confirm"], ["Checks 4", "Back"]]
    assert card.rows[2][0].style is Style.SUCCESS
    assert problems(card, lines=PREVIEW_LINES) == []


def test_preview_says_how_its_size_came_about() -> None:
    card = render_preview(samples.preview_view(sized="0.5 % to the stop, cut by limits, bad day"))

    assert problems(card) == []
    assert "%: 0.5 % to the stop, cut by" in card.text


def test_preview_says_why_it_was_refreshed_in_no_more_lines() -> None:
    view = samples.preview_view()
    view = replace(view, preview=replace(view.preview, note="the price moved"))

    card = render_preview(view)

    assert card.plain().splitlines()[0] == "PAPER · ann-paper · the price moved"
    assert problems(card, lines=PREVIEW_LINES) == []


def test_preview_leaves_out_sizes_that_are_nothing_or_the_same() -> None:
    view = samples.preview_view()
    small = replace(view.preview, half=D(0), largest=view.preview.full, size="max")

    assert labels(render_preview(replace(view, preview=small)))[0] == ["1× •"]


def test_preview_of_a_mission_that_ended_has_no_buttons() -> None:
    over = samples.mission(state=MissionState.EXPIRED, closed_at=NOW)

    card = render("preview:x", samples.preview_view(mission=over))

    assert "expired 14:30 UTC" in card.plain()
    assert labels(card) == []


def test_preview_without_a_token_cannot_be_confirmed() -> None:
    view = samples.preview_view()

    card = render_preview(replace(view, preview=replace(view.preview, state=PreviewState.FIRED, token_id=None)))

    assert labels(card) == [["Checks 4", "Back"]]


def test_refusal_says_value_limit_when_it_frees_and_whom_to_ask() -> None:
    card = render("preview:x", samples.refused_view(samples.OVER_DAILY, ask="Carl"))

    assert card.plain() == (
        "⛔ not fired: DAILY_LOSS · PAPER\n"
        "LONG BTC/USDT · #12 · ann-paper\n"
        "lost today 5.3 % of equity, limit 5.0 %\n"
        "frees at 17:42 UTC (in 3 h 12)"
    )
    assert labels(card) == [["Remind me", "Ask Carl"], ["Checks 5", "Back"]]


def test_refusal_offers_the_size_that_passes() -> None:
    card = render_preview(samples.refused_view(samples.OVER_RISK, passing=D("0.5532")))

    assert card.plain().splitlines()[2] == "1.8 % of equity at the stop, limit 1.0 %"
    assert labels(card)[0] == ["Fire 0.55× (passes)"]
    assert card.rows[0][0].data is not None
    assert card.rows[0][0].data.pack() == f"m:{MissionVerb.SIZE.value}:01MISSION:max"


def test_size_below_the_minimum_offers_the_larger_ones() -> None:
    tiny = samples.check(CheckCode.MIN_SIZE, passed=False, value="0.00001", limit="0.0001 and 5 USDT", unit=Unit.QUANTITY)

    card = render_preview(samples.refused_view(tiny))

    assert card.plain().splitlines()[2] == "size 0.00001 is below the venue's 0.0001 and 5 USDT"
    assert labels(card)[0] == ["½", "1.4× max"]


@pytest.mark.parametrize("code", list(CheckCode))
def test_every_check_refuses_in_a_sentence_that_fits(code: CheckCode) -> None:
    values = {Unit.STATE: ("halted", "active"), Unit.PRICE: ("64310.5", "64290")}
    value, limit = values.get(UNITS[code], ("1.8", "1"))
    for measured in (value, None):
        denial = samples.check(code, passed=False, value=measured, limit=limit, unit=UNITS[code], note="desk by Carl: lag")

        card = render_preview(samples.refused_view(denial, ask="Carl"))

        assert problems(card) == []
        assert code.value in card.plain()


def test_all_checks_are_listed_with_value_and_limit_over_pages() -> None:
    view = samples.preview_view()
    many = replace(view, preview=replace(view.preview, checks=(*(view.preview.checks * 4), samples.OVER_RISK)))

    first, second = render_checks(many), render_checks(many, 2)

    assert first.plain().splitlines()[1:5] == [
        "✓ PRICE_COLLAR              64,250",
        "✓ OPEN_POSITIONS            2 of 4",
        "✓ FREE_FUNDS       802.50 of 9,198",
        "✓ DAILY_LOSS          1.9 of 5.0 %",
    ]
    assert second.plain().splitlines()[-2:] == ["✗ RISK_PER_TRADE      1.8 of 1.0 %", "16 of 17 pass · page 2 of 2"]
    assert labels(first) == [["More", "Back"]]
    assert labels(second) == [["First", "Back"]]
    assert problems(first) == problems(second) == []


OPEN_CARD = (
    "✅ LONG BTC/USDT 0.0125 · PAPER\n"
    "filled at 64,212 · 14:30:41 UTC\n"
    "slip +0.5 bps · fee 0.80 USDT · 0.42 s\n"
    "stop 63,420, TP1, TP2 at the venue\n"
    "now 64,390 at 14:30:59 UTC\n"
    "open +0.22 R · +2.10 USDT\n"
    "trade #17 · mission #12 · ann-paper"
)


def test_open_trade_reads_like_this() -> None:
    card = render("trade:x", samples.trade_view())

    assert card.plain() == OPEN_CARD
    assert labels(card) == [["Close", "Half", "Stop→BE"], ["Move stop", "Proof"]]


def test_price_that_is_old_says_how_old() -> None:
    view = samples.trade_view()
    assert view.price is not None
    old = replace(view, price=replace(view.price, age=timedelta(minutes=13)))

    assert "last 64,390 at 14:30:59 UTC, 13 min old" in render_trade(old).plain()


def test_price_that_is_missing_is_said_to_be() -> None:
    lines = render_trade(samples.trade_view(price=None, r=None, money=None)).plain().splitlines()

    assert lines[4:6] == ["now: no data", "open no data"]


@pytest.mark.parametrize(
    ("guard", "said"),
    [
        (Guard.MOVING, "stop 63,420 at the venue, moving to 63,900 · TP1, TP2 resting"),
        (Guard.PLACING, "stop 63,900 being placed · TP1, TP2 resting"),
        (Guard.UNKNOWN, "stop: outcome unknown, asking the venue · TP1, TP2 resting"),
        (Guard.CLOSING, "no stop at the venue, closing at market · TP1, TP2 resting"),
        (Guard.MISSING, "no stop! none stands at the venue · TP1, TP2 resting"),
    ],
)
def test_protection_is_told_as_it_stands(guard: Guard, said: str) -> None:
    view = samples.trade_view()
    protection = replace(view.protection, guard=guard, wanted=D(63900))

    assert render_trade(replace(view, protection=protection)).plain().splitlines()[3] == said


def test_stop_for_a_part_says_for_how_much() -> None:
    view = samples.trade_view()
    protection = replace(view.protection, share=D("0.8"), resting=(2,), done=(1,))

    said = render_trade(replace(view, protection=protection)).plain().splitlines()[3]

    assert said == "stop 63,420 for 80 %, TP2 at the venue · TP1 done"


@pytest.mark.parametrize(
    ("word", "code", "said", "buttons"),
    [
        (TradeWord.APPROVED, None, "approved 14:30:41 UTC, not sent yet", [["Cancel", "Proof"]]),
        (TradeWord.SENT, None, "sent 14:30:41 UTC, waiting for the venue", [["Proof"]]),
        (TradeWord.ACCEPTED, None, "accepted 14:30:41 UTC, not filled yet", [["Cancel", "Proof"]]),
        (TradeWord.UNKNOWN, None, "outcome unknown since 14:30:41 UTC", [["Proof"]]),
        (TradeWord.REJECTED, "PRICE_FILTER", "rejected PRICE_FILTER 14:30:41 UTC", [["Proof"]]),
        (TradeWord.NOT_SENT, "DEADLINE", "not sent: DEADLINE 14:30:41 UTC", [["Proof"]]),
        (TradeWord.NOT_FILLED, None, "not filled 14:30:41 UTC", [["Proof"]]),
        (TradeWord.CANCELED, None, "canceled 14:30:41 UTC", [["Proof"]]),
        (TradeWord.CANCELED, "SILENCE", "canceled: SILENCE 14:30:41 UTC", [["Proof"]]),
        (TradeWord.DENIED, None, "denied 14:30:41 UTC", [["Proof"]]),
        (TradeWord.AWAITING, None, "waiting for approval since 14:30:41 UTC", [["Proof"]]),
    ],
)
def test_trade_without_a_fill_says_where_it_stands(
    word: TradeWord, code: str | None, said: str, buttons: list[list[str]]
) -> None:
    card = render_trade(samples.unfilled(word, code))

    assert card.plain().splitlines()[1] == said
    assert labels(card) == buttons


def test_unknown_outcome_promises_that_nothing_is_sent_again() -> None:
    text = render_trade(samples.unfilled(TradeWord.UNKNOWN)).plain()

    assert text.startswith("❔")
    assert "asking again; nothing is re-sent" in text
    assert "BTC/USDT takes no new trade until it is clear" in text


def test_part_fill_says_how_much() -> None:
    view = samples.trade_view(TradeWord.PART_FILLED, filled_share=D("0.4"), filled_quantity=D("0.005"))

    assert render_trade(view).plain().splitlines()[1] == "part filled 40 % at 64,212 · 14:30:41 UTC"


def test_half_closed_trade_says_what_is_left() -> None:
    text = render_trade(samples.trade_view(open_quantity=D("0.0062"))).plain()

    assert "0.0062 of 0.0125 BTC still open" in text


def test_closed_trade_shows_its_result_and_only_its_proof() -> None:
    card = render_trade(samples.closed_view())

    assert card.plain() == (
        "🏁 LONG BTC/USDT 0.0125 · PAPER\n"
        "closed by its stop, 63,418 · 14:30 UTC\n"
        "result −1.02 R · −11.20 USDT\n"
        "in 64,212 · slip +0.5 bps\n"
        "fee 1.60 USDT · tap to fill 0.42 s\n"
        "trade #17 · mission #12 · ann-paper"
    )
    assert labels(card) == [["Proof"]]


def test_stop_to_break_even_is_offered_only_where_it_tightens() -> None:
    assert labels(render_trade(samples.trade_view(can_break_even=False)))[0] == ["Close", "Half"]


def test_live_money_is_said_in_the_first_line() -> None:
    assert render_trade(samples.trade_view(mode=TerminalMode.LIVE)).plain().splitlines()[0].endswith("LIVE")


def test_halt_reads_like_this_and_only_a_commander_may_lift_it_in_private() -> None:
    group = render("halt:desk", samples.halt_view())
    commander = render("halt:desk", samples.halt_view(private=True, commands=True))

    assert group.plain() == (
        "🛑 HALTED by Carl 14:30 UTC · PAPER\n"
        "“exchange lagging”\n"
        "entries stopped, 3 of 3 taken back\n"
        "protection stays on 4 of 4 open, exits go on\n"
        "open risk 1.9 % of equity"
    )
    assert labels(group) == [["Details"]]
    assert labels(commander) == [["Details", "Resume"], ["Flatten all"]]


def test_lifted_halt_says_who_lifted_it() -> None:
    halt: Halt = replace(samples.halt_view().halt, state=HaltState.ACTIVE, reason="resumed")

    card = render("halt:desk", samples.halt_view(halt=halt))

    assert card.plain().splitlines()[0] == "✅ active, resumed by Carl 14:30 UTC · PAPER"
    assert labels(card) == []


def test_missions_beyond_the_quota_are_counted_and_the_newest_named() -> None:
    card = render("grouped:2026-11-20", samples.grouped_view(40))

    lines = card.plain().splitlines()
    assert lines[0] == "40 more missions today · PAPER"
    assert lines[1] == "#40 LONG BTC/USDT       78 · 14:32"
    assert len(lines) == 10


def test_checklist_ticks_what_was_done() -> None:
    lines = render("checklist:1001", samples.CHECKLIST).plain().splitlines()

    assert lines[0] == "First steps · 1 of 5"
    assert [line[0] for line in lines[1:]] == ["✓", "○", "○", "○", "○"]


def test_card_of_another_key_is_not_shown() -> None:
    assert render_card("trade:x", samples.mission_view()) is None


def test_sizes_that_have_no_end_are_written_in_full() -> None:
    view = samples.trade_view(quantity=Decimal("1E+3"), open_quantity=Decimal("1E-7"), filled_quantity=D(1000))

    text = render_trade(view).plain()

    assert "1,000" in text
    assert "0.0000001 of 1,000 BTC still open" in text
    assert problems(render_trade(view)) == []
