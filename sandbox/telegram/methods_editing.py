"""The methods that change, delete and pin messages, and answer a press."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from sandbox.telegram import keyboards, objects, texts
from sandbox.telegram.calls import Call, Handler
from sandbox.telegram.chats import Chat
from sandbox.telegram.entities import FormattedText
from sandbox.telegram.events import Pinned, Toast
from sandbox.telegram.failures import Refused, bad, message_missing, not_modified, query_too_old
from sandbox.telegram.markup import checked_link
from sandbox.telegram.media import from_input_media
from sandbox.telegram.messages import Message
from sandbox.telegram.state import ANSWER_SECONDS
from sandbox.telegram.wire import JsonObject

_TOAST_CHARACTERS = 200
_DELETABLE_SECONDS = 48 * 3600

Change = Callable[[Call, Message, Chat], Message]


def _new_text(call: Call, message: Message, chat: Chat) -> Message:
    if "text" not in call.arguments:
        raise bad("message text is empty")
    text = texts.text(call.world, call.get("text"), call.get("parse_mode"), call.get("entities"))
    if message.media:
        raise bad("there is no text in the message to edit")
    preview = call.get("link_preview_options", message.link_preview)
    return replace(message, text=text, link_preview=preview)


def _new_caption(call: Call, message: Message, chat: Chat) -> Message:
    caption: FormattedText | None = texts.caption(
        call.world, call.get("caption", ""), call.get("parse_mode"), call.get("caption_entities")
    )
    if not message.media:
        raise bad("there is no caption in the message to edit")
    if caption is not None and not caption.text:
        caption = None
    return replace(message, caption=caption, caption_above=call.get("show_caption_above_media", False))


def _new_media(call: Call, message: Message, chat: Chat) -> Message:
    media, caption = from_input_media(call, call.get("media"))
    if message.album and message.media and message.media.kind != media.kind:
        raise bad("Can't use the media of the specified type in the album")
    return replace(message, text=None, caption=caption, media=media)


def _only_markup(call: Call, message: Message, chat: Chat) -> Message:
    return message


def _editing(change: Change) -> Handler:
    """Build the method that edits an ordinary message of the bot."""

    def edit(call: Call) -> JsonObject:
        if "chat_id" not in call.arguments and "message_id" not in call.arguments:
            raise bad("message identifier is not specified")
        chat = call.chat()
        message = call.message("message to edit", chat)
        if message.sender_id != call.world.bot.id or message.service or message.origin:
            raise bad("message can't be edited")
        return objects.message(call.world, _edited(call, chat, message, change))

    return edit


def _editing_ephemeral(change: Change) -> Handler:
    """Build the method that edits an ephemeral message; its answer is True."""

    def edit(call: Call) -> bool:
        chat = call.chat()
        message = _ephemeral(call, chat, "message to edit")
        _edited(call, chat, message, change)
        return True

    return edit


def _edited(call: Call, chat: Chat, message: Message, change: Change) -> Message:
    rows = keyboards.inline(call.get("reply_markup"), chat, ephemeral=bool(message.ephemeral_id))
    new = replace(change(call, message, chat), keyboard=rows)
    if new == message:
        raise not_modified()
    call.world.limits.spend_edit(message.receiver_id or chat.id)
    return call.world.amend(replace(new, edit_date=call.world.now()))


def _ephemeral(call: Call, chat: Chat, purpose: str) -> Message:
    message = call.world.find((chat.id, 0, call.get("ephemeral_message_id")))
    own = message is not None and message.sender_id == call.world.bot.id
    if message is None or not own or message.receiver_id != call.get("receiver_user_id"):
        raise message_missing(purpose)
    return message


def delete_message(call: Call) -> bool:
    chat = call.chat()
    message = call.message("message to delete", chat)
    refusal = _undeletable(call, chat, message)
    if refusal:
        raise refusal
    call.world.remove(message)
    return True


def delete_messages(call: Call) -> bool:
    """Delete several messages; those that are missing or may not be deleted are skipped."""
    chat = call.chat()
    for message_id in call.get("message_ids"):
        message = call.world.find((chat.id, message_id, 0))
        if message and not _undeletable(call, chat, message):
            call.world.remove(message)
    return True


def delete_ephemeral_message(call: Call) -> bool:
    call.world.remove(_ephemeral(call, call.chat(), "message to delete"))
    return True


def _undeletable(call: Call, chat: Chat, message: Message) -> Refused | None:
    if call.world.now() - message.date > _DELETABLE_SECONDS:
        return bad("message can't be deleted for everyone")
    if message.service and {"supergroup_chat_created", "migrate_from_chat_id"} & message.service.keys():
        return bad("message can't be deleted")
    if not chat.is_private and message.sender_id != call.world.bot.id:
        member = chat.member(call.world.bot.id)
        if "can_delete_messages" not in member.rights:
            return bad("message can't be deleted")
    return None


def pin_chat_message(call: Call) -> bool:
    chat = call.chat()
    message = call.message("message to pin", chat)
    call.require_right(chat, "can_pin_messages", "not enough rights to manage pinned messages in the chat")
    if message.service:
        raise bad("message can't be pinned")
    if chat.pinned[:1] != [message.message_id]:
        chat.pinned = [message.message_id, *(one for one in chat.pinned if one != message.message_id)]
        shown = objects.message(call.world, message, nested=True)
        call.world.note(chat, call.world.bot.id, {"pinned_message": shown}, message.thread_id)
        _tell_pins(call, chat)
    return True


def unpin_chat_message(call: Call) -> bool:
    chat = call.chat()
    call.require_right(chat, "can_pin_messages", "not enough rights to manage pinned messages in the chat")
    message_id = call.get("message_id") or (chat.pinned[0] if chat.pinned else 0)
    if message_id not in chat.pinned:
        raise message_missing("message to unpin")
    chat.pinned.remove(message_id)
    _tell_pins(call, chat)
    return True


def unpin_all_chat_messages(call: Call) -> bool:
    chat = call.chat()
    call.require_right(chat, "can_pin_messages", "not enough rights to manage pinned messages in the chat")
    chat.pinned.clear()
    _tell_pins(call, chat)
    return True


def unpin_all_forum_topic_messages(call: Call) -> bool:
    chat = call.chat()
    call.require_right(chat, "can_pin_messages", "not enough rights to manage pinned messages in the chat")
    thread_id = call.thread(chat)
    messages = call.world.messages.get(chat.id, {})
    chat.pinned = [one for one in chat.pinned if messages[one].thread_id != thread_id]
    _tell_pins(call, chat)
    return True


def answer_callback_query(call: Call) -> bool:
    world = call.world
    if len(call.get("text", "")) > _TOAST_CHARACTERS:
        raise bad("MESSAGE_TOO_LONG")
    url = call.get("url", "")
    if url and not (url.startswith("tg://") or checked_link(url).startswith(f"https://t.me/{world.bot.username}?")):
        raise bad("URL_INVALID")
    query = world.queries.get(call.get("callback_query_id"))
    if query is None or query.answered or world.clock.now() > query.created + ANSWER_SECONDS:
        raise query_too_old()
    answered = replace(query, answered=True)
    world.queries[query.id] = answered
    world.touch("query", query.id, answered)
    world.tell(
        Toast(
            person_id=query.person_id, callback_query_id=query.id, text=call.get("text", ""),
            alert=call.get("show_alert", False), url=url,
        )
    )  # fmt: skip
    return True


METHODS: dict[str, Handler] = {
    "editMessageText": _editing(_new_text),
    "editMessageCaption": _editing(_new_caption),
    "editMessageMedia": _editing(_new_media),
    "editMessageReplyMarkup": _editing(_only_markup),
    "editEphemeralMessageText": _editing_ephemeral(_new_text),
    "editEphemeralMessageCaption": _editing_ephemeral(_new_caption),
    "editEphemeralMessageMedia": _editing_ephemeral(_new_media),
    "editEphemeralMessageReplyMarkup": _editing_ephemeral(_only_markup),
    "deleteMessage": delete_message,
    "deleteMessages": delete_messages,
    "deleteEphemeralMessage": delete_ephemeral_message,
    "pinChatMessage": pin_chat_message,
    "unpinChatMessage": unpin_chat_message,
    "unpinAllChatMessages": unpin_all_chat_messages,
    "unpinAllForumTopicMessages": unpin_all_forum_topic_messages,
    "answerCallbackQuery": answer_callback_query,
}


def _tell_pins(call: Call, chat: Chat) -> None:
    call.world.touch_chat(chat)
    call.world.tell(Pinned(chat_id=chat.id, message_ids=tuple(chat.pinned)))
