"""What the exchange really answered: the raw reply of each call, kept beside whatever ccxt makes of it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from enum import StrEnum

import aiohttp
from aiohttp import ClientHandlerType, ClientRequest, ClientResponse


class Lane(StrEnum):
    """What a call is for: what reduces or takes away goes first, what adds exposure gives way."""

    ENTRY = "entry"
    EXIT = "exit"
    READ = "read"


@dataclass(slots=True, kw_only=True)
class Call:
    """One call through ccxt and the reply to it.

    ``once``: it is a write, of which at most one request may leave. ``requests`` counts those that left; ``connected`` is
    False when the last of them found nobody to talk to. ``status`` is None when no whole reply came.
    """

    lane: Lane
    once: bool = False
    requests: int = 0
    connected: bool = True
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str = ""

    def json(self) -> object:
        """Return the reply's body as JSON, or None when it is none."""
        try:
            return json.loads(self.body, parse_float=str)
        except ValueError:
            return None


_CURRENT: ContextVar[Call | None] = ContextVar("call", default=None)


def current_call() -> Call | None:
    """Return the call that this task is making."""
    return _CURRENT.get()


@contextmanager
def recording(call: Call) -> Iterator[Call]:
    """Let the requests of this task be noted in ``call``."""
    token = _CURRENT.set(call)
    try:
        yield call
    finally:
        _CURRENT.reset(token)


async def send_once(request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
    """Pass a request on, but of a write only the first: aiohttp repeats a DELETE by itself, and follows redirections."""
    call = current_call()
    if call is None or (call.once and request.method == "GET"):
        return await handler(request)
    if call.once and call.requests:
        raise aiohttp.ClientConnectionError("a write leaves once")
    call.requests += 1
    try:
        return await handler(request)
    except aiohttp.ClientConnectorError:
        call.connected = False
        raise
