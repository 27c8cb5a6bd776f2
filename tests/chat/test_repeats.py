"""The same thing many times: presses, updates, whole batches; the effect comes once."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import func, select

from sandbox.telegram.messages import shown_id
from services.storage import tables
from tests.chat.rig import ANN, CARL, TOM, ChatRig, data_of, text_of

PRESSES = 50
COPIES = 1_000


async def orders_of(rig: ChatRig, role: str) -> int:
    """Count the orders of a role that the venue took, and hold the desk's books against the venue's."""
    counted = select(func.count().label("n")).select_from(tables.orders).where(tables.orders.c.role == role)
    found: int = await rig.read(lambda unit: unit.first(counted).n)
    return found


async def press_all(rig: ChatRig, person: int, message_id: float, data: str) -> list[str]:
    """Press one button fifty times before the desk has read the first, and return the answers."""
    queries = [rig.world.press(person, person, data, message_id) for _ in range(PRESSES)]
    return [await rig.toast(query.id, data) for query in queries]


async def test_fifty_presses_of_confirm_are_one_order(desk: ChatRig) -> None:
    rig = desk
    preview = await rig.preview(ANN)

    toasts = await press_all(rig, ANN, shown_id(preview), data_of(preview, "Confirm"))
    await rig.reads(preview, "at the venue")
    await rig.settled()

    assert sorted(set(toasts)) == ["Already fired.", "Approved as trade #1."]
    assert toasts.count("Approved as trade #1.") == 1
    assert await orders_of(rig, "entry") == 1
    assert len(await rig.trades_of(ANN)) == 1
    assert len(await rig.graph.trading.paper.fills_since("paper-1001", 0)) == 1


async def test_fifty_presses_of_fire_are_one_preview(desk: ChatRig) -> None:
    rig = desk
    mission = await rig.mission()
    card = await rig.card(mission, ANN)

    await press_all(rig, ANN, shown_id(card), data_of(card, "Fire"))
    await rig.settled()

    assert await rig.count(tables.previews) == 1
    assert await rig.count(tables.trades) == 0
    assert sum("good until" in text_of(message) for message in rig.seen(ANN)) == 1


async def test_a_second_press_of_fire_refreshes_the_preview_that_is_there(desk: ChatRig) -> None:
    rig = desk
    card = await rig.card(await rig.mission(), ANN)
    assert await rig.press(ANN, card, "Fire") == ""
    preview = await rig.message(ANN, "good until", after=shown_id(card))
    await rig.press(ANN, preview, "½")
    half = text_of(await rig.reads(preview, "0.0189"))
    assert await rig.press(ANN, card, "Fire") == "The preview below is fresh again."
    await rig.settled()
    assert [message.key for message in rig.seen(ANN) if "good until" in text_of(message)] == [preview.key]
    assert "0.0189" in half and "0.0189" in text_of(rig.current(preview))

    other = await rig.card(await rig.mission(symbol="ETH/USDT", stop="3100"), ANN)
    await rig.press(ANN, other, "Fire")
    await rig.message(ANN, "LONG ETH/USDT", after=shown_id(other))
    await rig.settled()
    mark = rig.mark(ANN)
    await rig.say(ANN, "/fire")
    await rig.message(ANN, "good until", after=mark)
    await rig.forward(seconds=6)
    mark = rig.mark(ANN)
    assert await rig.press(ANN, card, "Fire") == ""
    await rig.message(ANN, "good until", after=mark)


async def test_fifty_presses_of_close_close_once(desk: ChatRig) -> None:
    rig = desk
    card = await rig.trade(ANN)
    await rig.press(ANN, card, "Close")
    question = await rig.reads(card, "at market?")

    toasts = await press_all(rig, ANN, shown_id(question), data_of(question, "Close"))
    await rig.reads(card, "closed at market")
    await rig.settled()

    assert toasts.count("Closing.") == 1
    assert all(toast.startswith(("Closing.", "BUTTON_USED")) for toast in toasts)
    assert await orders_of(rig, "close") == 1


async def test_fifty_presses_of_halt_are_one_halt(desk: ChatRig) -> None:
    rig = desk
    menu = await rig.ask(TOM, "/menu", "What would you like")

    toasts = await press_all(rig, TOM, shown_id(menu), data_of(menu, "Halt the desk"))
    await rig.settled()

    assert toasts.count("The desk is halted.") == 1
    assert len(await rig.journal("halt.halted")) == 1
    assert sum("🛑 HALTED" in text_of(message) for message in rig.seen(CARL)) == 1


@pytest.mark.parametrize("fault", ["duplicate_updates", "reorder_updates"])
async def test_disturbed_batches_have_each_effect_once(desk: ChatRig, fault: str) -> None:
    rig = desk
    rig.world.faults.switch_on(fault)
    card = await rig.trade(ANN)
    await rig.ask(CARL, "/disable trend", "trend is off now.")
    await rig.press(ANN, card, "Half")
    await rig.press(ANN, await rig.reads(card, "Close half of"), "Close half")
    await rig.reads(card, "still open")
    await rig.settled()

    assert await orders_of(rig, "entry") == 1 and await orders_of(rig, "close") == 1
    assert len(await rig.journal("strategy.disabled")) == 1
    assert sum("trend is off now." in text_of(message) for message in rig.seen(CARL)) == 1


async def test_every_update_of_a_session_replayed_changes_and_says_nothing(desk: ChatRig) -> None:
    rig = desk
    await rig.trade(ANN)
    await rig.ask(ANN, "/call ETHUSDT long sl 3100", "good until")
    await rig.ask(CARL, "/invite trader", "One-time link")
    await rig.ask(TOM, "/stop", "Your entries are stopped")
    await rig.ask(CARL, "/halt drill", "🛑 HALTED")
    await rig.kill_over()
    await rig.settled()
    journal = await rig.journal()
    said = {person: len(rig.seen(person)) for person in (ANN, TOM, CARL)}

    for update in await rig.read(lambda unit: unit.all(select(tables.updates.c.update_id))):
        rig.world.updates.replay(update.update_id)
    await rig.until(lambda: not rig.world.updates.waiting, "the replay is delivered")
    await rig.settled()

    assert [row for row in await rig.journal() if row not in journal] == []
    assert {person: len(rig.seen(person)) for person in said} == said


async def test_the_same_payload_handed_in_again_is_not_handled_again(desk: ChatRig) -> None:
    rig = desk
    preview = await rig.preview(ANN)
    confirm = rig.world.tap(ANN, ANN, shown_id(preview), data_of(preview, "Confirm"))
    raw = json.loads(next(u.text for u in rig.world.updates.first(50) if confirm.id in u.text))
    await rig.reads(preview, "at the venue")

    await rig.graph.intake.accept([raw] * (COPIES - 1))
    await rig.graph.intake.accept([raw])
    await rig.settled()

    assert len(await rig.trades_of(ANN)) == 1
    assert await orders_of(rig, "entry") == 1
