"""Reading an account at an exchange: late and old trades, restarts, other people's orders, time, and failures."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import pytest
from pydantic import ValidationError

from config.groups import VenueSettings
from sandbox.exchange.orders import OrderType, Side, Ticket, TimeInForce
from services.domain.errors import Misconfigured, Unavailable, VenueDoubt, VenueRejected
from services.domain.market import Instrument
from services.venues.ccxt_client import exchange_class, rebase
from services.venues.ccxt_spot import CcxtVenue
from tests.venues.ccxt_bench import RealClock, keys, scripted_venue
from tests.venues.conformance import ACCOUNT, filled, held
from tests.venues.hands import BTC, Board, order, quote
from tests.venues.sandbox_bench import SandboxBench, sandbox_bench
from tests.venues.scripted_exchange import Answer, Asked, Reply, answer, taken

D = Decimal


def by_hand(bench: SandboxBench, side: Side, quantity: str) -> None:
    """Trade as the account's owner does elsewhere."""
    ticket = Ticket(
        symbol="BTCUSDT",
        side=side,
        type=OrderType.MARKET,
        client_id="web_by_hand",
        time_in_force=TimeInForce.GTC,
        quantity=D(quantity),
        price=D(0),
    )
    bench.exchange.engine.place(bench.account, ticket)


async def test_a_trade_that_turns_up_late_is_told_although_its_time_is_older() -> None:
    async with sandbox_bench() as bench:
        await bench.show("99.99", "100.00")
        bench.account.hidden_executions = {1}
        await bench.venue.place(ACCOUNT, order("one00", "buy", "1"))
        before = await filled(bench)
        await bench.show("99.99", "100.00")
        await bench.venue.place(ACCOUNT, order("two00", "buy", "1"))
        seen = await filled(bench)
        bench.account.hidden_executions = set()
        bench.clock.forward(1)

        late = await filled(bench, since=seen[-1].sequence)

        assert before == []
        assert [fill.client_id for fill in seen] == ["two00"]
        assert [fill.client_id for fill in late] == ["one00"]
        assert late[0].sequence < seen[-1].sequence


async def test_trades_of_before_the_account_was_opened_here_are_not_told() -> None:
    async with sandbox_bench(balances={"USDT": D(10_000), "BTC": D(1)}) as bench:
        await bench.show("99.99", "100.00")
        by_hand(bench, Side.SELL, "0.1")
        await bench.show("99.99", "100.00")
        await bench.show("99.99", "100.00")

        later = bench.another_venue()
        await later.open_account(ACCOUNT, "USDT")

        assert await later.fills_since(ACCOUNT, 0) == []


async def test_a_desk_that_died_before_it_booked_its_first_fill_is_told_of_it_however_long_it_was_away() -> None:
    async with sandbox_bench() as bench:
        await bench.show("99.99", "100.00")
        bench.clock.forward(3600)
        sent = bench.clock.now()
        await bench.venue.place(ACCOUNT, order("entry00", "buy", "1"))
        bench.clock.forward(3600)
        restarted = bench.another_venue()
        await restarted.open_account(ACCOUNT, "USDT", sent)

        fills = await restarted.fills_since(ACCOUNT, 0)

        assert [(fill.client_id, fill.quantity) for fill in fills] == [("entry00", 1)]


async def test_after_a_restart_an_order_that_is_looked_up_brings_its_fills() -> None:
    async with sandbox_bench() as bench:
        await bench.show("99.99", "100.00")
        await bench.venue.place(ACCOUNT, order("entry00", "buy", "1"))
        for _ in range(3):
            await bench.show("99.99", "100.00")
        restarted = bench.another_venue()
        await restarted.open_account(ACCOUNT, "USDT")
        nothing = await restarted.fills_since(ACCOUNT, 0)

        found = await restarted.find(ACCOUNT, BTC.symbol, "entry00")
        fills = await restarted.fills_since(ACCOUNT, 0)

        assert nothing == []
        assert found is not None
        assert [(fill.client_id, fill.quantity) for fill in fills] == [("entry00", 1)]


