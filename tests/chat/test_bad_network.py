"""The chat server at its worst: lost answers, floods, errors, an outage; nothing is lost and what is urgent goes first."""

from __future__ import annotations

import pytest

from bot.delivery import Envelope
from handlers.telegram.request import Answered
from handlers.telegram.views.message import Rendered
from sandbox.telegram.messages import shown_id
from services.access import audience
from services.domain.notices import Event, Topic
from services.storage import people, tables
from services.storage.database import Unit
from tests.chat.rig import ANN, CARL, CORA, GROUP, OLGA, TOM, ChatRig, data_of, labels_of, text_of


async def test_a_lost_reply_brings_the_message_once_more_rather_than_not_at_all(desk: ChatRig) -> None:
    rig = desk
    rig.world.faults.switch_on("lost_reply", method="sendMessage", chat_id=ANN, count=1)
    rig.world.faults.switch_on("lost_reply", method="sendPhoto", chat_id=ANN, count=1)

    await rig.trade(ANN)
    await rig.settled()

    cards = [message for message in rig.seen(ANN) if "score 70" in text_of(message)]
    previews = [message for message in rig.seen(ANN) if "good until" in text_of(message) or "at the venue" in text_of(message)]
    assert 1 <= len(cards) <= 2 and 1 <= len(previews) <= 2
    assert len(await rig.trades_of(ANN)) == 1


async def test_every_fault_of_a_connection_ends_with_the_message_there(desk: ChatRig) -> None:
    rig = desk
    for kind in ("reset_before", "reset_after", "half_body", "server_error"):
        rig.world.faults.switch_on(kind, count=3)
        mark = rig.mark(CARL)
        await rig.say(CARL, "/whoami")
        await rig.message(CARL, "carl-paper", after=mark)
        mission = await rig.mission()
        await rig.card(mission, ANN)
        await rig.card(mission, OLGA, GROUP)


async def test_a_flood_answer_is_honoured_and_urgent_messages_go_first(desk: ChatRig) -> None:
    rig = desk
    card = await rig.trade(ANN)
    await rig.settled()
    rig.world.faults.switch_on("too_many", chat_id=ANN, method="sendMessage", retry_after=1, count=1)

    def ten_reminders(unit: Unit) -> None:
        person = people.find(unit, ANN)
        assert person is not None
        for number in range(10):
            facts = {"mission": number, "symbol": "BTC/USDT", "code": "SPREAD"}
            audience.tell_person(unit, person, Event.REMINDER, "reminder", facts)

    mark = rig.mark(ANN)
    await rig.write(ten_reminders)
    await rig.until(lambda: rig.world.faults.fired["too_many"], "the flood answer")
    refused_at = rig.clock.monotonic()
    await rig.ask(CARL, "/halt storm", "🛑 HALTED by Carl")
    first = await rig.until(lambda: rig.since(mark, ANN), "the chat is written to again")
    waited = rig.clock.monotonic() - refused_at
    await rig.message(ANN, "mission #9 BTC/USDT")

    told = rig.since(mark, ANN)
    assert waited >= 0.9
    assert text_of(first[0]).startswith("🛑 HALTED by Carl")
    assert [text_of(each) for each in told[1:]] == [
        f"⏳ Reminder: SPREAD may be over\nyou wanted mission #{n} BTC/USDT\ntap Fire to see whether it passes now"
        for n in range(10)
    ]
    assert "at the venue" in text_of(rig.current(card))


async def test_a_storm_of_flood_answers_loses_nothing(desk: ChatRig) -> None:
    rig = desk
    rig.world.faults.switch_on("too_many", retry_after=1, count=25)

    preview = await rig.preview(ANN)
    await rig.press(ANN, preview, "Confirm")
    await rig.reads(preview, "at the venue")
    await rig.message(OLGA, "Ann is LONG BTC/USDT", GROUP)
    await rig.ask(TOM, "/whoami", "tom-paper")
    await rig.settled()

    assert rig.world.faults.fired["too_many"] == 25
    assert len(await rig.trades_of(ANN)) == 1


@pytest.mark.usefixtures("prompt")
async def test_taps_are_answered_within_a_second_while_the_chat_may_not_be_written_to(desk: ChatRig) -> None:
    rig = desk
    preview = await rig.preview(ANN)
    menu = await rig.ask(ANN, "/menu", "What would you like")
    rig.world.faults.switch_on("too_many", method="sendMessage", chat_id=ANN, retry_after=3, count=1)
    await rig.say(ANN, "/positions")
    await rig.until(lambda: rig.world.faults.fired["too_many"], "the chat is closed")

    began = rig.clock.monotonic()
    assert await rig.press(ANN, preview, "Confirm") == "Approved as trade #1."
    confirmed = rig.clock.monotonic()
    assert await rig.press(ANN, menu, "Risk") == ""
    shown = rig.clock.monotonic()

    assert confirmed - began < 1
    assert shown - confirmed < 1.5
    await rig.reads(menu, "daily loss")
    await rig.reads(preview, "at the venue")
    await rig.message(ANN, "Positions")


