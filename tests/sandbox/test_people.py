"""The person's side: what each act sends to the bot and leaves in the chat."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.clock import ManualClock
from sandbox.telegram.api import BotApi
from sandbox.telegram.chats import ANONYMOUS_ADMIN, CHANNEL_SENDER
from sandbox.telegram.failures import Misuse, Refused
from sandbox.telegram.messages import Message
from sandbox.telegram.people import CHANNEL_ID
from sandbox.telegram.state import ANSWER_SECONDS, Query
from sandbox.telegram.world import ANN, CARL, DESK, OLGA, SAM, TOM, TOPICS, World

from .pictures import picture


def news(api: BotApi) -> list[dict[str, Any]]:
    """Take the pending updates and confirm them."""
    updates: list[dict[str, Any]] = api.result("getUpdates")
    if updates:
        api.result("getUpdates", {"offset": updates[-1]["update_id"] + 1})
    return updates


def offer(api: BotApi, chat_id: int = ANN, **button: Any) -> int:
    sent = api.result(
        "sendMessage",
        {"chat_id": chat_id, "text": "card", "reply_markup": {"inline_keyboard": [[{"text": "Go", **button}]]}},
    )
    message_id: int = sent["message_id"]
    return message_id


def test_start_with_a_payload_opens_the_chat(world: World, api: BotApi) -> None:
    world.start(SAM, "join_42")
    (update,) = news(api)

    assert update["message"]["text"] == "/start join_42"
    assert update["message"]["entities"] == [{"type": "bot_command", "offset": 0, "length": 6}]
    assert update["message"]["from"] == {
        "id": SAM, "is_bot": False, "first_name": "Sam", "username": "sam_stranger", "language_code": "en",
    }  # fmt: skip
    assert api.call("sendMessage", {"chat_id": SAM, "text": "hello"}).status == 200


@pytest.mark.parametrize("payload", ["a b", "ä", "x" * 65])
def test_payload_telegram_would_not_take_is_misuse(world: World, payload: str) -> None:
    with pytest.raises(Misuse):
        world.start(ANN, payload)


def test_photo_with_caption_reply_and_topic(world: World, api: BotApi) -> None:
    asked = api.result("sendMessage", {"chat_id": DESK, "message_thread_id": TOPICS["Risk"], "text": "why?"})
    world.say(TOM, "look", chat_id=DESK, thread_id=TOPICS["Risk"], reply_to=asked["message_id"], photo=picture(40, 30))
    (update,) = news(api)
    message = update["message"]

    assert message["caption"] == "look"
    assert "text" not in message
    assert [(size["width"], size["height"]) for size in message["photo"]] == [(40, 30)]
    assert message["message_thread_id"] == TOPICS["Risk"]
    assert message["is_topic_message"] is True
    assert message["reply_to_message"]["message_id"] == asked["message_id"]
    assert api.result("getFile", {"file_id": message["photo"][0]["file_id"]})["file_path"].startswith("photos/")


def test_old_forwarded_via_bot_anonymous_and_channel_messages_look_as_they_do_in_telegram(world: World, api: BotApi) -> None:
    world.say(ANN, "/halt", date=1_500_000_000)
    first = world.say(ANN, "/halt")
    world.forward(ANN, ANN, first.message_id, chat_id=DESK)
    world.say(ANN, "/halt", via_bot=True)
    world.post_anonymous(CARL, DESK, "/halt")
    world.post_as_channel(DESK, "/halt")
    old, _, forwarded, via, anonymous, channel = (update["message"] for update in news(api))

    assert old["date"] == 1_500_000_000
    assert forwarded["forward_origin"]["sender_user"]["id"] == ANN
    assert via["via_bot"]["id"] == world.bot.id
    assert (anonymous["from"]["id"], anonymous["sender_chat"]["id"]) == (ANONYMOUS_ADMIN, DESK)
    assert (channel["from"]["id"], channel["sender_chat"]["id"]) == (CHANNEL_SENDER, CHANNEL_ID)
    assert channel["sender_chat"]["type"] == "channel"
    with pytest.raises(Misuse):
        world.post_anonymous(TOM, DESK, "no administrator")


def test_tap_sends_the_query_and_its_answer_is_a_toast(world: World, api: BotApi) -> None:
    toasts: list[Any] = []
    message_id = offer(api, callback_data="go:1")
    world.watch(toasts.append)
    query = world.tap(ANN, ANN, message_id, "go:1")
    (update,) = news(api)
    asked = update["callback_query"]

    assert (asked["id"], asked["data"], asked["from"]["id"]) == (query.id, "go:1", ANN)
    assert asked["message"]["message_id"] == message_id
    assert asked["message"]["reply_markup"]["inline_keyboard"] == [[{"text": "Go", "callback_data": "go:1"}]]
    assert api.result("answerCallbackQuery", {"callback_query_id": query.id, "text": "Sent", "show_alert": True})
    (toast,) = toasts
    assert (toast.person_id, toast.callback_query_id, toast.text, toast.alert) == (ANN, query.id, "Sent", True)


def test_query_is_answered_once_and_in_time(world: World, api: BotApi, clock: ManualClock) -> None:
    message_id = offer(api, callback_data="go")
    first, second = world.tap(ANN, ANN, message_id, "go"), world.tap(ANN, ANN, message_id, "go")
    api.result("answerCallbackQuery", {"callback_query_id": first.id})
    clock.advance(ANSWER_SECONDS + 1)

    for query in (first, second):
        with pytest.raises(Refused, match="query is too old and response timeout expired or query ID is invalid"):
            api.result("answerCallbackQuery", {"callback_query_id": query.id})


def test_tap_needs_the_button_and_a_forged_press_does_not(world: World, api: BotApi) -> None:
    message_id = offer(api, callback_data="go")
    with pytest.raises(Misuse, match="no button with the data 'steal'"):
        world.tap(ANN, ANN, message_id, "steal")
    world.press(TOM, ANN, "steal", message_id)
    world.press(TOM, ANN, "steal")
    world.press(TOM, ANN, "steal", 999)
    forged, without, gone = (update["callback_query"] for update in news(api))

    assert forged["message"]["message_id"] == message_id
    assert (forged["from"]["id"], forged["data"]) == (TOM, "steal")
    assert "message" not in without
    assert without["inline_message_id"]
    assert gone["message"] == {"chat": forged["message"]["chat"], "message_id": 999, "date": 0}


def test_tap_by_label_presses_the_newest_or_follows_a_deep_link(world: World, api: BotApi) -> None:
    offer(api, callback_data="old")
    offer(api, callback_data="new")
    pressed = world.tap_label(ANN, ANN, "Go")
    offer(api, url="https://t.me/sortie_desk_bot?start=abc")
    opened = world.tap_label(ANN, ANN, "Go")

    assert isinstance(pressed, Query)
    assert news(api)[0]["callback_query"]["data"] == "new"
    assert isinstance(opened, Message)
    assert opened.body.text == "/start abc"
    with pytest.raises(Misuse, match="no message in chat 1001 has a button 'Stop'"):
        world.tap_label(ANN, ANN, "Stop")


def test_block_and_unblock_are_told(world: World, api: BotApi) -> None:
    world.block(ANN, blocked=True)
    with pytest.raises(Misuse, match="has blocked the bot"):
        world.say(ANN, "x")
    world.start(ANN)
    statuses = [
        (update["my_chat_member"]["old_chat_member"]["status"], update["my_chat_member"]["new_chat_member"]["status"])
        for update in news(api)
        if "my_chat_member" in update
    ]

    assert statuses == [("member", "kicked"), ("kicked", "member")]


def test_nobody_reaches_into_another_ones_chat(world: World) -> None:
    with pytest.raises(Misuse):
        world.say(TOM, "x", chat_id=ANN)
    with pytest.raises(Misuse):
        world.say(SAM, "x", chat_id=DESK)
    with pytest.raises(Misuse):
        world.say(ANN, "x", chat_id=DESK, thread_id=99)
    with pytest.raises(Misuse):
        world.say(424242, "x")
    with pytest.raises(Misuse):
        world.say(ANN, " ")


def test_newcomer_gets_an_id_and_can_start(world: World, api: BotApi) -> None:
    one, two = world.add_person("Nina"), world.add_person("Nils")
    world.start(one.id)

    assert one.id != two.id
    assert api.call("sendMessage", {"chat_id": one.id, "text": "welcome"}).status == 200
    assert api.call("sendMessage", {"chat_id": two.id, "text": "welcome"}).status == 400


def test_unread_counts_the_bots_messages_until_they_are_read(world: World, api: BotApi) -> None:
    for _ in range(3):
        last = api.result("sendMessage", {"chat_id": ANN, "text": "x"})["message_id"]
    api.result("sendMessage", {"chat_id": DESK, "text": "x"})
    world.say(ANN, "own")

    assert world.unread(ANN) == {DESK: 1, ANN: 3}
    world.mark_read(ANN, ANN, last - 1)
    assert world.unread(ANN) == {DESK: 1, ANN: 1}
    world.mark_read(ANN, ANN, 1)
    assert world.unread(ANN) == {DESK: 1, ANN: 1}


def test_reply_keyboards_are_shown_and_taken_away(world: World, api: BotApi) -> None:
    markup = {"keyboard": [[{"text": "Status"}]], "resize_keyboard": True, "input_field_placeholder": "Ask"}
    sent = api.result("sendMessage", {"chat_id": ANN, "text": "menu", "reply_markup": markup})
    shown = world.keyboards[ANN, ANN]
    asked = world.say(OLGA, "me", chat_id=DESK)
    api.result("sendMessage", {
        "chat_id": DESK, "text": "you", "reply_parameters": {"message_id": asked.message_id},
        "reply_markup": {"force_reply": True, "selective": True},
    })  # fmt: skip
    api.result("sendMessage", {"chat_id": ANN, "text": "gone", "reply_markup": {"remove_keyboard": True}})

    assert "reply_markup" not in sent
    assert shown == markup
    assert list(world.keyboards) == [(DESK, OLGA)]


def test_privacy_mode_hides_talk_from_a_plain_member(world: World, api: BotApi) -> None:
    world.promote_bot(DESK, CARL, admin=False)
    mine = api.result("sendMessage", {"chat_id": DESK, "text": "card"})["message_id"]
    news(api)
    world.say(TOM, "just talk", chat_id=DESK)
    world.say(TOM, "/status", chat_id=DESK)
    world.say(TOM, "/status@other_bot", chat_id=DESK)
    world.say(TOM, "hey @sortie_desk_bot", chat_id=DESK)
    world.say(TOM, "yes", chat_id=DESK, reply_to=mine)

    assert [update["message"]["text"] for update in news(api)] == ["/status", "hey @sortie_desk_bot", "yes"]


def test_deleted_messages_are_gone_for_the_bot(world: World, api: BotApi) -> None:
    message_id = offer(api, callback_data="go")
    world.delete_own(ANN, ANN, message_id)

    with pytest.raises(Refused, match="message to edit not found"):
        api.result("editMessageText", {"chat_id": ANN, "message_id": message_id, "text": "x"})


def test_transcript_reads_like_the_chat(world: World, api: BotApi) -> None:
    world.say(ANN, "/start")
    offer(api, callback_data="go")
    api.result("sendPhoto", {"chat_id": ANN, "caption": "chart"}, {"photo": picture()})

    assert world.transcript(ANN).splitlines() == [
        "1 Ann: /start",
        "2 Sortie: card [Go]",
        "3 Sortie: [photo] chart",
    ]


def test_calls_are_logged_with_their_answers_and_bounded(world: World, api: BotApi) -> None:
    for number in range(2_100):
        api.call("sendMessage", {"chat_id": ANN, "text": str(number)})
    api.call("sendMessage", {"chat_id": 5, "text": "x"})

    assert len(world.calls) == 2_000
    assert world.calls[-1].method == "sendMessage"
    assert (world.calls[-1].ok, world.calls[-1].error_code) == (False, 400)
    assert world.calls[-1].description == "Bad Request: chat not found"
    assert '"text":"2099"' in world.calls[-2].parameters


def test_same_seed_and_acts_give_the_same_world(api: BotApi, world: World) -> None:
    def played() -> tuple[str, str]:
        other = World(clock=ManualClock(), bot_id=world.bot.id, started=(ANN,), seed=5)
        other_api = BotApi(other)
        message_id = offer(other_api, callback_data="go")
        return other.tap(ANN, ANN, message_id, "go").id, other_api.call("getUpdates").body

    assert played() == played()
