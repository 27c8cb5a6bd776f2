"""The paper venue's own rules: costs, sizes, gaps, latency, refusals."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from services.domain.errors import Unavailable, VenueRejected
from services.domain.orders import TimeInForce
from services.domain.states import OrderState
from tests.venues.conformance import ACCOUNT
from tests.venues.hands import BTC, ETH, ETHBTC, exits, order, quote
from tests.venues.paper_bench import PaperBench, buy, fills, paper_bench, refused, sell_short

D = Decimal


async def test_large_order_fills_level_by_level_at_worsening_prices(bench: PaperBench) -> None:
    await bench.show("99.99", "100.00", size="2")

    await bench.venue.place(ACCOUNT, order("big00", "buy", "5"))
    await bench.show("99.99", "100.00", size="2")

    assert [(fill.quantity, fill.price) for fill in await fills(bench)] == [
        (2, D("100.00")),
        (2, D("100.01")),
        (1, D("100.02")),
    ]


async def test_market_order_beyond_the_depth_expires_with_what_it_has(bench: PaperBench) -> None:
    await bench.show("99.99", "100.00", size="0.1")

    await bench.venue.place(ACCOUNT, order("big00", "buy", "5"))
    await bench.show("99.99", "100.00", size="0.1")

    found = await bench.venue.find(ACCOUNT, BTC.symbol, "big00")
    assert found is not None
    assert (found.state, found.filled) == (OrderState.EXPIRED, 1)


async def test_what_one_order_took_is_not_there_for_the_next(bench: PaperBench) -> None:
    await bench.venue.open_account("terminal-2", "USDT")
    await bench.show("99.99", "100.00", size="3")
    await bench.venue.place(ACCOUNT, order("one00", "buy", "2", price="100.00"))
    await bench.venue.place("terminal-2", order("two00", "buy", "2", price="100.00"))

    await bench.show("99.99", "100.00", size="3")
    await bench.venue.settle()
    first = (await fills(bench), await fills(bench, "terminal-2"))
    await bench.show("99.99", "100.00", size="3")

    assert [fill.quantity for fill in first[0]] == [2]
    assert [fill.quantity for fill in first[1]] == [1]
    assert [fill.quantity for fill in await fills(bench, "terminal-2")] == [1, 1]


async def test_slippage_worsens_takers_and_stops_but_not_resting_limits(tmp_path: Path) -> None:
    async with paper_bench(tmp_path / "paper.db", slippage_bps=10) as bench:
        await buy(bench, "1")
        await bench.venue.place_list(ACCOUNT, exits("list", "sell", ("1", "95.00"), ("0.5", "110.00")))
        await bench.show("110.00", "110.01")
        await bench.show("94.00", "94.01")

        assert [fill.price for fill in await fills(bench)] == [D("100.10"), D("110.00"), D("93.90")]


async def test_limit_that_is_marketable_takes_at_the_market_and_not_beyond_its_limit(tmp_path: Path) -> None:
    async with paper_bench(tmp_path / "paper.db", slippage_bps=10, taker_bps=10, maker_bps=2) as bench:
        await bench.show("99.99", "100.00")
        await bench.venue.place(ACCOUNT, order("far00", "buy", "1", price="101.00"))
        await bench.venue.place(ACCOUNT, order("near00", "buy", "1", price="100.05"))
        await bench.show("99.99", "100.00")

        filled = {fill.client_id: (fill.price, fill.fee) for fill in await fills(bench)}

        assert filled == {"far00": (D("100.10"), D("0.1001")), "near00": (D("100.05"), D("0.10005"))}


async def test_resting_limit_pays_the_maker_fee(tmp_path: Path) -> None:
    async with paper_bench(tmp_path / "paper.db", taker_bps=10, maker_bps=2) as bench:
        await bench.show("99.99", "100.00")
        await bench.venue.place(ACCOUNT, order("rest00", "buy", "1", price="99.00"))
        await bench.show("99.50", "99.51")
        await bench.show("98.00", "98.01")

        assert [(fill.price, fill.fee) for fill in await fills(bench)] == [(99, D("0.0198"))]


async def test_nothing_executes_before_the_latency_is_over(tmp_path: Path) -> None:
    async with paper_bench(tmp_path / "paper.db", latency_ms=1500) as bench:
        await bench.show("99.99", "100.00")
        await bench.venue.place(ACCOUNT, order("slow00", "buy", "1"))
        await bench.show("99.99", "100.00")
        early = await fills(bench)
        await bench.show("104.99", "105.00")

        assert early == []
        assert [fill.price for fill in await fills(bench)] == [105]


async def test_first_match_uses_the_newest_quote_without_waiting_for_another(bench: PaperBench) -> None:
    await bench.show("99.99", "100.00")
    await bench.venue.place(ACCOUNT, order("soon00", "buy", "1"))
    bench.clock.move(0.12)

    await bench.venue.settle()

    assert [fill.time for fill in await fills(bench)] == [bench.clock.now()]


async def test_market_order_whose_time_comes_without_a_fresh_quote_expires(bench: PaperBench) -> None:
    await bench.show("99.99", "100.00")
    await bench.venue.place(ACCOUNT, order("late00", "buy", "1"))
    await bench.venue.place(ACCOUNT, order("rest00", "buy", "1", price="100.00"))
    await bench.silence()

    await bench.venue.settle()
    await bench.show("99.99", "100.00")

    late = await bench.venue.find(ACCOUNT, BTC.symbol, "late00")
    assert late is not None
    assert (late.state, late.filled) == (OrderState.EXPIRED, 0)
    assert [fill.client_id for fill in await fills(bench)] == ["rest00"]
    assert bench.changes == 2


async def test_stale_and_overtaken_quotes_execute_nothing(bench: PaperBench) -> None:
    await bench.show("99.99", "100.00")
    await bench.venue.place(ACCOUNT, order("rest00", "buy", "1", price="95.00"))
    bench.clock.move(1)
    overtaken = quote("90.00", "90.01", bench.clock.now())
    await bench.show("99.99", "100.00")

    await bench.venue.on_quote(overtaken)
    await bench.venue.on_quote(quote("90.00", "90.01", bench.clock.now() - timedelta(seconds=11)))
    stale_stamp = replace(quote("90.00", "90.01", bench.clock.now()), feed_time=bench.clock.now() - timedelta(seconds=11))
    await bench.venue.on_quote(stale_stamp)

    assert await fills(bench) == []


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"client_id": "with-hyphen"}, "BAD_CLIENT_ID"),
        ({"client_id": "a" * 19}, "BAD_CLIENT_ID"),
        ({"price": "100.00", "type": "market"}, "BAD_ORDER"),
        ({"stop_price": "95.00", "reduce_only": False}, "REDUCE_ONLY"),
        ({"stop_price": "95.00", "time_in_force": TimeInForce.IOC}, "BAD_ORDER"),
        ({"price": "0"}, "PRICE_FILTER"),
        ({"price": "-1"}, "PRICE_FILTER"),
        ({"quantity": "0"}, "LOT_SIZE"),
        ({"quantity": "NaN"}, "LOT_SIZE"),
        ({"reduce_only": True}, "REDUCE_ONLY"),
        ({"symbol": ETHBTC.symbol}, "CURRENCY"),
    ],
)
async def test_malformed_order_is_refused_with_its_code(bench: PaperBench, changes: dict[str, Any], code: str) -> None:
    await bench.show("99.99", "100.00")
    fields = {"client_id": "entry00", "side": "buy", "quantity": "1", **changes}

    error = await refused(bench, order(**fields))

    assert error.code == code
    assert await bench.venue.open_orders(ACCOUNT) == []


async def test_unknown_account_is_refused_everywhere(bench: PaperBench) -> None:
    await bench.show("99.99", "100.00")

    assert (await refused(bench, order("entry00", "buy", "1"), "nobody")).code == "UNKNOWN_ACCOUNT"
    for ask in (
        bench.venue.balance("nobody"),
        bench.venue.positions("nobody"),
        bench.venue.open_orders("nobody"),
        bench.venue.fills_since("nobody", 0),
        bench.venue.find("nobody", BTC.symbol, "x"),
        bench.venue.cancel("nobody", BTC.symbol, ["x"]),
    ):
        with pytest.raises(VenueRejected):
            await ask


async def test_account_keeps_its_currency(bench: PaperBench) -> None:
    with pytest.raises(VenueRejected) as caught:
        await bench.venue.open_account(ACCOUNT, "BTC")

    assert caught.value.code == "ACCOUNT_CURRENCY"


async def test_shorts_are_refused_where_they_are_switched_off(tmp_path: Path) -> None:
    async with paper_bench(tmp_path / "paper.db", can_short=False) as bench:
        await buy(bench, "1")

        error = await refused(bench, order("flip00", "sell", "1.5"))
        await bench.venue.place(ACCOUNT, order("one00", "sell", "1"))
        await bench.venue.place(ACCOUNT, order("two00", "sell", "1"))
        await bench.show("99.99", "100.00")

        two = await bench.venue.find(ACCOUNT, BTC.symbol, "two00")
        assert error.code == "NO_SHORT"
        assert two is not None
        assert (two.state, two.filled) == (OrderState.EXPIRED, 0)
        assert await bench.venue.positions(ACCOUNT) == []
        assert not bench.venue.capabilities.short


async def test_working_entries_hold_their_funds(bench: PaperBench) -> None:
    await bench.show("99.99", "100.00")
    await bench.venue.place(ACCOUNT, order("half00", "buy", "60", price="99.00"))

    free = (await bench.venue.balance(ACCOUNT)).free
    error = await refused(bench, order("more00", "buy", "50"))

    assert free == 10_000 - 60 * 99 * D("1.001")
    assert error.code == "INSUFFICIENT_BALANCE"


async def test_shorts_need_the_same_cover_as_longs(bench: PaperBench) -> None:
    await sell_short(bench, "60")

    error = await refused(bench, order("more00", "sell", "50"))
    balance = await bench.venue.balance(ACCOUNT)

    assert error.code == "INSUFFICIENT_BALANCE"
    assert balance.free < 4_000


async def test_order_that_runs_out_of_funds_expires_with_what_it_has(bench: PaperBench) -> None:
    await bench.show("99.99", "100.00", size="100")
    await bench.venue.place(ACCOUNT, order("all00", "buy", "99"))

    await bench.show("109.99", "110.00", size="100")

    found = await bench.venue.find(ACCOUNT, BTC.symbol, "all00")
    assert found is not None
    assert (found.state, found.filled) == (OrderState.EXPIRED, D("90.818"))
    assert (await bench.venue.balance(ACCOUNT)).free < BTC.step * 110 * 2


async def test_remainder_too_small_in_money_can_still_be_sold(bench: PaperBench) -> None:
    await buy(bench, "0.06")
    await bench.venue.place(ACCOUNT, order("most00", "sell", "0.05", reduce_only=True))
    await bench.show("99.99", "100.00")

    await bench.venue.place(ACCOUNT, order("rest00", "sell", "0.01", reduce_only=True))
    await bench.show("99.99", "100.00")

    assert await bench.venue.positions(ACCOUNT) == []


async def test_borrow_of_a_short_is_charged_with_the_fills_that_close_it(tmp_path: Path) -> None:
    async with paper_bench(tmp_path / "paper.db", borrow_bps_per_day=100, taker_bps=0) as bench:
        await sell_short(bench, "10")
        bench.clock.move(86_400 - 1)
        await bench.show("100.00", "100.00", size="100")
        balance = await bench.venue.balance(ACCOUNT)
        await bench.venue.place(ACCOUNT, order("part00", "buy", "4", reduce_only=True))
        bench.clock.move(0.12)
        await bench.venue.settle()
        bench.clock.move(86_400)
        await bench.show("100.00", "100.00", size="100")
        await bench.venue.place(ACCOUNT, order("rest00", "buy", "6", reduce_only=True))
        bench.clock.move(0.12)
        await bench.venue.settle()

        fees = {fill.client_id: fill.fee for fill in (await fills(bench))[1:]}

        assert balance.equity == 10_000 - 10
        assert fees["part00"] == pytest.approx(D(4), rel=D("0.001"))
        assert fees["rest00"] == pytest.approx(D(12), rel=D("0.001"))
        assert (await bench.venue.balance(ACCOUNT)).equity == 10_000 - sum(fees.values())


async def test_equity_needs_a_fresh_quote_of_everything_that_is_held(bench: PaperBench) -> None:
    await buy(bench, "1")
    await bench.silence()
    await bench.show("50.00", "50.01", symbol=ETH.symbol)

    with pytest.raises(Unavailable) as caught:
        await bench.venue.balance(ACCOUNT)
    error = await refused(bench, order("entry10", "buy", "1", symbol=ETH.symbol))

    assert caught.value.values["symbol"] == BTC.symbol
    assert (error.code, error.values["symbol"]) == ("NO_QUOTE", BTC.symbol)


async def test_accounts_share_the_sequence_of_fills_and_nothing_else(bench: PaperBench) -> None:
    await bench.venue.open_account("terminal-2", "USDT")
    await buy(bench, "1")
    await buy(bench, "2", account="terminal-2")

    one, two = await fills(bench), await fills(bench, "terminal-2")

    assert [fill.venue_fill_id for fill in (*one, *two)] == ["p-1", "p-2"]
    assert [each.quantity for each in await bench.venue.positions("terminal-2")] == [2]
    assert await bench.venue.find("terminal-2", BTC.symbol, one[0].client_id or "") is None


async def test_find_asks_for_the_symbol_too(bench: PaperBench) -> None:
    await buy(bench, "1")
    client_id = (await fills(bench))[0].client_id or ""

    assert await bench.venue.find(ACCOUNT, ETH.symbol, client_id) is None
    assert await bench.venue.cancel(ACCOUNT, ETH.symbol, [client_id]) == []
