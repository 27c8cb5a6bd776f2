"""Find the first row of the journal that is not as it was written: changed, gone, swapped, rewritten, or cut off at the end."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import String, select, type_coerce
from sqlalchemy.exc import SQLAlchemyError

from services.domain.journal import GENESIS, JournalEntry, chain_hash
from services.operations.journal_anchor import kept_heads
from services.storage.database import Unit
from services.storage.desk import journal_entry
from services.storage.tables import journal

PAGE = 500
_HEAD = re.compile(r"#?([0-9][0-9,]{0,18})\s*[:✓ ]\s*([0-9a-f]{4,64})(?:(?:…|\.\.\.?)([0-9a-f]{2,60}))?")
# As text, so that a byte which parses to the same moment shows too; PostgreSQL has no other form of a moment.
_COLUMNS = (type_coerce(journal.c.at, String).label("at"), *(each for each in journal.c if each.name != "at"))


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptHead:
    """A row's number and hash as they were kept elsewhere; a digest shows the hash by its first and last digits."""

    source: str
    sequence: int
    begins: str
    ends: str = ""

    def is_of(self, digest: str) -> bool:
        """Tell whether a row's hash is the one that was kept."""
        return digest.startswith(self.begins) and digest.endswith(self.ends)


@dataclass(frozen=True, slots=True, kw_only=True)
class Flaw:
    """The first bad row and what is wrong with it."""

    sequence: int
    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalReport:
    """What was read, up to where, which kept heads it was held against, and the first flaw if there is one."""

    rows: int
    sequence: int
    head: str
    sources: tuple[str, ...]
    flaw: Flaw | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Unreadable:
    sequence: int


def parse_head(text: str) -> KeptHead | None:
    """Read a head as a digest shows it, ``4,212 ✓ 9f3c…e1``, or in full as ``4212:9f3c...``; None when it is none."""
    found = _HEAD.fullmatch(text.strip().lower())
    if found is None:
        return None
    return KeptHead(source="the head given", sequence=int(found[1].replace(",", "")), begins=found[2], ends=found[3] or "")


def heads_in_copy(file: Path) -> Iterator[KeptHead]:
    """Return every row's hash as a copy of a SQLite database holds it; what cannot be read as one holds none."""
    try:
        with closing(sqlite3.connect(f"file:{file}?mode=ro&immutable=1", uri=True)) as connection:
            for sequence, digest in connection.execute("SELECT sequence, hash FROM journal ORDER BY sequence"):
                yield KeptHead(source=f"the copy {file.parent.name}", sequence=sequence, begins=digest)
    except sqlite3.Error:
        return


def check_journal(unit: Unit, others: Iterable[KeptHead] = ()) -> JournalReport:
    """Walk the chain from its first row to its last, and hold it against the heads that the desk kept and ``others``."""
    kept = [*(KeptHead(source=name, sequence=at, begins=digest) for name, at, digest in kept_heads(unit)), *others]
    by_row: dict[int, list[KeptHead]] = {}
    for head in kept:
        by_row.setdefault(head.sequence, []).append(head)
    walk = _Walk(by_row)
    for row in _rows(unit):
        walk.step(row)
        if walk.flaw is not None:
            break
    return JournalReport(
        rows=walk.rows,
        sequence=walk.sequence,
        head=walk.digest,
        sources=tuple(dict.fromkeys(head.source for head in kept)),
        flaw=walk.flaw or walk.end(),
    )


class _Walk:
    """Goes along the chain and stops at the first row that is not as it was."""

    def __init__(self, kept: Mapping[int, list[KeptHead]]) -> None:
        self._kept = kept
        self.rows, self.sequence, self.digest = 0, 0, GENESIS
        self.flaw: Flaw | None = None

    def step(self, row: JournalEntry | _Unreadable) -> None:
        expected = self.sequence + 1
        if row.sequence != expected:
            gone = row.sequence > expected
            self._found(
                expected if gone else row.sequence, "is missing" if gone else "has a number that the chain does not have"
            )
        elif isinstance(row, _Unreadable):
            self._found(expected, "cannot be read")
        elif row.hash != _hash_of(row, row.previous):
            self._found(expected, "was changed: its hash is another row's")
        elif row.previous != self.digest:
            # The row is whole, so the one before it is not the one that was there when it was written.
            self._found(max(self.sequence, 1), f"was rewritten: row {expected} follows from another")
        else:
            self.rows, self.sequence, self.digest = self.rows + 1, expected, row.hash
            self._hold(row)

    def _hold(self, row: JournalEntry) -> None:
        for head in self._kept.get(row.sequence, ()):
            if not head.is_of(row.hash):
                self._found(row.sequence, f"is not the one that {head.source} knows; it or one before it was rewritten")
                return

    def _found(self, sequence: int, what: str) -> None:
        self.flaw = Flaw(sequence=sequence, what=what)

    def end(self) -> Flaw | None:
        """Return what is missing behind the last row."""
        last = max(self._kept, default=0)
        if last <= self.sequence:
            return None
        source = self._kept[last][0].source
        return Flaw(sequence=self.sequence + 1, what=f"is missing: {source} knows rows up to {last}")


def _hash_of(row: JournalEntry, previous: str) -> str:
    return chain_hash(
        sequence=row.sequence,
        at=row.at,
        actor=row.actor,
        kind=row.kind,
        correlation=row.correlation,
        facts=row.facts,
        previous=previous,
    )


def _rows(unit: Unit) -> Iterator[JournalEntry | _Unreadable]:
    """Read page by page, also what stands before the first number, and around what cannot be read."""
    numbers = [row.sequence for row in unit.all(select(journal.c.sequence).order_by(journal.c.sequence))]
    for at in range(0, len(numbers), PAGE):
        page = numbers[at : at + PAGE]
        try:
            yield from _read(unit, page)
        except (ValueError, TypeError, SQLAlchemyError, sqlite3.Error):
            for number in page:
                yield _read_one(unit, number)


def _read_one(unit: Unit, number: int) -> JournalEntry | _Unreadable:
    try:
        (row,) = _read(unit, [number])
    except (ValueError, TypeError, SQLAlchemyError, sqlite3.Error):
        return _Unreadable(sequence=number)
    return row


def _read(unit: Unit, numbers: list[int]) -> list[JournalEntry]:
    found = unit.all(select(*_COLUMNS).where(journal.c.sequence.between(numbers[0], numbers[-1])).order_by(journal.c.sequence))
    return [_entry(row) for row in found]


def _entry(row: Any) -> JournalEntry:
    """Read a row; raise ValueError for a moment or a text that the desk does not write so."""
    at = datetime.fromisoformat(row.at) if isinstance(row.at, str) else row.at
    if isinstance(row.at, str) and at.isoformat(timespec="microseconds") != row.at:
        raise ValueError(f"row {row.sequence} has its moment in another form")
    texts = (row.actor, row.kind, row.correlation, row.facts, row.previous, row.hash)
    if not all(isinstance(each, str) for each in texts):
        raise ValueError(f"row {row.sequence} holds what is no text")
    return replace(journal_entry(row), at=at)
