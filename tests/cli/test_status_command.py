"""``sortie status``: from rows alone, with the desk alive, dead or absent."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from datetime import timedelta
from typing import Any

import pytest

from config.settings import Settings
from handlers.cli.status import show_status
from tests.operations.story import FixedClock, Story


def stage(story: Story, name: str, seconds_ago: float, detail: str = "") -> None:
    at = (story.now - timedelta(seconds=seconds_ago)).isoformat(timespec="microseconds")
    story.desk(
        "INSERT INTO stages (name, period_s, last_success, next_run, detail, lag_ms) VALUES (?, 10, ?, ?, ?, 1500)",
        name,
        at,
        (story.now + timedelta(seconds=5)).isoformat(timespec="microseconds"),
        detail,
    )


def as_json(settings: Settings, clock: FixedClock, capsys: pytest.CaptureFixture[str]) -> tuple[int, dict[str, Any]]:
    code = show_status(settings, clock, json=True)
    return code, json.loads(capsys.readouterr().out)


def test_living_desk_is_shown_with_its_stages_and_exit_code_0(
    story: Story, settings: Settings, clock: FixedClock, capsys: pytest.CaptureFixture[str]
) -> None:
    stage(story, "feed", 1, "4 instruments")
    stage(story, "sender", 200)

    assert show_status(settings, clock, json=False) == 0

    said = capsys.readouterr().out
    assert said.startswith("Sortie · PAPER · halted · up")
    assert "run by test-" in said and "last sign of life 1.0 s ago" in said
    assert "end of the story" in said
    rows = {line.split()[0]: line.split() for line in said.splitlines() if line}
    assert rows["feed"][1:5] == ["ok", "1.0", "s", "ago"] and rows["feed"][-2:] == ["4", "instruments"]
    assert rows["sender"][1:7] == ["late", "3", "min", "20", "s", "ago"]
    assert "1 live, 1 with a position" in said and "incident none" in said


def test_dead_desk_is_named_with_the_age_of_its_last_beat_and_exit_code_1(
    story: Story, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    stage(story, "feed", 1)
    later = FixedClock(story.now + timedelta(hours=3))

    assert show_status(settings, later, json=False) == 1

    said = capsys.readouterr().out
    assert "DOWN" in said and "no desk runs here; the last was test-" in said and "sign of life 3 h 1 s ago" in said


def test_json_carries_the_same_for_programs(
    story: Story, settings: Settings, clock: FixedClock, capsys: pytest.CaptureFixture[str]
) -> None:
    stage(story, "feed", 1, "4 instruments")

    code, said = as_json(settings, clock, capsys)

    assert code == 0 and said["alive"] is True and said["state"] == "halted"
    assert said["stages"][0] | {"last_success": None, "next_run": None} == {
        "name": "feed",
        "pulse": "ok",
        "age_s": 1.0,
        "lag_s": 1.5,
        "last_success": None,
        "next_run": None,
        "detail": "4 instruments",
    }
    assert said["queues"] == {"instructions": 0, "messages": 0, "updates": 0, "requests": 0}


def test_halt_file_is_a_halt(story: Story, settings: Settings, clock: FixedClock, capsys: pytest.CaptureFixture[str]) -> None:
    story.desk("DELETE FROM halts")
    (story.folder / "HALT").touch()

    _, said = as_json(settings, clock, capsys)

    assert said["state"] == "halted" and said["halts"][0]["by"] == "halt file"


def test_missing_database_is_said_not_made(
    story: Story, settings: Settings, clock: FixedClock, capsys: pytest.CaptureFixture[str]
) -> None:
    story.desk_file.unlink()

    code, said = as_json(settings, clock, capsys)

    assert (code, said["alive"], said["error"]) == (1, False, "NO_DATABASE")
    assert not story.desk_file.exists()


def test_database_without_a_schema_is_said(
    story: Story, settings: Settings, clock: FixedClock, capsys: pytest.CaptureFixture[str]
) -> None:
    story.desk_file.unlink()
    sqlite3.connect(story.desk_file).close()
    story.desk_file.touch()

    assert show_status(settings, clock, json=False) == 1

    assert "no such table" in capsys.readouterr().err


def test_locked_database_is_read_all_the_same(
    story: Story, settings: Settings, clock: FixedClock, capsys: pytest.CaptureFixture[str]
) -> None:
    with closing(sqlite3.connect(story.desk_file, isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")

        assert show_status(settings, clock, json=True) == 0


def test_hostile_names_cannot_write_on_the_terminal(
    story: Story, settings: Settings, clock: FixedClock, capsys: pytest.CaptureFixture[str]
) -> None:
    story.desk("UPDATE halts SET by_name = ?, reason = ?", "\x1b[2JCarl\u202e", "[red]x[/red]\nincident none")

    show_status(settings, clock, json=False)

    said = capsys.readouterr().out
    assert "\x1b" not in said and "\u202e" not in said
    assert "[red]x[/red]·incident none" in said
