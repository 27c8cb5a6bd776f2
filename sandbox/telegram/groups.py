"""Groups: who joins and leaves, the bot's standing, forum topics, and becoming a supergroup."""

from __future__ import annotations

from dataclasses import replace

from sandbox.telegram import objects
from sandbox.telegram.chats import BOT_RIGHTS, OUTSIDE, Chat, Member, Topic
from sandbox.telegram.events import ChatChanged
from sandbox.telegram.failures import Misuse
from sandbox.telegram.messages import Message
from sandbox.telegram.people import PersonSide
from sandbox.telegram.wire import JsonObject

ICON_COLORS = (7322096, 16766590, 13338331, 9367192, 16749490, 16478047)
"""The colours Telegram allows for a topic's icon."""


class GroupSide(PersonSide):
    """Acts on groups. Each is done by somebody, whose name Telegram tells the bot."""

    def create_group(self, title: str, by: int) -> Chat:
        """Create a basic group with its creator and the bot in it."""
        if by not in self.people or not title.strip():
            raise Misuse("a group needs a title and somebody who creates it")
        chat = Chat(id=-(5_000_000_000 + self.count("group")), type="group", title=title.strip()[:128])
        chat.members[by] = Member(status="creator")
        self.chats[chat.id] = chat
        self.note(chat, by, {"group_chat_created": True})
        self.add_bot(chat.id, by)
        return chat

    def add_bot(self, chat_id: int, by: int) -> None:
        """Add the bot to a group."""
        chat = self._group(chat_id)
        if chat.member(self.bot.id).inside:
            raise Misuse(f"the bot is in chat {chat_id} already")
        self._set_bot(chat, by, Member(status="member"))
        mine = objects.user(self, self.bot.id)
        self.note(chat, by, {"new_chat_members": [mine]})

    def remove_bot(self, chat_id: int, by: int) -> None:
        """Throw the bot out of a group."""
        chat = self._group(chat_id)
        if not chat.member(self.bot.id).inside:
            raise Misuse(f"the bot is not in chat {chat_id}")
        self.note(chat, by, {"left_chat_member": objects.user(self, self.bot.id)})
        self._set_bot(chat, by, Member(status="kicked"))

    def promote_bot(self, chat_id: int, by: int, *, admin: bool, rights: frozenset[str] = BOT_RIGHTS) -> None:
        """Make the bot an administrator, or a plain member again."""
        chat = self._group(chat_id)
        if not chat.member(self.bot.id).inside:
            raise Misuse(f"the bot is not in chat {chat_id}")
        self._set_bot(chat, by, Member(status="administrator", rights=rights) if admin else Member(status="member"))

    def leave_as_bot(self, chat: Chat) -> None:
        """Leave a group as the bot."""
        self.note(chat, self.bot.id, {"left_chat_member": objects.user(self, self.bot.id)})
        self._set_bot(chat, self.bot.id, Member(status="left"))

    def join(self, person_id: int, chat_id: int) -> Message:
        """Let a person join a group; the chat shows it."""
        chat = self._group(chat_id)
        if person_id not in self.people or chat.member(person_id).inside:
            raise Misuse(f"person {person_id} cannot join chat {chat_id}")
        user = objects.user(self, person_id)
        self._set_person(chat, person_id, Member(status="member"))
        return self.note(chat, person_id, {"new_chat_members": [user]})

    def leave(self, person_id: int, chat_id: int) -> Message:
        """Let a person leave a group; the chat shows it."""
        chat = self._group(chat_id)
        if not chat.member(person_id).inside:
            raise Misuse(f"person {person_id} is not in chat {chat_id}")
        self._set_person(chat, person_id, OUTSIDE)
        return self.note(chat, person_id, {"left_chat_member": objects.user(self, person_id)})

    def migrate(self, chat_id: int, by: int) -> Chat:
        """Turn a basic group into a supergroup, which is a new chat with a new id."""
        old = self._group(chat_id)
        if old.type != "group":
            raise Misuse(f"chat {chat_id} is a supergroup already")
        new = Chat(
            id=-(1_005_000_000_000 + self.count("supergroup")),
            type="supergroup",
            title=old.title,
            migrated_from=old.id,
            members=dict(old.members),
        )
        self.chats[new.id] = new
        self.note(old, by, {"migrate_to_chat_id": new.id})
        old.migrated_to = new.id
        self.touch_chat(old)
        self.note(new, by, {"migrate_from_chat_id": old.id})
        self.tell(ChatChanged(chat_id=old.id))
        return new

    def open_topic(self, chat: Chat, by: int, name: str, icon_color: int = ICON_COLORS[0], emoji: str = "") -> Topic:
        """Open a topic; its id is the id of the service message that tells of it."""
        created: JsonObject = {"name": name, "icon_color": icon_color}
        if emoji:
            created["icon_custom_emoji_id"] = emoji
        thread_id = chat.last_message_id + 1
        topic = Topic(thread_id=thread_id, name=name, icon_color=icon_color, icon_custom_emoji_id=emoji)
        chat.topics[thread_id] = topic
        self.note(chat, by, {"forum_topic_created": created}, thread_id)
        return topic

    def change_topic(self, chat: Chat, by: int, topic: Topic, note: JsonObject) -> None:
        """Put a changed topic in place of the old one and tell of it."""
        chat.topics[topic.thread_id] = topic
        self.note(chat, by, note, topic.thread_id)

    def close_topic(self, chat: Chat, by: int, topic: Topic, *, closed: bool) -> None:
        note: JsonObject = {"forum_topic_closed": {}} if closed else {"forum_topic_reopened": {}}
        self.change_topic(chat, by, replace(topic, closed=closed), note)

    def drop_topic(self, chat: Chat, topic: Topic) -> None:
        """Delete a topic with all its messages."""
        for message in [one for one in self.messages.get(chat.id, {}).values() if one.thread_id == topic.thread_id]:
            self.remove(message)
        del chat.topics[topic.thread_id]
        self.touch_chat(chat)
        self.tell(ChatChanged(chat_id=chat.id))

    def note(self, chat: Chat, by: int, content: JsonObject, thread_id: int = 0) -> Message:
        """Post a service message. The bot is told of its own doings too, as by Telegram."""
        message = self.post(
            Message(
                chat_id=chat.id, message_id=self.next_message_id(chat), date=self.now(), sender_id=by,
                thread_id=thread_id, service=content,
            )
        )  # fmt: skip
        self.deliver_message(message)
        self.touch_chat(chat)
        self.tell(ChatChanged(chat_id=chat.id))
        return message

    def _set_person(self, chat: Chat, person_id: int, new: Member) -> None:
        """Change a person's standing; a bot that is an administrator and asked for chat_member is told."""
        old = chat.member(person_id)
        chat.members[person_id] = new
        if self.is_admin(chat, self.bot.id):
            self.deliver("chat_member", self.membership(chat, person_id, person_id, old, new), chat.id)

    def _set_bot(self, chat: Chat, by: int, new: Member) -> None:
        old = chat.member(self.bot.id)
        chat.members[self.bot.id] = new
        self.touch_chat(chat)
        self.deliver_membership(chat, by, old, new)
        self.tell(ChatChanged(chat_id=chat.id))

    def _group(self, chat_id: int) -> Chat:
        chat = self.chats.get(chat_id)
        if chat is None or chat.is_private or chat.migrated_to:
            raise Misuse(f"there is no group {chat_id}")
        return chat
