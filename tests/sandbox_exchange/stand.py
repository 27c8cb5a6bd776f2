"""What these tests stand on: a clock that is moved by hand, small candle files, and a market behind HTTP."""

import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import ccxt.async_support as ccxt
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from sandbox.exchange.exchange import Exchange
from sandbox.exchange.market import Market
from sandbox.exchange.placement import Held, Placement, Running
from sandbox.exchange.seeded import SeededSource
from sandbox.exchange.source import Source
from sandbox.exchange.web import setup

NOON = datetime(2026, 3, 2, 12, 0, 0, tzinfo=UTC)
NOON_MS = int(NOON.timestamp() * 1000)
API = "/exchange/api/v3"
SHARED = Path(os.environ.get("SORTIE_SHARED", Path(__file__).parents[2].parent / "shared")) / "data"


class HandClock:
    """Tell the time that a test has set."""

    def __init__(self, at: datetime = NOON) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at

    def forward(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


def build(
    *,
    source: Source | None = None,
    clock: HandClock | None = None,
    bar_seconds: int = 60,
    placement: Placement | None = None,
    kept: list[Placement] | None = None,
) -> Market:
    """Build a market, held unless it is placed; what it keeps is appended to ``kept``."""
    return Market(
        source=source or SeededSource(7),
        clock=clock or HandClock(),
        bar_seconds=bar_seconds,
        placement=placement or Held(),
        keep=(kept if kept is not None else []).append,
    )


def running(index: int = 600, *, clock: HandClock, source: Source | None = None, bar_seconds: int = 60) -> Market:
    """Build a market whose bar ``index`` opened at noon."""
    placement = Running(index=index, opens_at=NOON_MS)
    return build(source=source, clock=clock, bar_seconds=bar_seconds, placement=placement)


@asynccontextmanager
async def serving(market: Market) -> AsyncIterator[TestClient[web.Request, web.Application]]:
    """Serve a market on a free port of loopback."""
    app = web.Application()
    setup(app, Exchange(market))
    async with TestClient(TestServer(app, host="127.0.0.1")) as client:
        yield client


@asynccontextmanager
async def trading_client(served: TestClient[web.Request, web.Application]) -> AsyncIterator[ccxt.binance]:
    """Open an unmodified ccxt client whose addresses point at a served market."""
    root = str(served.make_url("/exchange"))
    client = ccxt.binance(
        {
            "urls": {"api": {"public": f"{root}/api/v3", "private": f"{root}/api/v3", "sapi": f"{root}/sapi/v1"}},
            "options": {"fetchMarkets": {"types": ["spot"]}, "fetchCurrencies": False, "fetchMargins": False},
        }
    )
    try:
        yield client
    finally:
        await client.close()


def candle_rows(count: int, *, minutes: int = 60, start: datetime = NOON, skip: Sequence[int] = ()) -> list[str]:
    """Write rows of a plain rising and falling market, without the numbers in ``skip``."""
    rows = []
    for number in range(count):
        if number in skip:
            continue
        at = (start + timedelta(minutes=minutes * number)).strftime("%Y-%m-%dT%H:%M:%SZ")
        level = 100 + number % 20
        rows.append(f"{at},{level}.25,{level + 2}.5,{level - 1}.75,{level + 1}.05,{10 + number % 7}.125")
    return rows


def candle_file(folder: Path, rows: Sequence[str], name: str = "BTCUSDT-1h.csv") -> Path:
    """Write rows below the header."""
    path = folder / name
    path.write_text("\n".join(["timestamp,open,high,low,close,volume", *rows]) + "\n", encoding="utf-8")
    return path
