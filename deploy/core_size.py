"""Download the core's wheels for this platform and weigh them: ``python -m deploy.core_size``."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from deploy.environment import ROOT

LIMIT_MB = 60
MOST_SHOWN = 5


def main() -> int:
    """Print the largest wheels and the sum; return 1 when it is more than the limit."""
    with tempfile.TemporaryDirectory() as folder:
        pip = [sys.executable, "-m", "pip", "download", "-qq", "--disable-pip-version-check", "--no-input", "--no-deps"]
        lock = ROOT / "requirements" / "core.txt"
        subprocess.run([*pip, "--require-hashes", "--dest", folder, "-r", str(lock)], check=True)
        sizes = {file.name: file.stat().st_size / 1e6 for file in Path(folder).iterdir()}
    for name, size in sorted(sizes.items(), key=lambda item: -item[1])[:MOST_SHOWN]:
        sys.stdout.write(f"{size:6.1f} MB  {name}\n")
    total = sum(sizes.values())
    sys.stdout.write(f"{total:6.1f} MB  in {len(sizes)} packages; {LIMIT_MB} MB is the most the core may download\n")
    return 0 if total <= LIMIT_MB else 1


if __name__ == "__main__":
    sys.exit(main())
