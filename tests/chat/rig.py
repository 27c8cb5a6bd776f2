"""The whole desk against the Telegram sandbox, in one process: people speak, the desk answers.

The market and the hour are the test's; everything between two messages is the desk's own.
"""

from __future__ import annotations

import asyncio
import json
import re
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from aiohttp import web
from sqlalchemy import func, select

from bot.delivery import Pictures
from bot.graph import Graph, build_graph
from bot.lifecycle import shut_down, start
from bot.surroundings import Surroundings
from config.settings import Settings
from handlers.telegram import request
from sandbox.server import create_app
from sandbox.telegram.events import Event, Toast
from sandbox.telegram.messages import Message, shown_id
from sandbox.telegram.world import World
from services.domain.money import Price
from services.domain.notices import Priority
from services.domain.people import Actor
from services.domain.signals import Mission, Side, Signal, targets_of
from services.domain.trades import Trade
from services.storage import kills, missions, outbox, tables, trades
from services.storage.database import Unit
from tests.blank import empty_database
from tests.chat.market import HandMarket, SandboxTime, ShiftedClock
from tests.chat.pictures import LaidOut
from tests.gate.witness import witnessed
from tests.one_thread import one_thread

ANN, TOM, CARL, CORA, OLGA, SAM = 1001, 1002, 2001, 2002, 3001, 9001
GROUP = -1001000000001
BOT_ID = 770001
PATIENCE_S = 40.0
LOOK_EVERY_S = 0.01
EARLY_S = request.TAP_ANSWERED_S
"""After how long the desk answers a tap that still works; the rig waits longer unless a test sets it back."""
# An amount is a number with a currency or an asset behind it, or a currency's sign before it; R, percent and prices are none.
MONEY = re.compile(r"[\d.,]\s?(?:USDT|USDC|USD|EUR|BTC|ETH)\b(?!/)|[$€£]\s?\d")


