"""Make the virtual environment that the Makefile and demo.py run in; the standard library alone, and old Pythons can read it.

usage: python deploy/environment.py [set ...] [-- command arguments...], the sets being those of SETS below

Installs what the named sets lock (requirements/<set>.txt) unless a stamp says that it is there, then runs the command from the
environment. It may be stopped at any point: the next run goes on, and mends what was cut short.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

OLDEST = (3, 11)
ROOT = Path(__file__).resolve().parent.parent
HOME = ROOT / ".venv"
WINDOWS = sys.platform == "win32"
BIN = HOME / ("Scripts" if WINDOWS else "bin")
PYTHON = BIN / ("python.exe" if WINDOWS else "python")
STAMP = HOME / "sortie-installed.json"
SETS = {
    "core": "what the desk needs, less than 60 MB",
    "postgres": "the PostgreSQL driver",
    "alerts": "the second channel of alerts",
    "research": "the candle store and backtests",
    "news": "the readers of news",
    "test": "what the tests need",
    "check": "what the checks need",
    "mutation": "what changes the gate's checks to see whether tests notice",
}
STILL_EVERY_S = 15


class SetupError(Exception):
    """Setting up cannot go on; the text says why and what to do."""


def ensure(sets: list[str]) -> None:
    """Make the environment hold the named sets, ``core`` always among them; quick when it already does."""
    with _alone():
        _ensure_environment()
        installed = _stamps()
        for name in dict.fromkeys(["core", *sets]):
            digest = hashlib.sha256(_lock(name).read_bytes()).hexdigest()
            if installed.get(name) != digest:
                _install(name)
                installed[name] = digest
                _write_stamps(installed)
        _link_project()


def run(command: list[str]) -> int:
    """Run a command of the environment: in this process's place where the system can, else return its exit code."""
    program = shutil.which(command[0], path=str(BIN)) or command[0]
    environment = dict(os.environ, VIRTUAL_ENV=str(HOME), PATH=str(BIN) + os.pathsep + os.environ.get("PATH", ""))
    environment.pop("PYTHONHOME", None)
    sys.stdout.flush()
    if not WINDOWS:
        os.execve(program, [program, *command[1:]], environment)
    return subprocess.call([program, *command[1:]], env=environment)


def main(arguments: list[str]) -> int:
    """Set up, then run the command behind ``--``; return the exit code."""
    split = arguments.index("--") if "--" in arguments else len(arguments)
    sets, command = arguments[:split], arguments[split + 1 :]
    unknown = [name for name in sets if name not in SETS]
    if unknown:
        return _fail(f"there is no set {', '.join(unknown)}; the sets are {', '.join(SETS)}")
    try:
        ensure(sets)
    except SetupError as error:
        return _fail(str(error))
    except KeyboardInterrupt:
        return _fail("stopped; run it again to go on")
    return run(command) if command else 0


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def _fail(text: str) -> int:
    sys.stderr.write(f"setup: {text}\n")
    return 1


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    """Let one set-up run at a time in this checkout; the system frees the lock when a process dies."""
    with open(ROOT / ".venv.lock", "w") as file:
        if sys.platform == "win32":
            import msvcrt

            while True:
                with contextlib.suppress(OSError):  # it gives up after ten tries of a second each
                    msvcrt.locking(file.fileno(), msvcrt.LK_LOCK, 1)
                    break
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _ensure_environment() -> None:
    if _usable():
        return
    base = _find_python()
    _say("Creating the virtual environment in .venv ...")
    shutil.rmtree(HOME, ignore_errors=True)
    try:
        subprocess.run([*base, "-m", "venv", str(HOME)], check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise SetupError(
            "Python's venv module failed (see above). On Debian and Ubuntu: apt install python3-venv. Then run this again."
        ) from error


def _usable() -> bool:
    if not PYTHON.exists():
        return False
    if _stamps():
        return True
    complete = any((each / "RECORD").exists() for each in _packages().glob("pip-*.dist-info"))
    return complete and _new_enough([str(PYTHON)])


def _find_python() -> list[str]:
    if sys.version_info >= OLDEST:
        return [sys.executable]
    names = [[f"python3.{minor}"] for minor in (14, 13, 12, 11)] + [["py", "-3"], ["python3"], ["python"]]
    for name in names:
        if shutil.which(name[0]) and _new_enough(name):
            return name
    raise SetupError(
        f"Sortie needs Python {OLDEST[0]}.{OLDEST[1]} or later. This is {sys.version_info[0]}.{sys.version_info[1]}, and no "
        "newer one is on the path. Install one from python.org or your system's packages and run this again."
    )


def _new_enough(python: list[str]) -> bool:
    probe = f"import sys; sys.exit(sys.version_info < {OLDEST!r})"
    return subprocess.call([*python, "-c", probe], stderr=subprocess.DEVNULL) == 0


def _install(name: str) -> None:
    _say(f"Installing {SETS[name]} ...")
    started = time.monotonic()
    _drop_half_installed()
    pip = [str(PYTHON), "-m", "pip", "install", "-qq", "--disable-pip-version-check", "--no-input"]
    with subprocess.Popen([*pip, "--no-deps", "--require-hashes", "-r", str(_lock(name))]) as process:
        while True:
            try:
                code = process.wait(timeout=STILL_EVERY_S)
                break
            except subprocess.TimeoutExpired:
                _say(f"  still at it after {time.monotonic() - started:.0f} s")
    if code != 0:
        raise SetupError(f"pip could not install requirements/{name}.txt (see above). Run this again to go on.")
    _say(f"  done in {time.monotonic() - started:.0f} s")


def _drop_half_installed() -> None:
    """Forget packages whose installation was cut short: pip writes RECORD last, but takes one without it for installed."""
    for folder in _packages().glob("*.dist-info"):
        if not (folder / "RECORD").exists():
            shutil.rmtree(folder)


def _link_project() -> None:
    """Put the checkout on the environment's path and the `sortie` command beside its Python; no build, no network."""
    packages = _packages()
    # A relative line works wherever the checkout lies, whatever letters its path has.
    _write(packages / "sortie.pth", os.path.relpath(ROOT, packages) + "\n")
    if WINDOWS:
        _write(BIN / "sortie.cmd", '@"%~dp0python.exe" -P -m bot %*\n')
        return
    quoted = "'" + str(PYTHON).replace("'", "'\\''") + "'"
    _write(BIN / "sortie", f'#!/bin/sh\nexec {quoted} -P -m bot "$@"\n')
    (BIN / "sortie").chmod(0o755)


def _packages() -> Path:
    found = list(HOME.glob("Lib/site-packages" if WINDOWS else "lib/python3.*/site-packages"))
    if not found:
        raise SetupError("the folder .venv is not a virtual environment; remove it and run this again")
    return found[0]


def _write(path: Path, text: str) -> None:
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")


def _lock(name: str) -> Path:
    return ROOT / "requirements" / f"{name}.txt"


def _stamps() -> dict[str, str]:
    try:
        return dict(json.loads(STAMP.read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return {}


def _write_stamps(installed: dict[str, str]) -> None:
    fresh = STAMP.with_suffix(".new")
    fresh.write_text(json.dumps(installed, indent=1) + "\n", encoding="utf-8")
    os.replace(fresh, STAMP)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
