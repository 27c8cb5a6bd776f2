"""The owner of background tasks: nothing outlives its end."""

from __future__ import annotations

import asyncio

from bot.nursery import TaskNursery


async def test_the_end_reaches_a_stage_that_lost_its_first_cancellation() -> None:
    nursery, heard = TaskNursery(), asyncio.Event()

    async def deaf_once() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            heard.set()
        await asyncio.Event().wait()

    nursery.stage("deaf", deaf_once)
    await asyncio.sleep(0)
    async with asyncio.timeout(40):
        await nursery.close()

    assert heard.is_set()


async def test_stage_that_is_restarted_while_it_pauses_after_a_crash_runs_again() -> None:
    nursery, began = TaskNursery(), asyncio.Queue[None]()

    async def crash() -> None:
        began.put_nowait(None)
        raise ValueError("once more")

    nursery.stage("resolve", crash)
    await began.get()
    await asyncio.sleep(0)
    nursery.restart("resolve")

    await asyncio.wait_for(began.get(), 40)
    nursery.restart("resolve")
    await asyncio.wait_for(began.get(), 40)
    await nursery.close()