@dataclass
class ChatRig:
    """One desk, its chats and what the test holds in its hands."""

    world: World
    graph: Graph
    market: HandMarket
    clock: ShiftedClock
    folder: Path
    toasts: dict[str, Toast] = field(default_factory=dict)

    def hear(self, event: Event) -> None:
        if isinstance(event, Toast):
            self.toasts[event.callback_query_id] = event

    def price(self, bid: str, ask: str, symbol: str = "BTC/USDT") -> None:
        self.market.prices[symbol] = (bid, ask)

    async def forward(self, **span: float) -> None:
        """Let time pass, and wait until market and accounts were read again."""
        self.clock.ahead += timedelta(**span)
        since = self.clock.now()

        def fresh() -> bool:
            quotes = [self.graph.trading.quotes.latest(symbol) for symbol in self.market.prices]
            return self.market.silent or all(quote is not None and quote.received_at > since for quote in quotes)

        await self.until(fresh, "fresh quotes")
        await self.graph.trading.sync.reconcile_all()

    def seen(self, person: int, chat: int | None = None) -> list[Message]:
        return self.world.seen(person, chat if chat is not None else person)

    def newest(self, person: int, text: str, chat: int | None = None) -> Message | None:
        found = [message for message in self.seen(person, chat) if text in text_of(message)]
        return found[-1] if found else None

    def mark(self, person: int, chat: int | None = None) -> float:
        """Return where the chat ends now."""
        return max((shown_id(message) for message in self.seen(person, chat)), default=0)

    def since(self, mark: float, person: int, chat: int | None = None) -> list[Message]:
        """Return what the desk said after a mark."""
        return [m for m in self.seen(person, chat) if shown_id(m) > mark and m.sender_id == self.world.bot.id]

    async def until(self, what: Callable[[], Any], why: str) -> Any:
        """Wait until ``what`` returns something, and return it."""
        end = asyncio.get_running_loop().time() + PATIENCE_S
        while asyncio.get_running_loop().time() < end:
            found = what()
            if isinstance(found, Awaitable):
                found = await found
            if found:
                return found
            await asyncio.sleep(LOOK_EVERY_S)
        chats = [GROUP, *(person for person in self.world.people if person in self.world.messages)]
        ends = [f"... {self.world.transcript(chat)[-600:]}" for chat in chats]
        raise AssertionError(f"never came: {why}\n" + "\n---\n".join(ends))

    async def message(self, person: int, text: str, chat: int | None = None, *, after: float = 0) -> Message:
        """Wait for a message with a text in a chat, the newest first."""

        def find() -> Message | None:
            found = self.newest(person, text, chat)
            return found if found is not None and shown_id(found) > after else None

        found: Message = await self.until(find, f"{text!r} for {person}")
        return found

    async def say(self, person: int, text: str, chat: int | None = None, *, thread: int = 0) -> Message:
        return self.world.say(person, text, chat_id=chat, thread_id=thread)

    async def ask(self, person: int, text: str, expected: str, chat: int | None = None) -> Message:
        """Say something and wait for the desk's answer that comes after it."""
        mark = shown_id(self.world.say(person, text, chat_id=chat))

        def find() -> Message | None:
            found = [message for message in self.since(mark, person, chat) if expected in text_of(message)]
            return found[-1] if found else None

        found: Message = await self.until(find, f"{expected!r} after {text!r}")
        return found

    def current(self, message: Message) -> Message:
        """Return a message as it reads now."""
        return self.world.find(message.key) or message

    async def press(self, person: int, message: Message, label: str) -> str:
        """Press a button by its label and return the toast that answers it."""
        shown = self.current(message)
        query = self.world.tap(person, shown.chat_id, shown_id(shown), data_of(shown, label))
        return await self.toast(query.id, label)

    async def forge(self, person: int, chat: int, data: str, message_id: float | None = None) -> str:
        """Send a press that no button carries and return the toast that answers it."""
        query = self.world.press(person, chat, data, message_id)
        return await self.toast(query.id, data)

    async def toast(self, query_id: str, why: str) -> str:
        toast: Toast = await self.until(lambda: self.toasts.get(query_id), f"answer to {why!r}")
        return toast.text

    async def settled(self) -> None:
        """Wait until every update is handled, every due message is out and no instruction waits."""
        calm = 0

        async def quiet() -> bool:
            nonlocal calm
            done = not len(self.world.updates) and await self.graph.nursery.wait_for_jobs(5)
            calm = calm + 1 if done and not await self.read(_under_way) else 0
            return calm == 2

        await self.until(quiet, "everything is settled")

    async def read(self, body: Callable[[Unit], Any]) -> Any:
        return await self.graph.trading.database.read(body)

    async def write(self, body: Callable[[Unit], Any]) -> Any:
        return await self.graph.trading.database.write(body)

    async def journal(self, kind: str = "", actor: str = "") -> list[dict[str, Any]]:
        """Return the facts of journal rows of a kind and an actor, oldest first."""
        rows = await self.read(lambda unit: unit.all(select(tables.journal).order_by(tables.journal.c.sequence)))
        return [json.loads(r.facts) for r in rows if r.kind.startswith(kind) and r.actor.startswith(actor)]

    async def count(self, table: Any) -> int:
        found: int = await self.read(lambda unit: unit.first(select(func.count().label("n")).select_from(table)).n)
        return found

    async def trades_of(self, person: int) -> list[Trade]:
        found: list[Trade] = await self.read(lambda unit: trades.live(unit, person_id=person))
        return found

    async def mission(
        self,
        *,
        symbol: str = "BTC/USDT",
        side: Side = Side.LONG,
        stop: str = "63000",
        lasts: float = 600,
        source: str = "strategy:trend@1.0",
        reason: str = "EMA 9 over 21",
    ) -> Mission:
        """Let a strategy call, as if a candle had just closed; not before the desk has seen the price that stands now."""

        def seen() -> bool:
            quote = self.graph.trading.quotes.latest(symbol)
            return self.market.silent or (quote is not None and str(quote.bid) == self.market.prices[symbol][0])

        await self.until(seen, f"the price of {symbol}")
        signal = self._signal(symbol, side, stop, lasts, source, reason)

        def body(unit: Unit) -> Mission:
            missions.add_signal(unit, signal, None)
            return self.graph.trading.offer.open(unit, Actor.job("scan", "test"), signal)

        opened: Mission = await self.write(body)
        return opened

    def _signal(self, symbol: str, side: Side, stop: str, lasts: float, source: str, reason: str) -> Signal:
        now = self.clock.now()
        bid, ask = (Decimal(each) for each in self.market.prices[symbol])
        middle, long = (bid + ask) / 2, side is Side.LONG
        risk = middle - Decimal(stop) if long else middle / 64
        ways = (Decimal(2), Decimal("3.5"))
        return Signal(
            id=self.graph.ids.row(),
            source=source,
            symbol=symbol,
            timeframe="1m",
            side=side,
            entry_low=Price(middle - 100),
            entry_high=Price(middle + 100),
            stop=Price(Decimal(stop) if long else middle + risk),
            targets=targets_of([Price(middle + risk * way * side.sign) for way in ways]),
            score=70,
            score_parts={"setup": 40, "regime": 30},
            created_at=now,
            expires_at=now + timedelta(seconds=lasts),
            candle_time=now,
            reason=reason,
        )

    async def card(self, mission: Mission, person: int, chat: int | None = None) -> Message:
        """Wait for the card of a mission."""
        return await self.message(person, f"· #{mission.number} · PAPER\n", chat)

    async def preview(self, person: int, **mission: Any) -> Message:
        """Offer a mission and open one person's preview of it."""
        card = await self.card(await self.mission(**mission), person)
        await self.press(person, card, "Fire")
        return await self.message(person, "good until", after=shown_id(card))

    async def trade(self, person: int, **mission: Any) -> Message:
        """Fire a mission for a person and wait until what filled is protected; return the trade's card."""
        preview = await self.preview(person, **mission)
        await self.press(person, preview, "Confirm")
        await self.until(lambda: "at the venue" in text_of(self.current(preview)), "filled and protected")
        return self.current(preview)

    async def close_all(self, person: int) -> None:
        """Let a person close everything of theirs, and wait until it is gone."""
        question = await self.ask(person, "/closeall", "at market?")
        await self.press(person, question, "Close")

        async def flat() -> bool:
            return not await self.trades_of(person)

        await self.until(flat, f"{person} holds nothing")

    async def leave_nothing(self, person: int) -> None:
        """Take a person's waiting entries back and close what is open."""
        left = await self.trades_of(person)
        if any(not trade.entry_quantity for trade in left):
            await self.say(person, "/cancel")

            async def none_waits() -> bool:
                return all(trade.entry_quantity for trade in await self.trades_of(person))

            await self.until(none_waits, f"{person} waits for nothing")
        if await self.trades_of(person):
            await self.close_all(person)

    async def kill_over(self) -> None:
        """Wait until the kill that follows a halt has come to its end."""

        async def over() -> bool:
            kill = await self.read(kills.newest)
            return kill is None or not kill.running

        await self.until(over, "the kill is over")

    async def resume(self) -> None:
        """Let Carl lift the desk's halt, once its kill is over, and wait until it is lifted."""
        await self.kill_over()
        await self.ask(CARL, "/resume RESUME", "active again")

    async def approve(self, text: str, person: int = CORA) -> Message:
        """Let a person say yes to the question whose card reads so, and return the card."""
        card = await self.message(person, text)
        await self.press(person, card, "Approve")
        return await self.reads(card, "in force")

    async def reads(self, message: Message, text: str) -> Message:
        """Wait until a message reads so."""
        await self.until(lambda: text in text_of(self.current(message)), f"{text!r} in {text_of(message)!r}")
        return self.current(message)


