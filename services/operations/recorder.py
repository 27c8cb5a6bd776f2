"""What the desk saw and did, in files of its own beside the database, for replays; it says itself what it lost."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from itertools import groupby

import structlog

from services.domain.journal import encode_facts
from services.domain.market import Quote
from services.domain.ports import Clock
from services.market.store.behind import Behind
from services.operations.day_files import DayFiles, NoRoom, read_lines
from services.storage import desk, instructions, verdicts
from services.storage.database import Database, Unit

log = structlog.get_logger()
QUOTES, JOURNAL = "quotes", "journal"
WAITING = 20_000
ROWS_AT_ONCE = 500
TIDY_EVERY = timedelta(minutes=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A row of the journal with what it is about: an instruction's terms, a verdict with the inputs it was made from."""

    sequence: int
    at: datetime
    facts: Mapping[str, object]


Rows = tuple[Row, ...]


@dataclass(slots=True, kw_only=True)
class Loss:
    """Quotes that were not written: how many, and between which moments."""

    count: int
    since: datetime
    until: datetime


class Recorder:
    """Writes quotes and journal rows in a thread of its own. Who hands them over never waits.

    A quote that finds the queue full or the disk refusing is lost and counted; the count stands in the file as soon as it can
    be written. Rows of the journal are never lost: what was not written is read from the database again. ``written`` is the
    newest row that stands in the files, ``refused`` tells that rows after it were not taken by the disk.
    """

    def __init__(self, files: DayFiles, clock: Clock, *, waiting: int = WAITING) -> None:
        self._files = files
        self._clock = clock
        self._lock = threading.Lock()
        self._loss: Loss | None = None
        self._tidied: datetime | None = None
        self.behind: Behind[Quote | Rows] = Behind("recorder", self._work, most=waiting, idle=self._tidy)
        self.written: int | None = None
        self.refused = False

    def quote(self, quote: Quote) -> None:
        """Have a quote written; returns at once."""
        if not self.behind.offer(quote):
            self._lose((quote,))

    def rows(self, rows: Rows) -> bool:
        """Have rows of the journal written; tell whether they were taken."""
        return self.behind.offer(rows)

    def last_sequence(self) -> int | None:
        """Return the newest row of the journal in the files, or None; raise OSError when they cannot be read."""
        return next((max(found) for found in self._sequences() if found), None)

    def _sequences(self) -> Iterator[list[int]]:
        """Return the rows of each day, the newest day first; half a line that a death has left is none."""
        for day in reversed(self._files.days()):
            found = []
            for line in read_lines(day, JOURNAL):
                with suppress(ValueError):
                    found.append(int(json.loads(line)["sequence"]))
            yield found

    def _work(self, batch: list[Quote | Rows]) -> None:
        self._tidy()
        quotes = [each for each in batch if isinstance(each, Quote)]
        for _, group in groupby(quotes, key=lambda each: each.received_at.date()):
            self._write_quotes(list(group))
        for each in batch:
            if not isinstance(each, Quote):
                self._write_rows(each)

    def _write_quotes(self, quotes: Sequence[Quote]) -> None:
        with self._lock:
            loss, self._loss = self._loss, None
        lines = [encode_facts(asdict(quote)) for quote in quotes]
        if loss is not None:
            lines.insert(
                0, encode_facts({"lost": loss.count, "since": loss.since.isoformat(), "until": loss.until.isoformat()})
            )
        try:
            self._files.append(QUOTES, quotes[0].received_at.date(), lines)
        except (OSError, NoRoom) as error:
            self._put_back(loss)
            self._lose(quotes)
            log.warning("record.not_written", what=QUOTES, count=len(quotes), reason=_reason(error))
            return
        if loss is not None:
            log.warning("record.lost", count=loss.count, since=str(loss.since), until=str(loss.until))

    def _write_rows(self, rows: Rows) -> None:
        if self.written is None or rows[0].sequence != self.written + 1:
            # Behind rows that were refused: they come again, in their order.
            return
        try:
            for day, group in groupby(rows, key=lambda row: row.at.date()):
                mine = list(group)
                self._files.append(JOURNAL, day, [encode_facts(row.facts) for row in mine])
                self.written = mine[-1].sequence
        except (OSError, NoRoom) as error:
            self.refused = True
            log.warning("record.not_written", what=JOURNAL, count=len(rows), reason=_reason(error))

    def _lose(self, quotes: Sequence[Quote]) -> None:
        with self._lock:
            self._loss = _both(self._loss, Loss(count=len(quotes), since=quotes[0].received_at, until=quotes[-1].received_at))

    def _put_back(self, loss: Loss | None) -> None:
        with self._lock:
            self._loss = _both(loss, self._loss)

    def _tidy(self) -> None:
        now = self._clock.now()
        if self._tidied is not None and now - self._tidied < TIDY_EVERY:
            return
        self._tidied = now
        try:
            self._files.tidy(now)
        except OSError as error:
            log.warning("record.not_tidied", reason=_reason(error))


class RecordJournal:
    """Hands the journal's new rows to the recorder, each with what it is about; goes on after a restart where it was.

    A desk that never recorded begins with the row that is newest then.
    """

    def __init__(self, database: Database, recorder: Recorder) -> None:
        self._database = database
        self._recorder = recorder
        self._handed = 0

    async def __call__(self) -> None:
        """Hand over what is new."""
        if self._recorder.written is None:
            self._recorder.written = self._handed = await self._begin()
        if self._recorder.refused:
            self._recorder.refused = False
            self._handed = self._recorder.written
        after = self._handed
        rows = await self._database.read(lambda unit: described_after(unit, after, ROWS_AT_ONCE))
        if rows and self._recorder.rows(rows):
            self._handed = rows[-1].sequence

    async def _begin(self) -> int:
        last = await asyncio.to_thread(self._recorder.last_sequence)
        if last is not None:
            return last
        head = await self._database.read(desk.journal_head)
        return head.sequence if head is not None else 0


def described_after(unit: Unit, sequence: int, most: int) -> Rows:
    """Return rows of the journal after a sequence number, oldest first, with the terms and verdicts that they name."""
    return tuple(
        Row(
            sequence=entry.sequence,
            at=entry.at,
            facts={
                "sequence": entry.sequence,
                "at": entry.at.isoformat(),
                "kind": entry.kind,
                "actor": entry.actor,
                "correlation": entry.correlation,
                "facts": (facts := json.loads(entry.facts)),
                **_about(unit, entry.kind, facts),
            },
        )
        for entry in desk.journal_after(unit, sequence, most)
    )


def _about(unit: Unit, kind: str, facts: Mapping[str, object]) -> dict[str, object]:
    about: dict[str, object] = {}
    if kind == "instruction.sent" and (sent := instructions.find(unit, str(facts["instruction"]))) is not None:
        about["terms"] = asdict(sent)
    if facts.get("verdict") and (verdict := verdicts.find(unit, str(facts["verdict"]))) is not None:
        about["verdict"] = verdict.body
    return about


def _both(one: Loss | None, other: Loss | None) -> Loss | None:
    if one is None or other is None:
        return one or other
    return Loss(count=one.count + other.count, since=min(one.since, other.since), until=max(one.until, other.until))


def _reason(error: OSError | NoRoom) -> str:
    return "the recordings have all the room they may have" if isinstance(error, NoRoom) else error.strerror or "disk"
