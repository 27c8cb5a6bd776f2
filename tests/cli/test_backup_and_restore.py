"""`sortie backup` and `sortie restore`: one whole file, the same desk back, and nothing changed when that cannot be."""

from __future__ import annotations

import errno
import json
import os
import shutil
import sqlite3
import sys
import tarfile
from contextlib import closing
from pathlib import Path

import pytest

from bot.lock import AlreadyRunning, DeskLock, RunLock, stop_holder
from config.settings import Settings
from services.operations import backup_file
from services.operations.swap import finish
from tests.cli.backup_bench import Shell, dying_at, leftovers, state_of
from tests.crash.forking import Died, in_fork
from tests.operations.story import FixedClock, Story

POSITIONS = "SELECT terminal_id || ' ' || symbol || ' ' || quantity FROM positions WHERE quantity <> '0'"
needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork to be killed at a point")


@pytest.fixture
def shell(settings: Settings, clock: FixedClock) -> Shell:
    return Shell(settings, clock)


def rows(file: Path, query: str) -> list[object]:
    with closing(sqlite3.connect(file)) as connection:
        return [row[0] for row in connection.execute(query)]


def test_backup_is_one_private_file_with_a_manifest(story: Story, shell: Shell, capsys: pytest.CaptureFixture[str]) -> None:
    assert shell.backup() == 0

    (file,) = shell.made
    assert f"{file}" in capsys.readouterr().out
    assert file.name == f"sortie-{story.now:%Y%m%d-%H%M%S}.tar.gz"
    assert sys.platform == "win32" or (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    with tarfile.open(file) as archive:
        assert archive.getnames() == ["manifest.json", "desk", "paper.db"]
        manifest = json.load(archive.extractfile("manifest.json"))  # type: ignore[arg-type]
    assert (manifest["format"], manifest["database"], manifest["revision"]) == (
        1,
        "sqlite",
        story.one("SELECT * FROM alembic_version"),
    )
    assert leftovers(story.folder) == []


def test_a_desk_that_was_lost_comes_back_with_its_positions(
    story: Story, shell: Shell, capsys: pytest.CaptureFixture[str]
) -> None:
    held = rows(story.desk_file, POSITIONS)
    fills = rows(story.venue_file, "SELECT sequence FROM fills")
    assert shell.backup() == 0
    for file in (story.desk_file, story.venue_file):
        file.unlink()

    assert shell.restore(shell.made[0]) == 0

    said = capsys.readouterr().out
    assert "restored: the desk as of" in said and "FAIL" not in said
    assert rows(story.desk_file, POSITIONS) == held != []
    assert rows(story.venue_file, "SELECT sequence FROM fills") == fills
    assert story.failed() == set()
    assert leftovers(story.folder) == []


def test_what_is_replaced_is_kept_aside_and_the_journal_tells(story: Story, shell: Shell) -> None:
    shell.backup()
    story.desk("UPDATE people SET name = 'Later' WHERE id = 1001")
    before = state_of(story.folder)

    assert shell.restore(shell.made[0]) == 0

    (aside,) = story.folder.glob("replaced-*")
    assert {name: state_of(aside)[name] for name in ("sortie.db", "paper.db")} == {
        name: before[name] for name in ("sortie.db", "paper.db")
    }
    assert story.one("SELECT name FROM people WHERE id = 1001") == "Ann"
    assert story.one("SELECT kind FROM journal ORDER BY sequence DESC LIMIT 1") == "desk.restored"
    assert story.one("SELECT count(*) FROM leases WHERE expires_at > ?", story.now.isoformat()) == 0
    assert story.failed() == set()


def test_only_the_newest_are_kept(story: Story, shell: Shell, clock: FixedClock) -> None:
    for second in range(5):
        shell.clock = FixedClock(clock.now().replace(second=second))
        assert shell.backup(keep=3) == 0

    assert [file.name[-9:-7] for file in shell.made] == ["02", "03", "04"]


def test_nothing_that_is_no_backup_is_removed(story: Story, shell: Shell) -> None:
    shell.backup(keep=1)
    other = shell.made[0].with_name("sortie-notes.tar.gz")
    other.write_text("mine", encoding="utf-8")

    shell.backup(keep=1)

    assert other.read_text(encoding="utf-8") == "mine"


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EACCES, errno.EROFS])
def test_a_disk_that_refuses_is_named_and_leaves_nothing(
    story: Story, shell: Shell, number: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(backup_file, "_add_manifest", refuse)

    assert shell.backup() == 1

    said = capsys.readouterr().err
    assert os.strerror(number) in said and "Fix:" in said and "backups" in said
    assert (shell.made, leftovers(story.folder)) == ([], [])


def test_too_little_room_is_seen_before_anything_is_written(
    story: Story, shell: Shell, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    usage = shutil.disk_usage(story.folder)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=1000))

    assert shell.backup() == 1

    assert "NO_SPACE" in capsys.readouterr().err
    assert (shell.made, leftovers(story.folder)) == ([], [])


