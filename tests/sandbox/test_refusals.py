"""What the server refuses, in Telegram's words where Telegram has them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sandbox.telegram.api import BotApi
from sandbox.telegram.failures import Refused
from sandbox.telegram.world import ANN, CARL, DESK, OLGA, SAM, TOM, World

from .pictures import picture

TOO_OLD = "query is too old and response timeout expired or query ID is invalid"
NOT_MODIFIED = (
    "message is not modified: specified new message content and reply markup are exactly the same"
    " as a current content and reply markup of the message"
)


def keys(*buttons: dict[str, Any]) -> dict[str, Any]:
    return {"inline_keyboard": [list(buttons)]}


def message(**changes: Any) -> dict[str, Any]:
    return {"chat_id": ANN, "text": "hello"} | changes


REFUSED: list[tuple[str, dict[str, Any], str]] = [
    # texts
    ("sendMessage", {"chat_id": ANN}, "message text is empty"),
    ("sendMessage", message(text=""), "message text is empty"),
    ("sendMessage", message(text=" \n "), "message text is empty"),
    ("sendMessage", message(text="<b></b>", parse_mode="HTML"), "message text is empty"),
    ("sendMessage", message(text="x" * 4097), "message is too long"),
    ("sendMessage", message(text="ж" * 20_000), "text is too long"),
    ("sendMessage", message(parse_mode="rtf"), "unsupported parse_mode"),
    (
        "sendMessage",
        message(text="<b>x", parse_mode="HTML"),
        "can't parse entities: Can't find end tag corresponding to start tag \"b\"",
    ),
    (
        "sendMessage",
        message(text="<x>y</x>", parse_mode="HTML"),
        'can\'t parse entities: Unsupported start tag "x" at byte offset 0',
    ),
    (
        "sendMessage",
        message(text="1.5", parse_mode="MarkdownV2"),
        "can't parse entities: Character '.' is reserved and must be escaped with the preceding '\\'",
    ),
    (
        "sendMessage",
        message(entities=[{"type": "bold", "offset": 3, "length": 3}]),
        "can't parse entities: entity beginning at UTF-16 offset 3 ends after the end of the text at UTF-16 offset 5",
    ),
    (
        "sendMessage",
        message(text="😀", entities=[{"type": "bold", "offset": 1, "length": 1}]),
        "can't parse entities: entity begins in a middle of a UTF-16 symbol",
    ),
    # chats
    ("sendMessage", {"text": "x"}, "chat_id is empty"),
    ("sendMessage", message(chat_id=""), "chat_id is empty"),
    ("sendMessage", message(chat_id=424242), "chat not found"),
    ("sendMessage", message(chat_id="@nobody"), "chat not found"),
    ("sendMessage", message(chat_id=SAM), "chat not found"),
    ("sendMessage", message(chat_id=DESK, message_thread_id=77), "message thread not found"),
    ("sendMessage", message(message_thread_id=2), "message thread not found"),
    ("getChatAdministrators", {"chat_id": ANN}, "there are no administrators in the private chat"),
    ("leaveChat", {"chat_id": ANN}, "chat member status can't be changed in private chats"),
    ("getChatMember", {"chat_id": DESK, "user_id": 4}, "user not found"),
    # replies
    (
        "sendMessage",
        message(reply_parameters={"message_id": 999}),
        "message to be replied not found",
    ),
    ("sendMessage", message(reply_parameters={"message_id": 1, "quote": "no such"}), "QUOTE_TEXT_INVALID"),
    # keyboards
    ("sendMessage", message(reply_markup="{"), "can't parse reply keyboard markup JSON object"),
    ("sendMessage", message(reply_markup=[]), "object expected as reply markup"),
    (
        "sendMessage",
        message(reply_markup={"inline_keyboard": None}),
        'can\'t parse InlineKeyboardMarkup: field "inline_keyboard" must be of type Array',
    ),
    (
        "sendMessage",
        message(reply_markup=keys({"text": "Go"})),
        "can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard",
    ),
    (
        "sendMessage",
        message(reply_markup=keys({"text": "Go", "callback_data": "a", "url": "https://a.b/"})),
        "can't parse inline keyboard button: exactly one action is allowed, got callback_data, url",
    ),
    ("sendMessage", message(reply_markup=keys({"text": "Go", "callback_data": "я" * 33})), "BUTTON_DATA_INVALID"),
    ("sendMessage", message(reply_markup=keys({"text": "Go", "callback_data": ""})), "BUTTON_DATA_INVALID"),
    (
        "sendMessage",
        message(reply_markup=keys({"text": "Go", "url": "http://localhost:80/"})),
        "inline keyboard button URL 'http://localhost:80/' is invalid: Wrong HTTP URL",
    ),
    (
        "sendMessage",
        message(reply_markup=keys({"text": "Go", "web_app": {"url": "http://a.b/"}})),
        "inline keyboard button Web App URL 'http://a.b/' is invalid: Only HTTPS links are allowed",
    ),
    (
        "sendMessage",
        message(chat_id=DESK, reply_markup=keys({"text": "Go", "web_app": {"url": "https://a.b/"}})),
        "BUTTON_TYPE_INVALID",
    ),
    (
        "sendMessage",
        message(reply_markup=keys({"text": "Go", "callback_data": "a", "style": "red"})),
        'button style must be one of danger, success, primary, got "red"',
    ),
    (
        "sendMessage",
        message(reply_markup=keys({"text": "Go", "callback_data": "a", "colour": "red"})),
        'can\'t parse inline keyboard button: field "colour" is not known',
    ),
    (
        "sendMessage",
        message(reply_markup=keys({"callback_data": "a"})),
        "can't parse inline keyboard button: can't find field \"text\"",
    ),
    (
        "sendMessage",
        message(reply_markup=keys({"text": 5, "callback_data": "a"})),
        'can\'t parse inline keyboard button: field "text" must be of type String',
    ),
    (
        "sendMessage",
        message(reply_markup={"inline_keyboard": [[{"text": "x", "callback_data": "x"}]] * 101}),
        "reply markup is too long",
    ),
    (
        "sendMessage",
        message(reply_markup={"keyboard": [[{"text": "Go", "callback_data": "a"}]]}),
        'can\'t parse keyboard button: field "callback_data" is not known',
    ),
    # the method table
    ("sendMessage", message(colour="red"), 'parameter "colour" is not known to the method sendMessage'),
    ("sendMessage", message(text=5), 'field "text" must be of type String'),
    ("sendMessage", message(text=None), 'field "text" must be of type String'),
    ("sendMessage", message(disable_notification="maybe"), 'field "disable_notification" must be of type Boolean'),
    ("sendMessage", message(message_thread_id="two"), 'field "message_thread_id" must be of type Integer'),
    ("sendMessage", message(message_thread_id=True), 'field "message_thread_id" must be of type Integer'),
    ("sendMessage", message(entities="bold"), "can't parse entities JSON object"),
    (
        "sendMessage",
        message(entities=[{"type": "bold", "offset": 0}]),
        "can't parse MessageEntity: can't find field \"length\"",
    ),
    ("sendMessage", message(business_connection_id="b"), 'parameter "business_connection_id" is not served by this sandbox'),
    (
        "editMessageText",
        {"chat_id": ANN, "message_id": 1, "rich_message": {}},
        'parameter "rich_message" of type InputRichMessage is not served by this sandbox',
    ),
    ("getUpdates", {"limit": 101}, "limit must be from 1 to 100, got 101"),
    ("deleteMessages", {"chat_id": ANN, "message_ids": []}, "message_ids must have 1-100 items, got 0"),
    ("deleteMessages", {"chat_id": ANN, "message_ids": "1"}, 'field "message_ids" must be of type Array'),
    ("sendDice", {"chat_id": ANN}, "the method sendDice is not served by this sandbox"),
    # editing, deleting, pinning
    ("editMessageText", {"chat_id": ANN, "text": "x"}, "message identifier is not specified"),
    ("editMessageText", {"text": "x"}, "message identifier is not specified"),
    ("editMessageText", {"chat_id": ANN, "message_id": 999, "text": "x"}, "message to edit not found"),
    ("editMessageText", {"chat_id": ANN, "message_id": 2, "text": "x"}, "message can't be edited"),
    ("editMessageText", {"chat_id": ANN, "message_id": 3, "text": "x"}, "there is no text in the message to edit"),
    ("editMessageText", {"chat_id": ANN, "message_id": 1, "text": " first "}, NOT_MODIFIED),
    ("editMessageCaption", {"chat_id": ANN, "message_id": 1, "caption": "x"}, "there is no caption in the message to edit"),
    ("editMessageReplyMarkup", {"chat_id": ANN, "message_id": 1}, NOT_MODIFIED),
    ("deleteMessage", {"chat_id": ANN, "message_id": 999}, "message to delete not found"),
    ("deleteMessage", {"chat_id": DESK, "message_id": 1}, "message can't be deleted"),
    ("pinChatMessage", {"chat_id": ANN, "message_id": 999}, "message to pin not found"),
    ("unpinChatMessage", {"chat_id": ANN}, "message to unpin not found"),
    ("forwardMessage", {"chat_id": ANN, "from_chat_id": ANN, "message_id": 999}, "message to forward not found"),
    ("copyMessage", {"chat_id": ANN, "from_chat_id": ANN, "message_id": 999}, "message to copy not found"),
    ("copyMessage", {"chat_id": ANN, "from_chat_id": DESK, "message_id": 1}, "message can't be copied"),
    # presses
    ("answerCallbackQuery", {"callback_query_id": "1"}, TOO_OLD),
    ("answerCallbackQuery", {}, TOO_OLD),
    ("answerCallbackQuery", {"callback_query_id": "1", "text": "x" * 201}, "MESSAGE_TOO_LONG"),
    ("answerCallbackQuery", {"callback_query_id": "1", "url": "https://a.b/"}, "URL_INVALID"),
    # files
    ("sendPhoto", {"chat_id": ANN}, "there is no photo in the request"),
    ("sendPhoto", {"chat_id": ANN, "photo": "nonsense"}, "wrong file identifier/HTTP URL specified"),
    (
        "sendPhoto",
        {"chat_id": ANN, "photo": "attach://a"},
        'wrong file identifier/HTTP URL specified: the request has no part "a"',
    ),
    ("sendPhoto", {"chat_id": ANN, "photo": "x", "caption": "x" * 1025}, "message caption is too long"),
    ("sendMediaGroup", {"chat_id": ANN, "media": []}, "media must have 2-10 items, got 0"),
    (
        "sendMediaGroup",
        {"chat_id": ANN, "media": [{"type": "cat", "media": "a"}] * 2},
        "can't parse InputMedia: unsupported type specified",
    ),
    ("getFile", {"file_id": "nonsense"}, "wrong file_id or the file is temporarily unavailable"),
    # the bot's own
    ("setMyCommands", {"commands": [{"command": "Start", "description": "x"}]}, "BOT_COMMAND_INVALID"),
    ("setMyCommands", {"commands": [{"command": "start"}]}, "can't parse BotCommand: can't find field \"description\""),
    ("setMyCommands", {"commands": [{"command": "a", "description": "x"}] * 101}, "BOT_COMMANDS_TOO_MUCH"),
    ("setMyCommands", {"commands": [], "scope": {"type": "moon"}}, "can't parse BotCommandScope: unsupported type specified"),
    ("setMyCommands", {"commands": [], "scope": {"type": "chat"}}, "can't parse BotCommandScope: can't find field \"chat_id\""),
    ("setWebhook", {"url": "http://example.com/"}, "bad webhook: An HTTPS URL must be provided for webhook"),
    ("setWebhook", {"url": "https://example.com:81/"}, "bad webhook: Webhook can be set up only on ports 80, 88, 443 or 8443"),
    ("setWebhook", {"url": "https://127.0.0.1/", "secret_token": "ü"}, "secret token contains unallowed characters"),
    ("sendChatAction", {"chat_id": ANN, "action": "dance"}, "wrong parameter action in request"),
    # topics
    ("createForumTopic", {"chat_id": ANN, "name": "x"}, "the chat is not a forum"),
    ("createForumTopic", {"chat_id": DESK, "name": ""}, "name must have 1-128 characters, got 0"),
    ("editForumTopic", {"chat_id": DESK, "message_thread_id": 2, "name": "Missions"}, "TOPIC_NOT_MODIFIED"),
    ("reopenForumTopic", {"chat_id": DESK, "message_thread_id": 2}, "TOPIC_NOT_MODIFIED"),
    ("closeForumTopic", {"chat_id": DESK, "message_thread_id": 99}, "message thread not found"),
]


@pytest.mark.parametrize(("method", "parameters", "words"), REFUSED)
def test_refused_in_these_words(world: World, api: BotApi, method: str, parameters: dict[str, Any], words: str) -> None:
    api.result("sendMessage", {"chat_id": ANN, "text": "first"})
    world.say(ANN, "second")
    api.result("sendPhoto", {"chat_id": ANN}, {"photo": picture()})
    before = world.transcript(ANN), world.transcript(DESK)

    answer = api.call(method, parameters)

    assert answer.status == 400
    assert json.loads(answer.body) == {"ok": False, "error_code": 400, "description": f"Bad Request: {words}"}
    assert (world.transcript(ANN), world.transcript(DESK)) == before


def test_unknown_method_is_not_found(api: BotApi) -> None:
    with pytest.raises(Refused, match=r"^404 Not Found$"):
        api.result("sendNonsense")


def test_person_who_never_started_the_bot_gets_nothing(api: BotApi) -> None:
    with pytest.raises(Refused, match="403 Forbidden: bot can't initiate conversation with a user"):
        api.result("sendMessage", message(chat_id=TOM))


def test_limits_of_length_are_taken_after_entities(api: BotApi) -> None:
    text = "<b>" + "x" * 4096 + "</b>"

    assert api.call("sendMessage", {"chat_id": ANN, "text": text, "parse_mode": "HTML"}).status == 200


def test_blocked_bot_is_told_so(world: World, api: BotApi) -> None:
    world.block(ANN, blocked=True)

    with pytest.raises(Refused, match="403 Forbidden: bot was blocked by the user"):
        api.result("sendMessage", {"chat_id": ANN, "text": "x"})


def test_group_that_became_a_supergroup_names_the_new_chat(world: World, api: BotApi) -> None:
    old = world.create_group("Team", ANN)
    new = world.migrate(old.id, ANN)

    answer = json.loads(api.call("sendMessage", {"chat_id": old.id, "text": "x"}).body)

    assert answer["description"] == "Bad Request: group chat was upgraded to a supergroup chat"
    assert answer["parameters"] == {"migrate_to_chat_id": new.id}
    assert api.call("sendMessage", {"chat_id": new.id, "text": "x"}).status == 200


@pytest.mark.parametrize(
    ("supergroup", "words"),
    [
        (False, "Forbidden: bot was kicked from the group chat"),
        (True, "Forbidden: bot was kicked from the supergroup chat"),
    ],
)
def test_bot_thrown_out_is_told_so(world: World, api: BotApi, supergroup: bool, words: str) -> None:
    chat_id = DESK if supergroup else world.create_group("Team", CARL).id
    world.remove_bot(chat_id, CARL)

    with pytest.raises(Refused) as refusal:
        api.result("sendMessage", {"chat_id": chat_id, "text": "x"})

    assert refusal.value.description == words


def test_bot_that_left_is_no_member(world: World, api: BotApi) -> None:
    api.result("leaveChat", {"chat_id": DESK})

    with pytest.raises(Refused, match="403 Forbidden: bot is not a member of the supergroup chat"):
        api.result("sendMessage", {"chat_id": DESK, "text": "x"})


def test_member_without_rights_cannot_pin_nor_open_topics(world: World, api: BotApi) -> None:
    message = api.result("sendMessage", {"chat_id": DESK, "text": "x"})
    world.promote_bot(DESK, CARL, admin=False)

    with pytest.raises(Refused, match="not enough rights to manage pinned messages in the chat"):
        api.result("pinChatMessage", {"chat_id": DESK, "message_id": message["message_id"]})
    with pytest.raises(Refused, match="not enough rights to create a topic"):
        api.result("createForumTopic", {"chat_id": DESK, "name": "x"})
    foreign = world.say(OLGA, "mine", chat_id=DESK)
    with pytest.raises(Refused, match="message can't be deleted"):
        api.result("deleteMessage", {"chat_id": DESK, "message_id": foreign.message_id})


def test_closed_topic_takes_no_message_of_a_member(world: World, api: BotApi) -> None:
    api.result("closeForumTopic", {"chat_id": DESK, "message_thread_id": 2})
    assert api.call("sendMessage", {"chat_id": DESK, "message_thread_id": 2, "text": "admin"}).status == 200
    world.promote_bot(DESK, CARL, admin=False)

    with pytest.raises(Refused, match="400 Bad Request: TOPIC_CLOSED"):
        api.result("sendMessage", {"chat_id": DESK, "message_thread_id": 2, "text": "x"})


def test_protected_content_is_neither_forwarded_nor_copied(world: World, api: BotApi) -> None:
    sent = api.result("sendMessage", {"chat_id": ANN, "text": "secret", "protect_content": True})
    where = {"chat_id": CARL, "from_chat_id": ANN, "message_id": sent["message_id"]}

    assert sent["has_protected_content"] is True
    for method, participle in (("forwardMessage", "forwarded"), ("copyMessage", "copied")):
        with pytest.raises(Refused, match=f"protected content and can't be {participle}"):
            api.result(method, where)


def test_logged_out_bot_gets_no_answers(world: World, api: BotApi) -> None:
    assert api.result("logOut") is True

    with pytest.raises(Refused, match="400 Logged out"):
        api.result("getMe")


def test_close_is_refused_in_the_first_ten_minutes(api: BotApi, clock: Any) -> None:
    with pytest.raises(Refused) as refusal:
        api.result("close")

    assert refusal.value.parameters == {"retry_after": 600}
    clock.advance(601)
    assert api.result("close") is True
