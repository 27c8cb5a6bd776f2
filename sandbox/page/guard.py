"""What every request of the page passes: this machine only, JSON only, errors as JSON."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

from aiohttp import web

from sandbox.loopback import is_loopback
from sandbox.telegram.failures import Misuse, Refused
from sandbox.telegram.wire import JsonObject, dumps

Act = Callable[[web.Request], Awaitable[Any]]
Kind = type | tuple[type, ...]
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def only_loopback(handle: Handler) -> Handler:
    """Refuse a request that is not for this machine, or that another site's page makes."""

    async def checked(request: web.Request) -> web.StreamResponse:
        origin = request.headers.get("Origin")
        local = is_loopback(urlsplit(f"//{request.host}").hostname)
        if not local or (origin is not None and not is_loopback(urlsplit(origin).hostname)):
            return web.json_response({"error": "the page is served to this machine only"}, status=403)
        return await handle(request)

    return checked


def answering(act: Act, flush: Callable[[], None]) -> Handler:
    """Answer an act's result as JSON once it is kept; what a person cannot do is a 400 with the reason."""

    async def handle(request: web.Request) -> web.StreamResponse:
        try:
            answer = await act(request)
        except Misuse as error:
            return web.json_response({"error": str(error)}, status=400)
        except Refused as error:
            return web.json_response({"error": error.description}, status=400)
        flush()
        return web.json_response(answer, dumps=dumps)

    return only_loopback(handle)


def number(text: str) -> int:
    """Read a whole number from a path or a query."""
    try:
        return int(text)
    except ValueError:
        raise Misuse(f"expected a whole number, got {text!r}") from None


async def body_of(
    request: web.Request,
    fields: Mapping[str, Kind],
    optional: Mapping[str, Kind] = MappingProxyType({}),
) -> JsonObject:
    """Read a JSON object and check its fields; a null is an optional field left out.

    Only application/json: another site's form cannot post it.
    """
    if request.content_type != "application/json":
        raise Misuse("the body must be application/json")
    try:
        body = await request.json()
    except ValueError:
        raise Misuse("the body is not JSON") from None
    if not isinstance(body, dict):
        raise Misuse("the body must be a JSON object")
    known = {**fields, **optional}
    for name in body.keys() - known.keys():
        raise Misuse(f"field {name!r} is not known here; known: {', '.join(known)}")
    given = {name: value for name, value in body.items() if value is not None}
    for name, kind in known.items():
        if name in given:
            if not isinstance(given[name], kind) or (isinstance(given[name], bool) and kind is not bool):
                raise Misuse(f"field {name!r} is of the wrong type")
        elif name in fields:
            raise Misuse(f"field {name!r} is missing")
    return given
