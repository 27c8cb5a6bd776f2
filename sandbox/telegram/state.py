"""The state every part of the server works on, and the few moves that change messages."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from sandbox.clock import Clock
from sandbox.telegram import objects
from sandbox.telegram.chats import ADMINISTRATORS, Chat, Member, Person
from sandbox.telegram.entities import cut
from sandbox.telegram.events import CallMade, Event, FaultsChanged, MessageDeleted, MessageEdited, MessagePosted
from sandbox.telegram.faults import Faults
from sandbox.telegram.files import StoredFile, Upload
from sandbox.telegram.limits import Limits
from sandbox.telegram.messages import Key, Message
from sandbox.telegram.updates import Update, UpdateQueue
from sandbox.telegram.wire import JsonObject

ANSWER_SECONDS = 30
"""How long a callback query may be answered."""
EPHEMERAL_SECONDS = 15
"""How long a callback query or an ephemeral command gives the right to an ephemeral message."""
_CALLS_KEPT = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """A press of a button, waiting for its answer."""

    id: str
    person_id: int
    chat_id: int
    message_id: int
    ephemeral_id: int
    created: float
    answered: bool = False


@dataclass(slots=True, kw_only=True)
class Webhook:
    """The webhook's settings and its last failure; an empty url is no webhook."""

    url: str = ""
    secret: str = ""
    max_connections: int = 40
    ip_address: str = ""
    last_error_at: int = 0
    last_error: str = ""


@dataclass(slots=True, kw_only=True)
class Profile:
    """What the bot says of itself, by language code ("" is any)."""

    names: dict[str, str] = field(default_factory=dict)
    descriptions: dict[str, str] = field(default_factory=dict)
    short_descriptions: dict[str, str] = field(default_factory=dict)
    commands: dict[str, list[JsonObject]] = field(default_factory=dict)
    menu_buttons: dict[str, JsonObject] = field(default_factory=dict)


