"""The store: what is answered is kept first, and only what belongs to this bot is loaded."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from sandbox.clock import SystemClock
from sandbox.store import Store, StoreError
from sandbox.telegram.world import ANN, World

from .conftest import BOT_ID
from .running import running


def fresh(bot_id: int = BOT_ID) -> World:
    return World(clock=SystemClock(), bot_id=bot_id, started=(ANN,))


async def kept_when_answered(folder: Path, flush: Callable[[Store], Callable[[], None]]) -> str:
    """Send over HTTP with a way to flush; return what another reader finds the moment the answer is there."""
    store = Store(folder)
    async with running(flush=flush(store)) as server:
        store.open(server.world)
        assert (await server.call("sendMessage", chat_id=ANN, text="answered"))["ok"]
        read = fresh()
        other = Store(folder)
        other.open(read)
        found = read.transcript(ANN)
        other.close()
    store.close()
    return found


async def test_answered_message_is_kept_before_the_answer(tmp_path: Path) -> None:
    assert await kept_when_answered(tmp_path, lambda store: store.flush) == "1 Sortie: answered"


async def test_without_the_flush_before_the_answer_it_would_be_lost(tmp_path: Path) -> None:
    assert await kept_when_answered(tmp_path, lambda store: lambda: None) == ""


def test_folder_of_another_bot_is_refused(tmp_path: Path) -> None:
    one = Store(tmp_path)
    one.open(fresh())
    one.close()
    other = Store(tmp_path)

    with pytest.raises(StoreError, match=f"give a token that begins with {BOT_ID}: or another folder"):
        other.open(fresh(BOT_ID + 1))
    other.close()


def test_folder_of_another_version_is_refused(tmp_path: Path) -> None:
    Store(tmp_path).close()
    database = sqlite3.connect(tmp_path / "telegram.sqlite")
    database.execute("PRAGMA user_version = 99")
    database.close()

    with pytest.raises(StoreError, match="another version of the sandbox"):
        Store(tmp_path)


def test_world_without_a_store_keeps_no_list_of_changes() -> None:
    world = fresh()
    world.say(ANN, "x")

    assert world.touched == {}


def test_people_started_later_count_as_started_after_a_restart(tmp_path: Path) -> None:
    first = Store(tmp_path)
    first.open(World(clock=SystemClock(), bot_id=BOT_ID))
    first.close()
    world = fresh()
    second = Store(tmp_path)
    second.open(world)
    second.close()

    assert world.chats[ANN].started


def test_what_could_not_be_written_is_written_by_the_next_flush(tmp_path: Path) -> None:
    world = fresh()
    store = Store(tmp_path)
    store.open(world)
    locker = sqlite3.connect(tmp_path / "telegram.sqlite", isolation_level=None)
    locker.execute("BEGIN IMMEDIATE")
    world.say(ANN, "kept")
    with pytest.raises(sqlite3.OperationalError):
        store.flush()
    locker.execute("ROLLBACK")
    locker.close()
    store.flush()
    store.close()
    read = fresh()
    again = Store(tmp_path)
    again.open(read)
    again.close()

    assert read.transcript(ANN) == "1 Ann: kept"
