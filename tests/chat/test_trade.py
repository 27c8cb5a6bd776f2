"""What is done with an open trade: half, break-even, another stop, close in two taps, proof; and how its messages add up."""

from __future__ import annotations

import pytest

from sandbox.telegram.messages import Message, shown_id
from services.domain.verdicts import CheckCode
from services.execution.telling import refresh_prices
from tests.chat.rig import ANN, CARL, GROUP, MONEY, OLGA, TOM, ChatRig, labels_of, text_of

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def price_shown(rig: ChatRig, card: Message, bid: str, ask: str) -> Message:
    """Move the price and wait until a card shows it."""
    rig.price(bid, ask)
    await rig.until(lambda: str(rig.graph.trading.quotes.latest("BTC/USDT")).find(bid) > 0, "the price is read")
    await rig.write(refresh_prices)
    return await rig.reads(card, f"now {float(bid):,.2f}")


async def test_half_is_closed_in_two_taps_and_the_rest_stays_protected(flat_desk: ChatRig) -> None:
    rig = flat_desk
    card = await rig.trade(ANN)
    await rig.press(ANN, card, "Half")
    question = await rig.reads(card, "Close half of #")
    assert labels_of(question) == ["Back", "Close half"]

    toast = await rig.press(ANN, question, "Close half")
    card = await rig.reads(card, "still open")
    await rig.until(lambda: "at the venue" in text_of(rig.current(card)), "the rest is protected")

    assert toast == "Closing."
    (trade,) = await rig.trades_of(ANN)
    assert trade.open_quantity == trade.quantity / 2
    assert labels_of(rig.current(card))[:2] == ["Close", "Half"]


async def test_back_from_the_question_closes_nothing(flat_desk: ChatRig) -> None:
    rig = flat_desk
    card = await rig.trade(ANN)
    await rig.press(ANN, card, "Close")
    question = await rig.reads(card, "at market?")
    await rig.press(ANN, question, "Back")

    await rig.reads(card, "filled at")
    await rig.settled()
    assert len(await rig.trades_of(ANN)) == 1


async def test_close_takes_two_taps_and_tells_the_result_with_money_in_private_only(flat_desk: ChatRig) -> None:
    rig = flat_desk
    card = await rig.trade(TOM)
    group = rig.mark(OLGA, GROUP)
    await rig.press(TOM, card, "Close")
    await rig.press(TOM, await rig.reads(card, "at market?"), "Close")
    await rig.reads(card, "closed at market")
    result = await rig.message(TOM, "= −", after=shown_id(card))
    shared = await rig.message(OLGA, "Tom closed LONG BTC/USDT", GROUP, after=group)

    assert result.reply_to == card.message_id
    assert MONEY.search(text_of(result)) and not MONEY.search(text_of(shared))
    assert labels_of(rig.current(card)) == ["Proof", "Reason"]


async def test_a_stop_moves_closer_by_menu_and_never_wider(flat_desk: ChatRig) -> None:
    rig = flat_desk
    card = await rig.trade(ANN)
    await rig.press(ANN, card, "Move stop")
    menu = await rig.reads(card, "Move it to")
    assert "stop at 63,000" in text_of(menu)
    places = ["−0.5 R", "BE", "+0.5 R", "+1 R", "+2 R"]
    assert labels_of(menu) == [*places, "Trail 1R", "Trail ATR", "Trail %", "Structure", "Off", "Back"]

    toast = await rig.press(ANN, menu, "−0.5 R")
    await rig.reads(card, "stop 63,500.00, TP1, TP2 at the venue")
    assert toast == "Stop moves to 63,500."

    await rig.press(ANN, card, "Move stop")
    again = await rig.press(ANN, await rig.reads(card, "Move it to"), "−0.5 R")
    assert again.startswith("STOP_UNCHANGED")
    beyond = await rig.press(ANN, card, "+1 R")
    assert beyond.startswith("STOP_SIDE")
    (trade,) = await rig.trades_of(ANN)
    wider = await rig.forge(ANN, ANN, f"t:stopr:{trade.id}:-0.9", shown_id(card))
    assert wider.startswith("STOP_WIDER")


async def test_a_stop_follows_the_market_after_one_tap_and_without_a_message(flat_desk: ChatRig) -> None:
    rig = flat_desk
    card = await rig.trade(ANN)
    await rig.press(ANN, card, "Move stop")
    toast = await rig.press(ANN, await rig.reads(card, "Move it to"), "Trail %")
    assert toast == "The stop trails 1 %."
    await rig.reads(card, "stop 63,359.99, TP1, TP2 at the venue · trails 1 %")

    rig.price("64500.00", "64500.02")
    await rig.reads(card, "stop 63,855.00, TP1, TP2 at the venue · trails 1 %")
    told = rig.since(shown_id(card), ANN)

    assert told == []
    await rig.press(ANN, card, "Move stop")
    off = await rig.press(ANN, await rig.reads(card, "trails 1 %\nMove it to"), "Off")
    assert off == "The stop stays where it is."
    assert "trails" not in text_of(await rig.reads(card, "stop 63,855.00, TP1, TP2 at the venue"))


