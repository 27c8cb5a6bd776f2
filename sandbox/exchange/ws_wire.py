"""One WebSocket connection: what is sent waits in a queue, so whoever has something to say never waits for the reader."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

from aiohttp import WSCloseCode, WSMsgType, web

_PING_SECONDS = 20.0
_MOST_WAITING = 20_000


class Wire:
    """Send and receive JSON texts on one connection."""

    def __init__(self, request: web.Request) -> None:
        self.request = request
        self._socket = web.WebSocketResponse(heartbeat=_PING_SECONDS)
        self._waiting: asyncio.Queue[str] = asyncio.Queue()

    def send(self, payload: Any) -> None:
        """Queue a payload; a reader who does not keep up is cut off."""
        self.send_text(json.dumps(payload, separators=(",", ":")))

    def send_text(self, text: str) -> None:
        """Queue a text."""
        if self._waiting.qsize() < _MOST_WAITING:
            self._waiting.put_nowait(text)
        elif self.request.transport is not None:
            self.request.transport.abort()

    def cut(self) -> None:
        """End the connection without a word, as a broken line does."""
        if self.request.transport is not None:
            self.request.transport.abort()

    async def close(self) -> None:
        """End the connection in good order."""
        await self._socket.close(code=WSCloseCode.GOING_AWAY)

    async def open(self) -> web.WebSocketResponse:
        """Shake hands."""
        await self._socket.prepare(self.request)
        return self._socket

    async def texts(self) -> AsyncIterator[str]:
        """Give every text that comes in, while what waits goes out."""
        sender = asyncio.create_task(self._send_waiting())
        try:
            async for message in self._socket:
                if message.type is WSMsgType.TEXT:
                    yield message.data
        finally:
            sender.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await sender

    async def _send_waiting(self) -> None:
        while True:
            text = await self._waiting.get()
            try:
                await self._socket.send_str(text)
            except ConnectionError:
                return
