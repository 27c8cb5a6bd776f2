"""What a view returns: HTML text, a keyboard, and the picture it belongs to."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from html.parser import HTMLParser

from aiogram.filters.callback_data import CallbackData
from aiogram.types import CopyTextButton, InlineKeyboardButton, InlineKeyboardMarkup

from services.charts.spec import PictureSpec


class Style(StrEnum):
    """A button's colour, where the server shows one."""

    PLAIN = ""
    PRIMARY = "primary"
    SUCCESS = "success"
    DANGER = "danger"


@dataclass(frozen=True, slots=True, kw_only=True)
class Button:
    """One button with exactly one action: callback data, a link, or a text to copy."""

    text: str
    data: CallbackData | None = None
    url: str | None = None
    copy: str | None = None
    style: Style = Style.PLAIN


Rows = Sequence[Sequence[Button]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """A message as it would be sent: ``text`` in Telegram's HTML, at most three buttons a row.

    What is not ``storable`` holds a key: it is shown at once or not at all.
    """

    text: str
    rows: Rows = ()
    chart: PictureSpec | None = None
    storable: bool = True

    def keyboard(self) -> InlineKeyboardMarkup | None:
        """Return the keyboard as aiogram writes it, or None without buttons."""
        if not any(self.rows):
            return None
        return InlineKeyboardMarkup(inline_keyboard=[[_inline(button) for button in row] for row in self.rows if row])

    def digest(self) -> str:
        """Return a hash of what is shown, so that an unchanged card is not edited; the picture counts by its frame."""
        markup = self.keyboard()
        shown = self.text + (markup.model_dump_json(exclude_none=True) if markup else "")
        return hashlib.sha256(shown.encode()).hexdigest()

    def plain(self) -> str:
        """Return the text without markup, for a server that cannot parse it."""
        reader = _TextOnly()
        reader.feed(self.text)
        reader.close()
        return "".join(reader.parts)


class _TextOnly(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []

    def handle_data(self, data: str) -> None:
        self.parts.append(data)


def _inline(button: Button) -> InlineKeyboardButton:
    style = button.style.value or None
    if button.data is not None:
        return InlineKeyboardButton(text=button.text, callback_data=button.data.pack(), style=style)
    if button.url is not None:
        return InlineKeyboardButton(text=button.text, url=button.url, style=style)
    return InlineKeyboardButton(text=button.text, copy_text=CopyTextButton(text=button.copy or ""), style=style)


def act(text: str, data: CallbackData, style: Style = Style.PLAIN) -> Button:
    """Return a button with callback data."""
    return Button(text=text, data=data, style=style)
