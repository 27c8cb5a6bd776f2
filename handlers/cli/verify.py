"""``sortie verify``: the ten invariants over the desk's files, beside a running desk or after it."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence

from config.settings import Settings
from handlers.cli.console import explain, say, say_json, say_rows
from services.domain.errors import SortieError
from services.domain.ports import Clock
from services.operations.evidence import Material
from services.operations.judgement import CheckResult
from services.operations.places import halt_file, log_files, paper_file, shell_database
from services.operations.venue_book import VenueBook, read_paper_book
from services.operations.verify import holds, run_all, score

HOLD, BROKEN = 0, 1


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


def _as_json(result: CheckResult) -> dict[str, object]:
    return {"number": result.number, "name": result.name, "status": result.status.value, "detail": result.detail}
