"""What a desk's log tells of errors that nobody expected."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

CRASHED = ("handler.failed", "stage.crashed", "job.crashed", "tick.crashed", "tick.failed", "process.crashed")


def crashes(files: Sequence[Path]) -> list[str]:
    """Return the lines of the logs that tell of an error nobody expected."""
    found = []
    for file in files:
        for line in file.read_text().splitlines():
            if any(f'"{event}"' in line for event in CRASHED):
                told = json.loads(line)
                found.append(f"{told['event']} {told.get('stage') or told.get('job') or told.get('tick')}: {str(told)[-600:]}")
    return found
