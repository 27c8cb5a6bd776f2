"""The operator's side under /market: what is played, its start, its bars for a planner, and its faults.

It moves the market, so it listens to this computer only: a request whose Host or Origin is another one is refused,
which keeps pages of other sites in the same browser out.
"""

import json
import math
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import Any
from urllib.parse import urlsplit

from aiohttp import web

from sandbox.exchange.errors import MarketError
from sandbox.exchange.exchange import Exchange
from sandbox.exchange.faults import Fault
from sandbox.exchange.instruments import Bar, Instrument
from sandbox.loopback import is_loopback

_FAULT_KEYS = {
    *("kind", "amount", "path", "symbol", "family", "method", "count", "seconds"),
    *("after", "code", "message", "body", "retry_after"),
}
_SERIES_BARS = 2_000
_MOST_SERIES_BARS = 20_000

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class RequestRefused(MarketError):
    """Send the request again with what the message names."""


def control_app(exchange: Exchange) -> web.Application:
    """Build the application behind /market."""
    desk = OperatorDesk(exchange)

    @web.middleware
    async def keeping(request: web.Request, handler: Handler) -> web.StreamResponse:
        response = await handler(request)
        exchange.keep()
        return response

    app = web.Application(middlewares=[_local_only, _refusals_told, keeping])
    app.router.add_get("/info", desk.info)
    app.router.add_get("/series", desk.series)
    app.router.add_post("/start", desk.start)
    app.router.add_get("/faults", desk.list_faults)
    app.router.add_post("/faults", desk.change_faults)
    return app


class OperatorDesk:
    """Answer the operator."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._market = exchange.market
        self._faults = exchange.faults

    async def info(self, request: web.Request) -> web.Response:
        """Tell what is being played and how far it is."""
        return web.json_response(self._info())

    async def start(self, request: web.Request) -> web.Response:
        """Start a held market: `{"index": bar, "close_in": seconds}`."""
        body = await read_body(request)
        index, close_in = body.get("index"), _number(body, "close_in")
        if not isinstance(index, int) or isinstance(index, bool) or close_in is None:
            raise RequestRefused('expected {"index": a bar, "close_in": seconds}')
        self._market.start(index, close_in)
        return web.json_response(self._info())

    async def series(self, request: web.Request) -> web.Response:
        """List bars for a planner: `bars` indexes from index `from` on, also those that are still to come."""
        first = _whole(request, "from", default=0, most=2**31)
        count = _whole(request, "bars", default=_SERIES_BARS, most=_MOST_SERIES_BARS)
        series = self._market.series(first, count)
        return web.json_response(
            {
                "from": first,
                "bars": count,
                "bar_seconds": self._market.bar_seconds,
                "timeframe": self._market.timeframe,
                "minimum_start": self._market.source.minimum_start,
                "symbols": {instrument.symbol: _series_payload(instrument, bars) for instrument, bars in series},
            }
        )

    async def list_faults(self, request: web.Request) -> web.Response:
        """List the active faults and how often each kind has fired."""
        return web.json_response(self._fault_list())

    async def change_faults(self, request: web.Request) -> web.Response:
        """Switch a fault on (`{"kind": ...}`), or one or all off (`{"clear": id}`, `{"clear": true}`)."""
        body = await read_body(request)
        if "clear" in body:
            number = body["clear"]
            if not isinstance(number, int):
                raise RequestRefused("clear is the id of a fault, or true for all")
            self._faults.clear(None if number is True else number)
        else:
            self._add_fault(body)
        return web.json_response(self._fault_list())

    def _add_fault(self, body: dict[str, Any]) -> None:
        unknown = set(body) - _FAULT_KEYS
        if unknown:
            raise RequestRefused(f"unknown keys {', '.join(sorted(unknown))}")
        if not isinstance(body.get("kind"), str) or not isinstance(body.get("after"), bool | None):
            raise RequestRefused("kind is a text, after is true or false")
        fault = self._faults.add(
            body["kind"],
            now=self._market.now(),
            amount=_number(body, "amount"),
            path=_words(body, "path") or "",
            symbol=_words(body, "symbol"),
            family=_words(body, "family"),
            method=_words(body, "method"),
            after=body.get("after"),
            code=_count(body, "code"),
            message=_words(body, "message"),
            body=_words(body, "body"),
            retry_after=_count(body, "retry_after"),
            count=_count(body, "count"),
            seconds=_number(body, "seconds"),
        )
        self._exchange.remember(fault)

    def _info(self) -> dict[str, Any]:
        info = self._market.info()
        return asdict(info) | {"now": info.now.isoformat()}

    def _fault_list(self) -> dict[str, Any]:
        active = self._faults.active(self._market.now())
        return {
            "active": [_fault_payload(fault) for fault in active],
            "fired": {kind.value: times for kind, times in self._faults.fired.items()},
        }


@web.middleware
async def _local_only(request: web.Request, handler: Handler) -> web.StreamResponse:
    origin = request.headers.get("Origin")
    asked = [f"//{request.host}"] if origin is None else [f"//{request.host}", origin]
    if not all(is_loopback(urlsplit(address).hostname) for address in asked):
        return web.json_response({"error": "only pages and programs of this computer are answered"}, status=403)
    return await handler(request)


@web.middleware
async def _refusals_told(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except MarketError as refusal:
        return web.json_response({"error": str(refusal)}, status=400)


async def read_body(request: web.Request) -> dict[str, Any]:
    """Read the JSON object of a request; raises RequestRefused."""
    try:
        body = await request.json()
    except ValueError as error:
        raise RequestRefused(f"the body is not JSON: {error}") from error
    if not isinstance(body, dict):
        raise RequestRefused("the body is not a JSON object")
    return body


def _words(body: dict[str, Any], key: str) -> str | None:
    value = body.get(key)
    if not isinstance(value, str | None):
        raise RequestRefused(f"{key} is a text")
    return value


def _count(body: dict[str, Any], key: str) -> int | None:
    value = body.get(key)
    if isinstance(value, bool) or not isinstance(value, int | None):
        raise RequestRefused(f"{key} is a whole number")
    return value


def _number(body: dict[str, Any], key: str) -> float | None:
    value = body.get(key)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise RequestRefused(f"{key} is {json.dumps(value)}, expected a number")
    return float(value)


def _whole(request: web.Request, name: str, *, default: int, most: int) -> int:
    text = request.query.get(name, str(default))
    if not text.isdecimal() or int(text) > most:
        raise RequestRefused(f"{name} is '{text}', expected a whole number up to {most}")
    return int(text)


def _series_payload(instrument: Instrument, bars: list[Bar]) -> dict[str, Any]:
    prices, volumes = instrument.ticks_per_quote, instrument.units_per_asset
    return {
        "tick": instrument.tick,
        "step": instrument.step,
        "indexes": [bar.index for bar in bars],
        "candles": [
            [bar.open / prices, bar.high / prices, bar.low / prices, bar.close / prices, bar.volume / volumes] for bar in bars
        ],
    }


def _fault_payload(fault: Fault) -> dict[str, Any]:
    return {
        "id": fault.number,
        "kind": fault.kind.value,
        "amount": fault.amount,
        "path": fault.path,
        "symbol": fault.symbol,
        "family": fault.family,
        "method": fault.method,
        "after": fault.failure.after,
        "count": fault.count,
        "since": fault.since,
        "until": fault.until,
    }
