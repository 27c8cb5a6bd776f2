"""Groups that the bot is in, and what is told where."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import bindparam, delete, select, update

from services.domain.notices import Topic
from services.storage.database import Unit
from services.storage.statements import upsert
from services.storage.tables import bindings, cards, chats, notices, offers

_BY_ID = select(chats).where(chats.c.id == bindparam("chat"))
_BOUND = (
    select(bindings.c.chat_id, bindings.c.thread_id)
    .join(chats, chats.c.id == bindings.c.chat_id)
    .where(bindings.c.topic == bindparam("about"), chats.c.state == "approved")
    .order_by(bindings.c.chat_id)
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Chat:
    """A group, with ``state`` asked, approved or left."""

    id: int
    title: str
    kind: str
    state: str
    added_by: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A chat, or a topic of it."""

    chat_id: int
    thread_id: int | None = None


def find(unit: Unit, chat_id: int) -> Chat | None:
    """Return the group, or None when the bot was never in it."""
    row = unit.first(_BY_ID, chat=chat_id)
    return _chat(row) if row else None


def everywhere(unit: Unit) -> list[Chat]:
    """Return all groups by title."""
    return [_chat(row) for row in unit.all(select(chats).order_by(chats.c.title))]


def save(unit: Unit, chat: Chat) -> None:
    """Insert or change a group."""
    upsert(
        unit,
        chats,
        {"id": chat.id},
        {"title": chat.title, "kind": chat.kind, "state": chat.state, "added_by": chat.added_by, "updated_at": unit.now},
    )


def _chat(row: Any) -> Chat:
    return Chat(id=row.id, title=row.title, kind=row.kind, state=row.state, added_by=row.added_by)


def bind(unit: Unit, topic: Topic, place: Place, by: int | None) -> None:
    """Direct a topic to a place of a chat; the chat's former place of that topic is replaced."""
    upsert(
        unit,
        bindings,
        {"topic": topic.value, "chat_id": place.chat_id},
        {"thread_id": place.thread_id, "bound_by": by},
    )


def unbind(unit: Unit, topic: Topic, chat_id: int) -> bool:
    """Stop telling a topic in a chat; tell whether it was bound."""
    where = (bindings.c.topic == topic.value, bindings.c.chat_id == chat_id)
    return unit.run(delete(bindings).where(*where)).rowcount > 0


def bound(unit: Unit, topic: Topic) -> list[Place]:
    """Return where a topic is told, in groups that are approved."""
    rows = unit.all(_BOUND, about=topic.value)
    return [Place(chat_id=row.chat_id, thread_id=row.thread_id) for row in rows]


def bindings_of(unit: Unit, chat_id: int) -> list[tuple[Topic, int | None]]:
    """Return what a chat is told, with the topic's thread."""
    rows = unit.all(select(bindings).where(bindings.c.chat_id == chat_id).order_by(bindings.c.topic))
    return [(Topic(row.topic), row.thread_id) for row in rows]


def migrate(unit: Unit, old: int, new: int) -> None:
    """Carry everything that names a group over to the id it got as a supergroup."""
    for table in (chats, bindings, cards, notices, offers):
        column = table.c.id if table is chats else table.c.chat_id
        unit.run(update(table).where(column == old).values({column.name: new}))
