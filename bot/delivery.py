"""One message to the server: send or edit, with every answer the server may give turned into an outcome."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

import structlog
from aiogram import Bot
from aiogram.exceptions import (
    TelegramAPIError,
    TelegramBadRequest,
    TelegramForbiddenError,
    TelegramMigrateToChat,
    TelegramRetryAfter,
)
from aiogram.types import BufferedInputFile, InlineKeyboardMarkup, LinkPreviewOptions, Message, ReplyParameters

from bot.redaction import process_redactor
from handlers.telegram.views.message import Rendered
from services.charts.spec import PictureSpec
from services.domain.errors import Unavailable

log = structlog.get_logger()
CAPTION_LIMIT = 1024
TEXT_LIMIT = 4096
_UNCHANGED = "message is not modified"
_NO_MARKUP = "can't parse entities"
_GONE = (
    "message to edit not found",
    "message can't be edited",
    "message_id_invalid",
    "there is no text in the message",
    "there is no caption in the message",
)
_NO_TOPIC = ("message thread not found", "topic_closed", "topic_deleted")
_NO_PREVIEW = LinkPreviewOptions(is_disabled=True)


class Fate(StrEnum):
    """What became of a message."""

    DELIVERED = "delivered"
    LATER = "later"
    NEVER = "never"
    MOVED = "moved"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """``wait_s`` with LATER, ``chat_id`` with MOVED, ``message_id`` with DELIVERED."""

    fate: Fate
    message_id: int | None = None
    has_photo: bool = False
    wait_s: float = 0.0
    chat_id: int | None = None
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """Where a message goes and how."""

    chat_id: int
    thread_id: int | None = None
    silent: bool = False
    reply_to: int | None = None


_Call = Callable[[str, bool, Envelope], Awaitable[Outcome]]


class Pictures(Protocol):
    """Draws what a card shows."""

    async def png(self, spec: PictureSpec) -> bytes:
        """Return a picture; raise Unavailable when it cannot be drawn."""
        ...

    async def close(self) -> None:
        """Draw nothing more."""
        ...


class Delivery:
    """Sends and edits through one bot."""

    def __init__(self, bot: Bot, charts: Pictures) -> None:
        self._bot = bot
        self._charts = charts

    async def send(self, envelope: Envelope, rendered: Rendered) -> Outcome:
        """Send a new message, with its picture when it has one."""
        picture = await self._picture(rendered)
        return await self._try(envelope, rendered, lambda text, html, where: self._new(where, text, html, rendered, picture))

    async def edit(self, envelope: Envelope, message_id: int, rendered: Rendered, *, has_photo: bool) -> Outcome:
        """Change a message in place; one that is gone is sent anew."""
        markup = rendered.keyboard()

        async def change(text: str, html: bool, where: Envelope) -> Outcome:
            mode = "HTML" if html else None
            if has_photo:
                await self._bot.edit_message_caption(
                    chat_id=where.chat_id,
                    message_id=message_id,
                    caption=_cut(text, CAPTION_LIMIT),
                    parse_mode=mode,
                    reply_markup=markup,
                )
            else:
                await self._bot.edit_message_text(
                    chat_id=where.chat_id,
                    message_id=message_id,
                    text=_cut(text, TEXT_LIMIT),
                    parse_mode=mode,
                    reply_markup=markup,
                    link_preview_options=_NO_PREVIEW,
                )
            return Outcome(fate=Fate.DELIVERED, message_id=message_id, has_photo=has_photo)

        outcome = await self._try(envelope, rendered, change)
        if outcome.error == "gone":
            return await self.send(envelope, rendered)
        if outcome.error == "unchanged":
            return Outcome(fate=Fate.DELIVERED, message_id=message_id, has_photo=has_photo)
        return outcome

    async def _picture(self, rendered: Rendered) -> bytes | None:
        if rendered.chart is None:
            return None
        try:
            return await self._charts.png(rendered.chart)
        except Unavailable as error:
            log.warning("chart.failed", code=error.code)
            return None

    async def _new(self, where: Envelope, text: str, html: bool, rendered: Rendered, picture: bytes | None) -> Outcome:
        mode = "HTML" if html else None
        markup: InlineKeyboardMarkup | None = rendered.keyboard()
        reply = None
        if where.reply_to is not None:
            reply = ReplyParameters(message_id=where.reply_to, allow_sending_without_reply=True)
        sent: Message
        if picture is not None:
            sent = await self._bot.send_photo(
                chat_id=where.chat_id,
                message_thread_id=where.thread_id,
                caption=_cut(text, CAPTION_LIMIT),
                photo=BufferedInputFile(picture, "chart.png"),
                parse_mode=mode,
                reply_markup=markup,
                disable_notification=where.silent or None,
                reply_parameters=reply,
            )
        else:
            sent = await self._bot.send_message(
                chat_id=where.chat_id,
                message_thread_id=where.thread_id,
                text=_cut(text, TEXT_LIMIT),
                parse_mode=mode,
                reply_markup=markup,
                disable_notification=where.silent or None,
                reply_parameters=reply,
                link_preview_options=_NO_PREVIEW,
            )
        return Outcome(fate=Fate.DELIVERED, message_id=sent.message_id, has_photo=picture is not None)

    async def _try(self, envelope: Envelope, rendered: Rendered, call: _Call) -> Outcome:
        where, text, html = envelope, process_redactor.hide_known(rendered.text), True
        for _ in range(3):
            try:
                return await call(text, html, where)
            except TelegramRetryAfter as error:
                return Outcome(fate=Fate.LATER, wait_s=float(error.retry_after), error="flood")
            except TelegramMigrateToChat as error:
                return Outcome(fate=Fate.MOVED, chat_id=error.migrate_to_chat_id)
            except TelegramForbiddenError as error:
                return Outcome(fate=Fate.NEVER, error=process_redactor.hide(error.message))
            except TelegramBadRequest as error:
                said = error.message.lower()
                if _UNCHANGED in said:
                    return Outcome(fate=Fate.DELIVERED, error="unchanged")
                if any(words in said for words in _GONE):
                    return Outcome(fate=Fate.LATER, error="gone")
                if _NO_MARKUP in said and html:
                    log.warning("message.plain", chat=envelope.chat_id, error=error.message)
                    text, html = process_redactor.hide_known(rendered.plain()), False
                    continue
                if any(words in said for words in _NO_TOPIC) and where.thread_id is not None:
                    where = Envelope(chat_id=where.chat_id, silent=where.silent, reply_to=where.reply_to)
                    continue
                log.warning("message.refused", chat=envelope.chat_id, error=error.message)
                return Outcome(fate=Fate.NEVER, error=process_redactor.hide(error.message))
            except (TelegramAPIError, TimeoutError, OSError) as error:
                return Outcome(fate=Fate.LATER, wait_s=1.0, error=type(error).__name__)
        return Outcome(fate=Fate.NEVER, error="the server refused every form of it")


def _cut(text: str, limit: int) -> str:
    """Cut an over-long text on a line's end, outside of tags as lines close their own."""
    if len(text) <= limit:
        return text
    cut = text[: limit - 2]
    return cut[: max(cut.rfind("\n"), 1)] + "\n…"
