"""Groups: silent until a commander approves them, told only what is bound to them."""

from __future__ import annotations

from dataclasses import dataclass, replace

from sqlalchemy import delete, select

from services.access import buttons
from services.access.authority import require
from services.domain.buttons import Act
from services.domain.errors import Refused
from services.domain.notices import Priority, Topic
from services.domain.people import Actor, Role
from services.domain.ports import Ids
from services.storage import chats, desk, outbox, people
from services.storage.chats import Chat, Place
from services.storage.database import Database, Unit
from services.storage.tables import bindings, cards, offers
from services.storage.tables import chats as chat_rows

ASKED, APPROVED, LEFT = "asked", "approved", "left"
APPROVE, LEAVE = "approve", "leave"
ANSWER_S = 7 * 24 * 3600.0
LEAVE_CHAT = "leave_chat"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatAnswered:
    """A commander's word on a group; ``approved`` False means that the desk leaves it."""

    chat: Chat
    approved: bool


class ApproveChat:
    """A group that the bot was added to: ask the commanders, then stay or leave."""

    def __init__(self, database: Database, ids: Ids) -> None:
        self._database = database
        self._ids = ids

    async def ask(self, actor: Actor, chat_id: int, title: str, kind: str) -> bool:
        """Note the group and ask every commander in private; False when it is approved or has been asked about."""

        def body(unit: Unit) -> bool:
            known = chats.find(unit, chat_id)
            if known is not None and known.state in (ASKED, APPROVED):
                chats.save(unit, replace(known, title=title[:256], kind=kind))
                return False
            chat = Chat(id=chat_id, title=title[:256], kind=kind, state=ASKED, added_by=actor.id)
            chats.save(unit, chat)
            unit.record(actor, "chat.asked", chat=chat_id, title=chat.title)
            for commander in people.everyone(unit, Role.COMMANDER):
                ask_about(unit, self._ids, chat, commander.id, actor.name)
            return True

        return await self._database.write(body)

    async def ask_again(self, actor: Actor) -> int:
        """Put every open question to the commander who asks for them; return how many there are."""

        def body(unit: Unit) -> int:
            require(unit, actor, Role.COMMANDER)
            return ask_what_is_open(unit, self._ids, actor.id)

        return await self._database.write(body)

    async def __call__(self, actor: Actor, token_id: str) -> ChatAnswered:
        """Carry out the Approve or Leave button; leaving is a stored request of kind ``leave_chat``."""

        def body(unit: Unit) -> ChatAnswered:
            person = require(unit, actor, Role.COMMANDER)
            token = buttons.use(unit, actor, token_id, Act.APPROVE_CHAT)
            chat = chats.find(unit, int(token.terms["chat"]))
            if chat is None or chat.state != ASKED:
                raise Refused("CHAT_ANSWERED", state=chat.state if chat else LEFT)
            approved = token.terms["answer"] == APPROVE
            after = replace(chat, state=APPROVED if approved else LEFT)
            chats.save(unit, after)
            unit.record(actor, f"chat.{after.state}", chat=chat.id, title=chat.title)
            if not approved:
                _forget_bindings(unit, chat.id)
                terms = {"chat": str(chat.id)}
                desk.add_request(unit, self._ids.row(), LEAVE_CHAT, terms, actor.label, actor.correlation)
            facts = {"chat": chat.id, "title": chat.title, "approved": approved, "by": person.name}
            for commander in people.everyone(unit, Role.COMMANDER):
                own = commander.id == actor.id
                outbox.tell(unit, commander.id, "chat_answered", facts, priority=Priority.TAP, silent=not own)
            return ChatAnswered(chat=after, approved=approved)

        return await self._database.write(body)


class ChatLeft:
    """The bot was removed from a group: nothing is told there any more, and coming back needs a new approval."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def __call__(self, actor: Actor, chat_id: int) -> bool:
        """Forget the group's approval and bindings; tell whether it was one that the desk was in."""

        def body(unit: Unit) -> bool:
            chat = chats.find(unit, chat_id)
            if chat is None or chat.state == LEFT:
                return False
            chats.save(unit, replace(chat, state=LEFT))
            _forget_bindings(unit, chat_id)
            unit.record(actor, "chat.left", chat=chat_id, title=chat.title)
            return True

        return await self._database.write(body)


