"""What the chat page asks of the launcher: the desk's process, the venue's own book, the ten invariants, kill and start."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from decimal import Context, Decimal
from urllib.parse import urlsplit

from aiohttp import web

from bot.demo.desk_runner import DeskRunner
from bot.demo.invariants import Invariants
from bot.demo.venue_book import BookAccount, BookOrder
from services.domain.money import canonical

HOST = "127.0.0.1"
_PRICE_DIGITS = Context(prec=8)
_MONEY_GRIDS = {"USDT": Decimal("0.01")}
_FINE_GRID = Decimal("1e-8")

Books = Callable[[], Awaitable[list[BookAccount]]]
Names = Callable[[], Awaitable[dict[str, str]]]
"""Gives what the desk calls the venue's accounts, those that it knows."""

Mids = Callable[[], Awaitable[dict[str, Decimal]]]
"""Gives the middle of the newest quote by symbol; what has none is missing."""

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class ControlServer:
    """Answers programs on this machine only: a page names its origin when it posts, the chat page's server never does."""

    def __init__(
        self, runner: DeskRunner, *, books: Books, names: Names, mids: Mids, invariants: Invariants, playing: str
    ) -> None:
        self._runner = runner
        self._books = books
        self._names = names
        self._mids = mids
        self._invariants = invariants
        self._playing = playing

    def application(self) -> web.Application:
        """Build the application."""
        app = web.Application(middlewares=[_programs_here_only])
        app.router.add_get("/status", self.status)
        app.router.add_get("/venue", self.venue)
        app.router.add_get("/verify", self.verify)
        app.router.add_post("/kill", self.kill)
        app.router.add_post("/start", self.start)
        return app

    async def status(self, request: web.Request) -> web.Response:
        """Tell how the desk's process is."""
        return web.json_response(self._status())

    async def venue(self, request: web.Request) -> web.Response:
        """List what the venue itself holds, valued at the exchange's newest prices."""
        accounts, names = await self._books(), await self._names()
        mids = await self._mids() if any(account.positions for account in accounts) else {}
        return web.json_response({"terminals": [_terminal(account, names, mids) for account in accounts]})

    async def verify(self, request: web.Request) -> web.Response:
        """Give the ten answers."""
        report = await self._invariants.report()
        checks = [
            {"number": each.number, "name": each.name, "status": each.status.value, "detail": each.detail}
            for each in report.checks
        ]
        return web.json_response({"at": report.at.isoformat(), "checks": checks})

    async def kill(self, request: web.Request) -> web.Response:
        """Kill the desk; it stays down until it is started."""
        await self._runner.kill()
        return web.json_response(self._status())

    async def start(self, request: web.Request) -> web.Response:
        """Start the desk again."""
        await self._runner.start()
        return web.json_response(self._status())

    def _status(self) -> dict[str, object]:
        runner = self._runner
        return {
            "desk": runner.state.value,
            "pid": runner.pid,
            "uptime_s": runner.uptime_s,
            "detail": runner.detail,
            "playing": self._playing,
        }


@web.middleware
async def _programs_here_only(request: web.Request, handler: Handler) -> web.StreamResponse:
    host = urlsplit(f"//{request.host}").hostname
    if host not in (HOST, "localhost") or "Origin" in request.headers:
        return web.json_response({"error": "only the chat page's server on this machine is answered"}, status=403)
    return await handler(request)


def _terminal(account: BookAccount, names: dict[str, str], mids: dict[str, Decimal]) -> dict[str, object]:
    return {
        "name": names.get(account.name, account.name),
        "equity": _equity(account, mids),
        "currency": account.currency,
        "positions": [
            {
                "instrument": each.symbol,
                "quantity": canonical(each.quantity),
                "entry": canonical(_PRICE_DIGITS.plus(each.entry)),
            }
            for each in account.positions
        ],
        "orders": [_order(each) for each in account.orders],
    }


def _equity(account: BookAccount, mids: dict[str, Decimal]) -> str | None:
    """Return what the account is worth, or None when a held instrument has no price."""
    equity = account.cash
    for position in account.positions:
        mid = mids.get(position.symbol)
        if mid is None:
            return None
        equity += position.quantity * mid
        if account.margined:
            equity -= position.cost.copy_sign(position.quantity)
    return canonical(equity.quantize(_MONEY_GRIDS.get(account.currency, _FINE_GRID)))


def _order(order: BookOrder) -> dict[str, object]:
    return {
        "id": order.id,
        "client_id": order.client_id,
        "instrument": order.symbol,
        "side": order.side,
        "type": order.type,
        "quantity": order.quantity,
        "filled": order.filled,
        "price": order.price,
        "stop_price": order.stop_price,
        "status": order.state,
        "time": order.time,
    }