async def test_break_even_appears_when_it_can_be_and_moves_the_stop_beyond_costs(flat_desk: ChatRig) -> None:
    rig = flat_desk
    card = await rig.trade(ANN)
    assert "Stop→BE" not in labels_of(card)

    card = await price_shown(rig, card, "64800.00", "64800.02")
    assert "Stop→BE" in labels_of(card)
    toast = await rig.press(ANN, card, "Stop→BE")
    await rig.reads(card, "stop 64,128.01, TP1, TP2 at the venue")

    assert toast == "Stop moves to 64,128.01."
    assert "Stop→BE" not in labels_of(rig.current(card))


async def test_a_stop_that_is_hit_later_is_told_as_a_reply_and_the_card_ends(flat_desk: ChatRig) -> None:
    rig = flat_desk
    card = await rig.trade(ANN)
    await rig.forward(seconds=40)
    rig.price("62900.00", "62900.02")

    result = await rig.message(ANN, "closed by its stop", after=shown_id(card))

    await rig.reads(card, "closed by its stop")
    assert result.reply_to == card.message_id and not result.silent
    assert not await rig.trades_of(ANN)


async def test_a_target_that_fills_later_is_a_reply_and_at_most_three_are_loud(flat_desk: ChatRig) -> None:
    rig = flat_desk
    card = await rig.trade(ANN)
    await rig.forward(seconds=40)
    rig.price("66100.00", "66100.02")
    first = await rig.message(ANN, "target filled", after=shown_id(card))
    await rig.reads(card, "TP1 done")
    rig.price("67600.00", "67600.02")
    last = await rig.message(ANN, "closed by its target", after=shown_id(first))

    replies = [message for message in rig.since(shown_id(card), ANN) if message.reply_to == card.message_id]
    assert {first.message_id, last.message_id} <= {message.message_id for message in replies}
    assert sum(not message.silent for message in replies) <= 3


async def test_the_proof_stands_beside_the_plan_and_goes_back_to_the_card(flat_desk: ChatRig) -> None:
    rig = flat_desk
    card = await rig.trade(ANN)
    await rig.press(ANN, card, "Proof")
    proof = await rig.reads(card, "plan               outcome")
    assert f"checks {len(CheckCode)}/{len(CheckCode)}" in text_of(proof)
    await rig.press(ANN, proof, "Back")
    await rig.reads(card, "filled at")

    by_commander = await rig.ask(CARL, "/positions", "LONG BTC/USDT")
    assert any(label.startswith("#") for label in labels_of(by_commander))


async def test_closeall_means_mine(flat_desk: ChatRig) -> None:
    rig = flat_desk
    await rig.trade(ANN)
    await rig.trade(TOM)
    await rig.trade(ANN, symbol="ETH/USDT", stop="3150")

    question = await rig.ask(ANN, "/closeall", "ETH/USDT at market?")
    assert "BTC/USDT at market?" in text_of(question)
    await rig.press(ANN, question, "Close all 2")

    async def flat() -> bool:
        return not await rig.trades_of(ANN)

    await rig.until(flat, "Ann holds nothing")
    assert len(await rig.trades_of(TOM)) == 1


async def test_a_commander_closes_a_trader_s_trade_and_both_are_told(flat_desk: ChatRig) -> None:
    rig = flat_desk
    card = await rig.trade(TOM)
    (trade,) = await rig.trades_of(TOM)

    question = await rig.ask(CARL, f"/close {trade.number}", "at market?")
    await rig.press(CARL, question, "Close")

    await rig.reads(card, "closed at market")
    assert (await rig.journal("trade.closing", f"person:{CARL}"))[-1]["trade"] == trade.number


async def test_a_fire_is_explained_in_one_tap_that_can_be_changed_and_is_nobody_elses(flat_desk: ChatRig) -> None:
    rig = flat_desk
    card = await rig.trade(ANN)
    assert labels_of(card)[-5:] == ["setup", "momentum", "level", "news", "gut"]
    toast = await rig.press(ANN, card, "level")
    await rig.until(lambda: "Reason: level" in labels_of(rig.current(card)), "the card names the reason")
    await rig.press(ANN, card, "Reason: level")
    await rig.press(ANN, await rig.reads(card, "Why did you fire it?"), "gut")
    await rig.until(lambda: "Reason: gut" in labels_of(rig.current(card)), "the reason is changed")
    (trade,) = await rig.trades_of(ANN)
    of_carl = await rig.forge(CARL, CARL, f"t:why:{trade.id}:0", shown_id(rig.seen(CARL)[-1]))

    assert toast == "Fired for: level."
    assert of_carl.startswith("NOT_YOURS")
    assert [row["reason"] for row in await rig.journal("decision.explained")] == ["level", "gut"]
