"""The API's objects: messages, chats and users as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox.telegram import entities
from sandbox.telegram.chats import ANONYMOUS_ADMIN, CHANNEL_SENDER, Chat
from sandbox.telegram.messages import Message
from sandbox.telegram.wire import JsonObject

if TYPE_CHECKING:
    from sandbox.telegram.state import State

_TELEGRAMS_OWN: dict[int, JsonObject] = {
    ANONYMOUS_ADMIN: {
        "id": ANONYMOUS_ADMIN, "is_bot": True, "first_name": "Group", "username": "GroupAnonymousBot",
    },
    CHANNEL_SENDER: {"id": CHANNEL_SENDER, "is_bot": True, "first_name": "Channel", "username": "Channel_Bot"},
}  # fmt: skip


def user(state: State, user_id: int) -> JsonObject:
    """Build a User object; Telegram's own accounts included."""
    known = state.people.get(user_id)
    return known.wire() if known else _TELEGRAMS_OWN[user_id]


def chat(state: State, subject: Chat) -> JsonObject:
    """Build a Chat object."""
    if subject.is_private:
        person = state.people[subject.id]
        entry: JsonObject = {"id": subject.id, "type": "private", "first_name": person.name}
        if person.username:
            entry["username"] = person.username
        return entry
    entry = {"id": subject.id, "type": subject.type, "title": subject.title}
    if subject.is_forum:
        entry["is_forum"] = True
    return entry


def sender_chat(state: State, chat_id: int) -> JsonObject:
    """Build the Chat object a message was sent on behalf of: a group here, or some channel elsewhere."""
    if chat_id in state.chats:
        return chat(state, state.chats[chat_id])
    return {"id": chat_id, "type": "channel", "title": "Channel"}


def message(state: State, subject: Message, *, nested: bool = False) -> JsonObject:
    """Build a Message object; a nested one carries no reply of its own."""
    place = state.chats[subject.chat_id]
    entry: JsonObject = {"message_id": subject.message_id}
    if subject.ephemeral_id:
        entry["ephemeral_message_id"] = subject.ephemeral_id
        entry["receiver_user"] = user(state, subject.receiver_id)
    entry["from"] = user(state, subject.sender_id)
    if subject.sender_chat_id:
        entry["sender_chat"] = sender_chat(state, subject.sender_chat_id)
    entry["chat"] = chat(state, place)
    entry["date"] = subject.date
    if subject.thread_id:
        entry["message_thread_id"] = subject.thread_id
        entry["is_topic_message"] = True
    if subject.edit_date:
        entry["edit_date"] = subject.edit_date
    if subject.via_bot:
        entry["via_bot"] = state.bot.wire()
    _add_relations(state, subject, entry, nested)
    _add_content(state, subject, entry)
    if subject.protected:
        entry["has_protected_content"] = True
    if subject.keyboard:
        entry["reply_markup"] = {"inline_keyboard": [list(row) for row in subject.keyboard]}
    return entry


def inaccessible(state: State, chat_id: int, message_id: int) -> JsonObject:
    """Build the object Telegram sends for a message it no longer shows."""
    return {"chat": chat(state, state.chats[chat_id]), "message_id": message_id, "date": 0}


def _add_relations(state: State, subject: Message, entry: JsonObject, nested: bool) -> None:
    if subject.origin:
        entry["forward_origin"] = {
            "type": "user",
            "sender_user": user(state, subject.origin.user_id),
            "date": subject.origin.date,
        }
    replied = None
    if subject.reply_to or subject.reply_to_ephemeral:
        replied = state.find((subject.chat_id, subject.reply_to, subject.reply_to_ephemeral))
    if replied and not nested:
        entry["reply_to_message"] = message(state, replied, nested=True)
    if subject.quote:
        before = replied.body.text.partition(subject.quote.text)[0] if replied else ""
        entry["quote"] = {"text": subject.quote.text, "position": entities.units(before), "is_manual": True}
        if subject.quote.entities:
            entry["quote"]["entities"] = entities.wire(subject.quote.entities, lambda key: user(state, key))


def _add_content(state: State, subject: Message, entry: JsonObject) -> None:
    if subject.service:
        entry.update(subject.service)
        return
    if subject.text:
        entry["text"] = subject.text.text
        if subject.text.entities:
            entry["entities"] = entities.wire(subject.text.entities, lambda key: user(state, key))
        if subject.link_preview:
            entry["link_preview_options"] = subject.link_preview
    if subject.media:
        stored = state.stored_files[subject.media.file_id]
        if subject.media.kind == "photo":
            entry["photo"] = [stored.photo_wire()]
        else:
            entry["document"] = stored.document_wire()
        if subject.media.spoiler:
            entry["has_media_spoiler"] = True
    if subject.caption and subject.caption.text:
        entry["caption"] = subject.caption.text
        if subject.caption.entities:
            entry["caption_entities"] = entities.wire(subject.caption.entities, lambda key: user(state, key))
        if subject.caption_above:
            entry["show_caption_above_media"] = True
    if subject.album:
        entry["media_group_id"] = subject.album
    if subject.effect_id:
        entry["effect_id"] = subject.effect_id
