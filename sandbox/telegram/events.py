"""What happens in the chat, as told to whoever watches it: the page, a simulation, a test."""

from __future__ import annotations

from dataclasses import dataclass

from sandbox.telegram.messages import Message


@dataclass(frozen=True, slots=True, kw_only=True)
class MessagePosted:
    message: Message


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageEdited:
    message: Message


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageDeleted:
    message: Message


@dataclass(frozen=True, slots=True, kw_only=True)
class Typing:
    """A chat action of the bot."""

    chat_id: int
    thread_id: int
    action: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Toast:
    """The answer to a callback query, which ends the button's spinner; `text` may be empty."""

    person_id: int
    callback_query_id: str
    text: str
    alert: bool
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Pinned:
    """The pinned messages of a chat, newest first."""

    chat_id: int
    message_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyboardChanged:
    chat_id: int
    person_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatChanged:
    chat_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandsChanged:
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultsChanged:
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class CallMade:
    """A finished Bot API call; `ms` is how long the server took, faults acted out afterwards not included."""

    number: int
    at: float
    method: str
    parameters: str
    ok: bool
    error_code: int
    description: str
    answer: str
    ms: float


Event = (
    MessagePosted
    | MessageEdited
    | MessageDeleted
    | Typing
    | Toast
    | Pinned
    | KeyboardChanged
    | ChatChanged
    | CommandsChanged
    | FaultsChanged
    | CallMade
)
