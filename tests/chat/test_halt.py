"""The kill switch: thrown by one tap, told where it matters, passed by exits alone, lifted by a commander's word."""

from __future__ import annotations

import pytest

from sandbox.telegram.messages import shown_id
from tests.chat.rig import ANN, CARL, CORA, GROUP, MONEY, OLGA, TOM, ChatRig, labels_of, text_of

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_a_trader_halts_in_a_group_and_everyone_concerned_sees_it(active_desk: ChatRig) -> None:
    rig = active_desk
    card = await rig.trade(ANN)
    mark = rig.mark(TOM, GROUP)
    reasons = await rig.ask(TOM, "/halt", "Halted. Why?", GROUP)
    halt = await rig.message(OLGA, "🛑 HALTED by Tom", GROUP, after=mark)
    private = [await rig.message(person, "🛑 HALTED by Tom") for person in (ANN, TOM, CARL, CORA)]
    await rig.settled()

    commander = ["Details", "Resume", "Flatten all"]
    assert labels_of(halt) == ["Details"]
    assert [labels_of(each) for each in private] == [["Details"], ["Details"], commander, commander]
    assert all("open risk" in text_of(each) for each in [halt, *private])
    assert not MONEY.search(text_of(halt))
    assert sum("HALTED" in text_of(each) for each in rig.since(mark, OLGA, GROUP)) == 1
    assert rig.newest(OLGA, "HALTED") is None

    assert (await rig.press(ANN, reasons, "news")).startswith("NOT_YOURS")
    await rig.press(TOM, reasons, "news")
    await rig.reads(halt, "“news”")
    assert "at the venue" in text_of(rig.current(card))


async def test_while_halted_nothing_new_is_fired_but_exits_pass(active_desk: ChatRig) -> None:
    rig = active_desk
    card = await rig.trade(ANN)
    waiting = await rig.preview(TOM)
    await rig.ask(CARL, "/halt exchange lagging", "🛑 HALTED by Carl")

    toast = await rig.press(TOM, waiting, "Confirm")
    refused = await rig.reads(waiting, "⛔ not fired: HALT")
    assert toast.startswith("HALT halted: desk by Carl: exchange lagging")
    assert "halted: desk by Carl: exchange lagging" in text_of(refused)
    await rig.ask(TOM, "/call ETHUSDT long sl 3100", "entries are halted by Carl: exchange lagging")

    await rig.press(ANN, card, "Move stop")
    await rig.press(ANN, await rig.reads(card, "Move it to"), "−0.5 R")
    await rig.reads(card, "stop 63,500.00")
    await rig.press(ANN, card, "Close")
    await rig.press(ANN, await rig.reads(card, "at market?"), "Close")
    await rig.reads(card, "closed at market")
    assert not await rig.trades_of(TOM)


async def test_lifting_a_halt_takes_a_commander_and_the_typed_word(active_desk: ChatRig) -> None:
    rig = active_desk
    await rig.ask(ANN, "/halt fat finger", "🛑 HALTED by Ann")
    halted = await rig.message(CARL, "🛑 HALTED by Ann")

    shown = await rig.ask(TOM, "/resume", "A commander can lift it.")
    assert "HALTED by Ann" in text_of(shown) and "“fat finger”" in text_of(shown) and "open risk" in text_of(shown)
    await rig.ask(TOM, "/resume RESUME", "your role is trader, this needs commander")
    await rig.ask(CARL, "/resume resume", "resume lifts nothing")
    question = await rig.ask(CARL, "/resume", "type within two minutes")
    assert labels_of(question) == []

    await rig.resume()
    await rig.reads(halted, "active, resumed by Carl")
    await rig.message(TOM, "resumed by Carl")
    await rig.message(OLGA, "resumed by Carl", GROUP)
    assert (await rig.journal("halt.lifted"))[-1]["was"] == "halted"
    await rig.ask(CARL, "/resume", "nothing is halted")


async def test_reducing_is_lifted_by_a_commander_s_tap_and_can_become_a_halt(active_desk: ChatRig) -> None:
    rig = active_desk
    mark = rig.mark(TOM)
    await rig.ask(TOM, "/reduce", "Exits only now. Why?")
    await rig.message(TOM, "REDUCING, exits only", after=mark)
    question = await rig.ask(CARL, "/resume", "REDUCING by Tom")
    await rig.ask(ANN, "/halt worse", "🛑 HALTED by Ann")

    late = await rig.press(CARL, question, "Resume")
    assert late.startswith(("RESUME_WORD", "HALT_CHANGED"))

    await rig.resume()
    await rig.ask(TOM, "/reduce", "Exits only now. Why?")
    await rig.kill_over()
    await rig.press(CARL, await rig.ask(CARL, "/resume", "REDUCING by Tom"), "Resume")
    await rig.message(CARL, "The desk is active again.")
    assert (await rig.journal("halt.lifted"))[-1]["was"] == "reducing"


async def test_a_stop_is_mine_alone_and_i_lift_it(active_desk: ChatRig) -> None:
    rig = active_desk
    await rig.ask(ANN, "/stop lunch", "Your entries are stopped")
    toast = await rig.press(ANN, await rig.card(await rig.mission(), ANN), "Fire")
    assert toast.startswith("HALT halted")
    assert "good until" in text_of(await rig.ask(TOM, "/fire", "good until"))

    await rig.ask(ANN, "/stop", "already stopped")
    await rig.ask(ANN, "/resume", "Your stop is lifted.")
    mark = rig.mark(ANN)
    await rig.say(ANN, "/fire")
    await rig.message(ANN, "good until", after=mark)


async def test_halt_is_one_tap_on_the_menu(active_desk: ChatRig) -> None:
    rig = active_desk
    menu = await rig.ask(TOM, "/menu", "What would you like")

    toast = await rig.press(TOM, menu, "Halt the desk")
    card = await rig.message(TOM, "🛑 HALTED by Tom", after=shown_id(menu))
    await rig.press(TOM, card, "Details")
    await rig.reads(card, "1 halt in force" if "1 halt" in text_of(rig.current(card)) else "open risk")

    assert toast == "The desk is halted."
    again = await rig.press(ANN, await rig.ask(ANN, "/menu", "What would you like"), "Halt the desk")
    assert again == "The desk is halted already, by Tom."


async def test_a_new_halt_is_a_new_message_even_while_the_last_one_is_still_being_edited(active_desk: ChatRig) -> None:
    rig = active_desk
    await rig.ask(ANN, "/halt first", "“first”")
    await rig.settled()
    rig.world.faults.switch_on("delay", method="editMessageText", delay=0.5, count=6)
    await rig.resume()
    marks = {person: rig.mark(person) for person in (ANN, TOM)}

    await rig.ask(CARL, "/halt second", "“second”")

    for person, mark in marks.items():
        await rig.message(person, "“second”", after=mark)
    rig.world.faults.switch_off()
