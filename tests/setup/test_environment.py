"""Setting up: once in full, then in no time; cut short anywhere, it goes on; nothing but the checkout is touched."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "deploy" / "environment.py"
LOCK = "# nothing to install\n"


class Checkout:
    """A small project with the real set-up script and locks that need no network."""

    def __init__(self, root: Path) -> None:
        self.root = root
        for folder in ("deploy", "requirements", "bot"):
            (root / folder).mkdir(parents=True)
        shutil.copy(SCRIPT, root / "deploy")
        shutil.copy(ROOT / "demo.py", root)
        for name in ("core", "test", "check"):
            (root / "requirements" / f"{name}.txt").write_text(LOCK)
        (root / "bot" / "__init__.py").touch()
        (root / "bot" / "__main__.py").write_text("import sys\nprint('sortie', *sys.argv[1:])\nsys.exit(7)\n")

    @property
    def packages(self) -> Path:
        return next((self.root / ".venv").glob("lib/python3.*/site-packages"))

    def start(self, *arguments: str, script: str = "deploy/environment.py") -> subprocess.Popen[str]:
        environment = {**os.environ, "PIP_NO_INDEX": "1", "PIP_CONFIG_FILE": os.devnull}
        return subprocess.Popen(
            [sys.executable, str(self.root / script), *arguments],
            cwd=self.root.parent,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str, script: str = "deploy/environment.py") -> tuple[int, str]:
        process = self.start(*arguments, script=script)
        out, err = process.communicate(timeout=100)
        return process.returncode, out + err


pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="looks into the folders that POSIX systems use")


@pytest.fixture(scope="module")
def ready(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    checkout = Checkout(tmp_path_factory.mktemp("a path with ünusual letters") / "checkout")
    code, said = checkout.run("core")
    assert code == 0, said
    assert said.splitlines()[0] == "Creating the virtual environment in .venv ..."
    assert "Installing what the desk needs" in said
    return checkout


def test_second_time_takes_a_moment_and_says_nothing(ready: Checkout) -> None:
    times = []
    for _ in range(3):
        started = time.monotonic()
        assert ready.run("core") == (0, "")
        times.append(time.monotonic() - started)

    assert min(times) < 1


def test_command_runs_in_the_environment_with_its_own_exit_code(ready: Checkout) -> None:
    assert ready.run("core", "--", "sortie", "run", "a b") == (7, "sortie run a b\n")
    assert ready.run("core", "--", "python", "-c", "import sys; print(sys.prefix)")[1].strip() == str(ready.root / ".venv")


def test_demo_script_is_the_demo_with_its_flags(ready: Checkout) -> None:
    assert ready.run("--seed", "3", script="demo.py") == (7, "sortie demo --seed 3\n")


def test_further_sets_are_installed_when_first_asked_for(ready: Checkout) -> None:
    first, second = ready.run("test"), ready.run("test")

    assert "Installing what the tests need" in first[1]
    assert second == (0, "")


def test_changed_lock_is_installed_and_a_failure_keeps_the_old_stamp(ready: Checkout) -> None:
    lock = ready.root / "requirements" / "core.txt"
    lock.write_text(f"no-such-package==1.0 --hash=sha256:{'0' * 64}\n")
    code, said = ready.run("core")
    assert code == 1
    assert "pip could not install requirements/core.txt (see above). Run this again to go on." in said

    lock.write_text(LOCK)

    assert ready.run("core") == (0, "")


def test_half_installed_package_is_forgotten_before_installing(ready: Checkout) -> None:
    half = ready.packages / "half-1.0.dist-info"
    half.mkdir()
    (half / "METADATA").write_text("Metadata-Version: 2.1\nName: half\nVersion: 1.0\n")
    (ready.root / "requirements" / "check.txt").write_text("# another lock\n")

    code, said = ready.run("check")

    assert code == 0, said
    assert not half.exists()


def test_unknown_set_is_refused(ready: Checkout) -> None:
    assert ready.run("everything") == (
        1,
        "setup: there is no set everything; the sets are core, postgres, alerts, research, news, test, check, mutation\n",
    )


def test_environment_cut_short_while_it_was_made_is_made_anew(ready: Checkout) -> None:
    (ready.root / ".venv" / "sortie-installed.json").unlink()
    for record in ready.packages.glob("pip-*.dist-info/RECORD"):
        record.unlink()

    code, said = ready.run("core")

    assert code == 0, said
    assert "Creating the virtual environment" in said
    assert ready.run("core", "--", "python", "-m", "pip", "--version")[0] == 0


def test_two_at_once_wait_for_each_other(ready: Checkout) -> None:
    (ready.root / "requirements" / "core.txt").write_text("# yet another lock\n")
    both = [ready.start("core"), ready.start("core")]
    said = [process.communicate(timeout=100)[0] for process in both]

    assert [process.returncode for process in both] == [0, 0]
    assert sorted("Installing" in each for each in said) == [False, True]


def test_nothing_outside_of_the_checkout_is_written(ready: Checkout) -> None:
    assert [each.name for each in ready.root.parent.iterdir()] == ["checkout"]
    assert {each.name for each in ready.root.iterdir()} - {"__pycache__"} == {
        ".venv",
        ".venv.lock",
        "bot",
        "demo.py",
        "deploy",
        "requirements",
    }


def test_script_needs_the_standard_library_alone_and_old_pythons_can_read_it() -> None:
    for file in (SCRIPT, ROOT / "demo.py"):
        tree = ast.parse(file.read_text(encoding="utf-8"), feature_version=(3, 7))
        imported = {each.module for each in ast.walk(tree) if isinstance(each, ast.ImportFrom) and each.module}
        imported |= {name.name for each in ast.walk(tree) if isinstance(each, ast.Import) for name in each.names}
        assert {name.split(".")[0] for name in imported} <= {*sys.stdlib_module_names, "deploy"}


@pytest.mark.skipif(not shutil.which("make"), reason="needs make")
def test_make_help_lists_every_target() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    phony = next(line for line in makefile.splitlines() if line.startswith(".PHONY:")).split()[1:]

    shown = subprocess.run(
        ["make", "--no-print-directory", "-C", str(ROOT), "help"], capture_output=True, text=True, check=True
    ).stdout

    assert [line.split()[0] for line in shown.splitlines()] == phony
    assert {"demo", "setup", "run", "test", "check", "bench", "docs", "help"} <= set(phony)
