"""What a write at an exchange comes to: proven refusals are listed, everything else is an outcome that nobody knows."""

from __future__ import annotations

import json
from typing import Any

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.domain.errors import Unavailable, VenueDoubt, VenueRejected
from services.domain.orders import OrderRequest
from services.venues.ccxt_spot import outcomes
from services.venues.ccxt_spot.outcomes import Rule, refusal
from services.venues.ccxt_spot.profiles import PROFILES
from services.venues.ccxt_spot.replies import Call, Lane, recording, send_once
from tests.venues.ccxt_bench import scripted_venue
from tests.venues.conformance import ACCOUNT
from tests.venues.hands import exits, order
from tests.venues.scripted_exchange import Answer, Asked, Reply, Reset, Silence, answer, scripted, taken

INSUFFICIENT = "Account has insufficient balance for requested action."
REFUSALS = [
    (400, -1013, "Filter failure: LOT_SIZE", "LOT_SIZE"),
    (400, -1013, "Filter failure: MARKET_LOT_SIZE", "LOT_SIZE"),
    (400, -1013, "Filter failure: PRICE_FILTER", "PRICE_FILTER"),
    (400, -1013, "Filter failure: NOTIONAL", "MIN_NOTIONAL"),
    (400, -1013, "Filter failure: PERCENT_PRICE_BY_SIDE", "PRICE_BAND"),
    (400, -1013, "Filter failure: MAX_NUM_ALGO_ORDERS", "TOO_MANY_ORDERS"),
    (400, -1013, "Filter failure: TRAILING_DELTA", "FILTER"),
    (400, -1102, "Mandatory parameter 'price' was not sent.", "BAD_ORDER"),
    (400, -1111, "Parameter 'quantity' has too much precision.", "LOT_SIZE"),
    (400, -1121, "Invalid symbol.", "UNKNOWN_SYMBOL"),
    (400, -2010, INSUFFICIENT, "INSUFFICIENT_BALANCE"),
    (400, -2010, "Order would immediately match and take.", "POST_ONLY"),
    (400, -2010, "Stop price would trigger immediately.", "WOULD_TRIGGER"),
    (400, -2010, "Market is closed.", "MARKET_CLOSED"),
    (400, -2010, "This action is disabled on this account.", "REFUSED"),
    (400, -1021, "Timestamp for this request is outside of the recvWindow.", "CLOCK_SKEW"),
    (400, -1022, "Signature for this request is not valid.", "KEY_REFUSED"),
    (401, -2015, "Invalid API-key, IP, or permissions for action.", "KEY_REFUSED"),
    (429, -1003, "Too much request weight used.", "RATE_LIMITED"),
    (418, -1003, "Way too much request weight used; IP banned.", "RATE_LIMITED"),
    (429, -1015, "Too many new orders.", "RATE_LIMITED"),
]
UNKNOWN: list[tuple[str, Reply]] = [
    ("timeout", Silence()),
    ("reset", Reset()),
    ("empty", Answer(body="")),
    ("text", Answer(body="it is fine")),
    ("braces", Answer(body="{}")),
    ("rows", Answer(body="[]")),
    ("null", Answer(body="null")),
    ("half a body", Answer(body='{"symbol": "BTCUSDT", "orderId"', promise=400)),
    ("half a promise kept", Answer(body='{"symbol": "BTCUSDT", "orderId"')),
    ("an order without an id", answer({"symbol": "BTCUSDT", "clientOrderId": "entry00", "status": "NEW"})),
    ("another order's reply", answer({"symbol": "BTCUSDT", "orderId": 1, "clientOrderId": "other00", "status": "NEW"})),
    ("a page", Answer(status=502, body="<html>bad gateway</html>")),
    ("status unknown", answer({"code": -1006, "msg": "An unexpected response was received."}, 503)),
    ("timed out inside", answer({"code": -1007, "msg": "Timeout waiting for response from backend server."}, 400)),
    ("refusal under 5xx", answer({"code": -2010, "msg": INSUFFICIENT}, 500)),
    ("refusal under 200", answer({"code": -2010, "msg": INSUFFICIENT}, 200)),
    ("unlisted", answer({"code": -1234, "msg": "Something new."}, 400)),
    ("a duplicate works", answer({"code": -2010, "msg": "Duplicate order sent."}, 400)),
    ("bare 429", Answer(status=429, body="slow down")),
    ("redirected", answer({}, 307, location="/api/v3/order")),
    ("forbidden page", Answer(status=403, body="<html>no</html>")),
]  # fmt: skip


