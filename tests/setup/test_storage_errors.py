"""A disk or database that refuses: the command says why and what to do, and shows no traceback."""

from __future__ import annotations

import errno
import sqlite3
from pathlib import Path

import pytest
import typer
from sqlalchemy.exc import OperationalError

from bot.command_errors import guarded
from services.domain.errors import Unavailable

LOCKED = sqlite3.OperationalError("database is locked")
REFUSALS = {
    "locked": (OperationalError("BEGIN IMMEDIATE", {}, LOCKED), "database is locked", "another process"),
    "unavailable": (Unavailable("DATABASE", reason="database or disk is full"), "disk is full", "free some space"),
    "readonly": (sqlite3.OperationalError("attempt to write a readonly database"), "readonly", "let this user write"),
    "unopened": (sqlite3.OperationalError("unable to open database file"), "unable to open", "check that desk.state_dir"),
    "input-output": (sqlite3.OperationalError("disk I/O error"), "disk I/O error", "free some space, then look"),
    "unheard-of": (sqlite3.OperationalError("something new"), "something new", "sortie doctor"),
    "no-room": (OSError(errno.ENOSPC, "No space left on device", "run.lock"), "run.lock: No space left", "free some space"),
    "read-only-folder": (OSError(errno.EROFS, "Read-only file system", "logs"), "logs: Read-only", "let this user write"),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_what_refuses_is_told_with_a_fix(
    name: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    error, cause, fix = REFUSALS[name]

    assert guarded(raising(error, monkeypatch)) == 1

    shown = capsys.readouterr().err
    assert cause in shown and f"fix: {fix}" in shown
    assert "Traceback" not in shown


def test_twin_another_error_keeps_its_traceback_where_there_is_no_desk(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SORTIE_DESK__STATE_DIR", str(tmp_path / "none"))

    assert guarded(raising(OSError(errno.EIO, "Input/output error"), monkeypatch)) == 1
    assert "Traceback" in capsys.readouterr().err


def raising(error: Exception, monkeypatch: pytest.MonkeyPatch) -> typer.Typer:
    monkeypatch.setattr("sys.argv", ["sortie"])
    app = typer.Typer(pretty_exceptions_enable=False)

    @app.command()
    def refused() -> None:
        raise error

    return app
