"""``sortie verify``: the ten answers on paper, for programs, and as an exit code."""

from __future__ import annotations

import json

import pytest

from config.settings import Settings
from handlers.cli.verify import run_verify
from tests.operations.story import FixedClock, Story


def verify(settings: Settings, clock: FixedClock, *, require_all: bool = False, as_json: bool = False, secret: str = "") -> int:
    return run_verify(settings, clock, secrets=[secret], require_all=require_all, json=as_json)


def test_honest_desk_passes_with_all_required(
    story: Story, settings: Settings, clock: FixedClock, capsys: pytest.CaptureFixture[str]
) -> None:
    assert verify(settings, clock, require_all=True) == 0

    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 11 and lines[-1] == "10/10 hold"
    assert lines[0].split() == ["1", "one", "write", "per", "instruction", "OK", "12", "venue", "orders,", "0", "foreign"]


def test_violation_is_an_exit_code_and_a_line(
    story: Story, settings: Settings, clock: FixedClock, capsys: pytest.CaptureFixture[str]
) -> None:
    story.desk("DELETE FROM fills WHERE venue_fill_id = 'p-1'")

    assert verify(settings, clock) == 1

    assert "p-1 of paper-1001 is not booked" in capsys.readouterr().out


def test_json_for_programs(story: Story, settings: Settings, clock: FixedClock, capsys: pytest.CaptureFixture[str]) -> None:
    assert verify(settings, clock, as_json=True) == 0

    said = json.loads(capsys.readouterr().out)
    assert said["ok"] is True and [each["number"] for each in said["checks"]] == list(range(1, 11))


def test_missing_material_fails_only_when_all_is_required(
    story: Story, settings: Settings, clock: FixedClock, capsys: pytest.CaptureFixture[str]
) -> None:
    story.log.unlink()

    assert verify(settings, clock) == 0
    assert verify(settings, clock, require_all=True) == 1
    assert "NO DATA" in capsys.readouterr().out


def test_secret_of_the_settings_is_found_and_not_printed(
    story: Story, settings: Settings, clock: FixedClock, capsys: pytest.CaptureFixture[str]
) -> None:
    story.log.write_text(f"x{story.secret}", encoding="utf-8")

    assert verify(settings, clock, secret=story.secret) == 1

    said = capsys.readouterr().out
    assert "a secret of the settings in sortie.log" in said and story.secret not in said


def test_missing_database_and_unreadable_book_are_errors(
    story: Story, settings: Settings, clock: FixedClock, capsys: pytest.CaptureFixture[str]
) -> None:
    story.venue_file.write_bytes(b"not a database" * 100)
    assert verify(settings, clock) == 1
    story.desk_file.unlink()
    assert verify(settings, clock) == 1

    said = capsys.readouterr().err
    assert "PAPER_STORE" in said and "NO_DATABASE" in said
