"""What a run is held against when it has come to rest: the ten checks, both books, the log, and what people got to see."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from services.operations.evidence import Material
from services.operations.judgement import NAMES, Status
from services.operations.places import halt_file, log_files, paper_file
from services.operations.venue_book import VenueBook, read_paper_book
from services.operations.verify import run_all
from tests.chat.rig import ANN, CARL, CORA, OLGA, SAM, TOM
from tests.crash.audit import Audit
from tests.crash.logged import crashes
from tests.crash.wholedesk import WholeDesk
from tests.crash.witness import writes
from tests.trading.rig import Rig

INTERRUPTED = "interrupted by a restart"
VERIFY = tuple(f"verify {number} {name}" for number, name in NAMES.items())
BOOKS, ANSWERS, CRASHES, SCENARIO = "both books", "a visible answer", "no stage crashed", "the scenario's own end"
OF_THE_CHAT = (7, 10)
INVARIANTS = (*VERIFY, BOOKS, ANSWERS, CRASHES, SCENARIO)
"""Everything a run is held against, as the table of the program names it."""

Problem = tuple[str, str]
"""An invariant and what breaks it."""


async def judge(desk: WholeDesk, deaths: int, *, ours: bool) -> list[Problem]:
    """Return what does not hold at the end of a run with so many deaths; ``ours`` says that all orders are the desk's."""
    found = await _verify(desk)
    if ours:
        found += [(BOOKS, problem) for problem in await Audit(desk, writes(desk.folder)).run()]
    found += [(ANSWERS, problem) for problem in desk.line.request("unanswered")]
    for person in (ANN, TOM, CARL, CORA, OLGA, SAM):
        lines = desk.line.request("count", person, INTERRUPTED)
        if lines > deaths:
            found.append((ANSWERS, f"{person} was told {lines} times of {deaths} interruptions"))
    found += [(CRASHES, line) for line in crashes(log_files(desk.folder))]
    return found


async def verify_without_chat(desk: Rig, books: Callable[[], Sequence[VenueBook]] | None = None) -> list[Problem]:
    """Ask those of the ten that need no chat and no log; one without material has nothing that it could say."""
    folder = desk.settings.desk.state_dir

    def paper() -> Sequence[VenueBook]:
        book = read_paper_book(paper_file(folder), desk.clock)
        return [book] if book is not None else []

    material = Material(books=books or paper, halt_file=halt_file(folder), settled=True)
    results = await run_all(desk.trading.database, material)
    return [
        (VERIFY[each.number - 1], each.detail)
        for each in results
        if each.status is Status.FAIL and each.number not in OF_THE_CHAT
    ]


async def _verify(desk: WholeDesk) -> list[Problem]:
    """Ask the ten; the day before left material for each, so that none may say that it has nothing to look at."""
    clock = desk.graph.clock

    def books() -> Sequence[VenueBook]:
        book = read_paper_book(paper_file(desk.folder), clock)
        return [book] if book is not None else []

    token = desk.settings.telegram.read_token()
    material = Material(
        books=books,
        logs=log_files(desk.folder),
        transcript=desk.line.request("transcript"),
        secrets=frozenset({token}),
        halt_file=halt_file(desk.folder),
        settled=True,
    )
    results = await run_all(desk.trading.database, material)
    return [(VERIFY[each.number - 1], f"{each.status}: {each.detail}") for each in results if each.status is not Status.OK]
