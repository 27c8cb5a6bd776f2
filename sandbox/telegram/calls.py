"""A call as a method sees it, and what every method asks of it: the chat, the topic, the message."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sandbox.telegram.chats import Chat
from sandbox.telegram.failures import Refused, bad, chat_not_found, forbidden, message_missing
from sandbox.telegram.files import Upload
from sandbox.telegram.messages import Message
from sandbox.telegram.world import World


class Raw(str):
    """A result that is JSON text already."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Call:
    """A checked call: its arguments are Python values of the table's types."""

    world: World
    method: str
    arguments: Mapping[str, Any]
    uploads: Mapping[str, Upload] = field(default_factory=dict)

    def get(self, name: str, default: Any = None) -> Any:
        return self.arguments.get(name, default)

    def chat(self, name: str = "chat_id", *, write: bool = True) -> Chat:
        """Find the chat the call names; refuse one the bot cannot reach, or cannot write to."""
        reference = self.arguments.get(name)
        if reference is None:
            raise bad(f"{name} is empty")
        return reach(self.world, reference, write=write)

    def message(self, purpose: str, chat: Chat, name: str = "message_id") -> Message:
        """Find the message the call names; `purpose` is Telegram's phrase, such as "message to edit"."""
        if name not in self.arguments:
            raise bad("message identifier is not specified")
        message = self.world.find((chat.id, self.arguments[name], 0))
        if message is None:
            raise message_missing(purpose)
        return message

    def thread(self, chat: Chat) -> int:
        """Find the topic a message goes to; 0 is none."""
        thread_id = int(self.get("message_thread_id", 0))
        if not thread_id:
            return 0
        if thread_id not in chat.topics:
            raise bad("message thread not found")
        if chat.topics[thread_id].closed and not self.world.is_admin(chat, self.world.bot.id):
            raise bad("TOPIC_CLOSED")
        return thread_id

    def require_right(self, chat: Chat, right: str, refusal: str) -> None:
        """Refuse what the bot has no administrator's right to do in a group."""
        member = chat.member(self.world.bot.id)
        if not chat.is_private and member.status != "creator" and right not in member.rights:
            raise bad(refusal)


Handler = Callable[[Call], Any]


def reach(world: World, reference: int | str, *, write: bool) -> Chat:
    """Find a chat by id or @username as the bot may reach it."""
    chat = world.chats.get(reference) if isinstance(reference, int) else None
    if chat is None:
        raise chat_not_found()
    if chat.is_private:
        _check_private(world, chat, write)
    else:
        _check_group(world, chat, write)
    return chat


def _check_private(world: World, chat: Chat, write: bool) -> None:
    if chat.blocked:
        if write:
            raise forbidden("bot was blocked by the user")
    elif not chat.started:
        if not any(group.member(chat.id).inside for group in world.groups() if group.member(world.bot.id).inside):
            raise chat_not_found()
        if write:
            raise forbidden("bot can't initiate conversation with a user")


def _check_group(world: World, chat: Chat, write: bool) -> None:
    if chat.migrated_to and write:
        raise Refused(
            400,
            "Bad Request: group chat was upgraded to a supergroup chat",
            {"migrate_to_chat_id": chat.migrated_to},
        )
    member = chat.member(world.bot.id)
    kind = "group" if chat.type == "group" else "supergroup"
    if member.status == "kicked" and (write or kind == "supergroup"):
        raise forbidden(f"bot was kicked from the {kind} chat")
    if not member.inside and (write or kind == "supergroup"):
        raise forbidden(f"bot is not a member of the {kind} chat")
