"""What the bot does to messages: albums, copies, edits, deletions, pins, topics, menus."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sandbox.clock import ManualClock
from sandbox.telegram import commands
from sandbox.telegram.api import BotApi
from sandbox.telegram.failures import Refused
from sandbox.telegram.world import ANN, CARL, DESK, OLGA, TOM, TOPICS, World

from .pictures import picture


def send(api: BotApi, chat_id: int = ANN, text: str = "card", **more: Any) -> dict[str, Any]:
    message: dict[str, Any] = api.result("sendMessage", {"chat_id": chat_id, "text": text, **more})
    return message


def test_message_ids_count_per_chat_and_are_never_reused(world: World, api: BotApi) -> None:
    first, second = send(api), send(api)
    api.result("deleteMessage", {"chat_id": ANN, "message_id": second["message_id"]})

    assert (first["message_id"], second["message_id"], send(api)["message_id"]) == (1, 2, 3)
    assert send(api, CARL)["message_id"] == 1


def test_album_shares_a_group_and_carries_captions(api: BotApi) -> None:
    sent = api.result(
        "sendMediaGroup",
        {
            "chat_id": ANN,
            "media": [
                {"type": "photo", "media": "attach://one", "caption": "<b>first</b>", "parse_mode": "HTML"},
                {"type": "photo", "media": "attach://two"},
            ],
        },
        {"one": picture(), "two": picture()},
    )

    assert len({message["media_group_id"] for message in sent}) == 1
    assert [message.get("caption") for message in sent] == ["first", None]
    assert sent[0]["caption_entities"] == [{"type": "bold", "offset": 0, "length": 5}]


def test_stored_file_is_sent_again_by_its_id(api: BotApi) -> None:
    first = api.result("sendPhoto", {"chat_id": ANN}, {"photo": picture()})
    file_id = first["photo"][0]["file_id"]
    again = api.result("sendPhoto", {"chat_id": CARL, "photo": file_id})

    assert again["photo"] == first["photo"]
    with pytest.raises(Refused, match="can't use file of type Photo as Document"):
        api.result("sendDocument", {"chat_id": ANN, "document": file_id})


def test_part_nothing_refers_to_is_refused(api: BotApi) -> None:
    with pytest.raises(Refused, match="the request has parts that nothing refers to: stray"):
        api.result("sendMessage", {"chat_id": ANN, "text": "x"}, {"stray": picture()})


@pytest.mark.parametrize(
    ("size", "words"),
    [((9_000, 1_001), "PHOTO_INVALID_DIMENSIONS"), ((300, 10), "PHOTO_INVALID_DIMENSIONS")],
)
def test_photo_of_impossible_size_is_refused(api: BotApi, size: tuple[int, int], words: str) -> None:
    with pytest.raises(Refused, match=words):
        api.result("sendPhoto", {"chat_id": ANN}, {"photo": picture(*size)})


def test_edit_keeps_the_id_sets_a_date_and_drops_the_keyboard_unless_given(api: BotApi, clock: ManualClock) -> None:
    keys = {"inline_keyboard": [[{"text": "Go", "callback_data": "go"}]]}
    sent = send(api, reply_markup=keys)
    clock.advance(5)
    where = {"chat_id": ANN, "message_id": sent["message_id"]}
    edited = api.result("editMessageText", {**where, "text": "filled"})
    back = api.result("editMessageReplyMarkup", {**where, "reply_markup": keys})

    assert edited["edit_date"] == sent["date"] + 5
    assert (edited["message_id"], edited["text"], edited.get("reply_markup")) == (sent["message_id"], "filled", None)
    assert back["reply_markup"] == keys


def test_text_can_become_a_photo_and_its_caption_be_edited(api: BotApi) -> None:
    sent = send(api)
    where = {"chat_id": ANN, "message_id": sent["message_id"]}
    media = {"type": "photo", "media": "attach://chart", "caption": "one"}
    turned = api.result("editMessageMedia", {**where, "media": media}, {"chart": picture(8, 6)})
    captioned = api.result("editMessageCaption", {**where, "caption": "two"})

    assert (turned["caption"], turned["photo"][0]["width"]) == ("one", 8)
    assert "text" not in turned
    assert captioned["caption"] == "two"


def test_copy_and_forward_differ_in_their_origin(world: World, api: BotApi) -> None:
    said = world.say(OLGA, "look", chat_id=DESK)
    where = {"chat_id": ANN, "from_chat_id": DESK, "message_id": said.message_id}
    forwarded = api.result("forwardMessage", where)
    copied = api.result("copyMessage", where)
    several = api.result("copyMessages", {"chat_id": ANN, "from_chat_id": DESK, "message_ids": [said.message_id, 999]})

    assert forwarded["forward_origin"]["sender_user"]["id"] == OLGA
    assert set(copied) == {"message_id"}
    assert several == [{"message_id": copied["message_id"] + 1}]
    assert "forward_origin" not in json.loads(api.call("getChat", {"chat_id": ANN}).body)["result"]


def test_old_message_cannot_be_deleted_and_missing_ones_are_skipped(api: BotApi, clock: ManualClock) -> None:
    old = send(api)["message_id"]
    clock.advance(48 * 3600 + 1)
    new = send(api)["message_id"]

    with pytest.raises(Refused, match="message can't be deleted for everyone"):
        api.result("deleteMessage", {"chat_id": ANN, "message_id": old})
    assert api.result("deleteMessages", {"chat_id": ANN, "message_ids": [old, new, 999]}) is True
    with pytest.raises(Refused, match="message to edit not found"):
        api.result("editMessageText", {"chat_id": ANN, "message_id": new, "text": "x"})


def test_pins_show_in_the_chat_and_fall_with_their_message(world: World, api: BotApi) -> None:
    one, two = send(api, DESK)["message_id"], send(api, DESK)["message_id"]
    for message_id in (one, two):
        api.result("pinChatMessage", {"chat_id": DESK, "message_id": message_id})

    assert world.chats[DESK].pinned == [two, one]
    assert api.result("getChat", {"chat_id": DESK})["pinned_message"]["message_id"] == two
    api.result("deleteMessage", {"chat_id": DESK, "message_id": two})
    assert world.chats[DESK].pinned == [one]
    api.result("unpinAllChatMessages", {"chat_id": DESK})
    assert "pinned_message" not in api.result("getChat", {"chat_id": DESK})


def test_bot_is_told_of_its_own_pin(world: World, api: BotApi) -> None:
    sent = send(api)
    api.result("pinChatMessage", {"chat_id": ANN, "message_id": sent["message_id"]})
    (update,) = api.result("getUpdates")

    assert update["message"]["from"]["id"] == world.bot.id
    assert update["message"]["pinned_message"]["message_id"] == sent["message_id"]


def test_topics_open_close_and_go(world: World, api: BotApi) -> None:
    topic = api.result("createForumTopic", {"chat_id": DESK, "name": "Audit"})
    thread_id = topic["message_thread_id"]
    sent = send(api, DESK, message_thread_id=thread_id)
    answer = send(api, DESK, reply_parameters={"message_id": sent["message_id"]})
    api.result("editForumTopic", {"chat_id": DESK, "message_thread_id": thread_id, "name": "Audits"})
    named = world.chats[DESK].topics[thread_id].name
    api.result("deleteForumTopic", {"chat_id": DESK, "message_thread_id": thread_id})

    assert sent["is_topic_message"] is True
    assert answer["message_thread_id"] == thread_id
    assert named == "Audits"
    with pytest.raises(Refused, match="message thread not found"):
        send(api, DESK, message_thread_id=thread_id)
    with pytest.raises(Refused, match="message to edit not found"):
        api.result("editMessageText", {"chat_id": DESK, "message_id": sent["message_id"], "text": "x"})


def test_narrowest_command_menu_wins(world: World, api: BotApi) -> None:
    def put(name: str, **more: Any) -> None:
        api.result("setMyCommands", {"commands": [{"command": name, "description": "x"}], **more})

    put("help")
    put("hilfe", language_code="de")
    put("fire", scope={"type": "all_private_chats"})
    put("halt", scope={"type": "chat_member", "chat_id": DESK, "user_id": TOM})
    put("grant", scope={"type": "chat_administrators", "chat_id": DESK})
    german = world.add_person("Gerd", language="de")
    world.join(german.id, DESK)

    def seen(person_id: int, chat_id: int) -> list[str]:
        return [entry["command"] for entry in commands.seen_by(world, person_id, world.chats[chat_id])]

    assert (seen(ANN, ANN), seen(ANN, DESK)) == (["fire"], ["help"])
    assert (seen(TOM, DESK), seen(CARL, DESK), seen(german.id, DESK)) == (["halt"], ["grant"], ["hilfe"])
    assert api.result("getMyCommands", {"language_code": "de"}) == [{"command": "hilfe", "description": "x"}]
    api.result("deleteMyCommands", {"scope": {"type": "all_private_chats"}})
    assert seen(ANN, ANN) == ["help"]


def test_bots_own_texts_and_menu_button(api: BotApi) -> None:
    api.result("setMyDescription", {"description": "A desk"})
    api.result("setMyShortDescription", {"short_description": "Desk", "language_code": "de"})
    api.result("setMyName", {"name": "Desk"})
    button = {"type": "web_app", "text": "Open", "web_app": {"url": "https://example.com/"}}
    api.result("setChatMenuButton", {"menu_button": button})
    api.result("setChatMenuButton", {"chat_id": ANN, "menu_button": {"type": "commands"}})

    assert api.result("getMyDescription", {"language_code": "fr"}) == {"description": "A desk"}
    assert api.result("getMyShortDescription") == {"short_description": ""}
    assert api.result("getMyName") == {"name": "Desk"}
    assert api.result("getChatMenuButton", {"chat_id": CARL}) == button
    assert api.result("getChatMenuButton", {"chat_id": ANN}) == {"type": "commands"}


def test_chat_and_its_members(world: World, api: BotApi) -> None:
    desk = api.result("getChat", {"chat_id": DESK})
    admins = {entry["user"]["first_name"] for entry in api.result("getChatAdministrators", {"chat_id": DESK})}

    assert (desk["type"], desk["title"], desk["is_forum"]) == ("supergroup", "Desk", True)
    assert desk["accent_color_id"] in range(7)
    assert admins == {"Carl", "Cora", "Sortie"}
    assert api.result("getChatMemberCount", {"chat_id": DESK}) == 6
    assert api.result("getChatMember", {"chat_id": DESK, "user_id": TOM})["status"] == "member"
    world.leave(TOM, DESK)
    assert api.result("getChatMember", {"chat_id": DESK, "user_id": TOM})["status"] == "left"
    assert api.result("getChat", {"chat_id": ANN})["first_name"] == "Ann"


def test_joining_a_group_is_told_in_telegrams_ways(world: World, api: BotApi) -> None:
    api.result("getUpdates", {"allowed_updates": ["message", "my_chat_member", "chat_member"]})
    chat = world.create_group("Team", ANN)
    world.join(TOM, chat.id)
    world.promote_bot(chat.id, ANN, admin=True)
    world.join(OLGA, chat.id)
    world.remove_bot(chat.id, ANN)
    kinds = [
        next(key for key in update if key != "update_id") for update in api.result("getUpdates")
    ]  # fmt: skip

    # Added (member, service message), Tom joins, promoted, Olga joins (an administrator is told twice), removed.
    assert kinds == [
        "my_chat_member", "message", "message", "my_chat_member", "chat_member", "message", "message",
        "my_chat_member",
    ]  # fmt: skip


def test_supergroup_names_the_group_it_was(world: World, api: BotApi) -> None:
    old = world.create_group("Team", ANN)
    api.result("getUpdates", {"offset": -1})
    new = world.migrate(old.id, ANN)
    messages = [update["message"] for update in api.result("getUpdates") if "message" in update]

    assert messages[-2]["migrate_to_chat_id"] == new.id
    assert (messages[-1]["migrate_from_chat_id"], messages[-1]["chat"]["id"]) == (old.id, new.id)
    assert str(new.id).startswith("-100")


def test_draft_and_chat_action_show_as_typing(world: World, api: BotApi) -> None:
    told: list[Any] = []
    world.watch(told.append)
    api.result("sendChatAction", {"chat_id": DESK, "message_thread_id": TOPICS["Risk"], "action": "upload_photo"})
    api.result("sendMessageDraft", {"chat_id": ANN, "draft_id": 1, "text": "thinking"})

    assert [(event.chat_id, event.thread_id, event.action) for event in told] == [
        (DESK, TOPICS["Risk"], "upload_photo"),
        (ANN, 0, "typing"),
    ]
    with pytest.raises(Refused, match="method is available for private chats only"):
        api.result("sendMessageDraft", {"chat_id": DESK, "draft_id": 1, "text": "x"})
