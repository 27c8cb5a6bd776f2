"""The floors under load: taps and messages to a bare aiogram bot on the same sandbox."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from itertools import cycle, islice
from pathlib import Path

from bench.chat import CallLog, Chat, following, sandbox
from bench.load import post_at_rate
from bench.programs import Program, running
from bench.reads import Reads, measure_reads
from bench.settling import until_calls

PEOPLE = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Echo:
    """What the bare bot did: milliseconds from tap to answer by rate, and reads."""

    tap_ms: Mapping[int, Sequence[float]]
    reads: Reads


async def measure_echo(folder: Path, taps: Mapping[int, int], reads: int, texts: Sequence[str]) -> Echo:
    """Tap at each rate (``taps``: how many by rate), then write messages as fast as the bot answers them."""
    async with sandbox(folder, limits=False) as chat:
        people = await chat.add_people(PEOPLE)
        async with _bot(chat, folder) as program:
            await chat.until_polled(program)
            messages = {person: await chat.say(person, "hello") for person in people}
            await chat.until_polled(program)
            await _tap(chat, messages, rate=min(taps), count=min(taps))
            tap_ms = {rate: await _tap(chat, messages, rate=rate, count=count) for rate, count in taps.items()}
            done = await measure_reads(chat, program, people, texts, reads)
    return Echo(tap_ms=tap_ms, reads=done)


@asynccontextmanager
async def _bot(chat: Chat, folder: Path) -> AsyncIterator[Program]:
    command = ["-m", "bench.floors.echo_bot", chat.url, str(folder / "echo.db")]
    async with running("echo", command, folder, ECHO_TOKEN=chat.token) as program:
        yield program


async def _tap(chat: Chat, messages: Mapping[int, int], *, rate: int, count: int) -> list[float]:
    """Press at a rate and return how long each took until the server had the bot's answer, in milliseconds."""
    acts = [partial(chat.press, person, person, messages[person], "tap") for person in islice(cycle(messages), count)]
    async with following(chat) as log:
        posted = await post_at_rate(acts, rate)
        answered = await answers(log, count)
    return [(answered[each.answer] - each.at) * 1000 for each in posted]


async def answers(log: CallLog, count: int) -> dict[str, float]:
    """Wait for so many answered taps; return when the server had each answer, by callback query id."""
    calls = await until_calls(log, "answerCallbackQuery", count)
    return {str(call.parameters["callback_query_id"]): call.at for call in calls}
