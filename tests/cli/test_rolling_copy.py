"""The rolling copy: never much older than its period, whole whatever dies meanwhile, and as good as a backup."""

from __future__ import annotations

import asyncio
import errno
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from bot.backups import rolling_copy as made_by
from config.settings import Settings
from migrations import api
from services.access.runbooks import severity_of
from services.domain import crashpoints
from services.domain.errors import Misconfigured, Unavailable
from services.domain.incidents import AlertCode, Severity
from services.operations import rolling_copy
from services.operations.backup_file import copies_in, newest_in, read_manifest
from services.operations.judgement import Status
from services.operations.restore import Place, Replaced, ReplaceState
from services.operations.rolling_copy import RollingCopy, Source
from services.operations.rolling_watch import WatchRolling
from services.storage import desk, incidents
from tests.access.bench import CountingIds
from tests.cli.backup_bench import Shell, leftovers
from tests.cli.test_backup_under_load import NO_END, NOTE, NoLock, trade_on
from tests.crash.forking import Died, in_fork
from tests.operations.story import FixedClock, Story
from tests.trading.rig import CARL, HandClock, Rig, desk_at

EVERY_S = 10.0
LONGEST_LOSS = timedelta(seconds=60)


@pytest.fixture
def shell(settings: Settings, clock: FixedClock) -> Shell:
    return Shell(settings, clock)


def rolling(rig: Rig, state: Path, every_s: float = EVERY_S) -> RollingCopy:
    source = Source(state_dir=state, url=rig.settings.database_url, busy_timeout_s=5, version="test")
    return RollingCopy(rig.trading.database, source, state / "backups", every_s, rig.clock)


async def note(rig: Rig) -> None:
    """Let the journal grow by a row."""
    await rig.trading.database.write(lambda unit: unit.record(rig.actor(), "test.noted"))


async def put_in_place(copy: Path, folder: Path, rig: Rig) -> Replaced:
    settings = Settings(desk={"state_dir": folder})  # type: ignore[arg-type]
    place = Place(state_dir=folder, url=settings.database_url, busy_timeout_s=5)
    return await ReplaceState(place, rig.clock, api, NoLock())(copy, NOTE)


@contextmanager
def at_points(hook: object) -> Iterator[None]:
    crashpoints.install(hook)  # type: ignore[arg-type]
    try:
        yield
    finally:
        crashpoints.install(None)


async def test_a_desk_that_is_lost_under_load_comes_back_and_has_lost_less_than_a_minute(tmp_path: Path) -> None:
    async with desk_at(tmp_path / "desk", **NO_END) as rig:
        keep = rolling(rig, tmp_path / "desk")
        trading = asyncio.create_task(trade_on(rig))
        while not trading.done():
            await keep()
            await asyncio.sleep(0)
        await trading
        lost_at = rig.clock.now()
        made = await rig.read(lambda unit: desk.journal_after(unit, 0, 100_000))
        newest = newest_in(tmp_path / "desk" / "backups")
        assert newest is not None
        replaced = await put_in_place(newest, tmp_path / "back", rig)

    assert [f"{each.number} {each.detail}" for each in replaced.results if each.status is Status.FAIL] == []
    async with desk_at(tmp_path / "back", clock=rig.clock, people_too=False) as again:
        kept = await again.read(lambda unit: desk.journal_after(unit, 0, 100_000))
        hashes = {row.hash for row in kept}
        lost = [row for row in made if row.hash not in hashes]
        assert len(kept) > 1
        assert all(lost_at - row.at <= timedelta(seconds=EVERY_S + 2) <= LONGEST_LOSS for row in lost)
        assert await again.trading.sync.reconcile_all() == 0


async def test_a_copy_is_made_when_the_journal_grew_and_the_period_is_over(tmp_path: Path) -> None:
    async with desk_at(tmp_path) as rig:
        keep = rolling(rig, tmp_path)
        assert await keep() is not None
        rig.clock.advance(EVERY_S)
        assert await keep() is None, "nothing is new"

        await note(rig)
        assert await keep() is not None
        await note(rig)
        assert await keep() is None, "too early"
        assert keep.lag.seconds == 0
        rig.clock.advance(EVERY_S)
        assert keep.lag.seconds == EVERY_S
        assert await keep() is not None
        assert keep.lag.seconds == 0


async def test_a_period_of_zero_keeps_none(tmp_path: Path) -> None:
    async with desk_at(tmp_path, backup={"rolling_s": 0}) as rig:
        assert made_by(rig.settings, rig.trading.database, rig.clock) is None


async def test_the_newest_two_are_kept_even_when_the_wall_clock_is_set_back(tmp_path: Path) -> None:
    async with desk_at(tmp_path) as rig:
        keep, made = rolling(rig, tmp_path), []
        for step in (0, 20, 20, -7200, 20, 20):
            rig.clock.advance(abs(step))
            rig.clock.time += timedelta(seconds=step - abs(step))
            await note(rig)
            made.append(await keep())
            assert set(copies_in(tmp_path / "backups")) == set(made[-2:])


