"""Alerts over HTTP: a bounded body read off the connection, handed to the desk, and its answer."""

from __future__ import annotations

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from bot.web import JSON, respond
from handlers.web.signals import MOST_BODY, Receive, SignalAnswer, answer_of, delivery_of, is_taken, turned
from services.domain.sources import TurnedAway

CHUNK = 4096
PLAIN = "identity"


class AlertPort:
    """Answers requests at `/v1/signals` and below."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive

    async def __call__(self, request: web.BaseRequest) -> web.Response:
        """Return the answer to a request; a body is read no further than it may be long."""
        return _response(await self._answer(request))

    def too_many(self) -> web.Response:
        """Return the answer to an address that asks too often."""
        return _response(turned(TurnedAway.TOO_MANY))

    async def _answer(self, request: web.BaseRequest) -> SignalAnswer:
        if not is_taken(request.path):
            return turned(TurnedAway.NO_PATH)
        if request.method != "POST":
            return turned(TurnedAway.ONLY_POST)
        if request.headers.get("Content-Encoding", PLAIN).strip().lower() != PLAIN:
            return turned(TurnedAway.ENCODED)
        body = await _body(request)
        if isinstance(body, TurnedAway):
            return turned(body)
        return answer_of(await self._receive(delivery_of(request.path, request.headers, body)))


async def _body(request: web.BaseRequest) -> bytes | TurnedAway:
    if (request.content_length or 0) > MOST_BODY:
        return TurnedAway.TOO_LARGE
    body = bytearray()
    try:
        async for chunk in request.content.iter_chunked(CHUNK):
            body += chunk
            if len(body) > MOST_BODY:
                return TurnedAway.TOO_LARGE
    except (web.RequestPayloadError, HttpProcessingError, OSError):
        return TurnedAway.MALFORMED
    return bytes(body)


def _response(answer: SignalAnswer) -> web.Response:
    response = respond(answer.status, answer.body, JSON)
    if answer.again_s is not None:
        response.headers["Retry-After"] = str(answer.again_s)
    if answer.status == 405:
        response.headers["Allow"] = "POST"
    return response
