"""Two processes on one desk: the second is refused, and an owner that was frozen while another took over does nothing more."""

from __future__ import annotations

import asyncio
import re
import sqlite3
import sys
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import func, select

from services.storage import desk, tables
from services.storage.database import Unit
from tests.kills.desk_process import DeskProcess
from tests.kills.world import ANN, World, world

pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="processes are frozen where the system has signals"),
    pytest.mark.timeout(240),
]


async def test_the_second_is_refused_and_a_frozen_owner_that_was_replaced_ends_without_a_claim(tmp_path: Path) -> None:
    async with world(tmp_path, 3) as around:
        first = around.desk
        await first.start()
        await first.ready()

        refused = around.another({"PYTHONPROFILEIMPORTTIME": "1"})
        await refused.start()
        assert await refused.ended() == 3
        said = refused.log.read_text()
        assert f'"pid": {first.pid}' in said
        # It is refused before it has loaded what a desk needs, which takes seconds.
        assert re.search(r"\|\s+sqlalchemy\n", said)
        assert not re.search(r"\|\s+(aiogram|ccxt|numpy)\n", said)

        await around.page.say(ANN, ANN, "/status")
        await freeze_between_writes(first)
        # What keeps the second out is the lock; it is lost here as on a file system that forgets it.
        (first.reading.state / "run.lock").unlink()
        second = around.another({})
        await second.start()
        await second.ready()
        try:
            taken = await claimed(second)
            first.thaw()
            assert await first.ended() == 3
            assert f'"pid": {second.pid}' in first.log.read_text()
            assert await claimed(second) == taken

            ready = second.reading.ready()
            assert ready is not None and ready.pid == second.pid
            await heard(around, "/whoami", "ann-exchange")
            assert "stops now" not in await around.page.transcript(ANN)
            assert await second.stop() == 0
        finally:
            await second.close()


async def freeze_between_writes(first: DeskProcess) -> None:
    """Freeze the desk where it holds neither database: what it holds, no other can take over, which is the point of it."""
    files = [first.reading.state / name for name in ("sortie.db", "paper.db")]
    while True:
        first.freeze()
        if all(is_free(file) for file in files):
            return
        first.thaw()
        await asyncio.sleep(0.1)


def is_free(file: Path) -> bool:
    with closing(sqlite3.connect(file, timeout=0, isolation_level=None)) as connection:
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            return False
        connection.execute("ROLLBACK")
        return True


async def claimed(second: DeskProcess) -> tuple[int, int]:
    """Return the executor's epoch, and how many instructions were claimed under an earlier one."""

    def body(unit: Unit) -> tuple[int, int]:
        lease = desk.holder(unit, "executor")
        assert lease is not None
        former = select(func.count().label("n")).where(tables.instructions.c.epoch < lease.epoch)
        return lease.epoch, int(unit.first(former).n)

    found = await asyncio.to_thread(partial(second.reading.read, body))
    assert found is not None
    return found


async def heard(around: World, question: str, words: str) -> None:
    """Ask as Ann and wait for the words."""
    asked = await around.page.say(ANN, ANN, question)
    for _ in range(400):
        messages = await around.page.messages(ANN, ANN)
        if any(message.message_id > asked and words in message.text for message in messages):
            return
        await asyncio.sleep(0.1)
    raise AssertionError(f"{words!r} never came")
