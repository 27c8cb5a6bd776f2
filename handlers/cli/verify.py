"""``sortie verify``: the ten invariants over the desk's files, or the journal row by row, beside a running desk or after it."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence

from config.settings import Settings
from handlers.cli.console import explain, say, say_json, say_rows
from services.domain.errors import SortieError
from services.domain.ports import Clock
from services.operations.backup_file import DESK, copies_in
from services.operations.evidence import Material
from services.operations.journal_check import JournalReport, KeptHead, check_journal, heads_in_copy, parse_head
from services.operations.judgement import CheckResult, counted
from services.operations.places import backup_folder, halt_file, log_files, paper_file, shell_database
from services.operations.venue_book import VenueBook, read_paper_book
from services.operations.verify import holds, run_all, score

HOLD, BROKEN, NO_HEAD = 0, 1, 2


def run_verify(settings: Settings, clock: Clock, *, secrets: Collection[str], require_all: bool, json: bool) -> int:
    """Print the ten answers; return 0 when none fails and, with ``require_all``, each had material."""
    try:
        results = asyncio.run(_verify(settings, clock, secrets))
    except SortieError as error:
        say(f"cannot verify: {explain(error)}", error=True)
        return BROKEN
    kept = holds(results, require_all=require_all)
    if json:
        say_json({"at": clock.now().isoformat(), "ok": kept, "checks": [_as_json(each) for each in results]})
    else:
        say_rows([(str(each.number), each.name, each.status.value, each.detail) for each in results])
        say(f"{score(results)} hold")
    return HOLD if kept else BROKEN


async def _verify(settings: Settings, clock: Clock, secrets: Collection[str]) -> list[CheckResult]:
    state = settings.desk.state_dir

    def books() -> Sequence[VenueBook]:
        book = read_paper_book(paper_file(state), clock)
        return [book] if book is not None else []

    material = Material(books=books, logs=log_files(state), secrets=frozenset(secrets), halt_file=halt_file(state))
    async with shell_database(settings.database_url, clock, settings.database.busy_timeout_s) as database:
        return await run_all(database, material)


def run_verify_journal(settings: Settings, clock: Clock, *, head: str | None, json: bool) -> int:
    """Print whether the journal is as it was written, or its first bad row; 2 for a head that cannot be one."""
    given = parse_head(head) if head is not None else None
    if head is not None and given is None:
        say(f"{head[:80]!r} is no head: write it as a digest does, 4,212 ✓ 9f3c…e1, or as 4212:9f3c", error=True)
        return NO_HEAD
    try:
        report = asyncio.run(_verify_journal(settings, clock, given))
    except SortieError as error:
        say(f"cannot verify: {explain(error)}", error=True)
        return BROKEN
    if json:
        say_json(_journal_as_json(clock, report))
    else:
        _print_journal(report)
    return HOLD if report.flaw is None else BROKEN


async def _verify_journal(settings: Settings, clock: Clock, given: KeptHead | None) -> JournalReport:
    place = backup_folder(settings.backup.dir, settings.desk.state_dir)
    copied = [head for copy in copies_in(place) for head in heads_in_copy(copy / DESK)]
    others = [*([given] if given is not None else ()), *copied]
    async with shell_database(settings.database_url, clock, settings.database.busy_timeout_s) as database:
        return await database.read(lambda unit: check_journal(unit, others))


def _print_journal(report: JournalReport) -> None:
    held = ", ".join(report.sources) or "nothing: no head was kept yet"
    if report.flaw is None:
        say(f"{counted(report.rows, 'row')}, each follows from the one before; head {report.sequence}:{report.head}")
        say(f"held against {held}")
        return
    say(f"row {report.flaw.sequence} {report.flaw.what}")
    say(f"{counted(report.rows, 'row')} before it hold; held against {held}")


def _journal_as_json(clock: Clock, report: JournalReport) -> dict[str, object]:
    flaw = report.flaw
    return {
        "at": clock.now().isoformat(),
        "ok": flaw is None,
        "rows": report.rows,
        "sequence": report.sequence,
        "head": report.head,
        "held_against": list(report.sources),
        "first_bad_row": flaw.sequence if flaw is not None else None,
        "what": flaw.what if flaw is not None else None,
    }


def _as_json(result: CheckResult) -> dict[str, object]:
    return {"number": result.number, "name": result.name, "status": result.status.value, "detail": result.detail}
