"""Change gate and checks in every way that mutmut knows, and print the changes that nothing notices: ``make mutants``.

mutmut writes the changed functions side by side in a copy of the code. One process then chooses one after the other and holds
what the gate says against said.txt's contexts: milliseconds for each, where a run of the tests would take seconds.
"""

from __future__ import annotations

import difflib
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
ROOMS = ("services", "config", "tests", "bot", "handlers", "migrations", "sandbox", "templates")
CHANGED = ("services/risk/gate.py", "services/risk/checks/*.py")
CHOSEN = "MUTANT_UNDER_TEST"
LONGEST_S = 30
_FUNCTION = re.compile(
    r"^def (x_\w+?__mutmut_\w+)\(.*?(?=^(?:def |@|mutants_|class |[A-Z_]+ ?[:=]|#)|\Z)", re.MULTILINE | re.DOTALL
)


def changed_files(folder: Path) -> list[Path]:
    return sorted(file for pattern in CHANGED for file in folder.glob(pattern))


def write_mutants(folder: Path) -> None:
    """Copy the code and write all changed functions beside the true ones."""
    from mutmut.mutation.file_mutation import mutate_file_contents

    for room in ROOMS:
        shutil.copytree(ROOT / room, folder / room, ignore=shutil.ignore_patterns("__pycache__"))
    for file in changed_files(folder):
        file.write_text(mutate_file_contents(str(file), file.read_text(encoding="utf-8"), None, None).code, encoding="utf-8")


def judge(folder: Path) -> int:
    """Try every mutant; return how many nothing noticed."""
    from tests.risk.said import contexts, lines_of

    os.environ[CHOSEN] = ""
    asked = [context for _, context in contexts()]
    said = [lines_of(context) for context in asked]
    signal.signal(signal.SIGALRM, _too_long)
    tried = left = 0
    for name, change in mutants(folder):
        os.environ[CHOSEN] = name
        tried += 1
        if not _noticed(asked, said):
            left += 1
            sys.stdout.write(f"{name}\n{change}\n\n")
    os.environ[CHOSEN] = ""
    sys.stdout.write(f"{tried} mutants, {tried - left} noticed, {left} not\n")
    return left


def _noticed(asked: list[object], said: list[list[str]]) -> bool:
    from tests.risk.said import lines_of

    signal.alarm(LONGEST_S)
    try:
        return any(lines_of(context) != lines for context, lines in zip(asked, said, strict=True))
    except Exception:  # noqa: BLE001 - whatever a changed function raises, it shows
        return True
    finally:
        signal.alarm(0)


def _too_long(*_: object) -> None:
    raise TimeoutError


def mutants(folder: Path) -> Iterator[tuple[str, str]]:
    """Yield every mutant's name with what it changes."""
    for file in changed_files(folder):
        source = file.read_text(encoding="utf-8")
        bodies = {found[1]: found[0].splitlines()[1:] for found in _FUNCTION.finditer(source)}
        module = ".".join(file.relative_to(folder).with_suffix("").parts)
        for name, body in bodies.items():
            if not name.endswith("_orig"):
                before = bodies[re.sub(r"_\d+$", "_orig", name)]
                yield f"{module}.{name}", "\n".join(list(difflib.unified_diff(before, body, n=0, lineterm=""))[3:])


def main() -> int:
    """Write the mutants and judge them in a process that knows only the copy; return 1 when some are left."""
    if sys.argv[1:] == ["judge"]:
        return 1 if judge(Path.cwd()) else 0
    with tempfile.TemporaryDirectory() as name:
        write_mutants(Path(name))
        return subprocess.call([sys.executable, "-m", "tests.risk.mutants", "judge"], cwd=name)


if __name__ == "__main__":
    sys.exit(main())
