"""`sortie halt` as a process of its own: past a real desk that is frozen, then in the place of one that was killed."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from decimal import Decimal
from pathlib import Path

import pytest

from bot.demo.sandbox_client import ChatMessage
from services.operations.venue_book import VenueBook
from tests.kills.world import ANN, World, world
from tests.process.test_takeover import freeze_between_writes, is_free

pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="processes are frozen where the system has signals"),
    pytest.mark.timeout(240),
]
WAIT_S = 40.0


async def test_entries_go_past_a_frozen_desk_and_positions_after_it_was_killed(tmp_path: Path) -> None:
    async with world(tmp_path, 5) as around:
        await around.desk.start()
        await around.desk.ready()
        held, waiting = list(await around.page.mids())[:2]
        await enter(around, held, "")
        await until(lambda: holds(around, positions=1, exits=True))
        await enter(around, waiting, "rest {price}")
        await until(lambda: holds(around, entries=1))

        await freeze_between_writes(around.desk)
        code, said = await sortie(around, "halt", "--cancel", "the desk does not answer")
        assert (code, "ann-exchange: entries cancelled: 1" in said, f"kill -9 {around.desk.pid}" in said) == (1, True, True), (
            said
        )
        assert await holds(around, entries=0, positions=1, exits=True)

        await around.desk.kill()
        code, said = await sortie(around, "halt", "--flatten", "and now all of it")
        assert (code, "done: no entry is left, and no position" in said) == (0, True), said
        assert await holds(around, entries=0, positions=0, exits=False)
        code, said = await sortie(around, "verify")
        assert "FAIL" not in said and code == 0, said


async def freeze(around: World) -> None:
    """Freeze the desk where it holds its database free: a signal takes a moment to arrive, so that is looked at twice."""
    while True:
        await freeze_between_writes(around.desk)
        await asyncio.sleep(0.1)
        if is_free(around.desk.reading.state / "sortie.db"):
            return
        around.desk.thaw()


async def enter(around: World, symbol: str, how: str) -> None:
    """Call a long as Ann, choose how to enter, and confirm."""
    mid, name = (await around.page.mids())[symbol], symbol.replace("/", "")
    stop, target, price = (f"{mid * Decimal(share):.6g}" for share in ("0.97", "1.05", "0.99"))
    asked = await around.page.say(ANN, ANN, f"/call {name} long sl {stop} tp {target}")
    message = await preview(around, lambda each: each.message_id > asked)
    if how:
        await around.page.say(ANN, ANN, f"/fire {how.format(price=price)}")
        message = await preview(around, lambda each: price in each.text.replace(",", ""))
    found = message.button("Confirm")
    assert found is not None and found.data is not None
    await around.page.press(ANN, ANN, message.message_id, found.data)


async def preview(around: World, fits: Callable[[ChatMessage], bool]) -> ChatMessage:
    """Wait for the preview that answers Ann, or that was changed as she asked."""
    found: list[ChatMessage] = []

    async def look() -> bool:
        messages = await around.page.messages(ANN, ANN)
        found[:] = [each for each in messages if each.button("Confirm") and fits(each)]
        return bool(found)

    await until(look)
    return found[-1]


async def holds(around: World, *, entries: int = 0, positions: int | None = None, exits: bool | None = None) -> bool:
    """Tell whether the exchange has so many open entries and positions, and whether exits work there."""
    book: VenueBook = await around.exchange_book()
    live = [order for order in book.orders if order.live]
    selling = any(order.side.value == "sell" for order in live)
    return (
        sum(order.side.value == "buy" for order in live) == entries
        and (positions is None or len([each for each in book.positions.values() if each > Decimal("0.0001")]) == positions)
        and (exits is None or selling == exits)
    )


async def until(look: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(WAIT_S):
        while not await look():
            await asyncio.sleep(0.1)


async def sortie(around: World, *arguments: str) -> tuple[int, str]:
    """Run a command on the desk's settings; return its exit code and all that it said."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "bot",
        *arguments,
        env=dict(around.environment),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, said.decode()