async def test_after_a_restart_the_last_minute_is_told_again_under_the_same_ids() -> None:
    async with sandbox_bench() as bench:
        await bench.show("99.99", "100.00", size="20")
        for number in range(3):
            await bench.venue.place(ACCOUNT, order(f"entry{number}0", "buy", "1"))
            await bench.show("99.99", "100.00", size="20")
        told = await filled(bench)
        restarted = bench.another_venue()
        await restarted.open_account(ACCOUNT, "USDT")

        again = await restarted.fills_since(ACCOUNT, told[1].sequence)

        assert again == told


async def test_what_the_owner_does_elsewhere_is_found_with_its_own_client_id() -> None:
    async with sandbox_bench() as bench:
        await bench.show("99.99", "100.00")
        await bench.venue.place(ACCOUNT, order("entry00", "buy", "1"))
        first = await filled(bench)
        by_hand(bench, Side.SELL, "0.4")
        bench.clock.forward(1)

        later = await filled(bench, since=first[-1].sequence - 1)

        assert [(fill.client_id, fill.side) for fill in later] == [("entry00", "buy"), ("web_by_hand", "sell")]
        assert await held(bench) == D("0.599")


async def test_a_quiet_account_is_asked_for_trades_every_half_minute() -> None:
    async with sandbox_bench() as bench:
        await bench.show("99.99", "100.00")
        assert await filled(bench) == []
        bench.clock.forward(10)
        by_hand(bench, Side.BUY, "1")
        soon = await filled(bench)
        bench.clock.forward(21)

        later = await filled(bench)

        assert soon == []
        assert [fill.client_id for fill in later] == ["web_by_hand"]


async def test_fees_in_a_third_currency_are_told_as_they_were_charged() -> None:
    async with sandbox_bench() as bench:
        await bench.show("99.99", "100.00")
        await bench.venue.place(ACCOUNT, order("entry00", "buy", "1"))
        await bench.venue.place(ACCOUNT, order("close00", "sell", "0.5", reduce_only=True))

        fees = [(fill.side, fill.fee, fill.fee_currency) for fill in await filled(bench)]

        assert fees == [("buy", D("0.001"), "BTC"), ("sell", D("0.049995"), "USDT")]


async def test_a_clock_that_went_wrong_costs_a_refused_write_at_most() -> None:
    async with sandbox_bench() as bench:
        await bench.show("99.99", "100.00")
        for exchange in (bench.venue._clients.reader, bench.venue._clients.writer):
            exchange.milliseconds = lambda: round((bench.now().timestamp() - 90) * 1000)

        with pytest.raises(VenueRejected) as caught:
            await bench.venue.place(ACCOUNT, order("entry00", "buy", "1"))
        await bench.venue.place(ACCOUNT, order("entry10", "buy", "1"))

        assert caught.value.code == "CLOCK_SKEW"
        assert [fill.client_id for fill in await filled(bench)] == ["entry10"]


async def test_a_reading_measures_the_time_anew_and_asks_again() -> None:
    async with sandbox_bench() as bench:
        await bench.show("99.99", "100.00")
        for exchange in (bench.venue._clients.reader, bench.venue._clients.writer):
            exchange.milliseconds = lambda: round((bench.now().timestamp() + 90) * 1000)

        balance = await bench.venue.balance(ACCOUNT)

        assert balance.free == 10_000


@pytest.mark.parametrize(
    "reply",
    [
        Answer(body=""),
        Answer(body="{}"),
        Answer(body="null"),
        Answer(body="[1]"),
        Answer(status=502, body="<html>"),
        answer([{}]),
    ],
    ids=["empty", "braces", "null", "numbers", "page", "bare rows"],
)
async def test_an_answer_that_is_none_is_never_an_empty_account(reply: Reply) -> None:
    async with scripted_venue(lambda asked: reply) as here:
        for question in (
            here.venue.open_orders(ACCOUNT),
            here.venue.fills_since(ACCOUNT, 0),
            here.venue.positions(ACCOUNT),
            here.venue.balance(ACCOUNT),
        ):
            with pytest.raises(Unavailable):
                await question
        with pytest.raises(VenueDoubt):
            await here.venue.find(ACCOUNT, BTC.symbol, "entry00")


