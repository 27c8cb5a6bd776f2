"""The chat as the page shows it: messages, chats and keyboards as the page's own JSON."""

from __future__ import annotations

from html import escape
from typing import Any

from sandbox.telegram import commands, entities, objects
from sandbox.telegram.chats import Chat
from sandbox.telegram.entities import Entity, FormattedText
from sandbox.telegram.messages import Message, shown_id
from sandbox.telegram.wire import JsonObject
from sandbox.telegram.world import World

_ACTIONS = ("callback_data", "url", "web_app", "copy_text", "disabled")
_KINDS = {"callback_data": "callback"}
_TAGS = {
    "bold": "b", "italic": "i", "underline": "u", "strikethrough": "s", "spoiler": "tg-spoiler", "code": "code",
    "pre": "pre", "blockquote": "blockquote", "expandable_blockquote": "blockquote", "date_time": "time",
}  # fmt: skip
_LINKS = {"url": "", "email": "mailto:"}
_QUOTED_CHARACTERS = 120


def message(world: World, subject: Message) -> JsonObject:
    """Build a message as the page knows it."""
    body = subject.body
    return {
        "chat_id": subject.chat_id,
        "message_id": shown_id(subject),
        "thread_id": subject.thread_id or None,
        "from": _sender(world, subject),
        "date": subject.date,
        "edit_date": subject.edit_date or None,
        "text": subject.text.text if subject.text else None,
        "caption": subject.caption.text if subject.caption else None,
        "entities": entities.wire(body.entities, lambda user_id: objects.user(world, user_id)),
        "html": html(body),
        "photo": _photo(world, subject),
        "document": _document(world, subject),
        "reply_to": _reply(world, subject),
        "buttons": [[_button(button) for button in row] for row in subject.keyboard] or None,
        "ephemeral_for": _reader(world, subject),
        "replaces": subject.replaces or None,
        "album": subject.album or None,
        "silent": subject.silent,
        "protected": subject.protected,
        "via_bot": subject.via_bot,
        "service": _service(world, subject),
        "forwarded_from": objects.user(world, subject.origin.user_id)["first_name"] if subject.origin else None,
    }


def chat(world: World, subject: Chat) -> JsonObject:
    """Build a chat as the page knows it."""
    return {
        "id": subject.id,
        "type": subject.type,
        "title": world.people[subject.id].name if subject.is_private else subject.title,
        "is_forum": subject.is_forum,
        "blocked": subject.blocked,
        "started": subject.started,
        "topics": [
            {"thread_id": topic.thread_id, "name": topic.name, "closed": topic.closed} for topic in subject.topics.values()
        ],
        "members": [user_id for user_id, member in subject.members.items() if member.inside],
        "migrated_to": subject.migrated_to or None,
    }


def keyboard(world: World, chat_id: int, person_id: int) -> JsonObject | None:
    """Build the reply keyboard a person sees in a chat, a forced reply included."""
    markup = world.keyboards.get((chat_id, person_id))
    if markup is None:
        return None
    return {
        "rows": [list(row) for row in markup.get("keyboard", [])],
        "placeholder": markup.get("input_field_placeholder", ""),
        "one_time": markup.get("one_time_keyboard", False),
        "resize": markup.get("resize_keyboard", False),
        "force_reply": markup.get("force_reply", False),
    }


def menu(world: World, chat_id: int, person_id: int) -> list[dict[str, str]]:
    """List the commands a person sees in a chat."""
    return [
        {"command": entry["command"], "description": entry["description"]}
        for entry in commands.seen_by(world, person_id, world.chats[chat_id])
    ]


def html(formatted: FormattedText) -> str:
    """Render a text as HTML with the page's few tags; everything else is escaped."""
    edges: dict[int, tuple[list[str], list[str]]] = {}
    shown = [entity for entity in formatted.entities if _opening(formatted, entity)]
    for entity in _split(shown):
        edges.setdefault(entity.offset, ([], []))[1].append(_opening(formatted, entity))
        edges.setdefault(entity.end, ([], []))[0].insert(0, f"</{_tag(entity)}>")
    raw = formatted.text.encode("utf-16-le")
    parts = []
    at = 0
    for offset in sorted(edges):
        parts.append(escape(raw[at * 2 : offset * 2].decode("utf-16-le", "replace")))
        parts.extend(edges[offset][0])
        parts.extend(edges[offset][1])
        at = offset
    parts.append(escape(raw[at * 2 :].decode("utf-16-le", "replace")))
    return "".join(parts)