def test_a_damaged_database_is_not_backed_up(story: Story, shell: Shell, capsys: pytest.CaptureFixture[str]) -> None:
    damaged = bytearray(story.desk_file.read_bytes())
    damaged[len(damaged) // 2 : len(damaged) // 2 + 8192] = os.urandom(8192)
    story.desk_file.write_bytes(damaged)

    assert shell.backup() == 1

    assert "DAMAGED" in capsys.readouterr().err
    assert shell.made == []


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def cut_at_a_member(file: Path) -> None:
    """Leave out the last file, in an archive that is whole in itself."""
    kept = file.with_name("kept")
    with tarfile.open(file) as old, tarfile.open(kept, "w:gz") as new:
        for entry in old.getmembers()[:-1]:
            new.addfile(entry, old.extractfile(entry))
    kept.replace(file)


def changed(file: Path) -> None:
    """Put another paper book into an archive that is whole in itself."""
    kept, other = file.with_name("kept"), file.with_name("other")
    other.write_bytes(b"something else")
    with tarfile.open(file) as old, tarfile.open(kept, "w:gz") as new:
        for entry in old.getmembers():
            if entry.name == "paper.db":
                new.add(other, "paper.db")
            else:
                new.addfile(entry, old.extractfile(entry))
    kept.replace(file)
    other.unlink()


def newer(file: Path) -> None:
    _rewrite(file, revision="9999")


def of_another_database(file: Path) -> None:
    _rewrite(file, database="postgresql")


def _rewrite(file: Path, **values: object) -> None:
    kept, fresh = file.with_name("kept"), file.with_name("fresh")
    with tarfile.open(file) as old, tarfile.open(kept, "w:gz") as new:
        tree = json.load(old.extractfile("manifest.json"))  # type: ignore[arg-type]
        fresh.write_text(json.dumps(tree | values), encoding="utf-8")
        new.add(fresh, "manifest.json")
        for entry in old.getmembers()[1:]:
            new.addfile(entry, old.extractfile(entry))
    kept.replace(file)
    fresh.unlink()


def no_archive(file: Path) -> None:
    file.write_text("a shopping list", encoding="utf-8")


def empty(file: Path) -> None:
    file.write_bytes(b"")


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (cut, "NO_BACKUP"),
        (cut_at_a_member, "ends before paper.db"),
        (changed, "paper.db in it is not what the manifest says"),
        (newer, "SCHEMA_NEWER"),
        (of_another_database, "OTHER_DATABASE"),
        (no_archive, "NO_BACKUP"),
        (empty, "NO_BACKUP"),
        (Path.unlink, "NO_FILE"),
    ],
    ids=["half", "without a file", "another file", "newer schema", "other database", "no archive", "empty", "none"],
)
def test_what_is_no_whole_backup_of_this_desk_is_refused_and_nothing_changes(
    story: Story, shell: Shell, spoil: object, code: str, capsys: pytest.CaptureFixture[str]
) -> None:
    shell.backup()
    spoil(shell.made[0])  # type: ignore[operator]
    file = shell.settings.desk.state_dir / "backups" / f"sortie-{story.now:%Y%m%d-%H%M%S}.tar.gz"
    before = state_of(story.folder)

    assert shell.restore(file) == 1

    said = capsys.readouterr().err
    assert code in said and "Fix:" in said
    assert state_of(story.folder) == before
    assert leftovers(story.folder) == []


