"""The ten things that always hold, checked over database, venues, logs and chat; nothing is written, nothing is locked."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from services.operations.conduct_checks import halted_and_protected, no_exposure_while_blocked, only_listed_moves
from services.operations.evidence import Evidence, Material, collect
from services.operations.judgement import CheckResult, Status
from services.operations.record_checks import every_command_answered, journal_unbroken, no_secret
from services.operations.venue_checks import (
    committed_before_written,
    one_write_per_instruction,
    positions_are_fills,
    same_fills,
)
from services.storage.database import Database

CHECKS: tuple[Callable[[Evidence], CheckResult], ...] = (
    one_write_per_instruction,
    same_fills,
    positions_are_fills,
    committed_before_written,
    only_listed_moves,
    no_exposure_while_blocked,
    every_command_answered,
    halted_and_protected,
    journal_unbroken,
    no_secret,
)


async def run_all(database: Database, material: Material) -> list[CheckResult]:
    """Run the ten checks over one snapshot; raise Unavailable when a venue's book is there and cannot be read."""
    books = material.books()
    return judge_all(await database.read(lambda unit: collect(unit, material, books)))


def run_all_now(database: Database, material: Material) -> list[CheckResult]:
    """Run the ten checks on SQLite without an event loop."""
    books = material.books()
    return judge_all(database.read_now(lambda unit: collect(unit, material, books)))


def judge_all(evidence: Evidence) -> list[CheckResult]:
    """Return the ten answers in order."""
    return [check(evidence) for check in CHECKS]


def holds(results: Iterable[CheckResult], *, require_all: bool) -> bool:
    """Tell whether nothing failed and, when all are required, nothing was without data."""
    bad = {Status.FAIL, Status.NO_DATA} if require_all else {Status.FAIL}
    return all(result.status not in bad for result in results)


def score(results: Sequence[CheckResult]) -> str:
    """Write how many hold, for example ``10/10``."""
    return f"{sum(result.status is Status.OK for result in results)}/{len(results)}"
