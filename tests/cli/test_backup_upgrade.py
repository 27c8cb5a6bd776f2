"""`sortie upgrade`: a desk of an older schema comes up to date with its positions, or stays exactly as it was."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from sqlalchemy.exc import IntegrityError

from bot.lock import RunLock, stop_holder
from config.settings import Settings
from migrations import api
from services.operations.swap import finish
from tests.cli.backup_bench import Shell, dying_at, leftovers, state_of
from tests.cli.test_backup_and_restore import POINTS, POSITIONS, needs_fork, rows
from tests.crash.forking import Died, in_fork
from tests.operations.story import FixedClock, Story


@pytest.fixture
def shell(story: Story, settings: Settings, clock: FixedClock) -> Shell:
    """A desk with open positions, as the first version of the schema had it."""
    api.downgrade(settings.database_url, "0001")
    return Shell(settings, clock)


def test_an_older_desk_with_open_positions_comes_up_to_date(
    story: Story, shell: Shell, capsys: pytest.CaptureFixture[str]
) -> None:
    held = rows(story.desk_file, POSITIONS)

    assert shell.upgrade() == 0

    said = capsys.readouterr().out
    assert f"schema 0001 -> {api.head()}" in said and "sortie run" in said
    assert api.current(shell.settings.database_url) == api.head()
    assert rows(story.desk_file, POSITIONS) == held != []
    assert story.one("SELECT kind FROM journal ORDER BY sequence DESC LIMIT 1") == "desk.upgraded"
    assert story.failed() == set()
    assert len(shell.made) == 1 and not list(story.folder.glob("replaced-*"))
    assert leftovers(story.folder) == []


def test_a_desk_that_is_up_to_date_is_left_alone(story: Story, shell: Shell) -> None:
    shell.upgrade()
    before = rows(story.desk_file, "SELECT hash FROM journal")

    assert shell.upgrade() == 0

    assert rows(story.desk_file, "SELECT hash FROM journal") == before
    assert len(shell.made) == 1


def test_the_backup_made_before_goes_back_and_comes_up_to_date_again(story: Story, shell: Shell) -> None:
    before = rows(story.desk_file, "SELECT hash FROM journal ORDER BY sequence")
    shell.upgrade()

    assert shell.restore(shell.made[0]) == 0

    assert rows(story.desk_file, "SELECT hash FROM journal ORDER BY sequence")[:-1] == before
    assert story.one("SELECT kind FROM journal ORDER BY sequence DESC LIMIT 1") == "desk.restored"
    assert api.current(shell.settings.database_url) == api.head()


def test_a_migration_that_fails_changes_nothing(story: Story, shell: Shell, capsys: pytest.CaptureFixture[str]) -> None:
    def fail(url: str, revision: str = "head") -> str:
        api.upgrade(url, revision)
        raise IntegrityError("ALTER TABLE", {}, Exception("the step does not fit what is stored"))

    shell.schema = SimpleNamespace(head=api.head, known=api.known, current=api.current, upgrade=fail)
    before = state_of(story.folder)

    assert shell.upgrade() == 1

    assert "the step does not fit" in capsys.readouterr().err
    assert state_of(story.folder) == before
    assert api.current(shell.settings.database_url) == "0001"
    assert leftovers(story.folder) == []


def test_a_state_that_does_not_verify_afterwards_changes_nothing(
    story: Story, shell: Shell, capsys: pytest.CaptureFixture[str]
) -> None:
    story.desk("UPDATE positions SET quantity = '17' WHERE quantity <> '0'")
    before = state_of(story.folder)

    assert shell.upgrade() == 1

    assert "NOT_VERIFIED" in capsys.readouterr().err
    assert state_of(story.folder) == before
    assert shell.upgrade(anyway=True) == 0


@needs_fork
@pytest.mark.parametrize("point", POINTS)
def test_an_upgrade_that_is_killed_leaves_a_desk_that_upgrades(story: Story, shell: Shell, point: str) -> None:
    held = rows(story.desk_file, POSITIONS)

    assert isinstance(in_fork(dying_at(point, shell.upgrade)), Died)
    finish(story.folder)

    assert api.current(shell.settings.database_url) == (api.head() if point.startswith("swap") else "0001")
    assert shell.upgrade() == 0
    assert rows(story.desk_file, POSITIONS) == held
    assert story.failed() == set()


@pytest.mark.skipif(sys.platform == "win32", reason="signals are tried where the system has them")
def test_a_running_desk_is_told_to_stop_and_waited_for(story: Story) -> None:
    program = (
        "import signal, sys, time; from datetime import datetime, UTC; from pathlib import Path; from bot.lock import RunLock\n"
        "lock = RunLock(Path(sys.argv[1]), datetime.now(UTC)); lock.take()\n"
        "signal.signal(signal.SIGTERM, lambda *_: (lock.release(), sys.exit(0)))\n"
        "print('runs', flush=True)\n"
        "while True: time.sleep(60)\n"
    )
    root = Path(__file__).parents[2]
    command = [sys.executable, "-c", program, str(story.folder)]
    with subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, text=True) as desk:
        assert desk.stdout is not None and desk.stdout.readline() == "runs\n"
        assert json.loads((story.folder / "run.lock").read_text(encoding="utf-8"))["pid"] == desk.pid

        stop_holder(story.folder, story.now)

        assert desk.wait(40) == 0
    ours = RunLock(story.folder, story.now)
    ours.take()
    ours.release()