async def test_a_halt_overtakes_a_held_up_answer(desk: ChatRig) -> None:
    rig = desk
    await rig.ask(TOM, "/whoami", "tom-paper")
    rig.world.faults.switch_on("too_many", method="sendMessage", chat_id=TOM, retry_after=4, count=1)
    await rig.say(TOM, "/status")
    await rig.until(lambda: rig.world.faults.fired["too_many"], "the chat is closed")

    began = rig.clock.monotonic()
    await rig.say(TOM, "/halt now")
    await rig.message(CARL, "🛑 HALTED by Tom")

    assert rig.clock.monotonic() - began < 2


async def test_a_fill_during_an_outage_is_told_when_the_chat_is_back(desk: ChatRig) -> None:
    rig = desk
    card = await rig.trade(ANN)
    await rig.forward(seconds=40)
    outage = rig.world.faults.switch_on("outage")
    rig.price("62900.00", "62900.02")

    async def stopped() -> bool:
        return not await rig.trades_of(ANN)

    await rig.until(stopped, "the stop has closed the trade")
    assert rig.newest(ANN, "closed by its stop") is None
    rig.world.faults.switch_off(outage.id)

    result = await rig.message(ANN, "result −", after=shown_id(card))
    await rig.reads(card, "closed by its stop")
    assert result.reply_to == card.message_id
    await rig.ask(CARL, "/whoami", "carl-paper")


async def test_markup_that_the_server_refuses_is_sent_as_plain_text(desk: ChatRig) -> None:
    rig = desk
    sent = await rig.graph.straight.send(Envelope(chat_id=ANN), Rendered(text="<b>5 < 6 &amp; <i>so on</b>"))

    assert sent is Answered.SEEN
    assert text_of(rig.seen(ANN)[-1]).startswith("5 < 6 & ")


async def test_a_person_who_blocked_the_bot_is_noted_and_holds_nobody_up(desk: ChatRig) -> None:
    rig = desk
    rig.world.block(TOM, blocked=True)

    async def unreachable() -> bool:
        person = await rig.read(lambda unit: people.find(unit, TOM))
        return not person.reachable

    await rig.until(unreachable, "the block is noted")
    mission = await rig.mission()
    await rig.card(mission, ANN)
    await rig.ask(CARL, "/halt drill", "🛑 HALTED by Carl")
    await rig.message(CORA, "🛑 HALTED by Carl")
    await rig.resume()
    await rig.settled()

    lost = await rig.read(lambda unit: unit.all(tables.notices.select().where(tables.notices.c.state == "undeliverable")))
    assert {row.chat_id for row in lost} == {TOM}
    await rig.ask(CARL, "/people", "has not started the bot, or blocked it")
    rig.world.start(TOM)
    await rig.message(TOM, "Hello, Tom.")
    await rig.card(await rig.mission(symbol="ETH/USDT", stop="3100"), TOM)


async def test_a_deleted_card_is_sent_anew_and_lives_on(desk: ChatRig) -> None:
    rig = desk
    card = await rig.trade(ANN)
    rig.world.delete_own(ANN, ANN, card.message_id)
    await rig.forge(ANN, ANN, data_of(card, "Half"), shown_id(card))
    question = await rig.message(ANN, "Close half of")
    assert labels_of(question) == ["Back", "Close half"]
    await rig.press(ANN, question, "Close half")

    again = await rig.message(ANN, "still open", after=shown_id(card))
    assert "trade #1" in text_of(again)


async def test_topics_are_told_although_one_group_is_out_of_reach(desk: ChatRig) -> None:
    rig = desk
    other = rig.world.create_group("Other", CARL)
    await rig.press(CARL, await rig.message(CARL, "may the desk speak there?"), "Approve")
    await rig.ask(CARL, "/bind fills", "fills come here", other.id)
    rig.world.faults.switch_on("too_many", chat_id=other.id, retry_after=20)

    await rig.write(lambda unit: audience.tell_topic(unit, Topic.FILLS, "goodbye", {"desk": "Sortie"}))

    await rig.message(OLGA, "Sortie stops now", GROUP)
