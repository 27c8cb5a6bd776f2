"""Lock the requirements anew, with hashes and without addresses: ``python -m deploy.lock [package ...]``.

Without arguments every version stays unless pyproject.toml asks for another; a named package is brought up to date, and
``--upgrade`` renews all. uv does the work and is installed when this is first used.
"""

from __future__ import annotations

import subprocess
import sys

from deploy.environment import PYTHON, ROOT

UV = "uv>=0.8,<1"
# The extras of each file. Later files take what earlier ones locked, so that one package never has two versions.
FILES: dict[str, list[str]] = {
    "core": [],
    "postgres": ["postgres"],
    "alerts": ["alerts"],
    "research": ["research"],
    "news": ["news"],
    "test": ["postgres", "alerts", "research", "news", "test"],
    "check": ["postgres", "alerts", "research", "news", "test", "check"],
    "mutation": ["postgres", "alerts", "research", "news", "test", "mutation"],
}


def main(packages: list[str]) -> int:
    """Write the lock files; return 1 when one cannot be resolved."""
    subprocess.run([str(PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", UV], check=True)
    options = ["--universal", "--generate-hashes", "--no-header", "--no-emit-index-url", "--no-emit-find-links", "--quiet"]
    renew = packages if packages[:1] == ["--upgrade"] else [f"--upgrade-package={name}" for name in packages]
    for number, (name, chosen) in enumerate(FILES.items()):
        target = f"requirements/{name}.txt"
        extra = [f"--extra={each}" for each in chosen]
        constraints = [f"--constraints=requirements/{each}.txt" for each in list(FILES)[:number]]
        command = [
            str(PYTHON),
            "-m",
            "uv",
            "pip",
            "compile",
            "pyproject.toml",
            "--python-version=3.11",
            "--output-file",
            target,
        ]
        if subprocess.call([*command, *options, *extra, *constraints, *renew], cwd=ROOT) != 0:
            return 1
        sys.stdout.write(f"{target} written\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
