"""The real process on PostgreSQL: one desk a database wherever its state lies, backed up beside it, stopped by an upgrade."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from migrations import api
from tests.postgres.server import Server
from tests.process.test_run import ANN, ROOT, Outside, wait_for

pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="signals are tried where the system has them"),
    pytest.mark.timeout(240),
]


@pytest.fixture
def outside(tmp_path: Path, postgresql: Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[Outside]:
    """The outside world; desks that are started in it have their database on the server."""
    found = Outside(tmp_path)
    started = subprocess.Popen
    url = postgresql.empty()

    def on_the_server(command: list[str], **options: object) -> subprocess.Popen[str]:
        options["env"] = {**dict(options.get("env") or os.environ), "SORTIE_DATABASE__URL": url}  # type: ignore[call-overload]
        return started(command, **options)  # type: ignore[call-overload,no-any-return]

    monkeypatch.setattr(subprocess, "Popen", on_the_server)
    monkeypatch.setenv("SORTIE_DATABASE__URL", url)
    monkeypatch.setenv("PATH", f"{postgresql.programs}{os.pathsep}{os.environ['PATH']}")
    yield found
    monkeypatch.undo()
    found.close()


def sortie(folder: Path, *words: str) -> tuple[int, str]:
    """Run a shell command on the desk's state and return its exit code and what it said."""
    process = subprocess.Popen(
        [sys.executable, "-m", "bot", *words],
        cwd=ROOT,
        env={**os.environ, "SORTIE_DESK__STATE_DIR": str(folder)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    said, _ = process.communicate(timeout=120)
    return process.returncode, said


async def test_a_desk_runs_is_backed_up_and_stopped(outside: Outside, tmp_path: Path) -> None:
    first = outside.desk()
    wait_for(lambda: outside.count("desk.ready"))
    await outside.say(ANN, "/halt fire drill")
    await outside.hears(ANN, "HALTED by")

    here, folder = outside.folder, tmp_path / "desk"
    outside.folder = tmp_path / "another machine"
    outside.folder.mkdir()
    second = outside.desk()
    assert second.wait(60) == 3
    assert str(first.pid) in outside.said()
    outside.folder = here

    code, said = sortie(folder, "backup")
    assert (code, list((folder / "backups").iterdir())) != (0, []), said
    assert sortie(folder, "upgrade")[0] == 3
    assert first.poll() is None

    code, said = sortie(folder, "upgrade", "--stop")
    assert (code, first.wait(30)) == (0, 0), said
    assert f"at {api.head()}" in said
    assert outside.count("desk.stopped") == 1
    (file,) = (folder / "backups").iterdir()
    code, said = sortie(folder, "restore", str(file))
    assert code == 0, said
    assert "FAIL" not in said
    assert sortie(folder, "status")[1].count("halted") >= 1
