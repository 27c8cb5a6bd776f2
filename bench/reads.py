"""How many reads a bot answers in a second.

The messages are written while the bot's next batch of updates is held back, so that neither the writer nor the rate of
writing is part of the figure: it is the number of answers over the time from the first to the last.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle, islice

from bench.chat import Chat, following
from bench.programs import BenchError, Program
from bench.settling import until_calls

AT_ONCE = 8
HOLD_S = 1.0
HOLD_PER_MESSAGE_S = 0.006


@dataclass(frozen=True, slots=True, kw_only=True)
class Reads:
    """What the bot answered: how many a second, and its CPU time for each."""

    per_second: float
    cpu_ms: float
    count: int


async def measure_reads(chat: Chat, program: Program, people: Sequence[int], texts: Sequence[str], count: int) -> Reads:
    """Let people write ``texts`` in turns and measure how fast the bot answers."""
    messages = list(islice(zip(cycle(people), cycle(texts), strict=False), count))
    async with following(chat) as log:
        hold_s = HOLD_S + HOLD_PER_MESSAGE_S * count
        await chat.hold_updates(hold_s)
        began = time.monotonic()
        # The first message ends the running poll, whose answer is then held back.
        for first in range(0, count, AT_ONCE):
            await asyncio.gather(*(chat.say(person, text) for person, text in messages[first : first + AT_ONCE]))
        left = hold_s - (time.monotonic() - began)
        if left < 0:
            raise BenchError(f"writing {count} messages took longer than the updates were held back ({hold_s:.1f} s)")
        await asyncio.sleep(left)
        cpu = program.cpu_s()
        calls = await until_calls(log, "sendMessage", count)
        cpu = program.cpu_s() - cpu
    times = [call.at for call in calls]
    return Reads(per_second=(len(times) - 1) / (max(times) - min(times)), cpu_ms=cpu / count * 1000, count=len(times))