async def outcome(reply: Reply, *, real_host: bool = False, request: OrderRequest | None = None) -> tuple[str, int]:
    """Place one order that is answered so; return the outcome and how many writes the exchange saw."""
    async with scripted_venue(lambda asked: reply, real_host=real_host, timeout_s=1) as here:
        try:
            await here.venue.place(ACCOUNT, request or order("entry00", "buy", "1"))
        except VenueRejected as error:
            said = error.code
        except VenueDoubt:
            said = "unknown"
        else:
            said = "accepted"
        return said, len(here.exchange.writes)


@pytest.mark.parametrize("real_host", [False, True], ids=["loopback", "real host name"])
async def test_every_listed_refusal_is_one_under_either_address(real_host: bool) -> None:
    answers: dict[str, Reply] = {}
    async with scripted_venue(lambda asked: answers["now"], real_host=real_host) as here:
        told = []
        for number, (status, code, message, _) in enumerate(REFUSALS):
            answers["now"] = answer({"code": code, "msg": message}, status)
            here.clock.ahead += 600  # a ban of the request before is over
            with pytest.raises(VenueRejected) as caught:
                await here.venue.place(ACCOUNT, order(f"entry{number:02d}", "buy", "1"))
            told.append(caught.value.code)

    assert told == [word for *_, word in REFUSALS]
    assert len(here.exchange.writes) == len(REFUSALS)


@pytest.mark.parametrize("reply", [each for _, each in UNKNOWN], ids=[name for name, _ in UNKNOWN])
@pytest.mark.parametrize("real_host", [False, True], ids=["loopback", "real host name"])
async def test_everything_else_is_unknown_after_exactly_one_write(reply: Reply, real_host: bool) -> None:
    assert await outcome(reply, real_host=real_host) == ("unknown", 1)


@pytest.mark.parametrize("reply", [each for _, each in UNKNOWN], ids=[name for name, _ in UNKNOWN])
async def test_a_cancel_leaves_once_too_although_http_calls_it_repeatable(reply: Reply) -> None:
    def script(asked: Asked) -> Reply:
        return reply if asked.method == "DELETE" else answer(taken(asked))

    async with scripted_venue(script, timeout_s=1) as here:
        # A connection that is kept from an earlier answer: aiohttp would ask again when it turns out to be dead.
        await here.venue.place(ACCOUNT, order("entry00", "buy", "1", price="90"))
        with pytest.raises(VenueDoubt):
            await here.venue.cancel(ACCOUNT, "BTC/USDT", ["entry00"])

        assert [each.method for each in here.exchange.writes] == ["POST", "DELETE"]


@pytest.mark.parametrize("reply", [each for _, each in UNKNOWN], ids=[name for name, _ in UNKNOWN])
async def test_a_list_leaves_once_too(reply: Reply) -> None:
    async with scripted_venue(lambda asked: reply, timeout_s=1) as here:
        with pytest.raises(VenueDoubt):
            await here.venue.place_list(ACCOUNT, exits("list", "sell", ("1", "80.00"), ("1", "110.00")))

        assert [each.path for each in here.exchange.writes] == ["orderList/oco"]


@pytest.mark.parametrize(("guards", "deletes"), [((), 2), ((send_once,), 1)], ids=["bare", "guarded"])
async def test_a_bare_session_repeats_a_delete_which_is_what_the_guard_is_for(guards: tuple[Any, ...], deletes: int) -> None:
    def script(asked: Asked) -> Reply:
        return Reset() if asked.method == "DELETE" else answer({})

    async with scripted(script) as exchange, aiohttp.ClientSession(middlewares=guards) as session:
        address = f"http://127.0.0.1:{exchange.port}/api/v3/order"
        await (await session.get(address)).text()
        with recording(Call(lane=Lane.EXIT, once=True)), pytest.raises(aiohttp.ClientError):
            await session.delete(address)

    assert len(exchange.writes) == deletes


async def test_an_order_with_its_id_is_accepted() -> None:
    async with scripted_venue(lambda asked: answer(taken(asked))) as here:
        placed = await here.venue.place(ACCOUNT, order("entry00", "buy", "1", price="90.50"))

    assert (placed.venue_id, placed.client_id, placed.state) == ("4711", "entry00", "accepted")


