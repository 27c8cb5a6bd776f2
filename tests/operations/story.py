"""A desk's short life on files: a trade that closed and one that is open, a halt, people who were told."""

from __future__ import annotations

import asyncio
import secrets
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

from services.domain.buttons import Act
from services.domain.states import HaltState, UpdateState
from services.missions.fire import Fired
from services.operations.evidence import Evidence, Material, collect
from services.operations.journal_anchor import keep_head
from services.operations.judgement import CheckResult, Status
from services.operations.venue_book import VenueBook, read_paper_book
from services.operations.verify import judge_all
from services.storage import desk, outbox, previews, updates
from services.storage.database import Database, Unit
from tests.access.bench import NoWakeups
from tests.trading.rig import ANN, CARL, TOM, Rig, desk_at

LATER = timedelta(seconds=30)


class FixedClock:
    """One moment."""

    def __init__(self, now: datetime) -> None:
        self._now = now

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return 0.0

    async def sleep(self, seconds: float) -> None:
        raise AssertionError("verification does not wait")


async def fire(rig: Rig, person_id: int = ANN) -> str:
    mission = await rig.mission()
    rig.clock.advance(0.5)
    await rig.trading.preview(rig.actor(person_id), mission.id)
    preview = await rig.read(lambda unit: previews.find(unit, mission.id, person_id))
    fired = await rig.trading.fire(rig.actor(person_id), preview.token_id)
    assert isinstance(fired, Fired), fired
    rig.clock.advance(0.1)
    await rig.settle()
    return fired.trade_id


async def live_a_while(folder: Path) -> datetime:
    """Fire, stop out, fire again, close half, halt; return the time at its end."""
    async with desk_at(folder) as rig:
        rig.clock.advance(1)
        await fire(rig)
        rig.clock.advance(10)
        await rig.price("62999", "62999.02")
        rig.clock.advance(60)
        await rig.price("63999.99", "64000.01")
        kept = await fire(rig, TOM)
        rig.clock.advance(5)
        await rig.price("63999.99", "64000.01")
        asked = await rig.trading.ask_close(rig.actor(TOM), kept, Decimal("0.5"))
        await rig.trading.close(rig.actor(TOM), asked.token.id, Act.CLOSE)
        rig.clock.advance(0.1)
        await rig.settle()
        rig.clock.advance(5)
        await rig.trading.halt(rig.actor(CARL), HaltState.HALTED, "end of the story")
        rig.clock.advance(1)
        await rig.settle()
        await rig.trading.database.write(_tell_everyone)
        await rig.trading.database.write(partial(desk.renew_lease, lease=rig.lease, seconds=3600))
        return rig.clock.now() + LATER


def _tell_everyone(unit: Unit) -> None:
    updates.store(unit, [(number, '{"text": "/fire"}') for number in range(1, 6)])
    updates.finish(unit, [1, 2, 3, 4, 5], UpdateState.DONE)
    for notice in outbox.pending_notices(unit, 100):
        outbox.told(unit, notice, message_id=notice.id)
    for card in outbox.stale_cards(unit, 100):
        outbox.shown(unit, card, message_id=7, digest="d", has_photo=False)
    keep_head(unit)


class Story:
    """A copy of the life above that a test may falsify."""

    def __init__(self, template: Path, folder: Path, now: datetime) -> None:
        self.folder = folder
        for file in template.iterdir():
            shutil.copy(file, folder / file.name)
        self.now = now
        self.secret = secrets.token_urlsafe(24)
        self.log = folder / "sortie.log"
        self.log.write_text('{"event":"desk.ready"}\n', encoding="utf-8")
        self.settled = False
        self.transcript: str | None = "Ann: /fire\nSortie: filled\n"

    @property
    def desk_file(self) -> Path:
        return self.folder / "sortie.db"

    @property
    def venue_file(self) -> Path:
        return self.folder / "paper.db"

    def desk(self, statement: str, *values: object) -> None:
        """Falsify the desk's database; the statement must touch something."""
        self._execute(self.desk_file, statement, values)

    def venue(self, statement: str, *values: object) -> None:
        """Falsify the venue's file; the statement must touch something."""
        self._execute(self.venue_file, statement, values)

    def one(self, query: str, *values: object) -> Any:
        """Return the first column of the first row of the desk's database."""
        with closing(sqlite3.connect(self.desk_file)) as connection:
            return connection.execute(query, values).fetchone()[0]

    def _execute(self, file: Path, statement: str, values: tuple[object, ...]) -> None:
        with closing(sqlite3.connect(file)) as connection, connection:
            assert connection.execute(statement, values).rowcount != 0, statement

    def books(self) -> list[VenueBook]:
        book = read_paper_book(self.venue_file, FixedClock(self.now))
        return [] if book is None else [book]

    def verify(self) -> dict[int, CheckResult]:
        return {result.number: result for result in judge_all(self.evidence())}

    def evidence(self) -> Evidence:
        database = Database(f"sqlite:///{self.desk_file}", FixedClock(self.now), NoWakeups(), threads=False)
        material = Material(
            books=self.books,
            logs=(self.log,),
            transcript=self.transcript,
            secrets=frozenset({self.secret}),
            halt_file=self.folder / "HALT",
            settled=self.settled,
        )
        try:
            books = self.books()
            return database.read_now(lambda unit: collect(unit, material, books))
        finally:
            asyncio.run(database.close())

    def failed(self) -> set[int]:
        """Return the numbers of the checks that fail."""
        return {number for number, result in self.verify().items() if result.status is Status.FAIL}


Falsify = Callable[[Story], None]


def tell(folder: Path) -> datetime:
    """Live the story on a folder's files."""
    return asyncio.run(live_a_while(folder))
