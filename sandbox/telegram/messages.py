"""Messages as values, their rows in the store, and what identifies them."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from sandbox.telegram.entities import Entity, FormattedText
from sandbox.telegram.wire import JsonObject

Key = tuple[int, int, int]
"""Chat, message id, ephemeral id: one of the two ids is 0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Media:
    """A photo or document of a message."""

    kind: str
    file_id: str
    spoiler: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where a forwarded message comes from."""

    user_id: int
    date: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A message in a chat; an edit is a new value under the same key.

    An ephemeral message has message id 0 and an id of its own; `after` is the last message before it.
    """

    chat_id: int
    message_id: int
    date: int
    sender_id: int
    ephemeral_id: int = 0
    receiver_id: int = 0
    thread_id: int = 0
    sender_chat_id: int = 0
    via_bot: bool = False
    edit_date: int = 0
    text: FormattedText | None = None
    caption: FormattedText | None = None
    caption_above: bool = False
    media: Media | None = None
    album: str = ""
    reply_to: int = 0
    reply_to_ephemeral: int = 0
    quote: FormattedText | None = None
    origin: Origin | None = None
    keyboard: tuple[tuple[JsonObject, ...], ...] = ()
    link_preview: JsonObject | None = None
    effect_id: str = ""
    silent: bool = False
    protected: bool = False
    service: JsonObject | None = None
    replaces: int = 0
    after: int = 0

    @property
    def key(self) -> Key:
        return self.chat_id, self.message_id, self.ephemeral_id

    @property
    def place(self) -> tuple[int, int]:
        """Where the message stands in its chat."""
        return (self.after, self.ephemeral_id) if self.ephemeral_id else (self.message_id, 0)

    @property
    def body(self) -> FormattedText:
        """The text or the caption, empty when there is neither."""
        return self.text or self.caption or NOTHING


NOTHING = FormattedText(text="")
_EPHEMERAL_STEP = 1_000_000


def shown_id(message: Message) -> float:
    """Number a message as people see it: an ephemeral one stands a fraction after the message before it."""
    if message.ephemeral_id:
        return message.after + message.ephemeral_id / _EPHEMERAL_STEP
    return message.message_id


def key_of_shown(chat_id: int, shown: float) -> Key:
    """Find the key of a message from its number as people see it."""
    ephemeral_id = round(shown % 1 * _EPHEMERAL_STEP)
    return (chat_id, 0, ephemeral_id) if ephemeral_id else (chat_id, int(shown), 0)


def to_row(message: Message) -> JsonObject:
    """Build what the store keeps: the fields that differ from their defaults."""
    row: JsonObject = {}
    for name in Message.__slots__:
        value = getattr(message, name)
        if value == _DEFAULTS.get(name, value) and name in _DEFAULTS:
            continue
        row[name] = asdict(value) if isinstance(value, (FormattedText, Media, Origin)) else value
    return row


def from_row(row: JsonObject) -> Message:
    """Build a message from what the store kept."""
    values: dict[str, Any] = dict(row)
    for name in ("text", "caption", "quote"):
        if name in row:
            entities = tuple(Entity(**entity) for entity in row[name]["entities"])
            values[name] = FormattedText(text=row[name]["text"], entities=entities)
    if "media" in row:
        values["media"] = Media(**row["media"])
    if "origin" in row:
        values["origin"] = Origin(**row["origin"])
    if "keyboard" in row:
        values["keyboard"] = tuple(tuple(buttons) for buttons in row["keyboard"])
    return Message(**values)


_DEFAULTS: JsonObject = {
    name: field.default
    for name, field in Message.__dataclass_fields__.items()
    if name not in ("chat_id", "message_id", "date", "sender_id")
}
