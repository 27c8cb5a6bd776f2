"""HTTP: `/v1/health` and `/metrics` for who watches the desk, `/v1/signals` for who sends it alerts, and nothing else.

A connection carries one request and lives for ten seconds at most; there are so many at once and no more.
"""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

import structlog
from aiohttp import web
from aiohttp.web_protocol import RequestHandler

from bot.metrics import CONTENT_TYPE
from config.web import WebSettings
from handlers.web.guard import Guard
from handlers.web.health import AskHealth
from handlers.web.signals import SIGNALS, is_ours
from services.domain.errors import Misconfigured
from services.domain.measures import Counted, Meter

log = structlog.get_logger()
HEALTH, METRICS = "/v1/health", "/metrics"
CONNECTION_S = 10.0
MOST_CONNECTIONS = 64
MOST_LINE = 2048
MOST_FIELD = 4096
MOST_HEADERS = 40
JSON = "application/json"
PLAIN = "text/plain; charset=utf-8"
SAFE = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Server": "sortie",
    "X-Content-Type-Options": "nosniff",
}
TEXTS = {
    400: "bad request\n",
    401: "a key is needed: Authorization: Bearer ...\n",
    404: "not found\n",
    405: "only GET and HEAD\n",
    413: "a request has no body here\n",
    429: "too many requests, again in a minute\n",
    500: "this failed; the log says why\n",
    503: "not now\n",
}


class Alerts(Protocol):
    """Answers what comes to `/v1/signals` and below."""

    async def __call__(self, request: web.BaseRequest) -> web.Response:
        """Answer one request."""
        ...

    def too_many(self) -> web.Response:
        """Answer an address that asks too often."""
        ...


class WebServer:
    """Listens where the settings say."""

    def __init__(
        self,
        settings: WebSettings,
        health: AskHealth,
        scrape: Callable[[], Awaitable[bytes]],
        guard: Guard,
        meter: Meter,
        alerts: Alerts | None = None,
    ) -> None:
        self._settings = settings
        self._health = health
        self._scrape = scrape
        self._guard = guard
        self._meter = meter
        self._alerts = alerts
        self._runner: web.ServerRunner | None = None

    @property
    def port(self) -> int | None:
        """Return the port that is listened on, None while there is none."""
        addresses = self._runner.addresses if self._runner is not None else []
        return int(addresses[0][1]) if addresses else None

    async def open(self) -> None:
        """Listen; raise Misconfigured when the address cannot be had."""
        settings = self._settings
        self._runner = web.ServerRunner(_Server(self._answer), handle_signals=False, shutdown_timeout=0.5)
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, settings.listen, settings.port).start()
        except OSError as error:
            await self.close()
            taken = error.errno == errno.EADDRINUSE
            raise Misconfigured(
                "WEB_PORT",
                key="web.port",
                cause=f"{settings.listen}:{settings.port} {'is taken' if taken else f'cannot be had: {error.strerror}'}",
                fix="stop what listens there, or set another `web.port`; two desks need two",
            ) from error
        log.info("web.listening", address=settings.listen, port=self.port, key=self._guard.has_key)

    async def close(self) -> None:
        """Listen no more."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        # A secret may stand behind the address of alerts, which is why no path is ever named as it came.
        path = SIGNALS if is_ours(request.path) else request.path if request.path in (HEALTH, METRICS) else "other"
        try:
            answer = await self._route(request)
        except Exception as error:
            log.error("web.failed", path=path, exc_info=error)
            answer = refusal(500)
        self._meter.count(Counted.HTTP_REQUEST, path, str(answer.status))
        return answer

    async def _route(self, request: web.BaseRequest) -> web.Response:
        alerts = self._alerts if is_ours(request.path) else None
        if not self._guard.lets_in(request.remote):
            return refusal(429) if alerts is None else alerts.too_many()
        if alerts is not None:
            return await alerts(request)
        if request.path not in (HEALTH, METRICS):
            return refusal(404)
        if request.method not in ("GET", "HEAD"):
            return refusal(405)
        if request.can_read_body:
            return refusal(413)
        known = self._guard.knows(request.headers.get("Authorization"))
        if request.path == HEALTH:
            told = await self._health(full=known)
            return respond(told.status, told.body, JSON)
        if not known and not self._settings.is_local:
            return refusal(401)
        return respond(200, await self._scrape(), CONTENT_TYPE)


def respond(status: int, body: bytes, kind: str) -> web.Response:
    """Return an answer after which the connection ends."""
    answer = web.Response(status=status, body=body, headers={**SAFE, "Content-Type": kind})
    answer.force_close()
    return answer


def refusal(status: int) -> web.Response:
    """Return a plain answer that says as little as possible."""
    answer = respond(status, TEXTS.get(status, TEXTS[400]).encode(), PLAIN)
    more = {401: ("WWW-Authenticate", "Bearer"), 405: ("Allow", "GET, HEAD"), 429: ("Retry-After", "60")}
    if status in more:
        name, value = more[status]
        answer.headers[name] = value
    return answer


class _Connection(RequestHandler):
    """One connection with an end: whoever sends its request too slowly has none."""

    _end: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._end = asyncio.get_running_loop().call_later(CONNECTION_S, self._give_up)
        if self._manager is not None and len(self._manager.connections) > MOST_CONNECTIONS:
            self._give_up()

    def connection_lost(self, exc: BaseException | None) -> None:
        if self._end is not None:
            self._end.cancel()
        super().connection_lost(exc)

    def _give_up(self) -> None:
        transport = self.transport
        self.force_close()
        if transport is not None:
            # Closing alone would wait for a peer that does not read.
            transport.abort()

    def handle_error(
        self, request: web.BaseRequest, status: int = 500, exc: BaseException | None = None, message: str | None = None
    ) -> web.StreamResponse:
        """Answer what is no HTTP, or too much of it, as plainly as everything else."""
        log.info("web.malformed", status=status, error=type(exc).__name__)
        return refusal(status)


class _Server(web.Server):
    """Makes bounded connections."""

    def __init__(self, handler: Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]) -> None:
        super().__init__(handler)
        self._limits: dict[str, Any] = {
            "access_log": None,
            "max_line_size": MOST_LINE,
            "max_field_size": MOST_FIELD,
            "max_headers": MOST_HEADERS,
            "lingering_time": 0.0,
            "keepalive_timeout": CONNECTION_S,
            "read_bufsize": 2**14,
        }

    def __call__(self) -> RequestHandler:
        return _Connection(self, loop=self._loop, **self._limits)
