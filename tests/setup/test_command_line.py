"""The ``sortie`` command: quick to say what it can, and plain about what stops it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from bot import release
from bot.__main__ import app
from bot.command_errors import guarded
from bot.demo_options import DemoOptions
from bot.logging import close_logging
from migrations import api

ROOT = Path(__file__).parents[2]
HEAVY = {"aiogram", "aiohttp", "ccxt", "sqlalchemy", "pydantic", "apscheduler", "numpy", "alembic", "structlog"}


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    yield
    close_logging()


def _sortie(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["sortie", *arguments])
    return guarded(app)


def test_help_names_every_command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert _sortie(monkeypatch, "--help") == 0

    shown = capsys.readouterr().out
    for command in ("run", "demo", "init", "db", "doctor", "status", "halt", "verify", "version"):
        assert f" {command} " in shown


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import contextlib, io, sys, bot.command_errors, bot.__main__\n"
        "sys.argv = ['sortie', '--help']\n"
        "with contextlib.redirect_stdout(io.StringIO()):\n"
        "    bot.command_errors.guarded(bot.__main__.app)\n"
        f"print(sorted({HEAVY} & set(sys.modules)))"
    )

    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows does not tell a child's processor time")
def test_help_answers_within_a_third_of_a_second() -> None:
    import resource

    times = []
    for _ in range(3):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, "-P", "-m", "bot", "--help"], capture_output=True, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        times.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)

    # Processor time, which other work on the machine does not stretch; `make bench` measures the wall clock.
    assert min(times) <= 0.3


def test_unknown_command_is_a_usage_error(monkeypatch: pytest.MonkeyPatch) -> None:
    assert _sortie(monkeypatch, "trade") == 2


def test_settings_that_stop_the_start_are_a_table(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    Path("sortie.toml").write_text("[risk]\nper_trad = 0.01\n")

    assert _sortie(monkeypatch, "db", "current") == 2

    shown = " ".join(capsys.readouterr().err.split())
    for part in ("risk.per_trad", "sortie.toml", "is not a setting", "spelling"):
        assert part in shown
    assert "Traceback" not in shown


@pytest.mark.parametrize(
    ("text", "said"),
    [("", "there is no bot token"), ("[telegram]\ntoken_file = 'token'\n", "file token, No such file or directory")],
)
def test_run_without_a_token_says_so_and_writes_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], text: str, said: str
) -> None:
    Path("sortie.toml").write_text(text)

    assert _sortie(monkeypatch, "run") == 2

    shown = capsys.readouterr().err
    assert said in shown
    assert "sortie init" in shown
    assert {file.name for file in Path().iterdir()} == {"sortie.toml"}


def test_a_long_name_is_told_in_full(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("SORTIE_RISK__PER_TRADE", "2")
    monkeypatch.setenv("COLUMNS", "80")

    assert _sortie(monkeypatch, "db", "current") == 2

    cells = [line.split("│")[2].strip() for line in capsys.readouterr().err.splitlines() if line.startswith("│")]
    assert "SORTIE_RISK__PER_TRADE" in "".join(cells)


def test_defect_shows_a_traceback_without_secrets(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    from .canaries import random_bot_token

    token = random_bot_token()

    def broken() -> str:
        raise RuntimeError(f"GET https://example.org/bot{token}/getMe")

    monkeypatch.setattr(release, "describe", broken)

    assert _sortie(monkeypatch, "version") == 1

    shown = capsys.readouterr().err
    assert "RuntimeError: GET https://example.org/bot[hidden]/getMe" in shown
    assert token not in shown


def test_database_goes_up_down_and_tells(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    head = api.head()

    assert _sortie(monkeypatch, "db", "current") == 1
    assert _sortie(monkeypatch, "db", "upgrade") == 0
    assert _sortie(monkeypatch, "db", "upgrade") == 0
    assert _sortie(monkeypatch, "db", "current") == 0
    assert _sortie(monkeypatch, "db", "downgrade", "base", "--yes") == 0
    assert _sortie(monkeypatch, "db", "downgrade", "base", "--yes") == 1

    assert capsys.readouterr().out.splitlines() == [
        f"database none, newest {head}",
        f"schema none -> {head}",
        f"schema {head}, already",
        f"database {head}, newest {head}",
        f"schema {head} -> none",
    ]


def test_downgrade_asks_first(monkeypatch: pytest.MonkeyPatch) -> None:
    _sortie(monkeypatch, "db", "upgrade")
    monkeypatch.setattr("typer.confirm", lambda _question: False)

    assert _sortie(monkeypatch, "db", "downgrade", "base") == 1
    assert _sortie(monkeypatch, "db", "current") == 0


def test_version_is_the_projects(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))

    assert _sortie(monkeypatch, "version") == 0

    shown = capsys.readouterr().out
    assert project["project"]["version"] == release.VERSION
    assert shown.startswith(f"sortie {release.VERSION}")
    assert f"Python {sys.version_info[0]}.{sys.version_info[1]}" in shown


def test_doctor_json_is_for_programs(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    Path("sortie.toml").write_text("[desk]\nzone = 'Mars/Olympus'\n")

    assert _sortie(monkeypatch, "doctor", "--json") == 1

    assert json.loads(capsys.readouterr().out)["checks"][0]["name"] == "config"


def test_halt_from_the_shell_stands_in_status_and_passes_verify(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _sortie(monkeypatch, "db", "upgrade") == 0
    assert _sortie(monkeypatch, "halt", "exchange lagging") == 0
    assert _sortie(monkeypatch, "verify") == 0
    capsys.readouterr()
    _sortie(monkeypatch, "status", "--json")

    status = json.loads(capsys.readouterr().out)
    assert status["state"] == "halted"
    assert status["halts"][0]["reason"] == "exchange lagging"


@pytest.fixture
def played(monkeypatch: pytest.MonkeyPatch) -> list[DemoOptions]:
    seen: list[DemoOptions] = []

    def run_demo(options: DemoOptions) -> int:
        seen.append(options)
        return 0

    demo: Any = ModuleType("bot.demo.main")
    demo.run_demo = run_demo
    monkeypatch.setitem(sys.modules, "bot.demo.main", demo)
    return seen


def test_demo_takes_several_candle_files_however_they_are_given(
    monkeypatch: pytest.MonkeyPatch, played: list[DemoOptions]
) -> None:
    files = [Path(f"{name}.csv") for name in "abc"]
    for file in files:
        file.touch()

    assert _sortie(monkeypatch, "demo", "--candles", "a.csv", "b.csv", "c.csv", "--bar", "5") == 0
    assert _sortie(monkeypatch, "demo", "--candles", "a.csv", "--candles", "b.csv", "c.csv", "--start", "40") == 0

    assert [each.candles for each in played] == [tuple(files)] * 2
    assert (played[0].bar_s, played[0].start, played[1].start) == (5, None, 40)


def test_demo_flags_reach_the_demo(monkeypatch: pytest.MonkeyPatch, played: list[DemoOptions]) -> None:
    flags = ["--headless", "--seconds", "90", "--seed", "7", "--port", "8123", "--state", "d", "--no-browser", "--fresh"]

    assert _sortie(monkeypatch, "demo", *flags) == 0
    assert _sortie(monkeypatch, "demo") == 0

    assert played == [
        DemoOptions(headless=True, seconds=90, seed=7, port=8123, state_dir=Path("d"), open_browser=False, fresh=True),
        DemoOptions(),
    ]


@pytest.mark.parametrize("flags", [["--candles", "missing.csv"], ["--start", "soon"], ["--bar", "0"], ["--port", "99999"]])
def test_demo_refuses_what_makes_no_sense(monkeypatch: pytest.MonkeyPatch, played: list[DemoOptions], flags: list[str]) -> None:
    assert _sortie(monkeypatch, "demo", *flags) == 2
    assert played == []


def test_a_defect_is_one_line_whose_id_the_log_knows(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from .canaries import random_bot_token

    token, folder = random_bot_token(), Path("state")
    folder.mkdir()
    monkeypatch.setenv("SORTIE_DESK__STATE_DIR", str(folder))

    def broken() -> str:
        raise RuntimeError(f"GET https://example.org/bot{token}/getMe")

    monkeypatch.setattr(release, "describe", broken)

    assert _sortie(monkeypatch, "version") == 1

    (told,) = capsys.readouterr().err.splitlines()
    error_id = re.search(r"Error ([0-9a-f]{8}):", told)
    assert error_id and f"sortie errors {error_id[1]}" in told and "RuntimeError" not in told
    assert _sortie(monkeypatch, "errors", error_id[1]) == 0
    shown = capsys.readouterr().out
    assert "command.crashed" in shown and "RuntimeError: GET https://example.org/bot[hidden]/getMe" in shown
    assert (folder / "logs" / "sortie.log").stat().st_mode & 0o077 == 0


def test_a_defect_where_no_log_can_be_written_shows_its_traceback_and_makes_no_folder(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SORTIE_DESK__STATE_DIR", "state")

    def broken() -> str:
        raise RuntimeError("broken")

    monkeypatch.setattr(release, "describe", broken)

    assert _sortie(monkeypatch, "version") == 1

    shown = capsys.readouterr().err
    assert "RuntimeError: broken" in shown and "it could not be logged" in shown.splitlines()[-1]
    assert not Path("state").exists()
