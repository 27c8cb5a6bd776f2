"""The HTTP skin: the exchange under /exchange/api/v3, and what plays it under /market."""

import asyncio
import json
import logging
import re
import socket
import struct
import sys
from http import HTTPStatus
from typing import Any

from aiohttp import web

from sandbox.exchange.control import control_app
from sandbox.exchange.errors import ApiRefusal
from sandbox.exchange.faults import Fault, FaultBoard, FaultKind
from sandbox.exchange.market import Market
from sandbox.exchange.public_api import ENDPOINTS, Call
from sandbox.exchange.query import Query
from sandbox.exchange.weights import WeightLimit, too_much_weight

log = logging.getLogger(__name__)

_ENDPOINTS = {endpoint.path: endpoint for endpoint in ENDPOINTS}
_SYMBOL = re.compile(r"[A-Z0-9]+")
_GARBAGE = "<html><body><h1>It works!</h1></body></html>"
_PAGE = "<html><body><h2>{status} {phrase}</h2></body></html>"

# An abort with lingering switched on for zero seconds resets the connection instead of closing it.
_RESET_ON_CLOSE = struct.pack("hh" if sys.platform == "win32" else "ii", 1, 0)

Struck = dict[FaultKind, Fault]


def setup(app: web.Application, market: Market) -> None:
    """Serve a market in an application; call it before the application starts."""
    faults = FaultBoard()
    exchange = web.Application()
    exchange.router.add_route("*", "/{path:.*}", PublicDoor(market, faults).handle)
    app.add_subapp("/exchange/api/v3", exchange)
    app.add_subapp("/market", control_app(market, faults))


class PublicDoor:
    """Take every request to the exchange: faults first, then its limits, then the answer."""

    def __init__(self, market: Market, faults: FaultBoard) -> None:
        self._market = market
        self._faults = faults
        self._weights = WeightLimit()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer a request, or fail it in the way that was asked for."""
        path = request.match_info["path"]
        struck = self._faults.strike(path, _named_symbols(request), self._market.now())
        if FaultKind.RESET in struck or FaultKind.OUTAGE in struck:
            _reset(request)
            return web.Response()
        if FaultKind.DELAY in struck:
            await asyncio.sleep(struck[FaultKind.DELAY].amount)
        if FaultKind.SERVER_ERROR in struck:
            return _page(HTTPStatus(int(struck[FaultKind.SERVER_ERROR].amount)))
        response = self._respond(request, path, struck)
        if FaultKind.GARBAGE in struck:
            return web.Response(text=_GARBAGE, content_type="text/html")
        if FaultKind.HALF in struck:
            return await _send_half(request, response)
        return response

    def _respond(self, request: web.Request, path: str, struck: Struck) -> web.Response:
        endpoint = _ENDPOINTS.get(path)
        if endpoint is None:
            return _page(HTTPStatus.NOT_FOUND)
        if request.method != "GET":
            return _page(HTTPStatus.METHOD_NOT_ALLOWED)
        headers: dict[str, str] = {}
        try:
            query = Query(request.query, mandatory=endpoint.mandatory, optional=endpoint.optional)
            self._charge(endpoint.weight(query), headers)
            return _json(endpoint.answer(self._call(query, struck)), HTTPStatus.OK, headers)
        except ApiRefusal as refusal:
            return _json({"code": refusal.code, "msg": refusal.message}, refusal.status, headers)
        except Exception:
            log.exception("exchange.request_failed path=%s", request.path_qs)
            body = {"code": -1000, "msg": "An unknown error occurred while processing the request."}
            return _json(body, HTTPStatus.INTERNAL_SERVER_ERROR, headers)

    def _call(self, query: Query, struck: Struck) -> Call:
        stale, skew = struck.get(FaultKind.STALE), struck.get(FaultKind.SKEW)
        return Call(
            market=self._market,
            query=query,
            seen_at=None if stale is None else stale.since,
            skew=0 if skew is None else round(skew.amount * 1000),
        )

    def _charge(self, weight: int, headers: dict[str, str]) -> None:
        """Count the weight and note it in the headers; raises the refusal of a client that is over its limit."""
        retry_after = self._weights.charge(weight, self._market.now())
        headers["X-MBX-USED-WEIGHT"] = headers["X-MBX-USED-WEIGHT-1M"] = str(self._weights.used)
        if retry_after is not None:
            headers["Retry-After"] = str(retry_after)
            raise too_much_weight()


def _named_symbols(request: web.Request) -> list[str]:
    return _SYMBOL.findall(request.query.get("symbol", "") + " " + request.query.get("symbols", ""))


def _json(body: Any, status: HTTPStatus, headers: dict[str, str]) -> web.Response:
    text = json.dumps(body, separators=(",", ":"))
    return web.Response(text=text, status=status, headers=headers, content_type="application/json")


def _page(status: HTTPStatus) -> web.Response:
    text = _PAGE.format(status=status.value, phrase=status.phrase)
    return web.Response(text=text, status=status, content_type="text/html")


def _reset(request: web.Request) -> None:
    if request.transport is not None:
        connection = request.transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        request.transport.abort()


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