def test_a_backup_whose_books_do_not_verify_is_refused_unless_wanted(
    story: Story, shell: Shell, capsys: pytest.CaptureFixture[str]
) -> None:
    story.desk("DELETE FROM fills WHERE venue_fill_id = 'p-1'")
    shell.backup()
    before = state_of(story.folder)

    assert shell.restore(shell.made[0]) == 1
    assert "NOT_VERIFIED" in capsys.readouterr().err
    assert state_of(story.folder) == before

    assert shell.restore(shell.made[0], anyway=True) == 0
    assert "FAIL" in capsys.readouterr().out


def test_nothing_is_restored_under_a_running_desk(story: Story, shell: Shell) -> None:
    shell.backup()
    before = state_of(story.folder)
    running = RunLock(story.folder, story.now)
    running.take()
    try:
        with pytest.raises(AlreadyRunning):
            shell.restore(shell.made[0])
    finally:
        running.release()

    assert state_of(story.folder) == before


def test_a_desk_of_another_machine_is_not_told_to_stop(story: Story) -> None:
    running = RunLock(story.folder, story.now)
    running.take()
    (story.folder / "run.lock").write_text('{"pid": 1, "host": "elsewhere"}', encoding="utf-8")
    try:
        with pytest.raises(AlreadyRunning, match="elsewhere"):
            stop_holder(story.folder, story.now)
    finally:
        running.release()

    stop_holder(story.folder, story.now)


POINTS = [
    "backup.snapshot",
    "backup.copied",
    "backup.written",
    "restore.unpacked",
    "restore.migrated",
    "restore.verified",
    "swap.planned",
    "swap.aside",
    "swap.placed",
]


@needs_fork
@pytest.mark.parametrize("point", [point for point in POINTS if point.startswith("backup")])
def test_a_backup_that_is_killed_is_whole_or_not_there(story: Story, shell: Shell, point: str) -> None:
    before = state_of(story.folder)

    assert isinstance(in_fork(dying_at(point, shell.backup)), Died)

    assert state_of(story.folder) == before
    assert len(shell.made) == (point == "backup.written")
    for file in shell.made:
        assert shell.restore(file) == 0
    for left in (story.folder / "backups").iterdir():
        os.utime(left, (0, 0))
    assert shell.backup(keep=1) == 0
    assert leftovers(story.folder) == []


@needs_fork
@pytest.mark.parametrize("point", [point for point in POINTS if not point.startswith("backup")])
def test_a_restore_that_is_killed_leaves_the_old_desk_or_is_ended_by_the_next_start(
    story: Story, shell: Shell, point: str
) -> None:
    shell.backup()
    story.desk("UPDATE people SET name = 'Later' WHERE id = 1001")
    story.venue("UPDATE accounts SET cash = cash")
    kept = state_of(story.folder)

    assert isinstance(in_fork(dying_at(point, lambda: shell.restore(shell.made[0]))), Died)
    assert shell.backup() == (1 if point.startswith("swap") else 0), "half of each is no desk to back up"
    finish(story.folder)

    names = {"sortie.db", "paper.db"}
    if point.startswith("swap"):
        assert story.one("SELECT name FROM people WHERE id = 1001") == "Ann"
        (aside,) = story.folder.glob("replaced-*")
        assert {name: state_of(aside)[name] for name in names} == {name: kept[name] for name in names}
    else:
        assert {name: state_of(story.folder)[name] for name in names} == {name: kept[name] for name in names}
    assert story.failed() == set()
    assert shell.restore(shell.made[0]) == 0
    assert leftovers(story.folder) == []


@needs_fork
async def test_the_next_start_ends_a_restore_that_was_cut_short(story: Story, shell: Shell) -> None:
    in_fork(shell.backup)
    story.desk("UPDATE people SET name = 'Later' WHERE id = 1001")
    assert isinstance(in_fork(dying_at("swap.aside", lambda: shell.restore(shell.made[0]))), Died)

    async with DeskLock(shell.settings, story.now):
        assert story.one("SELECT name FROM people WHERE id = 1001") == "Ann"
