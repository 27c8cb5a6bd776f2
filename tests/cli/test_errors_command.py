"""sortie errors: the lines behind an id, over rotated files, and a clear answer to anything else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pytest import CaptureFixture

from handlers.cli.errors import show_errors

WANTED = "4k7tq2zw"


def line(at: int, event: str, correlation: str, **more: object) -> str:
    return json.dumps(
        {"at": f"2026-11-21T14:00:{at:02d}.000000Z", "level": "info", "event": event, "correlation": correlation, **more}
    )


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """The log of a tap that failed, begun in the file before."""
    file = tmp_path / "sortie.log"
    Path(f"{file}.1").write_text(
        "\n".join([line(1, "update.handled", "c0"), line(2, "tap.taken", "c1")]) + "\n", encoding="utf-8"
    )
    failed = line(4, "handler.failed", "c1", error_id=WANTED, exception="Traceback\n  KeyError: 'x'")
    rest = [line(3, "journal.written", "c1"), "{half a li", failed, line(5, "journal.written", "c2", facts={"note": WANTED})]
    file.write_text("\n".join(rest) + "\n", encoding="utf-8")
    return file


def test_every_line_of_what_it_happened_in_is_printed_in_order(log: Path, capsys: CaptureFixture[str]) -> None:
    assert show_errors(log, WANTED, as_json=False) == 0
    said = capsys.readouterr().out

    assert [word for word in said.split() if "." in word and word.islower()] == [
        "tap.taken",
        "journal.written",
        "handler.failed",
    ]
    assert "> 2026-11-21T14:00:04" in said and "KeyError: 'x'" in said


def test_json_has_the_same_lines(log: Path, capsys: CaptureFixture[str]) -> None:
    assert show_errors(log, WANTED, as_json=True) == 0

    assert [each["event"] for each in json.loads(capsys.readouterr().out)] == ["tap.taken", "journal.written", "handler.failed"]


@pytest.mark.parametrize("nonsense", ["", "x", "../../etc", "4k7tq2zw; rm", "\u202e" * 8])
def test_nonsense_is_told_from_an_id_that_is_not_there(log: Path, nonsense: str, capsys: CaptureFixture[str]) -> None:
    assert show_errors(log, nonsense, as_json=False) == 2
    assert "is no error id" in capsys.readouterr().err
    assert show_errors(log, "aaaaaaaa", as_json=False) == 1
    assert "nothing of aaaaaaaa" in capsys.readouterr().err


def test_without_logs_it_says_so(tmp_path: Path, capsys: CaptureFixture[str]) -> None:
    assert show_errors(tmp_path / "logs" / "sortie.log", WANTED, as_json=False) == 1
    assert "there are no logs yet" in capsys.readouterr().err
