"""A start that names a terminal as live is journalled before anything is built, and so is that it was refused."""

from __future__ import annotations

import json
import secrets
from pathlib import Path

import pytest

from bot.lifecycle import Desk
from bot.live_confirming import JournalLive
from bot.live_grounds import live_grounds
from bot.lock import DeskLock
from bot.system import SystemClock, SystemIds
from config.settings import Settings
from migrations.api import upgrade
from services.domain.errors import Misconfigured
from services.operations.places import shell_database
from services.storage import desk
from services.storage.desk import JournalEntry

OWN, TEST = "https://api.binance.com", "https://testnet.binance.vision"


def settings_at(folder: Path, address: str) -> Settings:
    return Settings(
        desk={"state_dir": folder},
        venues={"binance": {"base_url": address, "api_key": secrets.token_hex(8), "secret": secrets.token_hex(8)}},
        terminals={"main": {"venue": "binance", "mode": "live"}},
    )


async def journal(settings: Settings) -> list[JournalEntry]:
    async with shell_database(settings.database_url, SystemClock(), 5) as database:
        return list(await database.read(lambda unit: desk.journal_after(unit, 0, 10)))


@pytest.mark.parametrize(("named", "address"), [(frozenset(), OWN), (frozenset({"main"}), TEST)], ids=["unnamed", "testnet"])
async def test_a_start_whose_facts_disagree_ends_before_anything_is_built(
    tmp_path: Path, named: frozenset[str], address: str
) -> None:
    settings = settings_at(tmp_path, address)
    lock = DeskLock(settings, SystemClock().now())

    lock.take_file()
    try:
        with pytest.raises(Misconfigured, match="REAL_MONEY"):
            await Desk(settings, f"1:{secrets.token_hex(17)}", lock, named).run()
    finally:
        lock.release_file()
    rows = await journal(settings)

    assert [row.kind for row in rows] == (["live.confirmed", "live.refused"] if named else [])
    assert all(row.actor.startswith("system:shell:") and json.loads(row.facts)["terminals"] == ["main"] for row in rows)
    assert not (tmp_path / "paper.db").exists()


async def test_a_start_whose_facts_agree_is_journalled_and_goes_on(tmp_path: Path) -> None:
    settings = settings_at(tmp_path, OWN)
    upgrade(settings.database_url)
    confirmed = JournalLive(settings, SystemClock(), SystemIds(), frozenset({"main"}))

    found = await confirmed(lambda: live_grounds(settings, frozenset({"main"})))

    assert list(found) == ["main"]
    assert [row.kind for row in await journal(settings)] == ["live.confirmed"]