def _under_way(unit: Unit) -> bool:
    # Prices alone refresh cards that somebody reads; those wait on purpose.
    cards = [card for card in outbox.stale_cards(unit, 50) if card.priority is not Priority.BULK or card.message_id is None]
    waiting = tables.instructions.c.state.in_(("intent", "sent"))
    return bool(cards or outbox.pending_notices(unit, 1) or unit.first(select(tables.instructions.c.id).where(waiting)))


def text_of(message: Message) -> str:
    return message.body.text


def buttons_of(message: Message) -> list[list[dict[str, Any]]]:
    return [list(row) for row in message.keyboard]


def labels_of(message: Message) -> list[str]:
    return [button["text"] for row in message.keyboard for button in row]


def data_of(message: Message, label: str) -> str:
    """Return what a button carries; the label may be its beginning."""
    for button in (each for row in message.keyboard for each in row):
        if button["text"].startswith(label) and "callback_data" in button:
            return str(button["callback_data"])
    raise AssertionError(f"no button {label!r} on:\n{text_of(message)}\n{labels_of(message)}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sandboxed:
    """A Telegram sandbox that is being served."""

    world: World
    address: str
    token: str
    clock: ShiftedClock


@asynccontextmanager
async def sandboxed(started: Sequence[int] = (ANN, TOM, CARL, CORA, OLGA)) -> AsyncIterator[Sandboxed]:
    """Serve a Telegram sandbox."""
    token, clock = f"{BOT_ID}:{secrets.token_urlsafe(27)[:35]}", ShiftedClock()
    world = World(clock=SandboxTime(clock), bot_id=BOT_ID, seed=1, started=started, limits_on=False)
    app = create_app(world, token=token, control_url="", flush=lambda: None).app
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2, handler_cancellation=True)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield Sandboxed(world=world, address=f"http://127.0.0.1:{runner.addresses[0][1]}", token=token, clock=clock)
    finally:
        await runner.cleanup()


