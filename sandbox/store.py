"""What survives a restart: one SQLite file of rows, written before anything is answered.

A killed process loses nothing that was answered, since a commit is in the system's hands when it returns;
only a machine that loses power may lose the last seconds, which is why `synchronous` is off.
"""

from __future__ import annotations

import json
import sqlite3
from dataclasses import asdict
from pathlib import Path
from typing import Any

from sandbox.telegram.chats import Chat, Person, chat_from_row
from sandbox.telegram.files import StoredFile
from sandbox.telegram.messages import Message, from_row, to_row
from sandbox.telegram.state import Profile, Query, Webhook
from sandbox.telegram.updates import Update
from sandbox.telegram.wire import dumps
from sandbox.telegram.world import World

_VERSION = 1
# Nobody else writes the file; whoever looks into it does not stop the chat for long.
_LOCK_SECONDS = 0.2
_TABLES = """
CREATE TABLE IF NOT EXISTS things (kind TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (kind, key))
WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS contents (file_id TEXT PRIMARY KEY, content BLOB NOT NULL);
"""


class StoreError(Exception):
    """The folder cannot be gone on with; says why and what to do."""


class Store:
    """Keep a world in a folder. `open` loads what is there, `flush` writes what changed since the last."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._database = sqlite3.connect(folder / "telegram.sqlite", isolation_level=None, timeout=_LOCK_SECONDS)
        self._database.execute("PRAGMA journal_mode=WAL")
        self._database.execute("PRAGMA synchronous=OFF")
        (version,) = self._database.execute("PRAGMA user_version").fetchone()
        if version not in (0, _VERSION):
            raise StoreError(f"{folder} was written by another version of the sandbox; remove it or give another folder")
        self._database.executescript(_TABLES)
        self._database.execute(f"PRAGMA user_version = {_VERSION}")
        self._world: World | None = None

    def open(self, world: World) -> None:
        """Load what is kept into a fresh world, or keep the world as it is, and follow it from now on.

        Raises StoreError when the folder is another bot's: its id is in every message.
        """
        rows = self._database.execute("SELECT kind, key, value FROM things").fetchall()
        bots = [json.loads(value) for kind, key, value in rows if (kind, key) == ("setting", "bot")]
        if bots and bots != [world.bot.id]:
            raise StoreError(f"the state is that of bot {bots[0]}; give a token that begins with {bots[0]}: or another folder")
        self._world = world
        world.keeping = True
        if rows:
            _Loader(world, self._database).load(rows)
        else:
            _touch_everything(world)
        self.flush()

    def flush(self) -> None:
        """Write everything that changed, in one transaction."""
        if self._world is None or not self._world.touched:
            return
        database = self._database
        database.execute("BEGIN")
        try:
            self._write(self._world)
            database.execute("COMMIT")
        except sqlite3.Error:
            # Nothing is kept and nothing forgotten: the next flush writes it all.
            database.execute("ROLLBACK")
            raise
        self._world.touched.clear()

    def _write(self, world: World) -> None:
        database = self._database
        for (kind, key), value in world.touched.items():
            if value is None:
                database.execute("DELETE FROM things WHERE kind = ? AND key = ?", (kind, key))
            else:
                database.execute("REPLACE INTO things VALUES (?, ?, ?)", (kind, key, dumps(_row(value))))
            if isinstance(value, StoredFile):
                content = world.contents[value.file_id]
                database.execute("REPLACE INTO contents VALUES (?, ?)", (value.file_id, content))

    def close(self) -> None:
        self.flush()
        self._database.close()


class _Loader:
    def __init__(self, world: World, database: sqlite3.Connection) -> None:
        self._world = world
        self._database = database

    def load(self, rows: list[tuple[str, str, str]]) -> None:
        world = self._world
        started = {chat.id for chat in world.chats.values() if chat.started}
        world.chats.clear()
        world.messages.clear()
        by_kind: dict[str, list[tuple[str, Any]]] = {}
        for kind, key, text in rows:
            by_kind.setdefault(kind, []).append((key, json.loads(text)))
        for kind in ("person", "chat", "counter", "file", "message", "update", "query", "keyboard", "read", "setting"):
            put = getattr(self, f"_put_{kind}")
            for key, value in by_kind.get(kind, []):
                put(key, value)
        self._order(started)

    def _put_person(self, key: str, value: Any) -> None:
        self._world.people[int(key)] = Person(**value)

    def _put_chat(self, key: str, value: Any) -> None:
        self._world.chats[int(key)] = chat_from_row(value)

    def _put_counter(self, key: str, value: Any) -> None:
        if key.startswith("chat:"):
            chat = self._world.chats[int(key.removeprefix("chat:"))]
            chat.last_message_id, chat.last_ephemeral_id = value
        elif key == "updates":
            self._world.updates.last_id = value
        else:
            self._world.counters[key] = value

    def _put_file(self, key: str, value: Any) -> None:
        self._world.stored_files[key] = StoredFile(**value)
        row = self._database.execute("SELECT content FROM contents WHERE file_id = ?", (key,)).fetchone()
        self._world.contents[key] = row[0]

    def _put_message(self, key: str, value: Any) -> None:
        message = from_row(value)
        if message.ephemeral_id:
            self._world.ephemeral[message.key] = message
        else:
            self._world.messages.setdefault(message.chat_id, {})[message.message_id] = message

    def _put_update(self, key: str, value: Any) -> None:
        self._world.updates.restore(Update(**value))

    def _put_query(self, key: str, value: Any) -> None:
        self._world.queries[key] = Query(**value)

    def _put_keyboard(self, key: str, value: Any) -> None:
        chat_id, _, person_id = key.partition(":")
        self._world.keyboards[int(chat_id), int(person_id)] = value

    def _put_read(self, key: str, value: Any) -> None:
        person_id, _, chat_id = key.partition(":")
        self._world.read_marks[int(person_id), int(chat_id)] = value

    def _put_setting(self, key: str, value: Any) -> None:
        if key == "profile":
            self._world.profile = Profile(**value)
        elif key == "webhook":
            self._world.webhook = Webhook(**value["webhook"])
            self._world.updates.allow(value["allowed"])

    def _order(self, started: set[int]) -> None:
        """Put messages and updates, which come in the order of their keys as text, into that of their numbers."""
        world = self._world
        for chat_id, messages in world.messages.items():
            world.messages[chat_id] = dict(sorted(messages.items()))
        world.updates.sort()
        world.queries = dict(sorted(world.queries.items(), key=lambda item: item[1].created))
        for person_id in started:
            chat = world.private_chat(person_id)
            if not chat.started:
                chat.started = True
                world.touch_chat(chat)


def _touch_everything(world: World) -> None:
    world.touch("setting", "bot", world.bot.id)
    for person in world.people.values():
        if not person.is_bot:
            world.touch("person", str(person.id), person)
    for chat in world.chats.values():
        world.touch_chat(chat)
        world.touch("counter", f"chat:{chat.id}", [chat.last_message_id, chat.last_ephemeral_id])
    for messages in world.messages.values():
        for message in messages.values():
            world.put(message)
    for name, number in world.counters.items():
        world.touch("counter", name, number)
    world.touch("counter", "updates", world.updates.last_id)


def _row(value: object) -> Any:
    if isinstance(value, Message):
        return to_row(value)
    if isinstance(value, Chat):
        return value.row()
    if isinstance(value, (Person, StoredFile, Query, Update, Profile)):
        return asdict(value)
    if isinstance(value, tuple):
        webhook, allowed = value
        return {"webhook": asdict(webhook), "allowed": sorted(allowed)}
    return value