class MigrateChat:
    """A group became a supergroup: its approval, bindings and messages move to the new id."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def __call__(self, actor: Actor, old: int, new: int) -> bool:
        """Carry the group over; False when the old id is unknown, as after the first of Telegram's two notes."""

        def body(unit: Unit) -> bool:
            if old == new or chats.find(unit, old) is None:
                return False
            _make_room(unit, old, new)
            chats.migrate(unit, old, new)
            unit.record(actor, "chat.migrated", old=old, new=new)
            return True

        return await self._database.write(body)


class BindTopic:
    """Direct missions, fills, risk or digests to a group or one of its topics."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def __call__(self, actor: Actor, topic: Topic, chat_id: int, thread_id: int | None, title: str) -> Place:
        """Bind and say so in that place; raise Refused outside of an approved group."""

        def body(unit: Unit) -> Place:
            person = require(unit, actor, Role.COMMANDER, "bind")
            chat = _approved(unit, chat_id)
            chats.save(unit, replace(chat, title=title[:256]))
            place = Place(chat_id=chat_id, thread_id=thread_id)
            chats.bind(unit, topic, place, actor.id)
            unit.record(actor, "chat.bound", chat=chat_id, thread=thread_id, topic=topic.value)
            _say(unit, place, "bound", topic, person.name)
            return place

        return await self._database.write(body)

    async def unbind(self, actor: Actor, topic: Topic, chat_id: int, thread_id: int | None) -> None:
        """Stop telling a topic in the group; raise Refused when it was not told there."""

        def body(unit: Unit) -> None:
            person = require(unit, actor, Role.COMMANDER)
            _approved(unit, chat_id)
            if not chats.unbind(unit, topic, chat_id):
                raise Refused("NOT_BOUND", topic=topic.value)
            unit.record(actor, "chat.unbound", chat=chat_id, topic=topic.value)
            _say(unit, Place(chat_id=chat_id, thread_id=thread_id), "unbound", topic, person.name)

        await self._database.write(body)


def ask_about(unit: Unit, ids: Ids, chat: Chat, commander_id: int, by: str) -> None:
    """Put the question whether the desk stays in a group to one commander."""
    facts: dict[str, object] = {"chat": chat.id, "title": chat.title, "kind": chat.kind, "by": by, "by_id": chat.added_by}
    for answer in (APPROVE, LEAVE):
        terms = {"chat": str(chat.id), "answer": answer}
        token = buttons.issue(
            unit, ids, Act.APPROVE_CHAT, terms, person_id=commander_id, chat_id=commander_id, lasts_s=ANSWER_S
        )
        facts[answer] = token.id
    outbox.tell(unit, commander_id, "chat_question", facts)


def ask_what_is_open(unit: Unit, ids: Ids, commander_id: int) -> int:
    """Put every open question to a commander, as to the first one of a new desk; return how many there are."""
    waiting = [chat for chat in chats.everywhere(unit) if chat.state == ASKED]
    for chat in waiting:
        adder = people.find(unit, chat.added_by) if chat.added_by is not None else None
        ask_about(unit, ids, chat, commander_id, adder.name if adder else str(chat.added_by))
    return len(waiting)


def _approved(unit: Unit, chat_id: int) -> Chat:
    if chat_id > 0:
        raise Refused("GROUP_ONLY")
    chat = chats.find(unit, chat_id)
    if chat is None or chat.state != APPROVED:
        raise Refused("CHAT_NOT_APPROVED", state=chat.state if chat else "unknown")
    return chat


def _say(unit: Unit, place: Place, template: str, topic: Topic, by: str) -> None:
    facts = {"topic": topic.value, "by": by}
    outbox.tell(unit, place.chat_id, template, facts, thread_id=place.thread_id, priority=Priority.TAP, silent=True)


def _make_room(unit: Unit, old: int, new: int) -> None:
    """Drop what the new id has of its own: its note may come first, and the old id's approval and messages stand."""
    _forget_bindings(unit, new)
    unit.run(delete(chat_rows).where(chat_rows.c.id == new))
    for table, key in ((cards, cards.c.key), (offers, offers.c.mission_id)):
        moving = select(key).where(table.c.chat_id == old)
        unit.run(delete(table).where(table.c.chat_id == new, key.in_(moving)))


def _forget_bindings(unit: Unit, chat_id: int) -> None:
    unit.run(delete(bindings).where(bindings.c.chat_id == chat_id))
