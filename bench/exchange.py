"""A tap that fires at an exchange through ccxt, beside the least that could be called the same: a bot that sends an order.

Many instruments are played, so that many taps of one account can fire one after the other. A tap's time ends, for the desk as
for the floor, when the sandbox's exchange has the order, by its own record.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from functools import partial
from itertools import cycle, islice
from pathlib import Path

from bench.chat import FIRST_BAR, Account, Chat, sandbox
from bench.desk import Desk, desk, settings_for
from bench.figures import Figure, Measured, middle, spread
from bench.load import post_at_rate
from bench.plan import Plan
from bench.programs import BenchError, running
from bench.stand import SETTINGS, acts_of, keep_offers_in_group, open_missions, open_previews
from services.domain.orders import client_id

# The exchange weighs what is read of an account, and an instrument's trades are read for a while after an order there:
# taps that came faster would wait for that budget, in which a bare bot has no share.
RATE = 0.125
WARM_UP = 2
TRADERS = 8
BALANCE = Decimal(1_000_000)
BARS = FIRST_BAR + 400
BAR_S = 60
EVERY_S = 0.1
LONGEST_S = 60.0
_ENTRIES = """
SELECT t.mission_id, t.person_id, i.id
FROM trades t JOIN instructions i ON i.trade_id = t.id AND i.purpose = 'entry'
"""


async def measure(plan: Plan, folder: Path) -> Measured:
    """Measure the floor, the desk, and the floor once more, so that a slow spell of the machine meets both."""
    market = await asyncio.to_thread(_candles, folder, plan.instruments)
    taps = plan.instruments - WARM_UP
    before = await _floor(folder / "floor-1", market, taps)
    fired = await _fire(folder / "desk", market, taps)
    after = await _floor(folder / "floor-2", market, taps)
    floor = [*before, *after]
    figures = [
        Figure(
            name=f"Tap to order through ccxt, {name} of {taps}",
            value=of(fired),
            unit="ms",
            floor=of(floor),
            floor_is="echo bot, one full commit, one create_order",
        )
        for name, of in (("median", middle), ("slowest", max))
    ]
    return Measured(figures=figures, details={"fired_ms": spread(fired), "floor_ms": [spread(before), spread(after)]})


async def _fire(folder: Path, market: Sequence[str], count: int) -> list[float]:
    async with sandbox(folder, limits=False, market=market) as chat:
        traders = await chat.add_people(TRADERS)
        prices = await chat.prices()
        settings = settings_for(chat, folder, traders, SETTINGS)
        account = await chat.open_account(BALANCE)
        settings["venues"]["binance"] |= {"api_key": account.key, "secret": account.secret}
        settings["terminals"] = {"main": {"venue": "binance"}}
        settings["market"]["instruments"] = [f"{symbol.removesuffix('USDT')}/USDT" for symbol in sorted(prices)]
        async with desk(folder, settings) as running_desk:
            keep_offers_in_group(running_desk.state, traders)
            missions = await open_missions(chat, running_desk, traders[0], ["long"])
            taps = await open_previews(chat, running_desk, list(zip(cycle(traders), missions, strict=False)))
            warm_up = taps[: len(taps) - count]
            await post_at_rate(acts_of(chat, warm_up), RATE)
            await _arrived(chat, partial(_names, running_desk), len(warm_up))
            measured = taps[len(warm_up) :]
            posted = await post_at_rate(acts_of(chat, measured), RATE)
            arrived = await _arrived(chat, partial(_names, running_desk), len(taps))
    return [(arrived[tap.mission] - post.at) * 1000 for tap, post in zip(measured, posted, strict=True)]


def _names(running_desk: Desk) -> Mapping[str, str]:
    """Return the client id of each mission's entry."""
    return {row["mission_id"]: client_id(row["id"], 0) for row in running_desk.rows(_ENTRIES)}


async def _floor(folder: Path, market: Sequence[str], count: int) -> list[float]:
    async with sandbox(folder, limits=False, market=market) as chat:
        people = await chat.add_people(TRADERS)
        symbol = f"{min(await chat.prices()).removesuffix('USDT')}/USDT"
        account = await chat.open_account(BALANCE)
        command = ["-m", "bench.floors.order_bot", chat.url, str(folder / "taps.db"), symbol]
        async with running("floor", command, folder, **_secrets(chat, account)) as program:
            await chat.until_polled(program)
            messages = {person: await chat.say(person, "hello") for person in people}
            await chat.until_polled(program)
            acts = [
                partial(chat.press, person, person, messages[person], "tap")
                for person in islice(cycle(people), WARM_UP + count)
            ]
            first = await post_at_rate(acts[:WARM_UP], RATE)
            await _arrived(chat, lambda: {post.answer: f"tap{post.answer}" for post in first}, WARM_UP)
            posted = await post_at_rate(acts[WARM_UP:], RATE)
            arrived = await _arrived(chat, lambda: {post.answer: f"tap{post.answer}" for post in posted}, count)
    return [(arrived[post.answer] - post.at) * 1000 for post in posted]


def _secrets(chat: Chat, account: Account) -> dict[str, str]:
    return {"ECHO_TOKEN": chat.token, "ORDER_KEY": account.key, "ORDER_SECRET": account.secret}


async def _arrived(chat: Chat, names: Callable[[], Mapping[str, str]], count: int) -> Mapping[str, float]:
    """Wait until the exchange has so many of these orders; return when it had each, by what it belongs to."""
    end = time.monotonic() + LONGEST_S
    while True:
        writes, wanted = await chat.order_writes(), names()
        found = {owner: writes[name] for owner, name in wanted.items() if name in writes}
        if len(found) >= count:
            return found
        if time.monotonic() > end:
            raise BenchError(f"{len(found)} of {count} orders reached the exchange within {LONGEST_S:g} s")
        await asyncio.sleep(EVERY_S)


def _candles(folder: Path, count: int) -> list[str]:
    """Write quiet random walks of so many instruments and return the sandbox's flags that play them."""
    folder.mkdir(parents=True, exist_ok=True)
    chance = random.Random(count)
    files = []
    for number in range(count):
        file = folder / f"C{number:02d}USDT-1m.csv"
        rows, price = ["timestamp,open,high,low,close,volume"], 100.0
        for index in range(BARS):
            opening, price = price, max(50.0, price + chance.gauss(0, 0.05))
            high, low = max(opening, price) + 0.02, min(opening, price) - 0.02
            rows.append(f"{1_700_000_000 + index * BAR_S},{opening:.2f},{high:.2f},{low:.2f},{price:.2f},{50_000:.3f}")
        file.write_text("\n".join(rows) + "\n", encoding="utf-8")
        files.append(str(file))
    return ["--candles", *files]
