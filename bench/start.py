"""How long the desk takes to be ready and what it weighs after its first scan, beside a process with the same libraries.

The list of libraries is taken from the desk itself: a run that is not measured reports every module it loads. The two programs
then take turns, on a warm disk and a database that exists.
"""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
import time
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from bench.chat import BAR_S, Chat, sandbox
from bench.desk import Desk, desk, settings_for
from bench.figures import Figure, Measured, Target, middle, spread
from bench.plan import Plan
from bench.programs import ROOT, BenchError, environment, wait_for

MOST_FLOORS = 1.15
TRADERS = 4
# A bar's candle is read a tenth of a second after it closed and scanned at once; the scan's own second comes on top.
SCANNED_AFTER_S = 1.5
SAVED_WITHIN_S = 15.0
_IMPORTED = re.compile(r"^import time:\s+\d+ \|\s+\d+ \|\s+(\S+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Started:
    ready_s: float
    rss_mib: float


async def measure(plan: Plan, folder: Path) -> Measured:
    """Start both programs in turns; the medians are compared."""
    async with sandbox(folder, limits=True) as chat:
        traders = await chat.add_people(TRADERS)
        settings = settings_for(chat, folder, traders)
        modules = folder / "modules.txt"
        modules.write_text("\n".join(await _third_party(folder, settings)), encoding="utf-8")
        desks, floors, loaded = [], [], 0
        for _ in range(plan.start_runs):
            async with desk(folder, settings) as running:
                desks.append(await _after_first_scan(running, chat))
            floor, loaded = await asyncio.to_thread(_start_floor, modules, folder / "state" / "sortie.db")
            floors.append(floor)
    target = Target(at_most=MOST_FLOORS, of_floor=True)
    floor_is = "imports and an open database"
    figures = [
        Figure(
            name="Start to ready",
            value=middle([each.ready_s for each in desks]),
            unit="s",
            floor=middle([each.ready_s for each in floors]),
            floor_is=floor_is,
            target=target,
        ),
        Figure(
            name="Memory after the first scan",
            value=middle([each.rss_mib for each in desks]),
            unit="MiB",
            floor=middle([each.rss_mib for each in floors]),
            floor_is=floor_is,
            target=target,
        ),
    ]
    details = {
        "desk_ready_s": spread([each.ready_s for each in desks]),
        "floor_ready_s": spread([each.ready_s for each in floors]),
        "desk_rss_mib": spread([each.rss_mib for each in desks]),
        "floor_rss_mib": spread([each.rss_mib for each in floors]),
        "floor_modules": loaded,
    }
    return Measured(figures=figures, details=details)


async def _third_party(folder: Path, settings: Any) -> list[str]:
    """Let the desk run once and return the modules of others that it had loaded, in its order."""
    async with desk(folder, settings, "-X", "importtime") as running:
        output = running.program.output
    loaded = list(dict.fromkeys(_IMPORTED.findall(output.read_text(encoding="utf-8"))))
    tops = {name.partition(".")[0] for name in loaded}
    others = {top for top in tops if _is_installed(top)}
    found = [name for name in loaded if name.partition(".")[0] in others]
    if not {"aiogram", "ccxt", "sqlalchemy"} <= others:
        raise BenchError(f"the desk's list of modules is not complete: {sorted(others)}")
    return found


def _is_installed(top: str) -> bool:
    """Tell whether a top-level module comes from an installed distribution: neither Python's own nor the project's."""
    if top in sys.stdlib_module_names:
        return False
    try:
        spec = find_spec(top)
    except (ImportError, ValueError):
        return False
    return spec is not None and spec.origin is not None and "site-packages" in spec.origin


async def _after_first_scan(running: Desk, chat: Chat) -> _Started:
    """Wait until the first bar that closed after the start was scanned, then weigh the desk."""
    closes_at = (time.time() // BAR_S + 1) * BAR_S + SCANNED_AFTER_S
    await asyncio.sleep(max(0.0, closes_at - time.time()))
    since = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(closes_at - SCANNED_AFTER_S))

    def scanned() -> bool | None:
        found = running.count("SELECT count(*) FROM stages WHERE name = 'scan' AND last_success > ?", since)
        return True if found else None

    await wait_for("the first scan", scanned, running.program, SAVED_WITHIN_S)
    return _Started(ready_s=running.ready_s, rss_mib=running.program.rss_mib())


def _start_floor(modules: Path, database: Path) -> tuple[_Started, int]:
    command = [sys.executable, "-m", "bench.floors.imports", str(modules), str(database)]
    began = time.time()
    done = subprocess.run(command, cwd=ROOT, env=environment(), capture_output=True, check=True)
    said = json.loads(done.stdout)
    return _Started(ready_s=said["ready_at"] - began, rss_mib=said["rss_mib"]), said["loaded"]
