"""Ephemeral messages: who may send one to whom, when, and who sees it."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.clock import ManualClock
from sandbox.page import view
from sandbox.telegram.api import BotApi
from sandbox.telegram.failures import Misuse, Refused
from sandbox.telegram.messages import shown_id
from sandbox.telegram.state import EPHEMERAL_SECONDS
from sandbox.telegram.world import ANN, CARL, DESK, SAM, TOM, World

KEYS = {"inline_keyboard": [[{"text": "Go", "callback_data": "go"}]]}


def whisper(api: BotApi, to: int = ANN, chat_id: int = DESK, text: str = "psst", **more: Any) -> dict[str, Any]:
    parameters = {"receiver_user_id": to} | more.pop("parameters", {})
    sent: dict[str, Any] = api.result(
        "sendMessage", {"chat_id": chat_id, "text": text, "ephemeral_message_parameters": parameters, **more}
    )
    return sent


def ids(world: World, person_id: int) -> list[float]:
    return [shown_id(message) for message in world.seen(person_id, DESK)]


def test_ephemeral_message_is_seen_by_one_person_in_its_place(world: World, api: BotApi) -> None:
    before = api.result("sendMessage", {"chat_id": DESK, "text": "before"})["message_id"]
    sent = whisper(api)
    after = api.result("sendMessage", {"chat_id": DESK, "text": "after"})["message_id"]

    assert (sent["message_id"], sent["ephemeral_message_id"], sent["receiver_user"]["id"]) == (0, 1, ANN)
    assert after == before + 1
    assert [text.body.text for text in world.seen(ANN, DESK)][-3:] == ["before", "psst", "after"]
    assert [text.body.text for text in world.seen(TOM, DESK)][-2:] == ["before", "after"]
    assert before < ids(world, ANN)[-2] < after
    assert view.message(world, world.seen(ANN, DESK)[-2])["ephemeral_for"] == ANN


def test_ephemeral_message_is_edited_and_deleted_by_its_three_ids(world: World, api: BotApi) -> None:
    sent = whisper(api, reply_markup=KEYS)
    where = {"chat_id": DESK, "receiver_user_id": ANN, "ephemeral_message_id": sent["ephemeral_message_id"]}

    assert api.result("editEphemeralMessageText", {**where, "text": "new"}) is True
    assert world.seen(ANN, DESK)[-1].body.text == "new"
    with pytest.raises(Refused, match="message is not modified"):
        api.result("editEphemeralMessageReplyMarkup", where)
    with pytest.raises(Refused, match="message to edit not found"):
        api.result("editEphemeralMessageText", {**where, "receiver_user_id": TOM, "text": "x"})
    assert api.result("deleteEphemeralMessage", where) is True
    with pytest.raises(Refused, match="message to delete not found"):
        api.result("deleteEphemeralMessage", where)
    with pytest.raises(Refused, match="message to edit not found"):
        api.result("editMessageText", {"chat_id": DESK, "message_id": 0, "text": "x"})


def test_press_on_an_ephemeral_message_names_it(world: World, api: BotApi) -> None:
    whisper(api, reply_markup=KEYS)
    shown = ids(world, ANN)[-1]
    world.tap(ANN, DESK, shown, "go")
    (update,) = api.result("getUpdates")

    assert update["callback_query"]["message"]["ephemeral_message_id"] == 1
    assert update["callback_query"]["message"]["message_id"] == 0
    with pytest.raises(Misuse):
        world.tap(TOM, DESK, shown, "go")


def test_plain_member_needs_a_fresh_press_that_is_not_answered(world: World, api: BotApi, clock: ManualClock) -> None:
    world.promote_bot(DESK, CARL, admin=False)
    card = api.result("sendMessage", {"chat_id": DESK, "text": "card", "reply_markup": KEYS})["message_id"]
    with pytest.raises(Refused, match="400 Bad Request: BOT_NOT_ADMIN"):
        whisper(api)
    query = world.tap(ANN, DESK, card, "go")
    by_press = {"callback_query_id": query.id}

    assert whisper(api, parameters=by_press)["ephemeral_message_id"] == 1
    for why, receiver in (("another person's", TOM), ("an old one", ANN)):
        with pytest.raises(Refused, match="query is too old"):
            whisper(api, receiver, parameters=by_press, text=why)
        clock.advance(EPHEMERAL_SECONDS + 1)
    fresh = world.tap(ANN, DESK, card, "go")
    api.result("answerCallbackQuery", {"callback_query_id": fresh.id})
    with pytest.raises(Refused, match="query is too old"):
        whisper(api, parameters={"callback_query_id": fresh.id})


def test_ephemeral_message_can_stand_in_for_the_card(world: World, api: BotApi) -> None:
    card = api.result("sendMessage", {"chat_id": DESK, "text": "card", "reply_markup": KEYS})["message_id"]
    query = world.tap(ANN, DESK, card, "go")
    replacing = {"callback_query_id": query.id, "replace_callback_query_message": True}
    whisper(api, parameters=replacing, reply_markup=KEYS)
    shown = ids(world, ANN)

    assert card not in shown
    assert card in ids(world, TOM)
    nested = world.tap(ANN, DESK, shown[-1], "go")
    with pytest.raises(Refused, match="replace_callback_query_message must be False"):
        whisper(api, parameters={**replacing, "callback_query_id": nested.id})


@pytest.mark.parametrize(
    ("to", "chat_id", "words"),
    [(ANN, ANN, "BOT_NOT_ADMIN"), (SAM, DESK, "PARTICIPANT_ID_INVALID"), (7000001, DESK, "PARTICIPANT_ID_INVALID")],
)
def test_ephemeral_message_goes_to_a_person_of_the_group_only(api: BotApi, to: int, chat_id: int, words: str) -> None:
    with pytest.raises(Refused, match=f"400 Bad Request: {words}"):
        whisper(api, to, chat_id)


def test_ephemeral_command_reaches_the_bot_alone_and_may_be_answered(world: World, api: BotApi) -> None:
    command = {"command": "risk", "description": "My risk", "is_ephemeral": True}
    api.result("setMyCommands", {"commands": [command], "scope": {"type": "all_group_chats"}})
    world.promote_bot(DESK, CARL, admin=False)
    said = world.say(ANN, "/risk", chat_id=DESK)
    message = api.result("getUpdates")[-1]["message"]

    assert (message["message_id"], message["ephemeral_message_id"]) == (0, said.ephemeral_id)
    assert said not in world.seen(TOM, DESK)
    answered = whisper(api, reply_parameters={"ephemeral_message_id": said.ephemeral_id})
    assert answered["reply_to_message"]["text"] == "/risk"
    with pytest.raises(Refused, match="a reply to an ephemeral message must itself be an ephemeral message"):
        api.result(
            "sendMessage",
            {"chat_id": DESK, "text": "x", "reply_parameters": {"ephemeral_message_id": said.ephemeral_id}},
        )
