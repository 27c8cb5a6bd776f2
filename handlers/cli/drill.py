"""``sortie drill``: run drills beside the desk, print each step, and have the desk remember how they went."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from config.settings import Settings
from handlers.cli.console import explain, say
from handlers.cli.halt import shell_actor
from services.domain.drills import DrillKind, DrillResult, Step
from services.domain.errors import Misconfigured, SortieError
from services.domain.ports import Clock, Ids
from services.operations.places import shell_database
from services.storage.drills import book_drill

PASSED, FAILED, NOT_RUN = 0, 1, 2
ALL = "all"
Runner = Callable[[DrillKind, Callable[[Step], None]], Awaitable[DrillResult]]


def kinds_of(name: str) -> tuple[DrillKind, ...]:
    """Return the drills of a name; raise ValueError for a name that is none."""
    return tuple(DrillKind) if name == ALL else (DrillKind(name),)


def run_drills(settings: Settings, clock: Clock, ids: Ids, run: Runner, kinds: Sequence[DrillKind]) -> int:
    """Run drills one after the other and journal each; return the exit code."""
    worst = PASSED
    for kind in kinds:
        say(f"drill {kind.value}")
        try:
            result = asyncio.run(_run_one(settings, clock, ids, run, kind))
        except Misconfigured as error:
            say(f"not run: {explain(error)}", error=True)
            worst = max(worst, NOT_RUN)
            continue
        except SortieError as error:
            say(f"the desk did not take the result: {explain(error)}", error=True)
            worst = max(worst, FAILED)
            continue
        worst = max(worst, PASSED if result.passed else FAILED)
    return worst


async def _run_one(settings: Settings, clock: Clock, ids: Ids, run: Runner, kind: DrillKind) -> DrillResult:
    async with shell_database(settings.database_url, clock, settings.database.busy_timeout_s) as database:
        result = await run(kind, _show)
        said = "passed" if result.passed else "FAILED"
        figures = ", ".join(f"{name} {value}" for name, value in result.figures.items())
        say(f"{said} in {result.took_s:.0f} s" + (f": {figures}" if figures else ""))
        await database.write(lambda unit: book_drill(unit, shell_actor(ids), result))
    return result


def _show(step: Step) -> None:
    say(f"  {'ok  ' if step.ok else 'FAIL'}  {step.what}" + (f" ({step.detail})" if step.detail else ""))
