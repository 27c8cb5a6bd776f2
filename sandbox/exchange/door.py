"""The REST skin: every request to the exchange, public or signed, with the faults that were asked for."""

import asyncio
import json
import logging
import re
import socket
import struct
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import web
from multidict import MultiDict

from sandbox.exchange.errors import ApiRefusal
from sandbox.exchange.exchange import Exchange
from sandbox.exchange.faults import Fault, FaultKind
from sandbox.exchange.private_api import PRIVATE_ENDPOINTS, answer
from sandbox.exchange.private_call import PrivateEndpoint
from sandbox.exchange.public_api import ENDPOINTS, Call, Endpoint
from sandbox.exchange.query import Query
from sandbox.exchange.signing import SIGNED, SIGNED_OPTIONAL, check_signature, check_time, find_account

log = logging.getLogger(__name__)

_PUBLIC: Mapping[str, Endpoint] = {endpoint.path: endpoint for endpoint in ENDPOINTS}
_PRIVATE: Mapping[tuple[str, str], PrivateEndpoint] = {(each.method, each.path): each for each in PRIVATE_ENDPOINTS}
_PRIVATE_PATHS = {endpoint.path for endpoint in PRIVATE_ENDPOINTS}
_SYMBOL = re.compile(r"[A-Z0-9]+")
_GARBAGE = "<html><body><h1>It works!</h1></body></html>"
_PAGE = "<html><body><h2>{status} {phrase}</h2></body></html>"

# An abort with lingering switched on for zero seconds resets the connection instead of closing it.
_RESET_ON_CLOSE = struct.pack("hh" if sys.platform == "win32" else "ii", 1, 0)

Struck = dict[FaultKind, Fault]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request as it was sent: the raw query and body are what a signature is made over."""

    method: str
    path: str
    raw_query: str
    raw_body: str
    key: str | None

    @property
    def sent(self) -> MultiDict[str]:
        """Read the parameters of query and body."""
        pairs = [*parse_qsl(self.raw_query, keep_blank_values=True), *parse_qsl(self.raw_body, keep_blank_values=True)]
        return MultiDict(pairs)


class Door:
    """Take every request to the exchange: faults first, then its limits, then the answer."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer a request, or fail it in the way that was asked for."""
        asked = Asked(
            method=request.method,
            path=request.match_info["path"],
            raw_query=request.raw_path.partition("?")[2],
            raw_body=await request.text(),
            key=request.headers.get("X-MBX-APIKEY"),
        )
        exchange = self._exchange
        if asked.path in _PRIVATE_PATHS:
            exchange.writes.note(asked.method, asked.path, asked.sent, exchange.market.now())
        struck = exchange.faults.strike(asked.path, _named_symbols(asked), exchange.market.now())
        if FaultKind.RESET in struck or FaultKind.OUTAGE in struck:
            reset(request)
            return web.Response()
        if FaultKind.DELAY in struck:
            await asyncio.sleep(struck[FaultKind.DELAY].amount)
        if FaultKind.SERVER_ERROR in struck:
            return _page(HTTPStatus(int(struck[FaultKind.SERVER_ERROR].amount)))
        response = self._respond(asked, struck)
        if FaultKind.GARBAGE in struck:
            return web.Response(text=_GARBAGE, content_type="text/html")
        if FaultKind.HALF in struck:
            return await _send_half(request, response)
        return response

    def _respond(self, asked: Asked, struck: Struck) -> web.Response:
        headers: dict[str, str] = {}
        try:
            return _json(self._answer(asked, struck, headers), HTTPStatus.OK, headers)
        except ApiRefusal as refusal:
            if refusal.retry_after is not None:
                headers["Retry-After"] = str(refusal.retry_after)
            return _json(refusal.body, refusal.status, headers)
        except web.HTTPException as error:
            return _page(HTTPStatus(error.status))
        except Exception:
            log.exception("exchange.request_failed method=%s path=%s", asked.method, asked.path)
            body = {"code": -1000, "msg": "An unknown error occurred while processing the request."}
            return _json(body, HTTPStatus.INTERNAL_SERVER_ERROR, headers)

    def _answer(self, asked: Asked, struck: Struck, headers: dict[str, str]) -> Any:
        private = _PRIVATE.get((asked.method, asked.path))
        if private is not None:
            return self._answer_signed(private, asked, struck, headers)
        endpoint = _PUBLIC.get(asked.path)
        if endpoint is None and asked.path not in _PRIVATE_PATHS:
            raise web.HTTPNotFound
        if endpoint is None or asked.method != "GET":
            raise web.HTTPMethodNotAllowed(asked.method, [])
        query = Query(asked.sent, mandatory=endpoint.mandatory, optional=endpoint.optional)
        self._charge(endpoint.weight(query), headers)
        stale = struck.get(FaultKind.STALE)
        return endpoint.answer(
            Call(
                market=self._exchange.market,
                query=query,
                seen_at=None if stale is None else stale.since,
                skew=_skew(struck),
            )
        )

    def _answer_signed(self, endpoint: PrivateEndpoint, asked: Asked, struck: Struck, headers: dict[str, str]) -> Any:
        exchange = self._exchange
        account = find_account(asked.key, exchange.engine.accounts.values())
        mandatory = (*endpoint.mandatory, *SIGNED)
        query = Query(asked.sent, mandatory=mandatory, optional=(*endpoint.optional, *SIGNED_OPTIONAL))
        self._charge(endpoint.weight(query), headers)
        check_time(query, exchange.market.now() + _skew(struck))
        check_signature(account.secret, (asked.raw_query, asked.raw_body))
        try:
            return answer(exchange, endpoint, account, query, None)
        finally:
            if endpoint.orders:
                headers.update(exchange.counts.headers(account.name, exchange.market.now()))

    def _charge(self, weight: int, headers: dict[str, str]) -> None:
        """Count the weight and note it in the headers; raises the refusal of a client that is over its limit."""
        weights = self._exchange.weights
        try:
            weights.charge(weight, self._exchange.market.now())
        finally:
            headers["X-MBX-USED-WEIGHT"] = headers["X-MBX-USED-WEIGHT-1M"] = str(weights.used)


def reset(request: web.Request) -> None:
    """Reset the connection without an answer."""
    if request.transport is not None:
        connection = request.transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        request.transport.abort()


def _skew(struck: Struck) -> int:
    skew = struck.get(FaultKind.SKEW)
    return 0 if skew is None else round(skew.amount * 1000)


def _named_symbols(asked: Asked) -> list[str]:
    sent = asked.sent
    return _SYMBOL.findall(sent.get("symbol", "") + " " + sent.get("symbols", ""))


def _json(body: Any, status: HTTPStatus, headers: dict[str, str]) -> web.Response:
    text = json.dumps(body, separators=(",", ":"))
    return web.Response(text=text, status=status, headers=headers, content_type="application/json")


def _page(status: HTTPStatus) -> web.Response:
    text = _PAGE.format(status=status.value, phrase=status.phrase)
    return web.Response(text=text, status=status, content_type="text/html")


async def _send_half(request: web.Request, whole: web.Response) -> web.StreamResponse:
    """Promise the whole body, send half of it and hang up."""
    body = (whole.text or "").encode()
    half = web.StreamResponse(status=whole.status, headers=whole.headers)
    half.content_length = len(body)
    await half.prepare(request)
    await half.write(body[: len(body) // 2])
    if request.transport is not None:
        request.transport.close()
    return half
