"""Command menus: which list a person sees in a chat, by Telegram's order of scopes."""

from __future__ import annotations

from collections.abc import Iterator

from sandbox.telegram.chats import Chat
from sandbox.telegram.state import State
from sandbox.telegram.wire import JsonObject

DEFAULT = "default"


def scope_key(scope: JsonObject, chat_id: int = 0) -> str:
    """Build the key a scope is kept under; `chat_id` is the resolved chat of the scopes that name one."""
    kind = str(scope["type"])
    if kind == "chat_member":
        return f"{kind}:{chat_id}:{scope['user_id']}"
    return f"{kind}:{chat_id}" if kind in ("chat", "chat_administrators") else kind


def list_key(scope: str, language: str) -> str:
    return f"{scope}|{language}"


def seen_by(state: State, person_id: int, chat: Chat) -> list[JsonObject]:
    """List the commands a person sees in a chat: the narrowest scope that has any, the own language first."""
    language = state.people[person_id].language
    for scope in _scopes(state, person_id, chat):
        for code in (language, ""):
            commands = state.profile.commands.get(list_key(scope, code))
            if commands:
                return commands
    return []


def is_ephemeral(state: State, person_id: int, chat: Chat, text: str) -> bool:
    """Tell whether a text is a command that its menu sends as an ephemeral message; groups only."""
    if chat.is_private or not text.startswith("/"):
        return False
    name = text[1:].split(maxsplit=1)[0].partition("@")[0] if len(text) > 1 else ""
    return any(entry["command"] == name and entry.get("is_ephemeral") for entry in seen_by(state, person_id, chat))


def _scopes(state: State, person_id: int, chat: Chat) -> Iterator[str]:
    if chat.is_private:
        yield f"chat:{chat.id}"
        yield "all_private_chats"
    else:
        admin = state.is_admin(chat, person_id)
        yield f"chat_member:{chat.id}:{person_id}"
        if admin:
            yield f"chat_administrators:{chat.id}"
        yield f"chat:{chat.id}"
        if admin:
            yield "all_chat_administrators"
        yield "all_group_chats"
    yield DEFAULT
