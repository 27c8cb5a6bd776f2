"""HTTP over the Bot API: tokens, long polls, files, and faults acted out on the connection."""

from __future__ import annotations

import asyncio
import hmac
import logging
import socket
import struct
import sys
from collections.abc import Callable

from aiohttp import web

from sandbox.telegram import requests
from sandbox.telegram.api import Answer, BotApi
from sandbox.telegram.events import Event, FaultsChanged
from sandbox.telegram.failures import Refused, conflict, not_found, unauthorized
from sandbox.telegram.faults import Fault
from sandbox.telegram.wire import dumps

log = logging.getLogger(__name__)

# Closing a socket that lingers for no time resets the connection.
_LINGER_ZERO = struct.pack("hh" if sys.platform == "win32" else "ii", 1, 0)


class BotDoor:
    """Serve `/bot<token>/<method>` and `/file/bot<token>/<path>` for one token.

    `flush` is called before every answer: what was answered ok is kept.
    """

    def __init__(self, api: BotApi, token: str, flush: Callable[[], None]) -> None:
        self._api = api
        self._world = api.world
        self._token = token.encode()
        self._flush = flush
        self._poll: asyncio.Future[str] | None = None
        self._world.updates.on_added = self._wake
        self._world.watch(self._watch)

    def close(self) -> None:
        """End a held poll."""
        self._end_poll("closed")

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer one call."""
        if not self._is_token(request.match_info["token"]):
            return _refused(unauthorized())
        if request.method not in ("GET", "POST"):
            return _refused(Refused(405, "Method Not Allowed"))
        if self._world.faults.is_out:
            self._world.faults.take_outage()
            return _reset(request)
        method = self._api.name_of(request.match_info["method"])
        try:
            parameters, uploads = await requests.read(request)
        except Refused as refusal:
            return _refused(refusal)
        except web.HTTPRequestEntityTooLarge:
            return _refused(Refused(413, "Request Entity Too Large"))
        if method == "getUpdates":
            ended = await self._hold(self._api.prepare_poll(parameters))
            if ended:
                return _refused(conflict(ended)) if ended != "closed" else _reset(request)
        try:
            answer = self._api.call(method, parameters, uploads)
            self._flush()
        except Exception:
            log.exception("telegram.call_failed method=%s", method)
            return _refused(Refused(500, "Internal Server Error"))
        if answer.fault is None:
            return _answered(answer)
        return await _acted_out(request, answer, answer.fault)

    async def file(self, request: web.Request) -> web.StreamResponse:
        """Answer the download of a file that getFile named."""
        if not self._is_token(request.match_info["token"]):
            return _refused(unauthorized())
        path = request.match_info["path"]
        for stored in self._world.stored_files.values():
            if stored.path == path:
                return web.Response(body=self._world.contents[stored.file_id], content_type="application/octet-stream")
        return _refused(not_found())

    async def _hold(self, seconds: float) -> str:
        """Wait for updates; return why the poll was ended by another, or "" when it may be answered."""
        self._end_poll("terminated by other getUpdates request; make sure that only one bot instance is running")
        if not seconds or self._world.updates.waiting:
            return ""
        self._flush()
        poll: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._poll = poll
        self._world.updates.held = True
        try:
            return await asyncio.wait_for(poll, seconds)
        except TimeoutError:
            return ""
        finally:
            if self._poll is poll:
                self._poll = None
                self._world.updates.held = False

    def _wake(self) -> None:
        self._end_poll("")

    def _end_poll(self, why: str) -> None:
        if self._poll and not self._poll.done():
            self._poll.set_result(why)

    def _watch(self, event: Event) -> None:
        if isinstance(event, FaultsChanged) and self._world.faults.is_out:
            self._end_poll("closed")

    def _is_token(self, given: str) -> bool:
        return hmac.compare_digest(given.encode(), self._token)


def _answered(answer: Answer) -> web.Response:
    return web.Response(status=answer.status, body=answer.body.encode(), content_type="application/json")


def _refused(refusal: Refused) -> web.Response:
    return web.json_response(refusal.body(), status=refusal.code, dumps=dumps)


async def _acted_out(request: web.Request, answer: Answer, fault: Fault) -> web.StreamResponse:
    if fault.kind == "delay":
        await asyncio.sleep(fault.delay)
        return _answered(answer)
    if fault.kind == "lost_reply":
        return _closed(request)
    if fault.kind == "half_body":
        return _halved(request, answer)
    if fault.kind in ("reset_before", "reset_after", "outage"):
        return _reset(request)
    return _answered(answer)


def _closed(request: web.Request) -> web.Response:
    """Close the connection in place of an answer."""
    if request.transport:
        request.transport.close()
    return web.Response()


def _halved(request: web.Request, answer: Answer) -> web.Response:
    """Send the headers of the whole answer and half of its body, then close."""
    body = answer.body.encode()
    head = f"HTTP/1.1 {answer.status} \r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    if isinstance(request.transport, asyncio.Transport):
        request.transport.write(head.encode() + body[: len(body) // 2])
    return _closed(request)


def _reset(request: web.Request) -> web.Response:
    """Reset the connection in place of an answer."""
    if request.transport:
        connection = request.transport.get_extra_info("socket")
        if connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_ZERO)
        request.transport.abort()
    return web.Response()
