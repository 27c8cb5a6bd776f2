"""Reply markup: what Telegram refuses in a keyboard beyond its types."""

from __future__ import annotations

from typing import Any

from sandbox.telegram.chats import Chat
from sandbox.telegram.failures import bad
from sandbox.telegram.markup import checked_link
from sandbox.telegram.wire import JsonObject

STYLES = frozenset({"danger", "success", "primary"})
_DECORATION = frozenset({"text", "style", "icon_custom_emoji_id"})
_DATA_BYTES = 64
_MOST_BUTTONS = 100
_MOST_IN_A_ROW = 8

Inline = tuple[tuple[JsonObject, ...], ...]


def inline(markup: Any, chat: Chat, *, ephemeral: bool = False) -> Inline:
    """Check an inline keyboard and return its rows; empty rows fall away as in Telegram."""
    if not markup:
        return ()
    rows = tuple(tuple(row) for row in markup["inline_keyboard"] if row)
    for row in rows:
        _check_row(len(row))
        for button in row:
            _check_button(button, chat, ephemeral)
    if sum(len(row) for row in rows) > _MOST_BUTTONS:
        raise bad("reply markup is too long")
    return rows


def check_reply_keyboard(markup: JsonObject) -> None:
    """Check a reply keyboard: each row has buttons, each button a text."""
    rows = markup["keyboard"]
    if not any(rows):
        raise bad("can't parse reply keyboard markup: keyboard must have at least one button")
    for row in rows:
        _check_row(len(row))
        for button in row:
            _check_text(button)
            _check_style(button)
    if sum(len(row) for row in rows) > 3 * _MOST_BUTTONS:
        raise bad("reply markup is too long")


def _check_button(button: JsonObject, chat: Chat, ephemeral: bool) -> None:
    _check_text(button)
    actions = [key for key in button if key not in _DECORATION]
    if not actions:
        raise bad("can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard")
    if len(actions) > 1:
        raise bad(f"can't parse inline keyboard button: exactly one action is allowed, got {', '.join(actions)}")
    _check_style(button)
    if "callback_data" in button and not 1 <= len(button["callback_data"].encode()) <= _DATA_BYTES:
        raise bad("BUTTON_DATA_INVALID")
    if "url" in button:
        _check_url(button["url"])
    if "web_app" in button:
        _check_web_app(button["web_app"]["url"], chat, ephemeral)
    if "switch_inline_query" in button or "switch_inline_query_current_chat" in button:
        raise bad("BUTTON_TYPE_INVALID")
    if "pay" in button:
        raise bad("BUTTON_TYPE_INVALID")


def _check_row(width: int) -> None:
    if width > _MOST_IN_A_ROW:
        raise bad(f"reply markup is too long: {width} buttons in a row, at most {_MOST_IN_A_ROW}")


def _check_text(button: JsonObject) -> None:
    if not button["text"].strip():
        raise bad("can't parse keyboard button: text of a button must be non-empty")


def _check_style(button: JsonObject) -> None:
    if button.get("style", "primary") not in STYLES:
        raise bad(f'button style must be one of danger, success, primary, got "{button["style"]}"')


def _check_url(url: str) -> None:
    if not checked_link(url):
        raise bad(f"inline keyboard button URL '{url}' is invalid: Wrong HTTP URL")


def _check_web_app(url: str, chat: Chat, ephemeral: bool) -> None:
    if not chat.is_private or ephemeral:
        raise bad("BUTTON_TYPE_INVALID")
    if not url.lower().startswith("https://"):
        raise bad(f"inline keyboard button Web App URL '{url}' is invalid: Only HTTPS links are allowed")
