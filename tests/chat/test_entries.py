"""Entries that wait, as a trader meets them: chosen, watched, moved, taken back; and the proof of how they went."""

from __future__ import annotations

import pytest

from sandbox.telegram.messages import Message
from services.domain.verdicts import CheckCode
from tests.chat.rig import ANN, GROUP, OLGA, TOM, ChatRig, labels_of, text_of

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def chosen(rig: ChatRig, person: int, way: str, says: str) -> Message:
    """Open a preview, choose a way to enter from its menu, and wait until the preview says so."""
    preview = await rig.preview(person)
    await rig.press(person, preview, "How: take now")
    await rig.press(person, await rig.reads(preview, "How to enter?"), way)
    return await rig.reads(preview, says)


async def resting(rig: ChatRig, person: int, price: str) -> tuple[Message, int]:
    """Let an entry rest at a price by command; return the trade's card and number."""
    mission = await rig.mission()
    await rig.card(mission, person)
    preview = await rig.ask(person, f"/fire {mission.number} rest {price}", "rests at")
    await rig.press(person, preview, "Confirm")
    card = await rig.reads(preview, "nothing filled yet")
    (trade,) = await rig.trades_of(person)
    return card, trade.number


async def taken_back(rig: ChatRig, person: int, card: Message) -> None:
    await rig.press(person, card, "Cancel")
    await rig.reads(card, "canceled")


async def test_the_ways_to_enter_are_a_menu_and_the_choice_stays_in_the_preview(flat_desk: ChatRig) -> None:
    rig = flat_desk
    preview = await rig.preview(ANN)
    assert "or better" in text_of(preview)
    await rig.press(ANN, preview, "How: take now")
    menu = await rig.reads(preview, "How to enter?")
    assert labels_of(menu) == [
        "Take now •",
        "All or nothing",
        "Rest at entry",
        "Rest, never take",
        "Maker first",
        "Stop entry",
        "Back",
    ]
    await rig.press(ANN, menu, "Maker first")
    preview = await rig.reads(preview, "rests first, then takes at")
    await rig.press(ANN, preview, "½")

    await rig.until(lambda: "½ •" in labels_of(rig.current(preview)), "half is chosen")
    assert "How: maker first" in labels_of(rig.current(preview))
    await rig.press(ANN, rig.current(preview), "Back")


async def test_a_resting_entry_says_where_it_waits_and_is_taken_back(flat_desk: ChatRig) -> None:
    rig = flat_desk
    preview = await chosen(rig, ANN, "Rest at entry", "rests at")
    await rig.press(ANN, preview, "Confirm")
    card = await rig.reads(preview, "nothing filled yet")

    assert "rests at 63,999.99, till" in text_of(card)
    assert labels_of(card)[:3] == ["Cancel", "Move entry", "Proof"]
    await taken_back(rig, ANN, card)
    assert not await rig.trades_of(ANN)


async def test_a_resting_entry_moves_by_button_and_by_command(flat_desk: ChatRig) -> None:
    rig = flat_desk
    card, number = await resting(rig, TOM, "63500")
    await rig.press(TOM, card, "Move entry")
    menu = await rig.reads(card, "rests at 63,500")
    assert labels_of(menu) == ["−0.1 %", "+0.1 %", "to 63,999.99", "Back"]
    toast = await rig.press(TOM, menu, "−0.1 %")
    assert toast == f"The entry of #{number} moves to 63,436.5."
    # What happens to the trade brings its card back by itself.
    card = await rig.reads(card, "rests at 63,436.50, till")

    await rig.ask(TOM, f"/amend {number} 63400", f"The entry of #{number} moves to 63,400.")
    card = await rig.reads(card, "rests at 63,400.00, till")
    await rig.ask(TOM, f"/amend {number} 62000", "ENTRY_BEHIND_STOP")
    await taken_back(rig, TOM, card)


async def test_a_stop_entry_waits_in_the_desk_and_takes_when_the_price_is_there(flat_desk: ChatRig) -> None:
    rig = flat_desk
    preview = await chosen(rig, ANN, "Stop entry", "from 64,100.02 on, at")
    await rig.press(ANN, preview, "Confirm")
    card = await rig.reads(preview, "waits here for 64,100.02, till")
    assert labels_of(card)[:2] == ["Cancel", "Proof"]
    rig.price("64100.00", "64100.02")
    card = await rig.reads(card, "filled at 64,100.02")

    await rig.until(lambda: "at the venue" in text_of(rig.current(card)), "protected")
    rig.price("63999.99", "64000.01")


async def test_what_cannot_be_read_as_a_way_to_enter_is_said(flat_desk: ChatRig) -> None:
    rig = flat_desk
    mission = await rig.mission()
    await rig.card(mission, ANN)

    await rig.ask(ANN, f"/fire {mission.number} sideways", "ENTRY_SYNTAX")
    await rig.ask(ANN, f"/fire {mission.number} rest cheap", "PRICE_SYNTAX")
    await rig.ask(ANN, f"/fire {mission.number} take 63500", "ENTRY_SYNTAX")


async def test_the_proof_of_a_trade_comes_by_command_with_its_times(flat_desk: ChatRig) -> None:
    rig = flat_desk
    await rig.trade(ANN)
    (trade,) = await rig.trades_of(ANN)
    proof = await rig.ask(ANN, f"/proof {trade.number}", f"checks {len(CheckCode)}/{len(CheckCode)}")
    await rig.press(ANN, proof, "Times")
    times = await rig.reads(proof, "tap to first fill")

    assert "1 sent, 1 order, 1 fill" in text_of(times)
    assert "joined" in text_of(times)
    await rig.press(ANN, times, "Back")
    await rig.reads(proof, f"checks {len(CheckCode)}/{len(CheckCode)}")


async def test_ways_to_enter_are_nobody_elses_business(flat_desk: ChatRig) -> None:
    rig = flat_desk
    preview = await rig.preview(ANN)
    group = rig.mark(OLGA, GROUP)
    await rig.press(ANN, preview, "How: take now")
    await rig.reads(preview, "How to enter?")
    await rig.settled()

    assert not any("How to enter?" in text_of(each) for each in rig.since(group, OLGA, GROUP))
    await rig.press(ANN, rig.current(preview), "Back")
