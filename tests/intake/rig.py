"""A desk that takes alerts: real use cases, database and port; prices, candles, time and senders are the test's."""

from __future__ import annotations

import asyncio
import json
import math
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
from sqlalchemy import func, select

from bot.metrics import Meters
from bot.monitoring import Monitoring
from bot.sources_wiring import Senders, build_senders
from bot.system import StageWakeups, SystemIds
from bot.wiring import Outside
from handlers.web.signals import KEY, NONCE, SIGNALS, SIGNATURE, SOURCE, TIMESTAMP, answer_of, delivery_of
from services.domain.market import Candle, CandleSeries
from services.domain.people import Actor
from services.operations.stages import Stages
from services.operations.tallies import Tallies
from services.signals.intake_auth import Purpose, sign
from services.storage import tables
from tests.trading.rig import BTC, HandClock, NoBeats, Rig, desk_at
from tests.web.conftest import free_port

SHELL = Actor(kind="shell", id=0, name="shell", channel="shell", correlation="test")
GOOD: dict[str, Any] = {"symbol": "BTCUSDT", "side": "buy", "stop": 63000, "targets": [65000, 66000], "comment": "a level held"}
BARS = 400


@dataclass(frozen=True)
class Sender:
    """A source as the one who sends knows it."""

    name: str
    secret: str


@dataclass
class Answer:
    """What came back."""

    status: int
    text: str
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def code(self) -> str:
        return str(json.loads(self.text).get("code", ""))

    @property
    def told(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.text)
        return found


@dataclass
class IntakeRig:
    """The desk, what takes its alerts, and a client that speaks to its port."""

    desk: Rig
    senders: Senders
    monitoring: Monitoring
    session: aiohttp.ClientSession
    candles: list[Candle]

    @property
    def clock(self) -> HandClock:
        return self.desk.clock

    @property
    def url(self) -> str:
        assert self.monitoring.web is not None
        return f"http://127.0.0.1:{self.monitoring.web.port}"

    async def source(self, name: str = "tv", *, plain: bool = False) -> Sender:
        made = await self.senders.acts.add(SHELL, name, plain=plain)
        return Sender(name, made.secret)

    def signed(
        self, sender: Sender, body: bytes, *, key: str = "", purpose: Purpose = Purpose.SIGNAL, ago: float = 0
    ) -> dict[str, str]:
        """Return the headers of a signed request, made ``ago`` seconds ago."""
        timestamp, nonce = str(int(self.clock.now().timestamp() - ago)), secrets.token_hex(8)
        signature = sign(sender.secret, purpose, timestamp, nonce, key, body)
        headers = {SOURCE: sender.name, TIMESTAMP: timestamp, NONCE: nonce, SIGNATURE: signature}
        return headers | ({KEY: key} if key else {})

    async def post(self, body: bytes, headers: dict[str, str] | None = None, path: str = SIGNALS) -> Answer:
        """Post bytes to the port."""
        async with self.session.post(self.url + path, data=body, headers=headers or {}) as answer:
            return Answer(answer.status, await answer.text(), dict(answer.headers))

    async def send(self, sender: Sender, alert: dict[str, Any] | bytes, *, key: str = "", ago: float = 0) -> Answer:
        """Sign an alert and post it."""
        body = alert if isinstance(alert, bytes) else json.dumps(alert).encode()
        return await self.post(body, self.signed(sender, body, key=key, ago=ago))

    async def hand_over(self, body: bytes, headers: dict[str, str], path: str = SIGNALS) -> Answer:
        """Hand a request to the desk as the port does, without a connection."""
        answer = answer_of(await self.senders.receive(delivery_of(path, headers, body)))
        return Answer(answer.status, answer.body.decode())

    async def raw(self, text: bytes) -> bytes:
        """Send bytes as they are and return everything that comes back."""
        assert self.monitoring.web is not None
        reader, writer = await asyncio.open_connection("127.0.0.1", self.monitoring.web.port)
        writer.write(text)
        await writer.drain()
        answer = await asyncio.wait_for(reader.read(), 40)
        writer.close()
        return answer

    async def work(self) -> None:
        """Judge what was let in and offer what passes."""
        await self.senders.work()
        await self.desk.trading.offer(Actor.job("missions", "test"))

    def candle(self, low: float, high: float, close: float) -> None:
        """Let a minute pass, with a candle of this range at its end."""
        last = self.candles[-1]
        self.candles.append(
            Candle(
                time=last.time + timedelta(minutes=1),
                open=last.close,
                high=max(high, last.close, close),
                low=min(low, last.close, close),
                close=close,
                volume=10.0,
            )
        )
        self.clock.advance(60)
        self.desk.quote(f"{close - 0.01:.2f}", f"{close + 0.01:.2f}")

    async def rows(self, table: Any) -> list[Any]:
        found: list[Any] = await self.desk.read(lambda unit: unit.all(select(table)))
        return list(found)

    async def count(self, table: Any) -> int:
        found: int = await self.desk.read(lambda unit: unit.first(select(func.count().label("n")).select_from(table)).n)
        return found

    async def everything(self) -> dict[str, int]:
        """Return how many rows each table has."""
        return {name: await self.count(table) for name, table in tables.metadata.tables.items()}


def walk(clock: HandClock) -> list[Candle]:
    """Return closed one-minute candles that end now, in a mild wave around 64,000."""
    begin = clock.now().replace(second=0, microsecond=0) - timedelta(minutes=BARS)
    closes = [64_000 + 80 * math.sin(n / 25) for n in range(BARS)]
    return [
        Candle(time=begin + timedelta(minutes=n), open=c - 5, high=c + 30, low=c - 30, close=c, volume=10 + n % 7)
        for n, c in enumerate(closes)
    ]


@asynccontextmanager
async def intake_at(folder: Path, *, people_too: bool = True, **groups: Any) -> AsyncIterator[IntakeRig]:
    """Open a desk that takes alerts on a folder; the same folder again, without ``people_too``, is a restart."""
    signals = {"min_score": 0, "cooldown_s": 1, **groups.pop("signals", {})}
    port = {"port": free_port(), "per_minute": 100_000}
    clock = groups.pop("clock", None) or HandClock()
    async with desk_at(folder, clock=clock, people_too=people_too, signals=signals, web=port, **groups) as desk:
        candles = walk(clock)
        series = CandleSeries(instrument=BTC, timeframe="1m", candles=candles)
        outside = Outside(
            clock=clock,
            ids=SystemIds(),
            wakeups=StageWakeups(),
            nursery=desk.nursery,
            beats=NoBeats(),
            market=None,  # type: ignore[arg-type]
            lease=lambda: desk.lease,
            series=lambda symbol: series if symbol == BTC.symbol else None,
        )
        trading = desk.trading
        senders = build_senders(desk.settings, outside, trading.database, trading.quotes)
        tallies = Tallies()
        meters = Meters(tallies.add)
        monitoring = Monitoring(
            desk.settings, meters, tallies, trading.database, Stages(clock), clock, outside.ids, senders.receive
        )
        await monitoring.open()
        try:
            async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=40)) as session:
                yield IntakeRig(desk, senders, monitoring, session, candles)
        finally:
            await monitoring.close()
