"""The whole desk in time that leaps: the real start, stages, ticks, intake and sender, with the chat at the end of a line."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from sqlalchemy import select

from bot.graph import Graph, build_graph
from bot.lifecycle import start
from bot.logging import close_logging, configure_logging
from bot.surroundings import Surroundings
from bot.wiring import Trading
from config.settings import Settings
from services.charts.spec import PictureSpec
from services.domain.errors import Unavailable
from services.domain.money import Price
from services.domain.notices import Priority
from services.domain.people import Actor
from services.domain.signals import Mission, Side, Signal, targets_of
from services.domain.states import TradeState
from services.storage import kills, missions, outbox
from services.storage.database import Unit
from services.storage.tables import instructions, trades, updates
from tests.chat.market import HandMarket
from tests.chat.rig import ANN, BOT_ID, CARL, CORA, GROUP, OLGA, TOM
from tests.crash.audit import UNSETTLED
from tests.crash.chatline import DeskLine
from tests.crash.leaping import DrawnIds, LeapingClock, LeapingLoop, LeapingTicker
from tests.crash.witness import Witness

PID = 4242
LOOK_EVERY_S = 0.1
PATIENCE_S = 60.0
# Longer than the pause between two looks at a venue.
QUIET_LOOKS = 14
PASSING = (TradeState.CLOSING,)
CALM = ("63999.99", "64000.01")

Ask = Callable[[tuple[Any, ...]], Any]


def settings_at(folder: Path, token: str) -> Settings:
    """Return settings with everybody in their roles; what only costs time here is far apart or off."""
    group = str(GROUP)
    return Settings(
        desk={"state_dir": folder},
        telegram={
            "token": token,
            "api_base": "http://127.0.0.1:9",
            "poll_timeout_s": 50,
            "chat_per_minute": 6000,
            "group_per_minute": 6000,
            "messages_per_second": 900,
        },
        people={"commanders": (CARL, CORA), "traders": (ANN, TOM), "observers": (OLGA,)},
        chats={"missions": group, "fills": group, "risk": group, "digest": group},
        market={"instruments": ("BTC/USDT",), "quote_every_s": 1.0},
        paper={"latency_ms": 0, "slippage_bps": "0"},
        # Only the largest size that is offered asks a second person.
        approvals={"trade_loss": "80"},
        backup={"enabled": False, "rolling_s": 0},
    )


def token_of(chance: random.Random) -> str:
    """Return something of the shape of a bot's token that is nobody's."""
    return f"{BOT_ID}:" + "".join(chance.choices("abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ", k=35))


class NoPictures:
    """Draws nothing, as where the renderer is missing: cards come as text."""

    async def png(self, _spec: PictureSpec) -> bytes:
        raise Unavailable("CHART")

    async def close(self) -> None:
        return


@dataclass
class WholeDesk:
    """One run of the desk: what people do at its chat, the market in front of it, and its time."""

    graph: Graph
    line: DeskLine
    market: HandMarket
    folder: Path

    @property
    def trading(self) -> Trading:
        return self.graph.trading

    @property
    def settings(self) -> Settings:
        return self.graph.settings

    async def read(self, body: Callable[[Unit], Any]) -> Any:
        return await self.trading.database.read(body)

    async def until(self, what: Callable[[], Any], why: str) -> None:
        """Wait until ``what`` returns something."""
        loop = asyncio.get_running_loop()
        end = loop.time() + PATIENCE_S
        while loop.time() < end:
            found = what()
            if isinstance(found, Awaitable):
                found = await found
            if found:
                return
            await asyncio.sleep(LOOK_EVERY_S)
        raise AssertionError(f"never came: {why}\n{self.line.request('transcript')[-3000:]}")

    async def sees(self, person: int, words: str, chat: int | None = None) -> None:
        """Wait until somebody reads the words in a chat."""
        await self.until(lambda: any(words in text for text in self.line.texts(person, chat)), f"{words!r} for {person}")

    async def press(self, person: int, label: str, chat: int | None = None) -> None:
        """Press the newest button with a label, once it is there."""
        await self.until(lambda: self.line.press(person, label, chat), f"[{label}] for {person}")

    async def rest(self) -> None:
        """Wait until nothing is under way any more, twice in a row."""
        calm = 0

        async def quiet() -> bool:
            nonlocal calm
            busy = self.line.request("pending") or await self.read(_under_way)
            calm = 0 if busy else calm + 1
            return calm > QUIET_LOOKS

        await self.until(quiet, "the desk at rest")

    async def mission(self) -> Mission:
        """Let a strategy call, as if a candle had just closed."""
        signal = self._signal(self.graph.clock.now())

        def body(unit: Unit) -> Mission:
            missions.add_signal(unit, signal, None)
            return self.trading.offer.open(unit, Actor.job("scan", "test"), signal)

        opened: Mission = await self.trading.database.write(body)
        return opened

    def _signal(self, now: datetime) -> Signal:
        return Signal(
            id=self.graph.ids.row(),
            source="strategy:trend@1.0",
            symbol="BTC/USDT",
            timeframe="1m",
            side=Side.LONG,
            entry_low=Price(Decimal(63900)),
            entry_high=Price(Decimal(64100)),
            stop=Price(Decimal(63000)),
            targets=targets_of([Price(Decimal(66000)), Price(Decimal(67500))]),
            score=70,
            score_parts={"setup": 40, "regime": 30},
            created_at=now,
            expires_at=now + timedelta(seconds=600),
            candle_time=now,
            reason="EMA 9 over 21",
        )

    async def price(self, bid: str, ask: str) -> None:
        """Move the market, and wait until the desk has read it."""
        self.market.prices["BTC/USDT"] = (bid, ask)

        def seen() -> bool:
            quote = self.trading.quotes.latest("BTC/USDT")
            return quote is not None and str(quote.bid) == bid

        await self.until(seen, f"the price {bid}")


def _under_way(unit: Unit) -> list[str]:
    """Return what has no end yet; prices alone refresh cards, and a card that was shown may wait for its next price."""
    cards = [card.key for card in outbox.stale_cards(unit, 50) if card.priority is not Priority.BULK or not card.message_id]
    notices = [f"notice {notice.id}" for notice in outbox.pending_notices(unit, 50)]
    unsettled = instructions.c.state.in_([state.value for state in UNSETTLED])
    waiting = [row.id for row in unit.all(select(instructions.c.id).where(unsettled))]
    live = trades.c.state.in_([state.value for state in PASSING])
    passing = [row.id for row in unit.all(select(trades.c.id).where(live))]
    received = [str(row.update_id) for row in unit.all(select(updates.c.update_id).where(updates.c.state == "received"))]
    kill = kills.working(unit)
    return cards + notices + waiting + passing + received + ([f"kill {kill.id}"] if kill is not None else [])


def in_leaping_time(work: Callable[[LeapingLoop], Awaitable[Any]]) -> Any:
    """Run a coroutine to its end in a loop of its own whose time leaps."""
    loop = LeapingLoop()

    async def main() -> Any:
        return await work(loop)

    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        return runner.run(main())


@asynccontextmanager
async def built_desk(folder: Path, loop: LeapingLoop, ask: Ask, since: datetime, token: str) -> AsyncIterator[WholeDesk]:
    """Put a desk together on a folder, not started; what it leaves running is ended as a power cut would, without a word."""
    settings = settings_at(folder, token)
    configure_logging(settings, console=False)
    clock = LeapingClock(loop, since)
    line, market = DeskLine(ask, clock.now), HandMarket(clock)  # type: ignore[arg-type]
    surroundings = Surroundings(
        clock=clock,
        ids=DrawnIds(clock, since.isoformat()),
        chance=random.Random(since.isoformat()).random,
        pid=PID,
        ticker=LeapingTicker,
        charts=NoPictures,
        session=line.session,
        line=line.polling,
        market=market,
        venue=lambda venue: Witness(venue, folder),
    )
    graph = build_graph(settings, token, f"crash:{PID}", surroundings)
    try:
        yield WholeDesk(graph=graph, line=line, market=market, folder=folder)
    finally:
        graph.ticker.stop()
        await graph.close()
        close_logging()


async def started(desk: WholeDesk) -> None:
    """Start the desk as the command does."""
    await start(desk.graph)
