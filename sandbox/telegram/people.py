"""The person's side: what somebody with a Telegram client can do to the bot, honest and otherwise."""

from __future__ import annotations

import re
from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

from sandbox.telegram import commands, objects
from sandbox.telegram.chats import ANONYMOUS_ADMIN, CHANNEL_SENDER, Chat, Member, Person
from sandbox.telegram.entities import FormattedText, plain
from sandbox.telegram.events import ChatChanged
from sandbox.telegram.failures import Misuse
from sandbox.telegram.files import Upload, photo_sides
from sandbox.telegram.messages import Media, Message, Origin, key_of_shown, shown_id
from sandbox.telegram.state import ANSWER_SECONDS, Query, State
from sandbox.telegram.wire import JsonObject

_PAYLOAD = re.compile(r"[A-Za-z0-9_-]{0,64}")
_FIRST_NEWCOMER = 10_000
CHANNEL_ID = -1002000000001
"""The id of the channel that `post_as_channel` posts for."""


class PersonSide(State):
    """Acts of people. Chats are named by the bot's ids: a private chat has the person's id.

    Every act raises Misuse when no client could do it. Messages are named by `shown_id`, which is the
    message id, and for an ephemeral message a fraction.
    """

    def say(
        self,
        person_id: int,
        text: str = "",
        *,
        chat_id: int | None = None,
        thread_id: int = 0,
        reply_to: float = 0,
        photo: Upload | None = None,
        via_bot: bool = False,
        date: int | None = None,
    ) -> Message:
        """Send a message, with a photo if given (the text is its caption then); `date` sends an old one."""
        chat = self._writable_by(person_id, person_id if chat_id is None else chat_id)
        if not text.strip() and photo is None:
            raise Misuse("a message needs a text or a photo")
        if chat.is_private:
            self._open_private(chat)
        self._check_thread(chat, thread_id)
        message = self._composed(person_id, chat, text, photo, thread_id, reply_to)
        return self._send(replace(message, via_bot=via_bot, date=self.now() if date is None else date))

    def start(self, person_id: int, payload: str = "") -> Message:
        """Press Start, or open a deep link with its payload; unblocks the bot."""
        if not _PAYLOAD.fullmatch(payload):
            raise Misuse("a start payload has up to 64 of A-Z a-z 0-9 _ -")
        chat = self._person_chat(person_id)
        if chat.blocked:
            self.block(person_id, blocked=False)
        return self.say(person_id, f"/start {payload}" if payload else "/start")

    def tap(self, person_id: int, chat_id: int, message_id: float, data: str) -> Query:
        """Press the callback button of a message that carries `data`."""
        message = self.visible(person_id, chat_id, message_id)
        for row in message.keyboard:
            for button in row:
                if button.get("callback_data") == data and "disabled" not in button:
                    return self.press(person_id, chat_id, data, message_id)
        raise Misuse(f"message {message_id} has no button with the data {data!r}")

    def tap_label(self, person_id: int, chat_id: int, label: str) -> Query | Message:
        """Press the newest button whose label is or starts with `label`; a deep link of the bot starts it."""
        for message in reversed(self.seen(person_id, chat_id)):
            for row in message.keyboard:
                for button in row:
                    if button["text"] == label or button["text"].startswith(f"{label} "):
                        return self._pressed(person_id, message, button)
        raise Misuse(f"no message in chat {chat_id} has a button {label!r}")

    def press(self, person_id: int, chat_id: int, data: str, message_id: float | None = None) -> Query:
        """Send a callback query without asking whether such a button exists: how a forger does it.

        Without `message_id` the query carries no message, as for one sent in inline mode; with the id
        of a deleted message, Telegram's inaccessible message.
        """
        key = key_of_shown(chat_id, message_id or 0)
        query = Query(
            id=str(self.new_id("query")),
            person_id=person_id,
            chat_id=chat_id,
            message_id=key[1],
            ephemeral_id=key[2],
            created=self.clock.now(),
        )
        content = {
            "id": query.id,
            "from": objects.user(self, person_id),
            "chat_instance": str(self._digest(f"chat:{chat_id}")),
            "data": data,
        }
        if message_id is None:
            content["inline_message_id"] = f"inline-{query.id}"
        else:
            found = self.find(key)
            content["message"] = (
                objects.message(self, found) if found else objects.inaccessible(self, chat_id, query.message_id)
            )
        self._forget_old_queries()
        self.queries[query.id] = query
        self.touch("query", query.id, query)
        self.deliver("callback_query", content, person_id)
        return query

    def edit_own(self, person_id: int, chat_id: int, message_id: int, text: str) -> Message:
        """Edit an own text message."""
        message = self.visible(person_id, chat_id, message_id)
        if message.sender_id != person_id or message.text is None:
            raise Misuse(f"message {message_id} is not a text of person {person_id}")
        edited = self.amend(replace(message, text=plain(text), edit_date=self.now()))
        self.deliver_message(edited, "edited_message")
        return edited

    def delete_own(self, person_id: int, chat_id: int, message_id: int) -> None:
        """Delete a message for everyone: an own one, or any in the private chat. The bot is not told."""
        message = self.visible(person_id, chat_id, message_id)
        if message.sender_id != person_id and not self.chats[chat_id].is_private:
            raise Misuse(f"message {message_id} is not one of person {person_id}")
        self.remove(message)

    def forward(self, person_id: int, from_chat_id: int, message_id: int, *, chat_id: int, thread_id: int = 0) -> Message:
        """Forward a message the person sees to a chat."""
        source = self.visible(person_id, from_chat_id, message_id)
        if source.protected:
            raise Misuse("the content of this message is protected")
        chat = self._writable_by(person_id, chat_id)
        self._check_thread(chat, thread_id)
        origin = source.origin or Origin(user_id=source.sender_id, date=source.date)
        return self._send(
            replace(
                self._composed(person_id, chat, "", None, thread_id, 0),
                text=source.text, caption=source.caption, media=source.media, origin=origin,
            )
        )  # fmt: skip

    def post_anonymous(self, person_id: int, chat_id: int, text: str, *, thread_id: int = 0) -> Message:
        """Post in a group as an anonymous administrator."""
        chat = self._writable_by(person_id, chat_id)
        if chat.is_private or not self.is_admin(chat, person_id):
            raise Misuse(f"person {person_id} is no administrator of chat {chat_id}")
        message = self._composed(ANONYMOUS_ADMIN, chat, text, None, thread_id, 0)
        return self._send(replace(message, sender_chat_id=chat.id))

    def post_as_channel(self, chat_id: int, text: str, *, thread_id: int = 0) -> Message:
        """Post in a group on behalf of a channel."""
        chat = self.chats[chat_id]
        if chat.is_private:
            raise Misuse("a channel posts in groups only")
        message = self._composed(CHANNEL_SENDER, chat, text, None, thread_id, 0)
        return self._send(replace(message, sender_chat_id=CHANNEL_ID))

    def block(self, person_id: int, *, blocked: bool) -> None:
        """Block or unblock the bot; the bot is told."""
        chat = self._person_chat(person_id)
        if chat.blocked == blocked:
            return
        chat.blocked = blocked
        old, new = ("member", "kicked") if blocked else ("kicked", "member")
        chat.members[self.bot.id] = Member(status=new)
        self.touch_chat(chat)
        self.deliver_membership(chat, person_id, Member(status=old), Member(status=new))
        self.tell(ChatChanged(chat_id=chat.id))

    def add_person(self, name: str, note: str = "newcomer", username: str = "", language: str = "en") -> Person:
        """Add somebody new, who has not met the bot."""
        if not name.strip():
            raise Misuse("a person needs a name")
        person_id = _FIRST_NEWCOMER + self.count("person")
        handle = username or f"{re.sub(r'[^a-z0-9]', '', name.lower()) or 'person'}_{person_id}"
        person = Person(id=person_id, name=name.strip()[:64], username=handle, note=note, language=language)
        self.people[person_id] = person
        self.touch("person", str(person_id), person)
        chat = self.private_chat(person_id)
        self.touch_chat(chat)
        self.tell(ChatChanged(chat_id=chat.id))
        return person

    def deliver_membership(self, chat: Chat, by: int, old: Member, new: Member) -> None:
        """Tell the bot that its own standing in a chat changed."""
        self.deliver("my_chat_member", self.membership(chat, by, self.bot.id, old, new), chat.id)

    def membership(self, chat: Chat, by: int, whose: int, old: Member, new: Member) -> JsonObject:
        """Build the API's ChatMemberUpdated object."""
        user = objects.user(self, whose)
        return {
            "chat": objects.chat(self, chat),
            "from": objects.user(self, by),
            "date": self.now(),
            "old_chat_member": old.wire(user),
            "new_chat_member": new.wire(user),
        }

    # What a person sees

    def seen(self, person_id: int, chat_id: int) -> list[Message]:
        """List the messages a person sees in a chat, oldest first."""
        self._check_reader(person_id, chat_id)
        messages = list(self.messages.get(chat_id, {}).values())
        own = [message for message in self.ephemeral.values() if message.chat_id == chat_id]
        whispered = [message for message in own if person_id in (message.receiver_id, message.sender_id)]
        if whispered:
            hidden = {message.replaces for message in whispered if message.replaces}
            messages = [message for message in messages if message.message_id not in hidden]
            messages = sorted([*messages, *whispered], key=lambda message: message.place)
        return messages

    def visible(self, person_id: int, chat_id: int, message_id: float) -> Message:
        """Find a message a person sees."""
        self._check_reader(person_id, chat_id)
        message = self.find(key_of_shown(chat_id, message_id))
        if message is None or (message.ephemeral_id and person_id not in (message.receiver_id, message.sender_id)):
            raise Misuse(f"person {person_id} sees no message {message_id} in chat {chat_id}")
        return message

    def mark_read(self, person_id: int, chat_id: int, message_id: float) -> None:
        """Mark the messages of a chat up to an id as read."""
        self._check_reader(person_id, chat_id)
        if message_id > self.read_marks.get((person_id, chat_id), 0):
            self.read_marks[person_id, chat_id] = message_id
            self.touch("read", f"{person_id}:{chat_id}", message_id)

    def unread(self, person_id: int) -> dict[int, int]:
        """Count the unread messages of a person by chat, service messages and own ones not included."""
        counts: dict[int, int] = {}
        for chat in [*self.groups(), self._person_chat(person_id)]:
            if not chat.member(person_id).inside:
                continue
            mark = self.read_marks.get((person_id, chat.id), 0)
            number = sum(
                message.sender_id != person_id and not message.service
                for message in self.seen(person_id, chat.id)
                if shown_id(message) > mark
            )
            if number:
                counts[chat.id] = number
        return counts

    # Inside

    def _forget_old_queries(self) -> None:
        """Drop the queries nobody may answer any more, which are the first ones."""
        limit = self.clock.now() - ANSWER_SECONDS
        while self.queries:
            oldest = next(iter(self.queries.values()))
            if oldest.created >= limit:
                return
            del self.queries[oldest.id]
            self.touch("query", oldest.id, None)

    def _pressed(self, person_id: int, message: Message, button: dict[str, object]) -> Query | Message:
        if "callback_data" in button:
            return self.tap(person_id, message.chat_id, shown_id(message), str(button["callback_data"]))
        parts = urlsplit(str(button.get("url", "")))
        if parts.hostname == "t.me" and parts.path.strip("/").lower() == self.bot.username.lower():
            return self.start(person_id, parse_qs(parts.query).get("start", [""])[0])
        raise Misuse(f"the button {button['text']!r} neither calls back nor starts the bot")

    def _composed(
        self, sender_id: int, chat: Chat, text: str, photo: Upload | None, thread_id: int, reply_to: float
    ) -> Message:
        body: FormattedText | None = plain(text) if text else None
        media = None
        if photo is not None:
            width, height = photo_sides(photo)
            media = Media(kind="photo", file_id=self.keep_file(photo, width, height).file_id)
        _, replied_id, replied_ephemeral_id = key_of_shown(chat.id, reply_to)
        whispered = commands.is_ephemeral(self, sender_id, chat, text) if sender_id in self.people else False
        return Message(
            chat_id=chat.id,
            message_id=0 if whispered else self.next_message_id(chat),
            ephemeral_id=self.next_ephemeral_id(chat) if whispered else 0,
            receiver_id=self.bot.id if whispered else 0,
            after=chat.last_message_id if whispered else 0,
            date=self.now(),
            sender_id=sender_id,
            thread_id=thread_id,
            text=None if media else body,
            caption=body if media else None,
            media=media,
            reply_to=replied_id,
            reply_to_ephemeral=replied_ephemeral_id,
        )

    def _send(self, message: Message) -> Message:
        self.post(message)
        self.deliver_message(message)
        return message

    def _open_private(self, chat: Chat) -> None:
        if chat.blocked:
            raise Misuse(f"person {chat.id} has blocked the bot")
        if not chat.started:
            chat.started = True
            self.touch_chat(chat)

    def _person_chat(self, person_id: int) -> Chat:
        if person_id not in self.people or self.people[person_id].is_bot:
            raise Misuse(f"there is no person {person_id}")
        return self.private_chat(person_id)

    def _writable_by(self, person_id: int, chat_id: int) -> Chat:
        self._check_reader(person_id, chat_id)
        return self.chats[chat_id]

    def _check_reader(self, person_id: int, chat_id: int) -> None:
        self._person_chat(person_id)
        chat = self.chats.get(chat_id)
        if chat is None or (chat.is_private and chat_id != person_id) or not chat.member(person_id).inside:
            raise Misuse(f"person {person_id} is not in chat {chat_id}")
        if chat.migrated_to:
            raise Misuse(f"chat {chat_id} became the supergroup {chat.migrated_to}")

    def _check_thread(self, chat: Chat, thread_id: int) -> None:
        if thread_id and (thread_id not in chat.topics or chat.topics[thread_id].closed):
            raise Misuse(f"chat {chat.id} has no open topic {thread_id}")
