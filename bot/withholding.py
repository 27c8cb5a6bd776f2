"""Keys that somebody pastes into a chat go no further than the first look at them: not into the inbox, nor to a handler."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from bot.redaction import process_redactor
from services.domain.key_shapes import WITHHELD, looks_like_key, names_key_file

# What a handler needs to know of a message that it may not read.
_KEPT = frozenset(
    {
        "chat",
        "date",
        "edit_date",
        "forward_origin",
        "from",
        "is_automatic_forward",
        "is_topic_message",
        "message_id",
        "message_thread_id",
        "sender_chat",
        "via_bot",
    }
)
# What is not the sender's own words: people answer the desk's messages, which show hashes.
_QUOTED = frozenset({"external_reply", "pinned_message", "quote", "reply_to_message"})


def withhold(update: Mapping[str, Any], *, stops: bool) -> Mapping[str, Any]:
    """Return the update without keys: of a message that holds one there stays who sent it, and a command that ``stops``."""
    message = update.get("message")
    if not isinstance(message, dict):
        return update
    own = {name: value for name, value in message.items() if name not in _KEPT | _QUOTED}
    if any(_is_key(name, text) for name, text in _texts(own)):
        kept = {name: value for name, value in message.items() if name in _KEPT}
        return {**update, "message": kept | {"text": _command(message) + WITHHELD if stops else WITHHELD}}
    quoted = {name: message[name] for name in message.keys() & _QUOTED}
    if any(_is_key(name, text) for name, text in _texts(quoted)):
        return {**update, "message": {name: value for name, value in message.items() if name not in _QUOTED}}
    return update


def _command(message: Mapping[str, Any]) -> str:
    word = str(message.get("text") or "").split(maxsplit=1)[0]
    return "" if _is_key("text", word) else f"{word} "


def _texts(message: object) -> Iterator[tuple[str, str]]:
    """Yield every text of a message with the name of its field; a file's id at the chat server is long and opens nothing."""
    waiting = [("", message)]
    while waiting:
        name, value = waiting.pop()
        if isinstance(value, str):
            yield name, value
        elif isinstance(value, dict):
            waiting += [(str(key), each) for key, each in value.items() if not str(key).endswith("_id")]
        elif isinstance(value, list):
            waiting += [(name, each) for each in value]


def _is_key(name: str, text: str) -> bool:
    if name == "file_name" and names_key_file(text):
        return True
    return looks_like_key(text) or process_redactor.hide_known(text) != text
