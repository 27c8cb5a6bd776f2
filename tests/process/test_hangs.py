"""A full disk, a held database, an exchange and a chat that hang: told, and survived by one desk, which stays awake."""

from __future__ import annotations

import asyncio
import json
import re
import resource
import sqlite3
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.kills.desk_process import DeskProcess
from tests.kills.world import ANN, CARL, World, world
from tests.process.relay import Relay, relay_to

SOON_S = 60.0
LONGEST_HANDLER_MS = 15_000
pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="a limit is set on a running process, as Linux can"),
    pytest.mark.timeout(300),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Hung:
    """A desk between relays, and how people speak with it."""

    around: World
    desk: DeskProcess
    chat: Relay
    exchange: Relay

    async def ask(self, person: int, question: str) -> float:
        """Write for a person; return the message's number."""
        return await self.around.page.say(person, person, question)

    async def hears(self, person: int, words: str, after: float = 0) -> float:
        """Wait until a person sees the words; return the message's number."""
        found: list[float] = []

        async def look() -> bool:
            messages = await self.around.page.messages(person, person)
            found[:] = [each.message_id for each in messages if each.message_id > after and words in each.text]
            return bool(found)

        await until(look, f"{person} hears {words!r}")
        return found[-1]

    def events(self, name: str) -> list[dict[str, Any]]:
        """Return the desk's log lines of an event."""
        lines = (self.desk.reading.state / "logs" / "sortie.log").read_text(encoding="utf-8").splitlines()
        return [line for line in map(json.loads, lines) if line.get("event") == name]


async def until(look: Callable[[], Awaitable[bool]], what: str) -> None:
    """Wait for a condition."""
    for _ in range(round(SOON_S / 0.2)):
        if await look():
            return
        await asyncio.sleep(0.2)
    raise AssertionError(f"not within {SOON_S:g} s: {what}")


async def test_what_fails_and_what_hangs_is_told_and_survived_by_the_same_process(tmp_path: Path) -> None:
    async with world(tmp_path, 3) as around, relay_to(around.page.address) as chat, relay_to(around.page.address) as exchange:
        ways = {"SORTIE_TELEGRAM__API_BASE": chat.address, "SORTIE_VENUES__SANDBOX__BASE_URL": f"{exchange.address}/exchange"}
        desk = around.another({**ways, "SORTIE_DATABASE__BUSY_TIMEOUT_S": "1"})
        hung = Hung(around=around, desk=desk, chat=chat, exchange=exchange)
        await desk.start()
        try:
            await desk.ready()
            process = desk.pid
            # It takes a while until a feed is silent for too long; the disk and the database do not wait for that.
            exchange.hang()
            await a_full_disk(hung)
            await a_held_database(hung)
            await an_exchange_that_hangs(hung)
            await a_chat_that_hangs(hung)

            assert desk.pid == process
            handled = hung.events("update.handled")
            assert handled and max(int(each["ms"]) for each in handled) < LONGEST_HANDLER_MS
            assert not [hung.events(name) for name in ("job.crashed", "handler.failed") if hung.events(name)]
            assert await desk.stop() == 0
        finally:
            await desk.close()


async def a_full_disk(hung: Hung) -> None:
    """No write gets room: it is told without one, an entry is not made, and what was sent comes when there is room again."""
    with no_room(hung.desk):
        alert = await hung.hears(CARL, "DATABASE_UNWRITABLE")
        called = await hung.ask(ANN, "/halt while the disk is full")
        assert not await trades(hung.desk)
    await hung.hears(CARL, "stored again", after=alert)
    await hung.hears(ANN, "while the disk is full", after=called)


async def a_held_database(hung: Hung) -> None:
    """Another program holds the write lock for longer than anyone waits."""
    before = await hung.ask(CARL, "/whoami")
    with held(hung.desk.reading.database):
        alert = await hung.hears(CARL, "DATABASE_UNWRITABLE", after=before)
    await hung.hears(CARL, "stored again", after=alert)


async def an_exchange_that_hangs(hung: Hung) -> None:
    """Prices stop: the feed is silent, which is an alert and a restart; people are answered all the while."""
    await hung.hears(CARL, "STAGE_SILENT · feed")
    asked = await hung.ask(ANN, "/status")
    await hung.hears(ANN, "feed", after=asked)
    await until(lambda: has(hung, "stage.restarted"), "the feed is restarted")
    hung.exchange.heal()

    async def back() -> bool:
        return bool([each for each in hung.events("journal.written") if each["kind"] == "stage.back"])

    await until(back, "the feed is back")


async def a_chat_that_hangs(hung: Hung) -> None:
    """Telegram takes connections and says nothing: the stages live on, and what was asked is answered afterwards."""
    hung.chat.hang()
    asked = await hung.ask(ANN, "/positions")
    await until(lambda: has(hung, "intake.poll.failed"), "a question for updates is given up")
    saved = hung.desk.reading.read(lambda unit: unit.now)
    assert saved is not None
    await until(lambda: stages_saved_after(hung.desk, saved.isoformat()), "the stages are kept while the chat hangs")
    hung.chat.heal()
    await hung.hears(ANN, "Positions", after=asked)


async def has(hung: Hung, event: str) -> bool:
    return bool(hung.events(event))


async def stages_saved_after(desk: DeskProcess, moment: str) -> bool:
    rows = rows_of(desk, "SELECT last_success FROM stages WHERE name IN ('executor', 'database', 'scheduler')")
    return len(rows) == 3 and all(re.sub(" ", "T", str(row[0])) > moment[:19] for row in rows)


async def trades(desk: DeskProcess) -> list[tuple[Any, ...]]:
    return rows_of(desk, "SELECT id FROM trades")


def rows_of(desk: DeskProcess, statement: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(f"{desk.reading.database.absolute().as_uri()}?mode=ro", uri=True)) as connection:
        return connection.execute(statement).fetchall()


@contextmanager
def no_room(desk: DeskProcess) -> Iterator[None]:
    """Let no file of the desk's process grow: what it writes fails as on a full disk."""
    assert desk.pid is not None
    before = resource.prlimit(desk.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(desk.pid, resource.RLIMIT_FSIZE, (1, before[1]))
    try:
        yield
    finally:
        resource.prlimit(desk.pid, resource.RLIMIT_FSIZE, before)


@contextmanager
def held(file: Path) -> Iterator[None]:
    """Hold a database's write lock as another program would."""
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield
        connection.execute("ROLLBACK")
