"""The methods about forum topics."""

from __future__ import annotations

from dataclasses import replace

from sandbox.telegram.calls import Call, Handler
from sandbox.telegram.chats import Chat, Topic
from sandbox.telegram.failures import bad
from sandbox.telegram.groups import ICON_COLORS
from sandbox.telegram.wire import JsonObject


def create_forum_topic(call: Call) -> JsonObject:
    chat = _forum(call, "can_manage_topics", "not enough rights to create a topic")
    color = call.get("icon_color", ICON_COLORS[0])
    if color not in ICON_COLORS:
        raise bad("TOPIC_ICON_COLOR_INVALID")
    if not call.get("name").strip():
        raise bad("TOPIC_TITLE_EMPTY")
    topic = call.world.open_topic(
        chat, call.world.bot.id, call.get("name").strip(), color, call.get("icon_custom_emoji_id", "")
    )
    created: JsonObject = {
        "message_thread_id": topic.thread_id, "name": topic.name, "icon_color": topic.icon_color
    }  # fmt: skip
    if topic.icon_custom_emoji_id:
        created["icon_custom_emoji_id"] = topic.icon_custom_emoji_id
    return created


def edit_forum_topic(call: Call) -> bool:
    chat, topic = _topic(call)
    changed = replace(
        topic,
        name=call.get("name") or topic.name,
        icon_custom_emoji_id=call.get("icon_custom_emoji_id", topic.icon_custom_emoji_id),
    )
    if changed == topic:
        raise bad("TOPIC_NOT_MODIFIED")
    note: JsonObject = {}
    if changed.name != topic.name:
        note["name"] = changed.name
    if changed.icon_custom_emoji_id != topic.icon_custom_emoji_id:
        note["icon_custom_emoji_id"] = changed.icon_custom_emoji_id
    call.world.change_topic(chat, call.world.bot.id, changed, {"forum_topic_edited": note})
    return True


def close_forum_topic(call: Call) -> bool:
    return _set_closed(call, closed=True)


def reopen_forum_topic(call: Call) -> bool:
    return _set_closed(call, closed=False)


def delete_forum_topic(call: Call) -> bool:
    chat, topic = _topic(call, "can_delete_messages")
    call.world.drop_topic(chat, topic)
    return True


METHODS: dict[str, Handler] = {
    "createForumTopic": create_forum_topic,
    "editForumTopic": edit_forum_topic,
    "closeForumTopic": close_forum_topic,
    "reopenForumTopic": reopen_forum_topic,
    "deleteForumTopic": delete_forum_topic,
}


def _set_closed(call: Call, *, closed: bool) -> bool:
    chat, topic = _topic(call)
    if topic.closed == closed:
        raise bad("TOPIC_NOT_MODIFIED")
    call.world.close_topic(chat, call.world.bot.id, topic, closed=closed)
    return True


def _forum(call: Call, right: str, refusal: str) -> Chat:
    chat = call.chat()
    if not chat.is_forum:
        raise bad("the chat is not a forum")
    call.require_right(chat, right, refusal)
    return chat


def _topic(call: Call, right: str = "can_manage_topics") -> tuple[Chat, Topic]:
    chat = _forum(call, right, "not enough rights to manage topics")
    topic = chat.topics.get(call.get("message_thread_id"))
    if topic is None:
        raise bad("message thread not found")
    return chat, topic
