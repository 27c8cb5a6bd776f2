"""A trade of the desk at an exchange whose every answer may fail: nothing twice, nothing over, the books equal at the end."""

from __future__ import annotations

from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from random import Random

import pytest
from aiohttp import web
from aiohttp.typedefs import Handler

from services.domain.errors import SortieError
from services.domain.states import TradeState
from tests.trading.taps import fire
from tests.venues.sandbox_bench import SandboxBench, serving
from tests.venues.test_ccxt_desk import ExchangeDesk, OneClock, desk, each_written_once

D = Decimal
WAYS = (
    ["66000.00", "67500.00"],
    ["62500.00"],
    ["66000.00", "62000.00"],
    ["64500.00", "63500.00", "66000.00", "68000.00"],
)


class Chaos(SandboxBench):
    """An exchange of which, while ``share`` is not zero, that share of requests fails before or after it is carried out."""

    random: Random
    share = 0.0

    @web.middleware
    async def lose_replies(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Fail in one of six ways, or do not."""
        if request.path.endswith(("/time", "/exchangeInfo")) or self.random.random() >= self.share:
            return await handler(request)
        kind = self.random.randrange(6)
        if kind == 0 and request.transport is not None:
            request.transport.abort()
            return web.Response()
        if kind == 1:
            return web.json_response({"code": -1001, "msg": "Internal error."}, status=503)
        reply = await handler(request)
        if kind == 2 and request.transport is not None:
            request.transport.abort()
        if kind == 3:
            return web.json_response({"code": -1007, "msg": "Timeout waiting for response."}, status=503)
        if kind == 4:
            return web.Response(text="{}", content_type="application/json")
        if kind == 5 and isinstance(reply, web.Response):
            body = reply.body if isinstance(reply.body, bytes) else b""
            return web.Response(body=body[:30], content_type="application/json")
        return reply


async def show(here: ExchangeDesk, price: str, size: str) -> None:
    """Show a price to exchange and desk, and let the desk work as far as it gets."""
    above = str(D(price) + D("0.01"))
    await here.bench.show(price, above, size=size)
    for _ in range(3):
        here.rig.quote(price, above)
        with suppress(SortieError, TimeoutError):
            await here.rig.settle()
        here.bench.clock.forward(3)


@pytest.mark.parametrize("seed", range(8))
async def test_whatever_fails_nothing_is_done_twice_and_the_books_agree_at_the_end(tmp_path: Path, seed: int) -> None:
    random = Random(seed)
    bench = Chaos({"USDT": D(10_000)}, OneClock(), first=6_399_999, step_decimals=5)
    bench.random = random
    bench.exchange.weights.charge = lambda weight, now: None  # type: ignore[method-assign]
    async with serving(bench):
        await bench.show("63999.99", "64000.00", size="100")
        async with desk(tmp_path, bench) as here:
            await fire(here.rig)
            bench.share = random.choice([0.1, 0.3, 0.5])
            for price in ["63999.99", *random.choice(WAYS)]:
                await show(here, price, random.choice(["100", "0.005"]))
            bench.share = 0.0
            for _ in range(4):
                await show(here, price, "100")
            trade, working = await here.trade(), here.working()
            here.rig.quote(price, str(D(price) + D("0.01")))
            differing = await here.rig.trading.sync.reconcile_all()

    held = bench.account.balance("BTC")
    sold = sum((each.quantity for each in bench.account.executions if not each.buyer), D(0))
    assert each_written_once(bench)
    assert differing == 0
    assert sold == trade.exit_quantity
    assert sum((size for kind, size, _ in working if kind == "STOP_LOSS"), D(0)) <= held.free + held.locked
    assert trade.state is TradeState.OPEN or working == []