def _split(shown: list[Entity]) -> list[Entity]:
    """Cut entities that cross into pieces that nest, outer ones first."""
    result: list[Entity] = []
    todo = sorted(shown, key=lambda entity: (entity.offset, -entity.length))
    open_ends: list[int] = []
    while todo:
        entity = todo.pop(0)
        while open_ends and open_ends[-1] <= entity.offset:
            open_ends.pop()
        if open_ends and entity.end > open_ends[-1]:
            border = open_ends[-1]
            todo.append(_part(entity, border, entity.end))
            todo.sort(key=lambda one: (one.offset, -one.length))
            entity = _part(entity, entity.offset, border)
        result.append(entity)
        open_ends.append(entity.end)
    return result


def _part(entity: Entity, start: int, end: int) -> Entity:
    values: dict[str, Any] = {name: getattr(entity, name) for name in Entity.__slots__}
    return Entity(**(values | {"offset": start, "length": end - start}))


def _tag(entity: Entity) -> str:
    return _TAGS.get(entity.type, "a")


def _opening(formatted: FormattedText, entity: Entity) -> str:
    if entity.type == "date_time":
        return f'<time datetime="{entity.unix_time}" data-format="{escape(entity.date_time_format)}">'
    if entity.type in _TAGS:
        return f"<{_TAGS[entity.type]}>"
    if entity.type == "text_link":
        return f'<a href="{escape(entity.url)}">'
    if entity.type in _LINKS:
        target = entities.cut(formatted.text, entity.offset, entity.length)
        return f'<a href="{escape(_LINKS[entity.type] + target)}">'
    return ""


def _sender(world: World, subject: Message) -> JsonObject:
    user = objects.user(world, subject.sender_id)
    name = user["first_name"]
    if subject.sender_chat_id:
        name = objects.sender_chat(world, subject.sender_chat_id)["title"]
    return {"id": user["id"], "name": name, "is_bot": user["is_bot"]}


def _photo(world: World, subject: Message) -> JsonObject | None:
    if not subject.media or subject.media.kind != "photo":
        return None
    stored = world.stored_files[subject.media.file_id]
    return {"url": f"/page/files/{stored.file_id}", "width": stored.width, "height": stored.height}


def _document(world: World, subject: Message) -> JsonObject | None:
    if not subject.media or subject.media.kind == "photo":
        return None
    stored = world.stored_files[subject.media.file_id]
    return {"url": f"/page/files/{stored.file_id}", "name": stored.name, "size": stored.size}


def _reply(world: World, subject: Message) -> JsonObject | None:
    replied = world.find((subject.chat_id, subject.reply_to, subject.reply_to_ephemeral))
    if not replied:
        return None
    quoted = subject.quote.text if subject.quote else replied.body.text
    name = _sender(world, replied)["name"]
    return {"message_id": shown_id(replied), "from_name": name, "text": quoted[:_QUOTED_CHARACTERS]}


def _reader(world: World, subject: Message) -> int | None:
    if not subject.ephemeral_id:
        return None
    return subject.sender_id if subject.receiver_id == world.bot.id else subject.receiver_id


def _button(button: JsonObject) -> JsonObject:
    action = next(name for name in _ACTIONS if name in button)
    value = button[action]
    shown: JsonObject = {"text": button["text"], "kind": _KINDS.get(action, action.removesuffix("_text"))}
    if action == "callback_data":
        shown["data"] = value
    elif action == "copy_text":
        shown["data"] = value["text"]
    elif action in ("url", "web_app"):
        shown["url"] = value if action == "url" else value["url"]
    if "style" in button:
        shown["style"] = button["style"]
    return shown


def _service(world: World, subject: Message) -> str | None:
    """Say in a sentence what a service message tells."""
    if not subject.service:
        return None
    who = objects.user(world, subject.sender_id)["first_name"]
    kind = next(iter(subject.service))
    content = subject.service[kind]
    if kind == "new_chat_members":
        joined = content[0]["first_name"]
        return f"{who} joined" if content[0]["id"] == subject.sender_id else f"{who} added {joined}"
    if kind == "left_chat_member":
        gone = content["first_name"]
        return f"{who} left" if content["id"] == subject.sender_id else f"{who} removed {gone}"
    if kind == "pinned_message":
        return f"{who} pinned a message"
    if kind == "forum_topic_created":
        return f"{who} opened the topic “{content['name']}”"
    if kind == "forum_topic_edited" and "name" in content:
        return f"{who} renamed the topic to “{content['name']}”"
    return f"{who} {_DEEDS[kind]}"


_DEEDS = {
    "group_chat_created": "created the group",
    "supergroup_chat_created": "created the group",
    "migrate_to_chat_id": "made the group a supergroup",
    "migrate_from_chat_id": "made the group a supergroup",
    "forum_topic_edited": "changed the topic’s icon",
    "forum_topic_closed": "closed the topic",
    "forum_topic_reopened": "reopened the topic",
}
