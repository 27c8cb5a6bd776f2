"""Server-sent events: a ring of the last 5,000, resumed by Last-Event-ID."""

from __future__ import annotations

import asyncio
from collections import deque

from aiohttp import web

from sandbox.page import view
from sandbox.telegram.events import (
    CallMade,
    ChatChanged,
    CommandsChanged,
    Event,
    FaultsChanged,
    KeyboardChanged,
    MessageDeleted,
    MessageEdited,
    MessagePosted,
    Pinned,
    Toast,
    Typing,
)
from sandbox.telegram.messages import shown_id
from sandbox.telegram.wire import JsonObject, dumps
from sandbox.telegram.world import World

_KEPT = 5_000
_KEEP_ALIVE_SECONDS = 15.0
_IDS_A_SECOND = 1_000


class EventHub:
    """Number the world's events and stream them. Events are rendered when they are sent, not when they happen."""

    def __init__(self, world: World) -> None:
        self._world = world
        # Ids go on rising over a restart, so that a page's old id is never taken for one of this run.
        self._last_id = int(world.clock.now()) * _IDS_A_SECOND
        self._ring: deque[tuple[int, Event]] = deque(maxlen=_KEPT)
        self._wakes: set[asyncio.Event] = set()
        self._closed = False
        world.watch(self._keep)

    def close(self) -> None:
        """End every stream."""
        self._closed = True
        self._wake()

    async def stream(self, request: web.Request) -> web.StreamResponse:
        """Serve `GET /page/events` until the reader or the server goes away."""
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"})
        await response.prepare(request)
        at, text = self._resumed(request.headers.get("Last-Event-ID", ""))
        wake = asyncio.Event()
        self._wakes.add(wake)
        try:
            await response.write(text.encode())
            while not self._closed:
                wake.clear()
                at, text = self._since(at)
                if text:
                    await response.write(text.encode())
                    continue
                try:
                    await asyncio.wait_for(wake.wait(), _KEEP_ALIVE_SECONDS)
                except TimeoutError:
                    await response.write(b": still here\n\n")
        except ConnectionError:
            return response
        finally:
            self._wakes.discard(wake)
        return response

    def faults(self) -> JsonObject:
        """Build what the page shows of faults: those switched on, and how often each kind fired."""
        return {
            "faults": [fault.wire() for fault in self._world.faults.active()],
            "fired": dict(self._world.faults.fired),
        }

    async def faults_asked(self, request: web.Request) -> JsonObject:
        """Serve `GET /page/faults`."""
        return self.faults()

    def _keep(self, event: Event) -> None:
        self._last_id += 1
        self._ring.append((self._last_id, event))
        if self._wakes:
            self._wake()

    def _wake(self) -> None:
        for wake in self._wakes:
            wake.set()

    def _resumed(self, last_id: str) -> tuple[int, str]:
        """Find where a stream goes on; a reader whose place is gone is told to load everything anew."""
        if not last_id.isdigit():
            return self._last_id, "retry: 500\n\n"
        at = int(last_id)
        oldest = self._ring[0][0] if self._ring else self._last_id + 1
        if at == self._last_id or oldest - 1 <= at < self._last_id:
            return at, "retry: 500\n\n"
        return self._last_id, f"retry: 500\nid: {self._last_id}\nevent: reset\ndata: {{}}\n\n"

    def _since(self, at: int) -> tuple[int, str]:
        missed = min(self._last_id - at, len(self._ring))
        if missed <= 0:
            return at, ""
        parts = []
        for index in range(len(self._ring) - missed, len(self._ring)):
            number, event = self._ring[index]
            name, content = self._rendered(event)
            parts.append(f"id: {number}\nevent: {name}\ndata: {dumps(content)}\n\n")
        return self._last_id, "".join(parts)

    def _rendered(self, event: Event) -> tuple[str, JsonObject]:
        world = self._world
        match event:
            case MessagePosted(message=message):
                return "message", view.message(world, message)
            case MessageEdited(message=message):
                return "edit", view.message(world, message)
            case MessageDeleted(message=message):
                return "delete", {"chat_id": message.chat_id, "message_id": shown_id(message)}
            case Typing():
                return "typing", {
                    "chat_id": event.chat_id, "person": None, "thread_id": event.thread_id or None,
                    "action": event.action,
                }  # fmt: skip
            case Toast():
                return "toast", {
                    "person": event.person_id, "callback_query_id": event.callback_query_id, "text": event.text,
                    "alert": event.alert, "url": event.url or None,
                }  # fmt: skip
            case Pinned():
                return "pin", {"chat_id": event.chat_id, "pinned": list(event.message_ids)}
            case KeyboardChanged(chat_id=chat_id, person_id=person_id):
                keyboard = view.keyboard(world, chat_id, person_id)
                return "keyboard", {"chat_id": chat_id, "person": person_id, "reply_keyboard": keyboard}
            case ChatChanged(chat_id=chat_id):
                return "chat", view.chat(world, world.chats[chat_id])
            case CommandsChanged():
                return "commands", {}
            case FaultsChanged():
                return "faults", self.faults()
            case CallMade():
                return "call", {
                    "method": event.method, "ok": event.ok, "error_code": event.error_code or None,
                    "description": event.description or None, "ms": event.ms,
                }  # fmt: skip
