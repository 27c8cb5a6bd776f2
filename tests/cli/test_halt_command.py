"""``sortie halt``: committed beside whoever runs, by file when nothing can be committed, and never silently."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from config.settings import Settings
from handlers.cli.halt import halt_desk, lift_halt
from tests.access.bench import CountingIds
from tests.operations.story import FixedClock, Story
from tests.trading.rig import ANN

Setting = tuple[Settings, FixedClock, CountingIds]


@pytest.fixture
def shell(settings: Settings, clock: FixedClock, ids: CountingIds) -> Setting:
    return settings, clock, ids


@pytest.fixture
def active(story: Story) -> Story:
    """The story's desk, never halted."""
    story.desk("DELETE FROM halts")
    return story


def test_halt_is_committed_journalled_and_shown_in_the_chat(
    active: Story, shell: Setting, capsys: pytest.CaptureFixture[str]
) -> None:
    assert halt_desk(*shell, reason="exchange lagging", scope="desk") == 0

    assert active.one("SELECT state || ' ' || reason FROM halts") == "halted exchange lagging"
    assert active.one("SELECT actor FROM journal ORDER BY sequence DESC").startswith("system:shell:")
    assert active.one("SELECT count(*) FROM cards WHERE key = 'halt:desk' AND stale") > 0
    said = capsys.readouterr().out
    assert "the desk is HALTED: exchange lagging" in said and "keep their protection: 1" in said and "/resume" in said


def test_second_halt_says_who_was_first(story: Story, shell: Setting, capsys: pytest.CaptureFixture[str]) -> None:
    assert halt_desk(*shell, reason="again", scope="desk") == 0

    assert "HALTED already, by Carl" in capsys.readouterr().out
    assert story.one("SELECT reason FROM halts") == "end of the story"


def test_committed_halt_is_what_verification_expects(active: Story, shell: Setting) -> None:
    active.desk("DELETE FROM journal WHERE kind = 'halt.halted'")
    halt_desk(*shell, reason="x", scope="desk")

    assert 5 not in active.failed()


@pytest.mark.parametrize(
    ("scope", "subject"),
    [
        (f"person:{ANN}", str(ANN)),
        ("instrument:BTC/USDT", "BTC/USDT"),
        ("terminal:ann-paper", f"paper-{ANN}"),
        (f"terminal:paper-{ANN}", f"paper-{ANN}"),
        ("strategy:trend@1", "strategy:trend@1"),
    ],
)
def test_smaller_scope_is_halted_and_lifted_from_the_shell(
    active: Story, shell: Setting, scope: str, subject: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert halt_desk(*shell, reason="x", scope=scope) == 0
    assert active.one("SELECT subject FROM halts WHERE state = 'halted'") == subject
    assert f"--lift --scope {scope}" in capsys.readouterr().out

    assert lift_halt(*shell, scope=scope) == 0
    assert active.one("SELECT state FROM halts") == "active"
    assert lift_halt(*shell, scope=scope) == 2


@pytest.mark.parametrize("scope", ["", "all", "desk:x", "instrument", "instrument:DOGE/USDT", "person:999", "strategy:none"])
def test_scope_that_names_nothing_is_refused_with_what_there_is(
    active: Story, shell: Setting, scope: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert halt_desk(*shell, reason="x", scope=scope) == 2

    assert "nothing to halt here" in capsys.readouterr().err
    assert active.one("SELECT count(*) FROM halts") == 0


def test_desks_halt_is_not_lifted_from_the_shell(story: Story, shell: Setting, capsys: pytest.CaptureFixture[str]) -> None:
    assert lift_halt(*shell, scope="desk") == 2

    assert "/resume" in capsys.readouterr().err
    assert story.one("SELECT state FROM halts") == "halted"


def test_locked_database_is_answered_with_the_halt_file(
    active: Story, shell: Setting, capsys: pytest.CaptureFixture[str]
) -> None:
    with closing(sqlite3.connect(active.desk_file, isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        assert halt_desk(*shell, reason="locked out", scope="desk") == 0

    said = json.loads((active.folder / "HALT").read_text(encoding="utf-8"))
    assert said["reason"] == "locked out"
    assert "HALTED by file" in capsys.readouterr().out


@pytest.mark.parametrize("damage", [lambda file: file.unlink(), lambda file: file.write_bytes(b"garbage" * 1000)])
def test_lost_or_broken_database_is_answered_with_the_halt_file(active: Story, shell: Setting, damage: object) -> None:
    for extra in active.folder.glob("sortie.db-*"):
        extra.unlink()
    damage(active.desk_file)  # type: ignore[operator]

    assert halt_desk(*shell, reason="x", scope="desk") == 0
    assert (active.folder / "HALT").exists()


def test_file_is_no_answer_for_a_smaller_scope(active: Story, shell: Setting, capsys: pytest.CaptureFixture[str]) -> None:
    active.desk_file.unlink()

    assert halt_desk(*shell, reason="x", scope="instrument:BTC/USDT") == 1

    assert not (active.folder / "HALT").exists()
    assert "sortie halt" in capsys.readouterr().err


def test_halt_file_in_the_way_of_a_folder_is_said(active: Story, shell: Setting, capsys: pytest.CaptureFixture[str]) -> None:
    active.desk_file.unlink()
    (active.folder / "HALT").mkdir()

    assert halt_desk(*shell, reason="x", scope="desk") == 1

    assert "could not be written" in capsys.readouterr().err


def test_no_database_is_made_by_asking(shell: Setting, story: Story, tmp_path: Path) -> None:
    story.desk_file.unlink()

    halt_desk(*shell, reason="x", scope="desk")

    assert not (tmp_path / "sortie.db").exists()
