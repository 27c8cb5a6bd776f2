"""The daily backup: when it is due, once, told when it fails, and in the journal."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from config.groups import BackupSettings
from services.access.alerts import AlertCode
from services.domain.errors import Unavailable
from services.domain.people import Actor
from services.operations.backup import Backup, MakeBackup
from services.operations.daily_backup import BackUpDaily
from services.storage import desk, incidents
from tests.access.bench import CountingIds
from tests.told import alerts_for
from tests.trading.rig import CARL, Rig, desk_at

ACTOR = Actor.job("backup", "backup-1")
NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


class Stage:
    """A desk's daily backup, and a disk that may refuse."""

    def __init__(self, rig: Rig, folder: Path, **settings: Any) -> None:
        self.rig = rig
        self.folder = folder / "copies"
        self.broken: Exception | None = None
        make = MakeBackup(folder, rig.settings.database_url, rig.clock, "test", busy_timeout_s=5)

        async def made(place: Path, *, keep: int | None = None, tag: str = "") -> Backup:
            if self.broken is not None:
                raise self.broken
            return await make(place, keep=keep, tag=tag)

        self.daily = BackUpDaily(
            rig.trading.database,
            made,  # type: ignore[arg-type]
            self.folder,
            BackupSettings(**({"at": "13:00"} | settings)),
            "UTC",
            CountingIds(),
        )

    async def look(self, at: datetime | None = None) -> Backup | None:
        if at is not None:
            self.rig.clock.advance((at - self.rig.clock.now()).total_seconds())
        return await self.daily(ACTOR)

    async def planned(self) -> list[datetime]:
        return [row.due_at for row in await self.rig.read(lambda unit: desk.ahead(unit, "backup:"))]

    async def journal(self) -> list[str]:
        rows = await self.rig.read(lambda unit: desk.journal_of(unit, ACTOR.correlation))
        return [row.kind for row in rows]

    async def alerts(self) -> list[str]:
        return [each.code for each in await self.rig.read(lambda unit: alerts_for(unit, CARL))]


async def test_one_is_made_when_it_is_due_and_not_before(tmp_path: Path) -> None:
    async with desk_at(tmp_path) as rig:
        stage = Stage(rig, tmp_path)

        assert await stage.look() is None
        assert await stage.look(NOON.replace(hour=12, minute=59)) is None
        made = await stage.look(NOON.replace(hour=13))
        assert made is not None and made.file.exists()
        assert await stage.look(NOON.replace(hour=13, minute=1)) is None
        assert await stage.journal() == ["backup.made"]


async def test_many_that_were_missed_are_one(tmp_path: Path) -> None:
    async with desk_at(tmp_path) as rig:
        stage = Stage(rig, tmp_path)
        await stage.look()

        assert await stage.look(NOON.replace(day=28)) is not None
        assert await stage.look() is None
        assert await rig.read(lambda unit: [row.due_at for row in desk.ahead(unit, "backup:")]) == [
            NOON.replace(day=28, hour=13)
        ]


async def test_old_ones_give_way(tmp_path: Path) -> None:
    async with desk_at(tmp_path) as rig:
        stage = Stage(rig, tmp_path, keep=2)
        await stage.look()
        for day in range(21, 26):
            assert await stage.look(NOON.replace(day=day, hour=14)) is not None

    assert [file.name[13:15] for file in sorted(stage.folder.iterdir())] == ["24", "25"]


async def test_one_that_fails_is_an_alert_once_and_tried_again(tmp_path: Path) -> None:
    async with desk_at(tmp_path) as rig:
        stage = Stage(rig, tmp_path)
        await stage.look()
        stage.broken = Unavailable("NO_SPACE", folder=stage.folder)
        for minute in range(3):
            assert await stage.look(NOON.replace(hour=13, minute=minute)) is None
        assert await stage.alerts() == [AlertCode.BACKUP_FAILED.value]
        assert await stage.journal() == ["backup.failed"]

        stage.broken = None
        assert await stage.look(NOON.replace(hour=13, minute=4)) is not None
        assert await rig.read(incidents.open_incidents) == []
        assert await stage.journal() == ["backup.failed", "backup.made"]


@pytest.mark.parametrize(
    ("settings", "planned"), [({"enabled": False}, []), ({"at": "15:30"}, [NOON.replace(hour=15, minute=30)])]
)
async def test_changed_settings_take_back_what_was_planned(
    tmp_path: Path, settings: dict[str, Any], planned: list[datetime]
) -> None:
    async with desk_at(tmp_path) as rig:
        await Stage(rig, tmp_path).look()
        stage = Stage(rig, tmp_path, **settings)

        assert await stage.look() is None
        assert await stage.planned() == planned
        assert await stage.look(NOON.replace(hour=14)) is None
