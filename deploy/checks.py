"""Run every check, all of them even when one fails, and say which did: ``python -m deploy.checks``."""

from __future__ import annotations

import subprocess
import sys
import time

from deploy.environment import ROOT

CHECKS = {
    "lint": ["-m", "ruff", "check", "--quiet", "--output-format=concise", "."],
    "format": ["-m", "ruff", "format", "--check", "--output-format=concise", "."],
    "types": ["-m", "mypy", "--no-error-summary"],
    "layers": ["-c", "from importlinter.cli import lint_imports_command; lint_imports_command()", "--no-logo"],
    "secrets": ["-m", "deploy.secret_scan"],
}


def main() -> int:
    """Run the checks in turn, showing what the failing ones say; return 1 when any failed."""
    failed = []
    for name, arguments in CHECKS.items():
        started = time.monotonic()
        done = subprocess.run([sys.executable, *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
        passed = done.returncode == 0
        sys.stdout.write(f"{name:8} {'ok' if passed else 'FAILED':6} {time.monotonic() - started:5.1f} s\n")
        if not passed:
            failed.append(name)
            sys.stdout.write(done.stdout + done.stderr)
        sys.stdout.flush()
    sys.stdout.write(f"failed: {', '.join(failed)}\n" if failed else "all checks passed\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