async def test_more_trades_than_a_page_holds_are_read_page_by_page() -> None:
    began = int(RealClock().now().timestamp() * 1000) - 100_000

    def script(asked: Asked) -> Reply:
        if asked.path == "order":
            return answer(
                taken(asked, orderId=int(asked.params["orderId"]), clientOrderId="entry00", side="BUY", origQty="900")
            )
        since, limit = int(asked.params["startTime"]), int(asked.params["limit"])
        rows = [
            {"symbol": "BTCUSDT", "id": number, "orderId": 1, "price": "1", "qty": "0.5", "quoteQty": "0.5", "commission": "0"}
            | {"commissionAsset": "BNB", "time": began + number // 3, "isBuyer": True, "isMaker": False, "orderListId": -1}
            for number in range(1_201)
        ]
        return answer([row for row in rows if row["time"] >= since][:limit])

    async with scripted_venue(script) as here:
        fills = await here.venue.fills_since(ACCOUNT, began - 1)
        asked = [each.path for each in here.exchange.asked]

    assert len({fill.venue_fill_id for fill in fills}) == len(fills) == 1_201
    assert asked == ["myTrades", "order", "myTrades", "myTrades"] or asked == ["myTrades"] * 3 + ["order"]
    assert {fill.client_id for fill in fills} == {"entry00"}


async def test_a_holding_without_a_fresh_quote_has_no_equity() -> None:
    held_there = answer({"balances": [{"asset": "BTC", "free": "0.5", "locked": "0.25"}], "updateTime": 1})
    async with scripted_venue(lambda asked: held_there) as here:
        with pytest.raises(Unavailable) as caught:
            await here.venue.balance(ACCOUNT)
        here.board.quotes[BTC.symbol] = quote("99", "101", here.clock.now())

        balance = await here.venue.balance(ACCOUNT)

        assert caught.value.code == "NO_QUOTE"
        assert (balance.equity, balance.free) == (75, 0)
        assert [each.quantity for each in await here.venue.positions(ACCOUNT)] == [D("0.75")]


async def test_a_grid_that_the_exchange_has_changed_is_read_anew() -> None:
    refused = answer({"code": -1013, "msg": "Filter failure: PRICE_FILTER"}, 400)
    async with scripted_venue(lambda asked: refused if asked.params["price"] == "90.01" else answer(taken(asked))) as here:
        with pytest.raises(VenueRejected) as caught:
            await here.venue.place(ACCOUNT, order("entry00", "buy", "1", price="90.01"))
        here.exchange.tick = "0.10"

        placed = await here.venue.place(ACCOUNT, order("entry10", "buy", "1", price="90.01"))

    assert caught.value.code == "PRICE_FILTER"
    assert placed.price == 90


@pytest.mark.parametrize(
    ("status", "filled", "state"),
    [
        ("NEW", "0", "accepted"),
        ("PENDING_NEW", "0", "accepted"),
        ("PARTIALLY_FILLED", "0.4", "partial"),
        ("FILLED", "1", "filled"),
        ("CANCELED", "0.4", "canceled"),
        ("PENDING_CANCEL", "0", "pending_cancel"),
        ("REJECTED", "0", "expired"),
        ("EXPIRED", "0.4", "expired"),
        ("EXPIRED_IN_MATCH", "0", "expired"),
    ],
)
async def test_every_state_of_an_order_is_known(status: str, filled: str, state: str) -> None:
    def script(asked: Asked) -> Reply:
        return answer(taken(asked, status=status, executedQty=filled, type="TAKE_PROFIT_LIMIT", price="120", stopPrice="119"))

    async with scripted_venue(script) as here:
        found = await here.venue.find(ACCOUNT, BTC.symbol, "entry00")

    assert found is not None
    assert (found.state.value, found.filled, found.stop_price) == (state, D(filled), 119)


async def test_a_state_that_nobody_knows_is_doubt() -> None:
    async with scripted_venue(lambda asked: answer(taken(asked, status="MELTED"))) as here:
        with pytest.raises(VenueDoubt):
            await here.venue.find(ACCOUNT, BTC.symbol, "entry00")


async def test_one_entry_of_keys_serves_one_terminal() -> None:
    async with scripted_venue(lambda asked: answer([])) as here:
        with pytest.raises(Misconfigured) as caught:
            await here.venue.open_account("terminal-2", "USDT")
        with pytest.raises(Unavailable):
            await here.venue.open_orders("terminal-2")

    assert caught.value.code == "ACCOUNT_TAKEN"


@pytest.mark.parametrize(
    ("changes", "code"),
    [({"tick": D("0.001")}, "GRID"), ({"step": D("0.00001")}, "GRID"), ({"symbol": "XRP/USDT"}, "UNKNOWN_INSTRUMENT")],
    ids=["finer tick", "finer step", "not listed"],
)
async def test_an_instrument_that_does_not_fit_the_exchange_stops_the_terminal(changes: dict[str, object], code: str) -> None:
    fields = {name: getattr(BTC, name) for name in BTC.__slots__}
    with pytest.raises(Misconfigured) as caught:
        async with scripted_venue(lambda asked: answer([]), instruments=(Instrument(**fields | changes),)):
            raise AssertionError("the account must not open")

    assert caught.value.code == code


@pytest.mark.parametrize(
    ("changes", "code"),
    [({"exchange": "bitstamp"}, "VENUE_NOT_TRADABLE"), ({"exchange": "okx"}, "VENUE_KEYS"), ({"secret": None}, "VENUE_KEYS")],
    ids=["exchange without a table", "exchange with a passphrase", "key without its secret"],
)
async def test_what_is_missing_is_named(changes: dict[str, object], code: str) -> None:
    with pytest.raises(Misconfigured) as caught:
        settings = VenueSettings(**{"base_url": "http://127.0.0.1:1", **keys(), **changes})
        venue = CcxtVenue("here", settings, RealClock(), lambda: [BTC], Board(), lambda account: None)
        try:
            await venue.open_account(ACCOUNT, "USDT")
        finally:
            await venue.close()

    assert caught.value.code == code
    assert caught.value.values["missing"]


@pytest.mark.parametrize(
    ("base_url", "orders", "events"),
    [
        ("http://127.0.0.1:8090/exchange", "http://127.0.0.1:8090/exchange/api/v3", "ws://127.0.0.1:8090/exchange/ws-api/v3"),
        (
            "https://testnet.binance.vision",
            "https://testnet.binance.vision/api/v3",
            "wss://ws-api.testnet.binance.vision/ws-api/v3",
        ),
    ],
    ids=["sandbox", "test network"],
)
def test_all_addresses_follow_from_one(base_url: str, orders: str, events: str) -> None:
    settings = VenueSettings(base_url=base_url)
    exchange = exchange_class("here", settings, streams=True)()
    rebase(exchange, settings.base_url)

    assert exchange.urls["api"]["private"] == orders
    assert exchange.urls["api"]["ws"]["ws-api"]["spot"] == events
    assert not any("api.binance.com" in address for address in json.dumps(exchange.urls["api"]).split('"'))


def test_keys_are_read_from_a_file_of_their_own(tmp_path: Path) -> None:
    held_there = keys()
    file = tmp_path / "keys.json"
    file.write_text(json.dumps(held_there), encoding="utf-8")

    settings = VenueSettings(secret_file=file)

    assert settings.has_keys
    assert settings.credentials() == held_there
    with pytest.raises(ValidationError):
        VenueSettings(secret_file=file, **keys())


@pytest.mark.parametrize("text", ["[]", '{"api_key": 7}', "keys"], ids=["a list", "a number", "no JSON"])
def test_a_file_without_keys_says_so(tmp_path: Path, text: str) -> None:
    file = tmp_path / "keys.json"
    file.write_text(text, encoding="utf-8")

    with pytest.raises(ValueError, match=r"JSON|Expecting"):
        VenueSettings(secret_file=file).credentials()
