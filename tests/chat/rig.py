"""The whole desk against the Telegram sandbox, in one process: people speak, the desk answers, prices are the test's."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from aiohttp import web

from bot.graph import Graph, build_graph
from bot.lifecycle import shut_down, start
from config.settings import Settings
from migrations.api import upgrade
from sandbox.clock import SystemClock
from sandbox.server import create_app
from sandbox.telegram.events import Event, Toast
from sandbox.telegram.messages import Message
from sandbox.telegram.world import World
from services.domain.market import Candle, Instrument, Quote
from services.domain.money import Price, Quantity
from services.domain.people import Actor
from services.domain.signals import Mission, Side, Signal, targets_of
from services.storage import missions
from services.storage.database import Unit
from tests.trading.rig import BTC, ETH

ANN, TOM, CARL, CORA, OLGA, SAM = 1001, 1002, 2001, 2002, 3001, 9001
GROUP = -1001000000001
PATIENCE_S = 8.0


class HandMarket:
    """An exchange whose prices the test sets; every reading is stamped with the time it is read."""

    def __init__(self) -> None:
        self.prices: dict[str, tuple[str, str]] = {
            "BTC/USDT": ("63999.99", "64000.01"),
            "ETH/USDT": ("3199.99", "3200.01"),
        }
        self.size = "100"
        self.stale_since: datetime | None = None

    async def instruments(self, symbols: Sequence[str]) -> Sequence[Instrument]:
        return [each for each in (BTC, ETH) if each.symbol in symbols]

    async def quotes(self, symbols: Sequence[str]) -> Sequence[Quote]:
        now = self.stale_since or datetime.now(UTC)
        return [
            Quote(
                symbol=symbol,
                bid=Price(Decimal(bid)),
                ask=Price(Decimal(ask)),
                bid_size=Quantity(Decimal(self.size)),
                ask_size=Quantity(Decimal(self.size)),
                feed_time=now,
                received_at=datetime.now(UTC),
            )
            for symbol, (bid, ask) in self.prices.items()
            if symbol in symbols
        ]

    async def candles(self, symbol: str, timeframe: str, limit: int) -> Sequence[Candle]:
        now = datetime.now(UTC).replace(second=0, microsecond=0)
        price = float(self.prices[symbol][0])
        return [
            Candle(now - timedelta(minutes=limit - 1 - at), price, price * 1.001, price * 0.999, price, 10.0 + at % 5)
            for at in range(limit)
        ]

    async def server_time(self) -> datetime:
        return datetime.now(UTC)

    async def close(self) -> None:
        return


@dataclass
class ChatRig:
    world: World
    graph: Graph
    market: HandMarket
    toasts: dict[str, Toast] = field(default_factory=dict)

    def hear(self, event: Event) -> None:
        if isinstance(event, Toast):
            self.toasts[event.callback_query_id] = event

    def price(self, bid: str, ask: str, symbol: str = "BTC/USDT") -> None:
        self.market.prices[symbol] = (bid, ask)

    def seen(self, person: int, chat: int | None = None) -> list[Message]:
        return self.world.seen(person, chat if chat is not None else person)

    async def until(self, what: Callable[[], Any], why: str) -> Any:
        """Wait until ``what`` returns something, and return it."""
        end = asyncio.get_running_loop().time() + PATIENCE_S
        while asyncio.get_running_loop().time() < end:
            found = what()
            if found:
                return found
            await asyncio.sleep(0.01)
        raise AssertionError(
            f"never came: {why}\n{self.world.transcript(GROUP)}\n"
            + "\n---\n".join(self.world.transcript(person) for person in (ANN, TOM, CARL))
        )

    async def message(self, person: int, text: str, chat: int | None = None) -> Message:
        """Wait for a message with a text in a chat, the newest first."""

        def find() -> Message | None:
            found = [m for m in self.seen(person, chat) if text in (text_of(m))]
            return found[-1] if found else None

        return await self.until(find, f"{text!r} for {person}")

    async def say(self, person: int, text: str, chat: int | None = None, *, thread: int = 0) -> None:
        self.world.say(person, text, chat_id=chat, thread_id=thread)

    async def ask(self, person: int, text: str, expected: str, chat: int | None = None) -> Message:
        """Say something and wait for an answer that comes after it."""
        before = max((m.message_id for m in self.seen(person, chat)), default=0)
        await self.say(person, text, chat)

        def find() -> Message | None:
            found = [
                m for m in self.seen(person, chat) if m.message_id > before and m.sender_id != person and expected in text_of(m)
            ]
            return found[-1] if found else None

        return await self.until(find, f"{expected!r} after {text!r}")

    async def press(self, person: int, message: Message, label: str) -> str:
        """Press a button by its label and return the toast that answers it."""
        data = next(
            (b["callback_data"] for row in buttons_of(message) for b in row if label in b["text"] and "callback_data" in b),
            None,
        )
        assert data is not None, f"no button {label!r} on:\n{text_of(message)}\n{buttons_of(message)}"
        query = self.world.tap(person, message.chat_id, message.message_id, data)
        toast = await self.until(lambda: self.toasts.get(query.id), f"answer to {label!r}")
        return toast.text

    async def mission(self, *, side: Side = Side.LONG, stop: str = "63000", lasts: float = 600) -> Mission:
        now = self.graph.clock.now()
        long = side is Side.LONG
        prices = ("66000", "67500") if long else ("62000", "60500")
        signal = Signal(
            id=self.graph.ids.row(),
            source="strategy:trend@1.0",
            symbol="BTC/USDT",
            timeframe="1m",
            side=side,
            entry_low=Price(Decimal("63900")),
            entry_high=Price(Decimal("64100")),
            stop=Price(Decimal(stop if long else "65000")),
            targets=targets_of([Price(Decimal(each)) for each in prices]),
            score=70,
            score_parts={"setup": 40, "regime": 30},
            created_at=now,
            expires_at=now + timedelta(seconds=lasts),
            candle_time=now,
            reason="EMA 9 over 21",
        )

        def body(unit: Unit) -> Mission:
            missions.add_signal(unit, signal, None)
            return self.graph.trading.offer.open(unit, Actor.job("scan", "test"), signal)

        return await self.graph.trading.database.write(body)


def text_of(message: Message) -> str:
    shown = message.text or message.caption
    return shown.text if shown else ""


def buttons_of(message: Message) -> list[list[dict[str, Any]]]:
    return [list(row) for row in message.keyboard]


@asynccontextmanager
async def sandboxed(started: Sequence[int] = (ANN, TOM, CARL, CORA, OLGA)) -> AsyncIterator[tuple[World, str, str]]:
    """Serve a Telegram sandbox; yield its world, address and token."""
    bot_id = 770001
    token = f"{bot_id}:{secrets.token_urlsafe(24)}"
    world = World(clock=SystemClock(), bot_id=bot_id, seed=1, started=started, limits_on=False)
    app = create_app(world, token=token, control_url="", flush=lambda: None).app
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2, handler_cancellation=True)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    port = runner.addresses[0][1]
    try:
        yield world, f"http://127.0.0.1:{port}", token
    finally:
        await runner.cleanup()


def settings_for(folder: Path, address: str, **groups: Any) -> Settings:
    group = str(GROUP)
    return Settings(
        desk={"state_dir": folder, **groups.pop("desk", {})},
        telegram={
            "api_base": address,
            "chat_per_minute": 6000,
            "group_per_minute": 6000,
            "messages_per_second": 900,
            "poll_timeout_s": 2,
            **groups.pop("telegram", {}),
        },
        people={"commanders": (CARL, CORA), "traders": (ANN, TOM), "observers": (OLGA,)},
        chats=groups.pop("chats", {"missions": group, "fills": group, "risk": group, "digest": group}),
        market={"instruments": ("BTC/USDT", "ETH/USDT"), "quote_every_s": 0.05, **groups.pop("market", {})},
        paper={"latency_ms": 0, "slippage_bps": "0", **groups.pop("paper", {})},
        **groups,
    )


@asynccontextmanager
async def chat_desk(folder: Path, address: str, token: str, world: World, **groups: Any) -> AsyncIterator[ChatRig]:
    """Run the desk on a folder until the block ends, then stop it as SIGTERM does."""
    settings = settings_for(folder, address, **groups)
    upgrade(settings.database_url)
    market = HandMarket()
    graph = build_graph(settings, token, "test:1", market)
    try:
        await start(graph)
        rig = ChatRig(world=world, graph=graph, market=market)
        world.watch(rig.hear)
        yield rig
    finally:
        await shut_down(graph)


@asynccontextmanager
async def desk_in_chat(folder: Path, **groups: Any) -> AsyncIterator[ChatRig]:
    """A sandbox and a desk, both fresh."""
    async with sandboxed() as (world, address, token), chat_desk(folder, address, token, world, **groups) as rig:
        yield rig
