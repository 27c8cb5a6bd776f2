"""One update on its way through a handler: who, where, what was said, and how to answer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import StrEnum
from html import escape
from typing import Protocol

from handlers.telegram.views.message import Rendered
from services.domain.people import Actor

ANSWER_LIMIT = 200
TAP_ANSWERED_S = 0.7


class Answered(StrEnum):
    """What became of an answer: seen, stored because the chat took nothing in time, or a chat that cannot be written to."""

    SEEN = "seen"
    LATER = "later"
    NEVER = "never"


_SAID_IN_PRIVATE = {
    Answered.SEEN: "Sent to you in private.",
    Answered.LATER: "It comes to you in private as soon as the chat takes it.",
}


class Answers(Protocol):
    """How handlers speak: straight to the chat, past the queue."""

    async def send(self, chat_id: int, thread_id: int | None, rendered: Rendered, reply_to: int | None) -> Answered:
        """Send a message."""
        ...

    async def edit(self, chat_id: int, message_id: int, rendered: Rendered, has_photo: bool, *, reading: bool) -> Answered:
        """Change a message in place; ``reading`` keeps it from being overwritten by mere price changes for a while."""
        ...

    async def delete(self, chat_id: int, message_id: int | None) -> None:
        """Take a message of the bot away, where the server still lets it."""
        ...

    async def take_away(self, chat_id: int, message_id: int) -> bool:
        """Delete what a person wrote; tell whether the chat let the bot."""
        ...

    async def send_file(self, chat_id: int, name: str, content: bytes, caption: str) -> bool:
        """Send a file; tell whether the chat took it."""
        ...

    async def whisper(self, chat_id: int, thread_id: int | None, person_id: int, callback_id: str, rendered: Rendered) -> bool:
        """Show a message in a group to the one who tapped, before the tap is answered; tell whether the server took it."""
        ...

    async def toast(self, callback_id: str, text: str, alert: bool, url: str | None) -> bool:
        """Answer a tap; tell whether the person can have seen it."""
        ...


@dataclass(slots=True, kw_only=True)
class Request:
    """What a handler gets; ``args`` is the text after the command, ``callback_id`` is there for a tap."""

    actor: Actor
    username: str | None
    chat_id: int
    thread_id: int | None
    is_group: bool
    chat_title: str
    args: str
    message_id: int | None
    has_photo: bool
    callback_id: str | None
    answers: Answers
    bot_username: str
    private_only: bool = False
    toasted: bool = False
    answered_early: bool = False

    async def reply(self, rendered: Rendered) -> Answered:
        """Answer where it was asked, or in private when the figures are the asker's alone."""
        if self.is_group and self.private_only:
            sent = await self.answers.send(self.actor.id, None, rendered, None)
            said = _SAID_IN_PRIVATE.get(sent, f"Write to me first: t.me/{self.bot_username}")
            await self.answers.send(self.chat_id, self.thread_id, Rendered(text=said), self.message_id)
            return sent
        return await self.answers.send(self.chat_id, self.thread_id, rendered, self.message_id if self.is_group else None)

    async def show(self, rendered: Rendered, *, reading: bool = True) -> None:
        """Change the message whose button was tapped; for a typed command, answer."""
        if self.callback_id is None or self.message_id is None:
            await self.reply(rendered)
        else:
            await self.answers.edit(self.chat_id, self.message_id, rendered, self.has_photo, reading=reading)

    async def whisper(self, rendered: Rendered) -> bool:
        """Show something in a group to the one who tapped and to nobody else; tell whether that could be done."""
        if not self.is_group or self.callback_id is None or self.toasted:
            return False
        return await self.answers.whisper(self.chat_id, self.thread_id, self.actor.id, self.callback_id, rendered)

    async def toast(self, text: str, *, alert: bool = False, url: str | None = None) -> None:
        """Answer the tap, once; without a tap, or when its answer came too early or too late, say it in a message."""
        if self.callback_id is None or (self.answered_early and text):
            self.answered_early = False
            await self.reply(Rendered(text=escape(text)))
        elif not self.toasted:
            self.toasted = True
            if not await self.answers.toast(self.callback_id, text[:ANSWER_LIMIT], alert, url) and text:
                await self.reply(Rendered(text=escape(text)))


@asynccontextmanager
async def answered_in_time(request: Request) -> AsyncIterator[None]:
    """Answer a tap without words when its work takes longer than a person waits; what there is to say comes as a message."""

    async def answer() -> None:
        await asyncio.sleep(TAP_ANSWERED_S)
        if not request.toasted:
            request.answered_early = True
            await request.toast("")

    # Not one of the nursery's: it never outlives the tap it belongs to.
    timer = asyncio.create_task(answer())
    try:
        yield
    finally:
        timer.cancel()
        await asyncio.gather(timer, return_exceptions=True)


TapHandler = Callable[[Request, str], Awaitable[None]]
