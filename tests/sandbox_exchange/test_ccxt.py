"""An unmodified ccxt client reads the market: this is how the desk will see it."""

import ccxt.async_support as ccxt
import pytest

from sandbox.exchange.market import Market
from sandbox.exchange.recorded import RecordedSource
from sandbox.exchange.seeded import SeededSource
from tests.sandbox_exchange.stand import (
    NOON_MS,
    SHARED,
    HandClock,
    build,
    candle_file,
    candle_rows,
    running,
    serving,
    trading_client,
)


async def test_markets_come_with_their_grid() -> None:
    async with serving(running(clock=HandClock())) as served, trading_client(served) as client:
        markets = await client.load_markets()
        bitcoin = markets["BTC/USDT"]

        assert set(markets) == {"BTC/USDT", "ETH/USDT", "BNB/USDT", "LTC/USDT"}
        assert bitcoin["active"] and bitcoin["spot"] and not bitcoin["contract"]
        assert (bitcoin["precision"]["price"], bitcoin["precision"]["amount"]) == (0.01, 0.00001)
        assert bitcoin["limits"]["cost"]["min"] == 5.0
        assert client.price_to_precision("BTC/USDT", 64000.128) == "64000.13"


@pytest.mark.parametrize(("bar_seconds", "timeframe"), [(60, "1m"), (10, "10s"), (1, "1s"), (300, "300s")])
async def test_candles_pass_through_in_the_served_timeframe(bar_seconds: int, timeframe: str) -> None:
    clock = HandClock()
    clock.forward(bar_seconds * 3.5)
    market = running(600, clock=clock, bar_seconds=bar_seconds)
    bars = SeededSource(7).bars("ETHUSDT", 0, 602)
    async with serving(market) as served, trading_client(served) as client:
        rows = await client.fetch_ohlcv("ETH/USDT", timeframe, limit=1000)
        since = await client.fetch_ohlcv("ETH/USDT", timeframe, since=NOON_MS, limit=2)

    assert market.timeframe == timeframe
    assert rows[:-1] == [
        [
            NOON_MS + (bar.index - 600) * bar_seconds * 1000,
            bar.open / 100,
            bar.high / 100,
            bar.low / 100,
            bar.close / 100,
            bar.volume / 10_000,
        ]
        for bar in bars
    ]
    assert rows[-1][0] == NOON_MS + 3 * bar_seconds * 1000
    assert since == rows[600:602]


async def test_quotes_tickers_books_trades_and_time() -> None:
    clock = HandClock()
    clock.forward(30)
    async with serving(running(clock=clock)) as served, trading_client(served) as client:
        quotes = await client.fetch_bids_asks()
        ticker = await client.fetch_ticker("LTC/USDT")
        tickers = await client.fetch_tickers(["LTC/USDT", "BTC/USDT"])
        book = await client.fetch_order_book("LTC/USDT", 10)
        trades = await client.fetch_trades("LTC/USDT", limit=5)
        server_time = await client.fetch_time()

    quote = quotes["LTC/USDT"]
    assert set(quotes) == {"BTC/USDT", "ETH/USDT", "BNB/USDT", "LTC/USDT"}
    assert quote["bid"] < quote["ask"] and quote["bidVolume"] > 0 and quote["askVolume"] > 0
    assert (quote["bid"], quote["ask"]) == (ticker["bid"], ticker["ask"]) == (book["bids"][0][0], book["asks"][0][0])
    assert ticker["last"] == trades[-1]["price"] == tickers["LTC/USDT"]["last"]
    assert ticker["low"] <= ticker["last"] <= ticker["high"]
    assert len(book["bids"]) == 10
    assert server_time == NOON_MS + 30_000 == ticker["timestamp"]