def settings_for(folder: Path, box: Sandboxed, **groups: Any) -> Settings:
    """Return settings with everybody in their roles; a group given by name changes what it names."""
    group = str(GROUP)
    telegram = {
        "token": box.token,
        "api_base": box.address,
        "chat_per_minute": 6000,
        "group_per_minute": 6000,
        "messages_per_second": 900,
        "poll_timeout_s": 2,
    }
    return Settings(
        desk={"state_dir": folder, **groups.pop("desk", {})},
        telegram=telegram | groups.pop("telegram", {}),
        people=groups.pop("people", {"commanders": (CARL, CORA), "traders": (ANN, TOM), "observers": (OLGA,)}),
        chats=groups.pop("chats", {"missions": group, "fills": group, "risk": group, "digest": group}),
        venues={"binance": {"base_url": box.address, **groups.pop("binance", {})}, **groups.pop("venues", {})},
        market={"instruments": ("BTC/USDT", "ETH/USDT"), "quote_every_s": 0.05, **groups.pop("market", {})},
        paper={"latency_ms": 0, "slippage_bps": "0", **groups.pop("paper", {})},
        killing={"rearm_wait_s": 0.05, **groups.pop("killing", {})},
        # As in the rig of the trading side: days here have more trades than a person's.
        discipline={"cooldown_s": 0, "tilt_losses": 10_000, "shots_per_day": 10_000, **groups.pop("discipline", {})},
        **groups,
    )


@asynccontextmanager
async def chat_desk(
    folder: Path,
    box: Sandboxed,
    *,
    charts: Callable[[], Pictures] = LaidOut,
    beside: Mapping[str, Any] = MappingProxyType({}),
    **groups: Any,
) -> AsyncIterator[ChatRig]:
    """Run the desk on a folder until the block ends, then stop it as SIGTERM does; ``beside`` are further surroundings."""
    settings = settings_for(folder, box, **groups)
    database = folder / "sortie.db"
    if not database.exists():
        folder.mkdir(parents=True, exist_ok=True)
        database.write_bytes(empty_database())
    market = HandMarket(box.clock)
    unproven: list[str] = []
    watched = witnessed(settings.database_url, unproven)
    outside = Surroundings(market=market, clock=box.clock, venue=watched, charts=charts, **beside)
    graph = build_graph(settings, box.token, "test:1", outside)
    rig = ChatRig(world=box.world, graph=graph, market=market, clock=box.clock, folder=folder)
    box.world.watch(rig.hear)
    with one_thread(), pytest.MonkeyPatch.context() as patch:
        # A busy machine takes longer over a tap than a person waits, and the words would come as a message.
        patch.setattr(request, "TAP_ANSWERED_S", PATIENCE_S)
        try:
            await start(graph)
            yield rig
            assert not unproven, unproven
        finally:
            await shut_down(graph)


@asynccontextmanager
async def desk_in_chat(folder: Path, **groups: Any) -> AsyncIterator[ChatRig]:
    """Serve a sandbox and run a desk in it, both fresh."""
    async with sandboxed() as box, chat_desk(folder, box, **groups) as rig:
        yield rig
