"""The arrows between the rooms, and that the contracts which hold them do bite."""

from __future__ import annotations

import ast
import subprocess
import sys
import tomllib
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
LINTER = PROJECT["tool"]["importlinter"]
VIOLATIONS = {
    "services/storage/a.py": "import handlers",
    "services/storage/b.py": "import services.venues",
    "services/storage/c.py": "import aiogram",
    "services/storage/d.py": "import config.settings",
    "services/storage/e.py": "import prometheus_client",
    "handlers/web/a.py": "import handlers.telegram",
    "handlers/web/b.py": "import sqlalchemy",
    "services/market/a.py": "import services.venues",
    "sandbox/a.py": "import services.domain",
    "bot/a.py": "import sandbox",
}


def test_domain_imports_the_standard_library_alone() -> None:
    allowed = {*sys.stdlib_module_names, "services"}
    for file in (ROOT / "services" / "domain").glob("**/*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            names = [each.name for each in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or "services.domain"] if isinstance(node, ast.ImportFrom) else []
            for name in names:
                assert name.split(".")[0] in allowed, f"{file.name} imports {name}"
                assert not name.startswith("services") or name.startswith("services.domain"), f"{file.name} imports {name}"


def test_every_package_of_the_project_is_linted() -> None:
    folders = {each.parent.name for each in ROOT.glob("*/__init__.py")}

    assert folders - {"tests", "bench"} == set(LINTER["root_packages"])


def test_every_package_is_typed_strictly() -> None:
    folders = {each.parent.name for each in ROOT.glob("*/__init__.py")}

    assert folders - {"tests", "templates"} <= set(PROJECT["tool"]["mypy"]["files"])
    assert PROJECT["tool"]["mypy"]["strict"] is True


@pytest.mark.skipif(find_spec("importlinter") is None, reason="import-linter comes with `make check`")
def test_each_contract_notices_what_it_forbids(tmp_path: Path) -> None:
    packages = [
        each.parent.relative_to(ROOT) for name in LINTER["root_packages"] for each in (ROOT / name).glob("**/__init__.py")
    ]
    for package in packages:
        (tmp_path / package).mkdir(parents=True)
        (tmp_path / package / "__init__.py").touch()
    bot = ("wiring", "graph", "candle_wiring", "doctor_probes", "install_probes", "live_grounds")
    for name in (*(f"bot/{each}.py" for each in bot), "config/settings.py"):
        (tmp_path / name).touch()
    for name, line in VIOLATIONS.items():
        (tmp_path / name).write_text(f"{line}\n")
    (tmp_path / "pyproject.toml").write_bytes((ROOT / "pyproject.toml").read_bytes())

    call = "import sys; sys.path.insert(0, ''); from importlinter.cli import lint_imports_command; lint_imports_command()"
    done = subprocess.run(
        [sys.executable, "-P", "-c", call, "--no-cache"], cwd=tmp_path, capture_output=True, text=True, check=False
    )

    assert f"Contracts: 0 kept, {len(LINTER['contracts'])} broken" in done.stdout, done.stdout + done.stderr
    assert done.returncode == 1