async def test_nobody_there_is_not_sent_rather_than_unknown() -> None:
    async with scripted_venue(lambda asked: Reset()) as here:
        here.venue._clients.writer.urls["api"]["private"] = "http://127.0.0.1:1/api/v3"
        with pytest.raises(Unavailable) as caught:
            await here.venue.place(ACCOUNT, order("entry00", "buy", "1"))

    assert caught.value.code == "VENUE_UNREACHABLE"
    assert here.exchange.writes == []


def _call(status: int, payload: object) -> Call:
    return Call(lane=Lane.ENTRY, once=True, requests=1, status=status, body=json.dumps(payload))


def _complaint(exchange: str, code: str) -> object:
    if exchange == "binance":
        return {"code": int(code), "msg": "text"}
    if exchange == "bybit":
        return {"retCode": int(code), "retMsg": "text", "result": {}}
    if exchange == "okx":
        return {"code": "1", "data": [{"sCode": code, "sMsg": "text"}], "msg": ""}
    return {"error": [code]}


_NUMBERS = st.integers(-9_999, 999_999).filter(bool)


@pytest.mark.parametrize("exchange", sorted(PROFILES))
@given(number=_NUMBERS, status=st.integers(200, 599))
def test_an_unlisted_code_or_status_never_proves_a_refusal(exchange: str, number: int, status: int) -> None:
    profile = PROFILES[exchange]
    code = f"EOrder:{number}" if exchange == "kraken" else str(number)

    told = refusal(profile.rules, profile.complaint, _call(status, _complaint(exchange, code)))

    rule = profile.rules.get(code)
    assert (told is not None) == (rule is not None and status in rule.statuses and rule.code is not None)


@pytest.mark.parametrize("exchange", sorted(PROFILES))
@given(status=st.integers(500, 599), data=st.data())
def test_no_listed_code_proves_anything_under_a_server_error(exchange: str, status: int, data: st.DataObject) -> None:
    profile = PROFILES[exchange]
    code = data.draw(st.sampled_from(sorted(profile.rules)))

    assert refusal(profile.rules, profile.complaint, _call(status, _complaint(exchange, code))) is None


@pytest.mark.parametrize(
    ("exchange", "status", "payload", "word"),
    [
        ("bybit", 200, {"retCode": 170131, "retMsg": "Balance insufficient.", "result": {}}, "INSUFFICIENT_BALANCE"),
        ("bybit", 200, {"retCode": 110072, "retMsg": "OrderLinkedID is duplicate", "result": {}}, None),
        ("bybit", 200, {"retCode": 10006, "retMsg": "Too many visits.", "result": {}}, "RATE_LIMITED"),
        ("bybit", 200, {"retCode": 0, "retMsg": "OK", "result": {"orderId": "1"}}, None),
        ("okx", 200, {"code": "1", "data": [{"sCode": "51008", "sMsg": "Insufficient"}], "msg": ""}, "INSUFFICIENT_BALANCE"),
        ("okx", 200, {"code": "1", "data": [{"sCode": "51016", "sMsg": "Duplicate"}], "msg": ""}, None),
        ("okx", 429, {"code": "50011", "data": [], "msg": "Too Many Requests"}, "RATE_LIMITED"),
        ("okx", 200, {"code": "50004", "data": [], "msg": "Endpoint request timeout"}, None),
        ("kraken", 200, {"error": ["EOrder:Insufficient funds"]}, "INSUFFICIENT_BALANCE"),
        ("kraken", 200, {"error": ["EGeneral:Invalid arguments:volume"]}, "BAD_ORDER"),
        ("kraken", 200, {"error": ["EService:Timeout"]}, None),
        ("kraken", 200, {"error": ["EOrder:Insufficient funds", "EService:Busy"]}, None),
    ],
)
def test_other_exchanges_say_it_inside_a_reply_of_their_own(exchange: str, status: int, payload: Any, word: str | None) -> None:
    profile = PROFILES[exchange]

    assert refusal(profile.rules, profile.complaint, _call(status, payload)) == word


def test_tables_list_only_what_can_be_a_refusal() -> None:
    for rules in (outcomes.BINANCE, outcomes.BYBIT, outcomes.OKX, outcomes.KRAKEN):
        for code, rule in rules.items():
            assert isinstance(rule, Rule), code
            assert all(status < 500 for status in rule.statuses), code
