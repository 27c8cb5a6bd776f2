"""The methods about the bot itself: who it is, its commands, its texts, its menu button, its files."""

from __future__ import annotations

import re

from sandbox.telegram.calls import Call, Handler, reach
from sandbox.telegram.commands import DEFAULT, list_key, scope_key
from sandbox.telegram.events import CommandsChanged
from sandbox.telegram.failures import bad, too_many
from sandbox.telegram.files import DOWNLOAD_BYTES
from sandbox.telegram.wire import JsonObject

_COMMAND = re.compile(r"[a-z0-9_]{1,32}")
_LANGUAGE = re.compile(r"[a-z]{2}")
_MOST_COMMANDS = 100
_QUIET_SECONDS = 600


def get_me(call: Call) -> JsonObject:
    return call.world.bot.wire() | {
        "can_join_groups": True,
        "can_read_all_group_messages": call.world.reads_all,
        "supports_inline_queries": False,
        "can_connect_to_business": False,
        "has_main_web_app": False,
    }


def log_out(call: Call) -> bool:
    """Log out: every later call is refused for ten minutes."""
    call.world.logged_out_until = call.world.clock.now() + _QUIET_SECONDS
    return True


def close(call: Call) -> bool:
    """Close the bot's instance, which Telegram refuses in the first ten minutes after the launch."""
    wait = int(call.world.launched_at + _QUIET_SECONDS - call.world.clock.now())
    if wait > 0:
        raise too_many(wait)
    return True


def set_my_commands(call: Call) -> bool:
    commands = call.get("commands")
    if len(commands) > _MOST_COMMANDS:
        raise bad("BOT_COMMANDS_TOO_MUCH")
    for entry in commands:
        if not _COMMAND.fullmatch(entry["command"].removeprefix("/")):
            raise bad("BOT_COMMAND_INVALID")
    key = _commands_key(call)
    stored = [entry | {"command": entry["command"].removeprefix("/")} for entry in commands]
    if stored:
        call.world.profile.commands[key] = stored
    else:
        call.world.profile.commands.pop(key, None)
    _profile_changed(call)
    return True


def get_my_commands(call: Call) -> list[JsonObject]:
    return call.world.profile.commands.get(_commands_key(call), [])


def delete_my_commands(call: Call) -> bool:
    call.world.profile.commands.pop(_commands_key(call), None)
    _profile_changed(call)
    return True


def set_my_name(call: Call) -> bool:
    return _set_text(call, call.world.profile.names, "name")


def get_my_name(call: Call) -> JsonObject:
    names = call.world.profile.names
    return {"name": names.get(_language(call)) or names.get("") or call.world.bot.name}


def set_my_description(call: Call) -> bool:
    return _set_text(call, call.world.profile.descriptions, "description")


def get_my_description(call: Call) -> JsonObject:
    return {"description": _text(call, call.world.profile.descriptions)}


def set_my_short_description(call: Call) -> bool:
    return _set_text(call, call.world.profile.short_descriptions, "short_description")


def get_my_short_description(call: Call) -> JsonObject:
    return {"short_description": _text(call, call.world.profile.short_descriptions)}


def set_chat_menu_button(call: Call) -> bool:
    button = call.get("menu_button", {"type": "default"})
    if button["type"] == "web_app" and not button["web_app"]["url"].lower().startswith("https://"):
        raise bad(f"menu button Web App URL '{button['web_app']['url']}' is invalid: Only HTTPS links are allowed")
    call.world.profile.menu_buttons[_menu_key(call)] = button
    _profile_changed(call)
    return True


def get_chat_menu_button(call: Call) -> JsonObject:
    buttons = call.world.profile.menu_buttons
    own = buttons.get(_menu_key(call), {"type": "default"})
    if own["type"] == "default" and "chat_id" in call.arguments:
        own = buttons.get(DEFAULT, {"type": "default"})
    return {"type": "commands"} if own["type"] == "default" else own


def get_file(call: Call) -> JsonObject:
    stored = call.world.stored_files.get(call.get("file_id"))
    if stored is None:
        raise bad("wrong file_id or the file is temporarily unavailable")
    if stored.size > DOWNLOAD_BYTES:
        raise bad("file is too big")
    return stored.wire()


METHODS: dict[str, Handler] = {
    "getMe": get_me,
    "logOut": log_out,
    "close": close,
    "setMyCommands": set_my_commands,
    "getMyCommands": get_my_commands,
    "deleteMyCommands": delete_my_commands,
    "setMyName": set_my_name,
    "getMyName": get_my_name,
    "setMyDescription": set_my_description,
    "getMyDescription": get_my_description,
    "setMyShortDescription": set_my_short_description,
    "getMyShortDescription": get_my_short_description,
    "setChatMenuButton": set_chat_menu_button,
    "getChatMenuButton": get_chat_menu_button,
    "getFile": get_file,
}


def _commands_key(call: Call) -> str:
    scope = call.get("scope", {"type": DEFAULT})
    chat_id = 0
    if "chat_id" in scope:
        chat = reach(call.world, scope["chat_id"], write=False)
        if chat.is_private and scope["type"] != "chat":
            raise bad("can't use specified scope in private chats")
        chat_id = chat.id
    return list_key(scope_key(scope, chat_id), _language(call))


def _language(call: Call) -> str:
    language: str = call.get("language_code", "")
    if language and not _LANGUAGE.fullmatch(language):
        raise bad("LANGUAGE_CODE_INVALID" if len(language) != 2 else "invalid language code specified")
    return language


def _menu_key(call: Call) -> str:
    if "chat_id" not in call.arguments:
        return DEFAULT
    chat = call.chat(write=False)
    if not chat.is_private:
        raise bad("chat_id must be a private chat")
    return str(chat.id)


def _set_text(call: Call, texts: dict[str, str], name: str) -> bool:
    language = _language(call)
    if call.get(name):
        texts[language] = call.get(name)
    else:
        texts.pop(language, None)
    _profile_changed(call)
    return True


def _text(call: Call, texts: dict[str, str]) -> str:
    return texts.get(_language(call)) or texts.get("", "")


def _profile_changed(call: Call) -> None:
    call.world.touch("setting", "profile", call.world.profile)
    call.world.tell(CommandsChanged())
