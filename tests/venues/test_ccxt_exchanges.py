"""Bybit, OKX and Kraken spot: what goes out, how an order is found by its client id, and what a refusal looks like there."""

from __future__ import annotations

import json
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from config.groups import VenueSettings
from services.domain.errors import Unavailable, VenueDoubt, VenueRejected
from services.domain.orders import OrderType
from services.domain.states import OrderState
from services.venues.ccxt_spot import CcxtVenue
from tests.venues.canned_exchanges import BYBIT, KRAKEN, NAME, OKX, Case
from tests.venues.ccxt_bench import RealClock
from tests.venues.conformance import ACCOUNT
from tests.venues.hands import BTC, Board, order

D = Decimal


CASES = pytest.mark.parametrize("case", [BYBIT, KRAKEN, OKX], ids=lambda case: case.exchange)


class Canned:
    """Serves a case; ``replies`` are by path, ``asked`` what came."""

    def __init__(self, case: Case) -> None:
        self.replies: dict[str, object] = dict(case.markets)
        self.asked: list[tuple[str, str, str]] = []

    async def handle(self, request: web.Request) -> web.Response:
        body = await request.text()
        self.asked.append((request.method, request.path, f"{request.query_string}&{body}"))
        return web.json_response(self.replies.get(request.path, {}))

    def writes_to(self, path: str) -> list[str]:
        return [said for method, asked, said in self.asked if (method, asked) == ("POST", path)]


@asynccontextmanager
async def trading(case: Case) -> AsyncIterator[tuple[CcxtVenue, Canned, RealClock]]:
    canned = Canned(case)
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", canned.handle)
    async with TestServer(app, host="127.0.0.1") as server:
        keys: dict[str, Any] = {"api_key": secrets.token_hex(16), "secret": secrets.token_hex(32)}
        settings = VenueSettings(
            exchange=case.exchange, base_url=str(server.make_url("")), password=secrets.token_hex(4), streams=False, **keys
        )
        clock = RealClock()
        venue = CcxtVenue("here", settings, clock, lambda: [BTC], Board(), lambda account: None)
        try:
            await venue.open_account(ACCOUNT, "USDT")
            yield venue, canned, clock
        finally:
            await venue.close()


@CASES
async def test_an_order_leaves_once_under_its_client_id_with_exact_amounts(case: Case) -> None:
    async with trading(case) as (venue, canned, _):
        canned.replies[case.place] = case.taken
        placed = await venue.place(ACCOUNT, order(NAME, "buy", "1.0009", price="90.019"))

    (sent,) = canned.writes_to(case.place)
    assert (placed.client_id, placed.state, placed.quantity) == (NAME, OrderState.ACCEPTED, 1)
    assert placed.venue_id
    assert NAME in sent
    assert case.sent_name in sent
    assert "90.01" in sent
    assert "90.02" not in sent
    assert "1.0009" not in sent


@CASES
async def test_a_listed_refusal_is_one_and_an_unlisted_answer_is_unknown(case: Case) -> None:
    async with trading(case) as (venue, canned, _):
        canned.replies[case.place] = case.refused
        with pytest.raises(VenueRejected) as caught:
            await venue.place(ACCOUNT, order(NAME, "buy", "1", price="90"))
        canned.replies[case.place] = json.loads(json.dumps(case.refused).replace("170131", "999999").replace("51008", "99999"))
        if case.exchange == "kraken":
            canned.replies[case.place] = {"error": ["EService:Busy"]}
        with pytest.raises(VenueDoubt):
            await venue.place(ACCOUNT, order(NAME, "buy", "1", price="90"))

    assert caught.value.code == "INSUFFICIENT_BALANCE"
    assert len(canned.writes_to(case.place)) == 2


@CASES
async def test_an_order_is_found_by_client_id_while_it_works_and_after(case: Case) -> None:
    async with trading(case) as (venue, canned, clock):
        canned.replies[case.open_orders] = canned.replies[case.ended_orders] = case.nothing
        never = await venue.find(ACCOUNT, BTC.symbol, NAME)
        canned.replies[case.open_orders] = case.one("open")
        clock.ahead += 20
        working = await venue.find(ACCOUNT, BTC.symbol, NAME)
        canned.replies[case.open_orders] = case.nothing
        canned.replies[case.ended_orders] = case.one("closed")
        clock.ahead += 20
        ended = await venue.find(ACCOUNT, BTC.symbol, NAME)
        canned.replies[case.open_orders] = canned.replies[case.ended_orders] = {}
        clock.ahead += 20
        with pytest.raises(VenueDoubt):
            await venue.find(ACCOUNT, BTC.symbol, NAME)

    assert never is None
    assert working is not None
    assert (working.state, working.filled, working.client_id) == (OrderState.PARTIAL, working.quantity / 4, NAME)
    assert ended is not None
    assert (ended.state, ended.price) == (OrderState.CANCELED, 90)


@CASES
async def test_a_cancel_names_the_client_id_and_reports_what_stands_afterwards(case: Case) -> None:
    async with trading(case) as (venue, canned, _):
        canned.replies[case.cancel] = case.canceled
        canned.replies[case.open_orders] = case.nothing
        canned.replies[case.ended_orders] = case.one("closed")
        reported = await venue.cancel(ACCOUNT, BTC.symbol, [NAME])

    (sent,) = canned.writes_to(case.cancel)
    assert NAME in sent
    assert case.sent_name in sent
    assert [(each.client_id, each.state) for each in reported] == [(NAME, OrderState.CANCELED)]


@CASES
async def test_holdings_count_free_and_locked(case: Case) -> None:
    path, told = case.account
    async with trading(case) as (venue, canned, clock):
        canned.replies[path] = told
        positions = await venue.positions(ACCOUNT)
        clock.ahead += 20
        canned.replies[path] = {}
        with pytest.raises(Unavailable):
            await venue.positions(ACCOUNT)

    assert [(each.symbol, each.quantity) for each in positions] == [("BTC/USDT", D("0.75"))]


@CASES
async def test_a_trade_is_told_with_client_id_fee_and_maker(case: Case) -> None:
    path, told = case.trades
    async with trading(case) as (venue, canned, clock):
        canned.replies[case.open_orders] = canned.replies[case.ended_orders] = case.one("open")
        await venue.find(ACCOUNT, BTC.symbol, NAME)
        canned.replies[path] = told
        clock.ahead += 20
        (fill,) = await venue.fills_since(ACCOUNT, 1772443800000)

    assert (fill.client_id, fill.side, fill.quantity, fill.price) == (NAME, "buy", D("0.25"), 90)
    assert (fill.fee, fill.fee_currency) in [(D("0.00025"), "BTC"), (D("0.0585"), "USDT")]
    assert (fill.maker, fill.sequence) == (True, 1772443801250)


@CASES
async def test_what_cannot_be_looked_up_is_not_offered(case: Case) -> None:
    async with trading(case) as (venue, canned, _):
        offered = venue.capabilities

        assert (OrderType.STOP in offered.order_types) is case.stops
        assert not offered.order_lists
        if not case.stops:
            with pytest.raises(VenueRejected) as caught:
                await venue.place(ACCOUNT, order(NAME, "sell", "1", stop_price="90"))
            assert caught.value.code == "NOT_OFFERED"
            assert canned.writes_to(case.place) == []