async def test_a_disk_that_refuses_is_told_by_the_lag_and_leaves_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with desk_at(tmp_path) as rig:
        keep = rolling(rig, tmp_path)
        first = await keep()
        await note(rig)
        rig.clock.advance(EVERY_S)

        def refuse(*_: object) -> None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        with monkeypatch.context() as broken:
            broken.setattr(rolling_copy, "place_folder", refuse)
            for _ in range(3):
                assert await keep() is None
                rig.clock.advance(EVERY_S)
        assert (keep.lag.seconds, "NO_SPACE" in keep.lag.reason) == (3 * EVERY_S, True)
        assert copies_in(tmp_path / "backups") == [first]
        assert leftovers(tmp_path) == []

        assert await keep() is not None
        assert (keep.lag.seconds, keep.lag.reason) == (0, "")


async def test_a_copy_that_lags_by_three_periods_is_an_urgent_alert_until_one_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with desk_at(tmp_path) as rig:
        keep = rolling(rig, tmp_path)
        watch, actor = WatchRolling(rig.trading.database, keep, EVERY_S, CountingIds()), rig.actor(CARL)

        async def go_on(seconds: float) -> list[int]:
            rig.clock.advance(seconds)
            await keep()
            await watch(actor)
            rows = await rig.read(incidents.open_incidents)
            return [row.count for row in rows if row.code == AlertCode.BACKUP_STALE.value]

        assert await go_on(0) == []
        with monkeypatch.context() as full:
            full.setattr(rolling_copy, "need_room", _no_room)
            await note(rig)
            assert [await go_on(EVERY_S) for _ in range(3)] == [[], [], []]
            assert [await go_on(EVERY_S), await go_on(EVERY_S / 2), await go_on(EVERY_S / 2)] == [[1], [1], [2]]
            (told,) = [row.facts["reason"] for row in await rig.read(incidents.open_incidents)]
            assert "30 s ago" in told or "NO_SPACE" in told

        assert await go_on(EVERY_S) == []
    assert severity_of(AlertCode.BACKUP_STALE.value) is Severity.URGENT


def _no_room(*_: object) -> None:
    raise Unavailable("NO_SPACE", folder="full")


async def test_a_copy_that_is_called_off_ends_its_thread_and_leaves_nothing(tmp_path: Path) -> None:
    begun, called_off = threading.Event(), threading.Event()

    def hold(point: str) -> None:
        if point == "backup.snapshot":
            begun.set()
            assert called_off.wait(40)

    async with desk_at(tmp_path) as rig:
        with at_points(hold):
            copying = asyncio.create_task(rolling(rig, tmp_path).run())
            assert await asyncio.to_thread(begun.wait, 40)
            copying.cancel()
            await asyncio.sleep(0)
            called_off.set()
            with pytest.raises(asyncio.CancelledError):
                await copying
    await asyncio.get_running_loop().shutdown_default_executor()

    assert copies_in(tmp_path / "backups") == []


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork to be killed at a point")
@pytest.mark.parametrize("point", ["backup.snapshot", "rolling.copied", "rolling.placed"])
def test_a_kill_while_it_is_made_leaves_one_that_can_be_restored(story: Story, shell: Shell, point: str) -> None:
    def copy_twice() -> None:
        async def both() -> None:
            async with desk_at(story.folder, clock=HandClock(story.now), people_too=False) as rig:
                keep = rolling(rig, story.folder)
                await keep()
                await note(rig)
                rig.clock.advance(EVERY_S)
                crashpoints.install(lambda name: os._exit(137) if name == point else None)
                await keep()

        asyncio.run(both())

    assert isinstance(in_fork(copy_twice), Died)
    copies = copies_in(story.folder / "backups")
    assert len(copies) == (2 if point == "rolling.placed" else 1)

    assert shell.restore_newest() == 0
    assert story.failed() == set()


def test_restore_takes_the_newest_of_both_kinds_and_refuses_a_damaged_one(
    story: Story, shell: Shell, clock: FixedClock, capsys: pytest.CaptureFixture[str]
) -> None:
    assert shell.restore_newest() == 1
    assert "there is none in this folder" in capsys.readouterr().err
    assert shell.backup() == 0
    shell.roll()
    (copy,) = copies_in(story.folder / "backups")
    shell.clock = FixedClock(clock.now() + timedelta(seconds=5))
    assert shell.backup() == 0
    assert newest_in(story.folder / "backups") == shell.made[-1]
    shell.made[-1].unlink()

    assert shell.restore(copy) == 0
    with (copy / "desk").open("r+b") as file:
        file.seek(5000)
        file.write(b"mine")
    assert shell.restore(copy) == 1
    assert "desk in it is not what the manifest says" in capsys.readouterr().err
    (copy / "manifest.json").unlink()
    with pytest.raises(Misconfigured, match="NO_FILE"):
        read_manifest(copy)
    assert newest_in(story.folder / "backups") == shell.made[0], "what cannot be read is passed over"
