"""The ticker: never two at once, one catch-up after a block, nothing dropped for being late."""

from __future__ import annotations

import asyncio
import time
from functools import partial

import pytest
from structlog.testing import CapturingLogger

from bot import scheduler
from bot.scheduler import Ticker


async def test_a_tick_that_blocks_ten_intervals_is_caught_up_by_one_run() -> None:
    ticker, runs, at_once, most = Ticker(), 0, 0, 0
    release = asyncio.Event()

    async def tick() -> None:
        nonlocal runs, at_once, most
        runs += 1
        at_once += 1
        most = max(most, at_once)
        if runs == 1:
            await release.wait()
        at_once -= 1

    ticker.every(0.05, "slow", tick)
    ticker.start()
    await asyncio.sleep(0.5)
    blocked = runs
    release.set()
    while runs < 3:
        await asyncio.sleep(0.01)
    ticker.stop()

    assert blocked == 1
    assert most == 1


async def test_a_process_that_stood_still_runs_each_missed_tick_once() -> None:
    ticker, runs = Ticker(), 0

    async def tick() -> None:
        nonlocal runs
        runs += 1

    ticker.every(1, "duty", tick)
    ticker.start()
    await asyncio.sleep(0.02)
    before = runs
    # What SIGSTOP does to the loop: it stands still for many intervals, far beyond any default grace.
    time.sleep(3)  # noqa: ASYNC251
    while runs == before:
        await asyncio.sleep(0)
    caught_up = runs
    ticker.stop()

    assert before == 1
    assert caught_up == 2


async def test_a_failing_tick_is_called_again() -> None:
    ticker, runs = Ticker(), 0

    async def tick() -> None:
        nonlocal runs
        runs += 1
        raise RuntimeError("planted")

    ticker.every(0.03, "failing", tick)
    ticker.start()
    while runs < 3:
        await asyncio.sleep(0.01)
    ticker.stop()

    assert runs >= 3


async def test_hurry_runs_a_tick_now() -> None:
    ticker, done = Ticker(), asyncio.Event()
    runs = 0

    async def tick() -> None:
        nonlocal runs
        runs += 1
        if runs == 2:
            done.set()

    ticker.every(3600, "scan", tick)
    ticker.start()
    await asyncio.sleep(0.05)
    ticker.hurry("scan")
    await asyncio.wait_for(done.wait(), 2)
    ticker.stop()

    assert runs == 2


class Look:
    """A use case: called with what it is about, and awaited."""

    def __init__(self) -> None:
        self.done = asyncio.Event()

    async def __call__(self, what: str) -> None:
        assert what == "now"
        self.done.set()


async def test_a_use_case_with_its_arguments_is_awaited_like_a_function() -> None:
    ticker, look = Ticker(), Look()

    ticker.every(3600, "look", partial(look, "now"))
    ticker.start()
    await asyncio.wait_for(look.done.wait(), 40)
    ticker.stop()


async def test_a_tick_that_the_end_cuts_off_is_no_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    ticker, began, said = Ticker(), asyncio.Event(), CapturingLogger()
    monkeypatch.setattr(scheduler, "log", said)

    async def tick() -> None:
        began.set()
        await asyncio.Event().wait()

    ticker.every(1, "cut", tick)
    ticker.start()
    await began.wait()
    ticker.stop()
    while not said.calls:
        await asyncio.sleep(0)

    assert [(call.method_name, call.args) for call in said.calls] == [("info", ("tick.interrupted",))]
