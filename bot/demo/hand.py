"""A person's hand at the chat page: writes, presses buttons by their words, and waits until it sees something."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from bot.demo.sandbox_client import ChatMessage, Member, SandboxClient

PATIENCE_S = 20.0
LOOK_S = 0.15

Wanted = Callable[[ChatMessage], bool]


class Missed(Exception):
    """What a person waited for did not come; says what, and what was there instead."""


class Hand:
    """One person; the chat is private with the bot unless another is named."""

    def __init__(self, client: SandboxClient, member: Member) -> None:
        self._client = client
        self.name = member.name
        self.id = member.id

    async def say(self, text: str) -> float:
        """Write to the bot; return the message's number."""
        return await self._client.say(self.id, self.id, text)

    async def ask(self, text: str, expected: str) -> ChatMessage:
        """Write to the bot and wait for a later answer that has the expected words."""
        asked = await self.say(text)
        return await self.see(lambda message: message.message_id > asked and expected in message.text, f"an answer to {text}")

    async def tap(self, message: ChatMessage, label: str, chat_id: int | None = None) -> None:
        """Press the button that begins with a label; raise Missed when the message has none."""
        button = message.button(label)
        if button is None:
            raise Missed(f"{self.name} saw no button {label} under: {_first_line(message)}")
        await self._client.tap(self.id, chat_id or self.id, message.message_id, button.data)

    async def see(self, wanted: Wanted, what: str, *, chat_id: int | None = None, limit_s: float = PATIENCE_S) -> ChatMessage:
        """Wait for a message of the bot, the newest that is wanted; raise Missed after ``limit_s``."""
        newest: ChatMessage | None = None
        try:
            async with asyncio.timeout(limit_s):
                while True:
                    messages = await self._client.messages(self.id, chat_id or self.id)
                    for message in reversed(messages):
                        if message.from_bot and wanted(message):
                            return message
                    newest = messages[-1] if messages else None
                    await asyncio.sleep(LOOK_S)
        except TimeoutError:
            instead = _first_line(newest) if newest is not None else "nothing"
            raise Missed(f"{self.name} waited {limit_s:.0f} s for {what}, the newest message was: {instead}") from None


def _first_line(message: ChatMessage) -> str:
    return message.text.partition("\n")[0][:80] or "a picture"
