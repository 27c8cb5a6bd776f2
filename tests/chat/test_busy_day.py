"""A day with 400 missions: each chat hears of a few, of the rest on one silent card, and misses no fill and no stop.

Here a day passes in seconds, with everything that is said about it; the day with 926 is that of `tests/trading/test_quota.py`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import pytest_asyncio

from sandbox.telegram.messages import Message, shown_id
from services.storage import tables
from tests.chat.rig import ANN, GROUP, OLGA, TOM, ChatRig, desk_in_chat, text_of

SIGNALS = 400
EVERY = timedelta(days=1) / SIGNALS
AN_HOUR, A_DAY = 8, 25


async def calls(rig: ChatRig, count: int) -> None:
    """Let strategies call so often, evenly over the day; ten minutes later each call is over."""
    for _ in range(count):
        rig.clock.ahead += EVERY
        await rig.mission(lasts=600)


async def offered(rig: ChatRig, chat: int) -> tuple[list[datetime], int]:
    """Return when single missions were offered to a chat, and how many on grouped cards; none was left out or told twice."""
    rows = await rig.read(lambda unit: unit.all(tables.offers.select().where(tables.offers.c.chat_id == chat)))
    assert len({row.mission_id for row in rows}) == len(rows) == SIGNALS
    return [row.offered_at for row in rows if not row.grouped], sum(row.grouped for row in rows)


def most_within(times: list[datetime], span: timedelta) -> int:
    """Return how many at most came within a span."""
    return max(sum(start <= other < start + span for other in times) for start in times)


@pytest_asyncio.fixture
async def paced_desk(tmp_path: Path) -> AsyncIterator[ChatRig]:
    """A desk that keeps to rates, as one does that people use; the day is short, so four messages a second."""
    async with desk_in_chat(tmp_path, telegram={"chat_per_minute": 240, "group_per_minute": 240}) as rig:
        yield rig


def _tells(rig: ChatRig, gathered: list[Message], rest: int) -> bool:
    """Tell whether the gathered cards name so many missions; a silent card is refreshed when there is time for it."""
    return sum(int(text_of(rig.current(message)).split()[0]) for message in gathered) == rest


async def test_a_chat_is_not_flooded_and_no_fill_and_no_stop_is_lost(paced_desk: ChatRig) -> None:
    rig = paced_desk
    fired = await rig.trade(ANN)
    card = await rig.message(OLGA, "score 70", GROUP)
    await calls(rig, 170)
    await rig.forward(seconds=1)
    rig.price("62900.00", "62900.02")
    await rig.reads(fired, "closed by its stop")
    stopped = await rig.message(ANN, "result −", after=shown_id(fired))
    rig.price("63999.99", "64000.01")
    await calls(rig, 130)
    await rig.forward(seconds=1)
    await rig.say(TOM, "/fire")
    late = await rig.message(TOM, "good until")
    await rig.press(TOM, late, "Confirm")
    late = await rig.reads(late, "at the venue")
    await calls(rig, SIGNALS - 301)
    await rig.forward(seconds=1)
    rig.price("66100.00", "66100.02")
    await rig.reads(late, "TP1 done")
    await rig.settled()

    for person, chat in ((OLGA, GROUP), (ANN, ANN), (TOM, TOM)):
        times, rest = await offered(rig, chat)
        cards = [message for message in rig.seen(person, chat) if "score 70" in text_of(message)]
        gathered = [message for message in rig.seen(person, chat) if "more mission" in text_of(message)]
        assert most_within(times, timedelta(hours=1)) == AN_HOUR
        assert most_within(times, timedelta(days=1)) == A_DAY
        assert len(cards) == len(times) and rest == SIGNALS - len(times)
        assert 1 <= len(gathered) <= 2 and all(message.silent for message in gathered)
        await rig.until(partial(_tells, rig, gathered, rest), f"{rest} gathered in {chat}")
    assert stopped.reply_to == fired.message_id
    assert "Ann fired, closed" in text_of(rig.current(card))
    assert {row.state for row in await rig.read(lambda unit: unit.all(tables.notices.select()))} == {"sent"}
