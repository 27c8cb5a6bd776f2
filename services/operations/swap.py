"""Put files in the place of others so that a crash in the middle is finished by whoever comes next.

The plan is on disk before the first file moves. What is replaced is kept aside, and every step can be done again.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import structlog

from services.domain.crashpoints import reach
from services.operations.backup_file import sync_folder

log = structlog.get_logger()
PLAN = "restore.json"
# What SQLite keeps beside a database belongs to it.
BESIDE = ("", "-wal", "-shm", "-journal")


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """``staged`` takes the place of ``target``, which goes into the folder ``aside``; without ``staged`` it only goes."""

    staged: Path | None
    target: Path
    aside: Path


def pending(state_dir: Path) -> bool:
    """Tell whether an exchange was cut short."""
    return (state_dir / PLAN).exists()


def exchange(state_dir: Path, plan: Sequence[Exchange]) -> None:
    """Carry out a plan; nobody may have the files open."""
    tree = [
        {"staged": str(each.staged) if each.staged else None, "target": str(each.target), "aside": str(each.aside)}
        for each in plan
    ]
    fresh = state_dir / f"{PLAN}.new"
    with fresh.open("w", encoding="utf-8") as file:
        json.dump(tree, file)
        file.flush()
        os.fsync(file.fileno())
    os.replace(fresh, state_dir / PLAN)
    sync_folder(state_dir)
    reach("swap.planned")
    finish(state_dir)


def finish(state_dir: Path) -> bool:
    """Carry out what is left of a plan; tell whether there was one."""
    if not pending(state_dir):
        return False
    plan = [
        Exchange(
            staged=Path(each["staged"]) if each["staged"] else None, target=Path(each["target"]), aside=Path(each["aside"])
        )
        for each in json.loads((state_dir / PLAN).read_text(encoding="utf-8"))
    ]
    for each in plan:
        _move(each)
    for folder in {each.target.parent for each in plan}:
        sync_folder(folder)
    (state_dir / PLAN).unlink()
    sync_folder(state_dir)
    for folder in {each.staged.parent for each in plan if each.staged is not None}:
        shutil.rmtree(folder, ignore_errors=True)
    log.info("swap.finished", files=[each.target.name for each in plan])
    return True


def _move(each: Exchange) -> None:
    if each.staged is not None and not each.staged.exists():
        return
    for suffix in BESIDE:
        old = each.target.with_name(each.target.name + suffix)
        if old.exists():
            each.aside.mkdir(mode=0o700, parents=True, exist_ok=True)
            os.replace(old, each.aside / old.name)
            reach(f"swap.aside{suffix}")
    if each.staged is not None:
        os.replace(each.staged, each.target)
        reach("swap.placed")
