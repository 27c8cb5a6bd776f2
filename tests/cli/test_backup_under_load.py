"""A backup beside a desk that trades: desk and venue fit together at whatever moment it was taken, and it holds nobody up."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from config.settings import Settings
from migrations import api
from services.domain.errors import Misconfigured
from services.domain.people import Actor
from services.missions.fire import Fired
from services.operations.backup import Backup, MakeBackup
from services.operations.backup_file import describe, extract, write_archive
from services.operations.judgement import CheckResult, Status
from services.operations.restore import Note, Place, Replaced, ReplaceState
from tests.trading.rig import Rig, desk_at
from tests.trading.taps import fire

TRADES, TRIED = 8, 10
# Nobody is held back, however much is lost.
NO_END = {"risk": {"daily_loss": "1"}, "breakers": {"streak_lock": 100}, "discipline": {"medic_from": "1"}}
NOTE = Note(actor=Actor.job("test", "test"))


class NoLock:
    """Nobody runs on the folder of the test."""

    async def leave_database(self) -> None:
        return


async def trade_on(rig: Rig, enough: Callable[[], bool] = lambda: True) -> None:
    """Fire, be filled and be stopped out, as often as is wanted and until there is enough of what happens beside it."""
    traded = 0
    while traded < TRADES or not enough():
        traded += 1
        rig.clock.advance(1)
        fired = await fire(rig)
        assert isinstance(fired, Fired)
        await rig.settle()
        rig.clock.advance(1)
        await rig.price("62999", "62999.02")
        rig.clock.advance(1)
        await rig.price("63999.99", "64000.01")


async def put_in_place(backup: Backup, folder: Path, rig: Rig) -> Replaced:
    settings = Settings(desk={"state_dir": folder})  # type: ignore[arg-type]
    place = Place(state_dir=folder, url=settings.database_url, busy_timeout_s=5)
    return await ReplaceState(place, rig.clock, api, NoLock())(backup.file, NOTE)


def of_two_moments(backups: list[Backup], folder: Path) -> Backup:
    """Return the twin: the desk of one backup with the venue's book of an earlier one."""
    early, late = folder / "early", folder / "late"
    for place, backup in ((early, backups[0]), (late, backups[-1])):
        place.mkdir()
        extract(backup.file, backup.manifest, place)
    files = [late / "desk", early / "paper.db"]
    manifest = replace(backups[-1].manifest, members=tuple(describe(file.name, file) for file in files))
    write_archive(folder / "twin.tar.gz", manifest, files)
    return replace(backups[-1], file=folder / "twin.tar.gz", manifest=manifest)


def failing(results: tuple[CheckResult, ...]) -> list[str]:
    return [f"{each.number} {each.detail}" for each in results if each.status is Status.FAIL]


async def test_backups_beside_a_trading_desk_verify_and_start_again(tmp_path: Path) -> None:
    async with desk_at(tmp_path / "desk", threads=True, **NO_END) as rig:
        make = MakeBackup(tmp_path / "desk", rig.settings.database_url, rig.clock, "test", busy_timeout_s=5)
        backups: list[Backup] = []
        trading = asyncio.create_task(trade_on(rig, lambda: len(backups) > TRADES))
        while not trading.done():
            backups.append(await make(tmp_path / "copies", tag=str(len(backups))))
        await trading
        tried = backups[:: max(1, len(backups) // TRIED)]
        results = [await put_in_place(each, tmp_path / f"back-{n}", rig) for n, each in enumerate(tried)]

        with pytest.raises(Misconfigured, match="NOT_VERIFIED"):
            await put_in_place(of_two_moments(tried, tmp_path), tmp_path / "twin", rig)

    assert len(backups) > TRADES
    assert len({each.manifest.members[0].sha256 for each in tried}) >= TRADES, "they should be of different moments"
    assert [failing(each.results) for each in results] == [[]] * len(tried)
    async with desk_at(tmp_path / f"back-{len(tried) - 1}", clock=rig.clock, people_too=False) as again:
        rig.clock.advance(1)
        await again.settle()
        assert await again.trading.sync.reconcile_all() == 0