class State:
    """People, chats, messages, updates and settings; it changes only by calls, one at a time."""

    def __init__(self, *, clock: Clock, bot: Person, seed: int = 0, limits_on: bool = True, reads_all: bool = False) -> None:
        self.clock = clock
        self.bot = bot
        self.seed = seed
        self.reads_all = reads_all
        self.people: dict[int, Person] = {bot.id: bot}
        self.chats: dict[int, Chat] = {}
        self.messages: dict[int, dict[int, Message]] = {}
        self.ephemeral: dict[Key, Message] = {}
        self.queries: dict[str, Query] = {}
        self.stored_files: dict[str, StoredFile] = {}
        self.contents: dict[str, bytes] = {}
        self.keyboards: dict[tuple[int, int], JsonObject] = {}
        self.read_marks: dict[tuple[int, int], float] = {}
        self.webhook = Webhook()
        self.profile = Profile()
        self.counters: dict[str, int] = {}
        self.calls: deque[CallMade] = deque(maxlen=_CALLS_KEPT)
        self.updates = UpdateQueue(100_000_000 + self._digest("updates") % 800_000_000)
        self.limits = Limits(clock, on=limits_on)
        self.faults = Faults(clock)
        self.logged_out_until = 0.0
        self.launched_at = clock.now()
        self.keeping = False
        self.touched: dict[tuple[str, str], object] = {}
        self._watchers: list[Callable[[Event], None]] = []
        self.updates.on_changed = self._update_changed
        self.faults.on_changed = lambda: self.tell(FaultsChanged())

    def watch(self, watcher: Callable[[Event], None]) -> None:
        """Call `watcher` with every event from now on."""
        self._watchers.append(watcher)

    def tell(self, event: Event) -> None:
        for watcher in self._watchers:
            watcher(event)

    def touch(self, kind: str, key: str, value: object) -> None:
        """Mark a thing as changed, for the store; None is a thing that is gone."""
        if self.keeping:
            self.touched[kind, key] = value

    def now(self) -> int:
        return int(self.clock.now())

    def count(self, name: str) -> int:
        """Count one up under a name; a count is never used twice, not even after a restart."""
        number = self.counters.get(name, 0) + 1
        self.counters[name] = number
        self.touch("counter", name, number)
        return number

    def new_id(self, kind: str) -> int:
        """Make an id that looks like Telegram's: big, unlike the last, and the same for the same seed."""
        return self._digest(f"{kind}:{self.count(kind)}")

    def _digest(self, text: str) -> int:
        return int.from_bytes(hashlib.blake2b(f"{self.seed}:{text}".encode(), digest_size=7).digest())

    # People and chats

    def private_chat(self, person_id: int) -> Chat:
        """Find the private chat of a person with the bot, which is there before anyone wrote in it."""
        chat = self.chats.get(person_id)
        if chat is None:
            chat = Chat(
                id=person_id,
                type="private",
                members={person_id: Member(status="member"), self.bot.id: Member(status="member")},
            )
            self.chats[person_id] = chat
        return chat

    def groups(self) -> list[Chat]:
        return [chat for chat in self.chats.values() if not chat.is_private and not chat.migrated_to]

    def touch_chat(self, chat: Chat) -> None:
        self.touch("chat", str(chat.id), chat)

    def is_admin(self, chat: Chat, user_id: int) -> bool:
        return chat.member(user_id).status in ADMINISTRATORS

    # Messages

    def next_message_id(self, chat: Chat) -> int:
        chat.last_message_id += 1
        self._touch_counters(chat)
        return chat.last_message_id

    def next_ephemeral_id(self, chat: Chat) -> int:
        chat.last_ephemeral_id += 1
        self._touch_counters(chat)
        return chat.last_ephemeral_id

    def find(self, key: Key) -> Message | None:
        chat_id, message_id, ephemeral_id = key
        if ephemeral_id:
            return self.ephemeral.get(key)
        return self.messages.get(chat_id, {}).get(message_id)

    def put(self, message: Message) -> None:
        """Keep a message under its key and tell nobody."""
        if message.ephemeral_id:
            self.ephemeral[message.key] = message
        else:
            self.messages.setdefault(message.chat_id, {})[message.message_id] = message
        self.touch("message", key_text(message.key), message)

    def post(self, message: Message) -> Message:
        """Add a new message to its chat."""
        self.put(message)
        self.tell(MessagePosted(message=message))
        return message

    def amend(self, message: Message) -> Message:
        """Put an edited message in place of the old one."""
        self.put(message)
        self.tell(MessageEdited(message=message))
        return message

    def remove(self, message: Message) -> None:
        """Delete a message, its pin included."""
        if message.ephemeral_id:
            del self.ephemeral[message.key]
        else:
            del self.messages[message.chat_id][message.message_id]
        self.touch("message", key_text(message.key), None)
        chat = self.chats[message.chat_id]
        if message.message_id in chat.pinned:
            chat.pinned.remove(message.message_id)
            self.touch_chat(chat)
        self.tell(MessageDeleted(message=message))

    def deliver(self, kind: str, content: JsonObject, lane: int) -> Update | None:
        """Queue an update for the bot; `lane` is the chat or person it is about."""
        return self.updates.add(kind, content, self.clock.now(), lane)

    def deliver_message(self, message: Message, kind: str = "message") -> Update | None:
        """Queue a message for the bot if the bot may see it."""
        if not self.bot_sees(message):
            return None
        return self.deliver(kind, objects.message(self, message), message.chat_id)

    def bot_sees(self, message: Message) -> bool:
        """Apply the privacy mode: in a group a bot that is no administrator sees what concerns it."""
        chat = self.chats[message.chat_id]
        if chat.is_private:
            return True
        if not chat.member(self.bot.id).inside:
            return False
        if self.reads_all or message.service or message.via_bot or message.ephemeral_id:
            return True
        if self.is_admin(chat, self.bot.id):
            return True
        replied = self.find((chat.id, message.reply_to, 0)) if message.reply_to else None
        return bool(replied and replied.sender_id == self.bot.id) or self._addresses_bot(message)

    def _addresses_bot(self, message: Message) -> bool:
        mine = f"@{self.bot.username}".lower()
        for entity in message.body.entities:
            if entity.type == "bot_command":
                _, _, addressee = cut(message.body.text, entity.offset, entity.length).lower().partition("@")
                if not addressee or f"@{addressee}" == mine:
                    return True
        return mine in message.body.text.lower()

    # Files

    def keep_file(self, upload: Upload, width: int = 0, height: int = 0) -> StoredFile:
        """Keep an uploaded file; width and height in pixels make it a photo."""
        number = self.count("file")
        folder = "photos" if width else "documents"
        suffix = upload.filename.rpartition(".")[2].lower() if "." in upload.filename else "bin"
        stored = StoredFile(
            file_id=f"AgAD{self._digest(f'file:{number}'):014x}",
            unique_id=f"AQAD{self._digest(f'unique:{number}'):014x}",
            path=f"{folder}/file_{number}.{suffix}",
            name=upload.filename,
            mime=upload.mime,
            size=len(upload.content),
            width=width,
            height=height,
        )
        self.stored_files[stored.file_id] = stored
        self.contents[stored.file_id] = upload.content
        self.touch("file", stored.file_id, stored)
        return stored

    def _touch_counters(self, chat: Chat) -> None:
        if self.keeping:
            self.touch("counter", f"chat:{chat.id}", [chat.last_message_id, chat.last_ephemeral_id])

    def _update_changed(self, update: Update, added: bool) -> None:
        if self.keeping:
            self.touch("update", str(update.id), update if added else None)
            self.touch("counter", "updates", self.updates.last_id)


def key_text(key: Key) -> str:
    return f"{key[0]}:{key[1]}:{key[2]}"
