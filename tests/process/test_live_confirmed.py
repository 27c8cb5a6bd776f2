"""A start that names a terminal as live is journalled before anything is built, and so is that it was refused."""

from __future__ import annotations

import json
import secrets
from pathlib import Path

import pytest

from bot.lifecycle import Desk
from bot.lock import DeskLock
from bot.system import SystemClock
from config.settings import Settings
from services.domain.errors import Misconfigured
from services.operations.places import shell_database
from services.storage import desk


@pytest.mark.parametrize("named", [frozenset(), frozenset({"main"})], ids=["none", "main"])
async def test_who_confirmed_live_and_what_came_of_it_is_in_the_journal(tmp_path: Path, named: frozenset[str]) -> None:
    keys = {"api_key": secrets.token_hex(8), "secret": secrets.token_hex(8)}
    settings = Settings(
        desk={"state_dir": tmp_path},
        venues={"binance": {"base_url": "https://api.binance.com", **keys}},
        terminals={"main": {"venue": "binance", "mode": "live"}},
    )
    lock = DeskLock(settings, SystemClock().now())

    lock.take_file()
    try:
        with pytest.raises(Misconfigured, match="LIVE_UNDECIDED" if named else "REAL_MONEY"):
            await Desk(settings, f"1:{secrets.token_hex(17)}", lock, named).run()
    finally:
        lock.release_file()
    async with shell_database(settings.database_url, SystemClock(), 5) as database:
        rows = await database.read(lambda unit: desk.journal_after(unit, 0, 10))

    assert [row.kind for row in rows] == (["live.confirmed", "live.refused"] if named else [])
    assert all(row.actor.startswith("system:shell:") and json.loads(row.facts)["terminals"] == ["main"] for row in rows)
