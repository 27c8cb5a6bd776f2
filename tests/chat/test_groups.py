"""Groups: silent until a commander approves, told what is bound to them, carried over when they move, and never of money."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from aiogram.types import EphemeralMessageParameters

from sandbox.telegram.chats import Chat
from sandbox.telegram.messages import shown_id
from tests.chat.rig import ANN, CARL, CORA, GROUP, MONEY, TOM, ChatRig, desk_in_chat, labels_of, text_of


def new_group(rig: ChatRig, title: str = "Night shift", by: int = ANN) -> Chat:
    """Open a group with the bot in it, and let a commander and a trader join."""
    group = rig.world.create_group(title, by)
    for person in (ANN, CARL, TOM):
        if person != by:
            rig.world.join(person, group.id)
    return group


async def test_an_added_group_stays_silent_until_a_commander_approves_it(desk: ChatRig) -> None:
    rig = desk
    group = new_group(rig)
    questions = [await rig.message(commander, "may the desk speak there?") for commander in (CARL, CORA)]
    assert "Night shift" in text_of(questions[0]) and "added by Ann" in text_of(questions[0])
    assert labels_of(questions[0]) == ["Leave", "Approve"]

    for text in ("/status", "/halt", "/bind missions", "/fire"):
        await rig.say(CARL, text, group.id)
    await rig.settled()
    assert not rig.since(0, CARL, group.id)
    assert "active" in text_of(await rig.ask(CARL, "/status", "up "))

    await rig.press(CARL, questions[0], "Approve")
    await rig.reads(questions[0], "Night shift: approved.")
    await rig.message(CORA, "Night shift is approved")
    assert "…" not in text_of(await rig.ask(CARL, "/status", "up ", group.id))
    assert (await rig.press(CORA, questions[1], "Leave")).startswith("CHAT_ANSWERED")


async def test_leave_makes_the_bot_leave(desk: ChatRig) -> None:
    rig = desk
    group = new_group(rig)
    question = await rig.message(CARL, "may the desk speak there?")

    await rig.press(CARL, question, "Leave")

    await rig.until(lambda: not rig.world.chats[group.id].member(rig.world.bot.id).inside, "the bot has left")
    await rig.ask(CARL, "/chats", "left")


async def test_topics_are_bound_to_the_place_where_it_is_said(desk: ChatRig) -> None:
    rig = desk
    for name, thread in (("missions", 2), ("fills", 3), ("risk", 4)):
        await rig.say(CARL, f"/bind {name}", GROUP, thread=thread)
        confirmed = await rig.message(CARL, f"{name} come here from now on", GROUP)
        assert confirmed.thread_id == thread
    await rig.ask(CARL, "/bind weather", "weather is not a topic", GROUP)
    await rig.ask(CARL, "/bind missions", "this works in a group only")

    await rig.trade(ANN)
    card = await rig.message(ANN, "LONG BTC/USDT · 1m", GROUP)
    told = await rig.message(ANN, "Ann is LONG", GROUP)
    assert (card.thread_id, told.thread_id) == (2, 3)
    listed = await rig.ask(CARL, "/chats", "Groups")
    assert "Desk" in text_of(listed)

    await rig.say(CARL, "/bind missions off", GROUP, thread=2)
    await rig.message(CARL, "missions no longer come here", GROUP)
    mark = rig.mark(ANN, GROUP)
    await rig.card(await rig.mission(symbol="ETH/USDT", stop="3100"), ANN)
    await rig.settled()
    assert not rig.since(mark, ANN, GROUP)


async def test_a_deleted_topic_falls_back_to_the_group_itself(desk: ChatRig) -> None:
    rig = desk
    await rig.say(CARL, "/bind missions", GROUP, thread=2)
    await rig.message(CARL, "missions come here", GROUP)
    chat = rig.world.chats[GROUP]
    rig.world.drop_topic(chat, chat.topics[2])

    card = await rig.card(await rig.mission(), ANN, GROUP)

    assert card.thread_id == 0


async def test_a_group_that_becomes_a_supergroup_keeps_approval_bindings_and_cards(desk: ChatRig) -> None:
    rig = desk
    group = new_group(rig)
    await rig.press(CARL, await rig.message(CARL, "may the desk speak there?"), "Approve")
    await rig.ask(CARL, "/bind missions", "missions come here", group.id)
    await rig.card(await rig.mission(), ANN, group.id)

    moved = rig.world.migrate(group.id, ANN)
    await rig.settled()
    await rig.card(await rig.mission(symbol="ETH/USDT", stop="3100"), ANN, moved.id)

    await rig.ask(CARL, "/status", "up ", moved.id)
    assert (await rig.journal("chat.migrated"))[-1] == {"old": group.id, "new": moved.id}
    listed = text_of(await rig.ask(CARL, "/chats", "Groups"))
    assert listed.count("Night shift") == 1


async def test_removed_and_added_again_a_group_is_asked_about_anew(desk: ChatRig) -> None:
    rig = desk
    rig.world.remove_bot(GROUP, CARL)
    await rig.until(lambda: rig.journal("chat.left"), "the desk notes that it was removed")
    await rig.mission()
    await rig.settled()
    assert rig.newest(ANN, "score 70", GROUP) is None

    rig.world.add_bot(GROUP, CARL)
    question = await rig.message(CARL, "may the desk speak there?")
    await rig.press(CARL, question, "Approve")
    await rig.ask(CARL, "/bind missions", "missions come here", GROUP)


async def test_fire_in_a_group_by_someone_who_never_started_the_bot_opens_a_link(tmp_path: Path) -> None:
    async with desk_in_chat(tmp_path) as rig:
        rig.world.block(TOM, blocked=True)
        await rig.settled()
        mission = await rig.mission()
        card = await rig.card(mission, TOM, GROUP)

        query = rig.world.tap(TOM, GROUP, shown_id(card), f"m:fire:{mission.id}:")
        await rig.toast(query.id, "Fire")
        link = rig.toasts[query.id].url
        assert link.endswith(f"?start=m_{mission.id}")
        rig.world.start(TOM, link.partition("?start=")[2])
        await rig.message(TOM, "good until")


async def test_what_a_press_asks_in_a_group_only_the_one_who_pressed_is_told(desk: ChatRig) -> None:
    rig = desk
    card = await rig.card(await rig.mission(), ANN, GROUP)
    ann, tom = rig.mark(ANN, GROUP), rig.mark(TOM, GROUP)

    assert [await rig.press(TOM, card, label) for label in ("Fire", "Why")] == ["", ""]
    await rig.settled()

    preview, why = rig.since(tom, TOM, GROUP)
    assert (text_of(preview), labels_of(preview)) == ("The preview is in our private chat.", ["Open it"])
    assert "EMA 9 over 21" in text_of(why)
    assert rig.since(ann, ANN, GROUP) == []


async def test_a_server_without_ephemeral_messages_shows_nobody_anything_and_the_toast_tells(
    desk: ChatRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig = desk
    card = await rig.card(await rig.mission(), ANN, GROUP)
    mark, send, asked = rig.mark(ANN, GROUP), rig.graph.bot.send_message, 0

    async def older(**given: Any) -> Any:
        nonlocal asked
        asked += given.pop("ephemeral_message_parameters", None) is not None
        return await send(**given)

    monkeypatch.setattr(rig.graph.bot, "send_message", older)
    toasts = [await rig.press(TOM, card, "Fire") for _ in range(2)]
    await rig.settled()

    assert toasts == ["The preview is in our private chat."] * 2
    assert asked == 1
    assert rig.since(mark, ANN, GROUP) == []


async def test_a_refused_ephemeral_message_leaves_the_toast(desk: ChatRig, monkeypatch: pytest.MonkeyPatch) -> None:
    rig = desk
    card = await rig.card(await rig.mission(), ANN, GROUP)
    send, refused = rig.graph.bot.send_message, 0

    async def too_late(**given: Any) -> Any:
        nonlocal refused
        if "ephemeral_message_parameters" in given:
            refused += 1
            given["ephemeral_message_parameters"] = EphemeralMessageParameters(receiver_user_id=TOM, callback_query_id="4711")
        return await send(**given)

    monkeypatch.setattr(rig.graph.bot, "send_message", too_late)

    assert await rig.press(TOM, card, "Fire") == "The preview is in our private chat."
    assert "EMA 9 over 21" in await rig.press(TOM, card, "Why")
    assert refused == 2


async def test_a_group_reads_a_whole_trade_without_an_amount(desk: ChatRig) -> None:
    rig = desk
    card = await rig.trade(ANN)
    for text in ("/missions", "/mission", "/risk", "/status", "/digest", "/strategies", "/universe", "/people", "/chats"):
        await rig.say(CARL, text, GROUP)
    for text in ("/positions", "/balance", "/pnl", "/history", "/orders", "/terminals", "/close 1", "/doctor"):
        await rig.say(CARL, text, GROUP)
    await rig.press(ANN, await rig.message(ANN, "score 70", GROUP), "Why")
    await rig.say(TOM, "/halt volatility", GROUP)
    await rig.press(ANN, card, "Close")
    await rig.press(ANN, await rig.reads(card, "at market?"), "Close")
    await rig.message(ANN, "Ann closed", GROUP)
    await rig.settled()

    said = rig.since(0, ANN, GROUP)
    assert len(said) > 20
    assert [text_of(message) for message in said if MONEY.search(text_of(message))] == []
    assert MONEY.search(text_of(await rig.message(CARL, "Accounts")))