async def test_refusals_arrive_as_the_right_errors() -> None:
    clock = HandClock()
    async with serving(build(clock=clock)) as served, trading_client(served) as client:
        with pytest.raises(ccxt.OperationFailed):
            await client.load_markets()
    async with serving(running(clock=clock)) as served, trading_client(served) as client:
        await client.load_markets()
        with pytest.raises(ccxt.BadSymbol):
            await client.public_get_klines({"symbol": "NOPEUSDT", "interval": "1m"})
        with pytest.raises(ccxt.BadRequest):
            await client.fetch_ohlcv("BTC/USDT", "7m")
        async with served.post("/market/faults", json={"kind": "5xx", "amount": 503, "count": 1}):
            pass
        with pytest.raises(ccxt.ExchangeNotAvailable):
            await client.fetch_time()
        async with served.post("/market/faults", json={"kind": "outage"}):
            pass
        with pytest.raises(ccxt.NetworkError):
            await client.fetch_time()


async def test_an_ended_recording_is_an_inactive_market(tmp_path) -> None:  # type: ignore[no-untyped-def]
    clock = HandClock()
    market = running(505, clock=clock, source=RecordedSource([candle_file(tmp_path, candle_rows(506))]))
    async with serving(market) as served, trading_client(served) as client:
        before = (await client.load_markets())["BTC/USDT"]["active"]
        clock.forward(60)
        after = (await client.load_markets(True))["BTC/USDT"]["active"]
        ticker = await client.fetch_ticker("BTC/USDT")
        quote = (await client.public_get_ticker_bookticker({"symbol": "BTCUSDT"}))["bidPrice"]

    assert (before, after) == (True, False)
    assert ticker["last"] == 106.05
    assert quote == "0.00000000"


def recorded_market(clock: HandClock) -> Market:
    paths = [SHARED / f"{symbol}-1h.csv.gz" for symbol in ("BTCUSDT", "ETHUSDT", "BNBUSDT", "LTCUSDT")]
    missing = [str(path) for path in paths if not path.exists()]
    if missing:
        pytest.skip(f"no recorded candles at {', '.join(missing)}; set SORTIE_SHARED to the folder above data/")
    return running(20_000, clock=clock, source=RecordedSource(paths))


async def test_the_four_recorded_instruments_play_together() -> None:
    clock = HandClock()
    clock.forward(10 * 60 + 12)
    market = recorded_market(clock)
    async with serving(market) as served, trading_client(served) as client:
        markets = await client.load_markets()
        rows = {symbol: await client.fetch_ohlcv(symbol, "1m", limit=1000) for symbol in markets}
        quotes = await client.fetch_bids_asks()
        async with served.get("/market/info") as response:
            info = await response.json()

    assert {symbol: (each["precision"]["price"], each["precision"]["amount"]) for symbol, each in markets.items()} == {
        "BTC/USDT": (0.01, 0.00001),
        "ETH/USDT": (0.01, 0.0001),
        "BNB/USDT": (0.01, 0.001),
        "LTC/USDT": (0.01, 0.001),
    }
    for instrument in market.source.instruments:
        symbol = f"{instrument.traded_asset}/{instrument.quote_asset}"
        bars = market.source.bars(instrument.symbol, 20_010 - 999, 20_009)
        prices, units = instrument.ticks_per_quote, instrument.units_per_asset
        assert [row[1:] for row in rows[symbol][:-1]] == [
            [bar.open / prices, bar.high / prices, bar.low / prices, bar.close / prices, bar.volume / units] for bar in bars
        ]
        assert rows[symbol][-1][0] == NOON_MS + 10 * 60_000
        now = market.source.latest_bar(instrument.symbol, 20_010)
        assert now.low / prices <= quotes[symbol]["bid"] < quotes[symbol]["ask"] <= now.high / prices
    assert info["playing"] == (
        "Recorded BTCUSDT-1h, ETHUSDT-1h, BNBUSDT-1h, LTCUSDT-1h, 2022-01-01 to 2025-07-21, one recorded hour plays in 60 s"
    )
    assert info["recorded_at"] == "2024-04-13T18:00:00+00:00"
