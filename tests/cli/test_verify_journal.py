"""``sortie verify journal``: whatever is done to the rows, the first bad one is named."""

from __future__ import annotations

import json
import random
import sqlite3
from contextlib import closing
from datetime import datetime
from pathlib import Path

import pytest

from config.settings import Settings
from handlers.cli.verify import run_verify_journal
from services.domain.journal import chain_hash
from services.operations.journal_check import JournalReport, KeptHead, check_journal, heads_in_copy, parse_head
from services.storage.database import Database
from tests.access.bench import NoWakeups
from tests.operations.story import FixedClock, Story

TEXTS = ("at", "actor", "kind", "correlation", "facts", "previous", "hash")


def read(file: Path, clock: FixedClock, *others: KeptHead) -> JournalReport:
    database = Database(f"sqlite:///{file}", clock, NoWakeups(), threads=False)
    return database.read_now(lambda unit: check_journal(unit, others))


def flip_a_byte(connection: sqlite3.Connection, last: int, chance: random.Random) -> set[int]:
    row, column = chance.randint(1, last), chance.choice(TEXTS)
    (stored,) = connection.execute(f"SELECT CAST({column} AS BLOB) FROM journal WHERE sequence = ?", (row,)).fetchone()
    changed = bytearray(stored)
    changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
    connection.execute(f"UPDATE journal SET {column} = CAST(? AS TEXT) WHERE sequence = ?", (bytes(changed), row))
    return {row}


def renumber(connection: sqlite3.Connection, last: int, chance: random.Random) -> set[int]:
    row, to = chance.randint(1, last), chance.choice((-7, 0, last + 1, last + 500))
    connection.execute("UPDATE journal SET sequence = ? WHERE sequence = ?", (to, row))
    return {row, to}


def delete_a_row(connection: sqlite3.Connection, last: int, chance: random.Random) -> set[int]:
    row = chance.randint(1, last)
    connection.execute("DELETE FROM journal WHERE sequence = ?", (row,))
    return {row}


def cut_off_the_end(connection: sqlite3.Connection, last: int, chance: random.Random) -> set[int]:
    row = chance.randint(1, last)
    connection.execute("DELETE FROM journal WHERE sequence >= ?", (row,))
    return {row}


def swap_two_rows(connection: sqlite3.Connection, last: int, chance: random.Random) -> set[int]:
    one, other = sorted(chance.sample(range(1, last + 1), 2))
    for old, new in ((one, -1), (other, one), (-1, other)):
        connection.execute("UPDATE journal SET sequence = ? WHERE sequence = ?", (new, old))
    return {one}


def rewrite_a_row(connection: sqlite3.Connection, last: int, chance: random.Random) -> set[int]:
    """Change what a row says and give it the hash that belongs to it."""
    _seal(connection, chance.randint(1, last), facts='{"rewritten":true}')
    return {_sealed(connection)}


def rewrite_the_rest(connection: sqlite3.Connection, last: int, chance: random.Random) -> set[int]:
    """Change a row and give it and everything behind it new hashes: a whole chain, but another one."""
    row = chance.randint(1, last)
    _seal(connection, row, facts='{"rewritten":true}')
    for each in range(row + 1, last + 1):
        _seal(connection, each)
    return {row}


def _seal(connection: sqlite3.Connection, row: int, facts: str | None = None) -> None:
    at, actor, kind, correlation, said = connection.execute(
        "SELECT at, actor, kind, correlation, facts FROM journal WHERE sequence = ?", (row,)
    ).fetchone()
    before = connection.execute("SELECT hash FROM journal WHERE sequence = ?", (row - 1,)).fetchone()
    previous = before[0] if before else "0" * 64
    body = {"actor": actor, "kind": kind, "correlation": correlation, "facts": facts or said, "previous": previous}
    digest = chain_hash(sequence=row, at=datetime.fromisoformat(at), **body)
    connection.execute(
        "UPDATE journal SET facts = ?, previous = ?, hash = ? WHERE sequence = ?", (body["facts"], previous, digest, row)
    )


def _sealed(connection: sqlite3.Connection) -> int:
    (row,) = connection.execute("SELECT sequence FROM journal WHERE facts LIKE '%rewritten%'").fetchone()
    return int(row)


DAMAGE = (flip_a_byte, renumber, delete_a_row, cut_off_the_end, swap_two_rows, rewrite_a_row, rewrite_the_rest)


def test_honest_journal_holds_against_all_that_was_kept(
    story: Story, settings: Settings, clock: FixedClock, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_verify_journal(settings, clock, head=None, json=False) == 0

    said = capsys.readouterr().out
    assert "each follows from the one before" in said and "the watch over the stages" in said


@pytest.mark.parametrize("damage", DAMAGE, ids=lambda each: each.__name__)
def test_the_first_bad_row_is_named_each_time(story: Story, clock: FixedClock, damage: object) -> None:
    assert callable(damage)
    honest = read(story.desk_file, clock)
    whole = list(heads_in_copy(story.desk_file))
    assert honest.flaw is None and len(whole) == honest.rows > 10
    chance, wrong = random.Random(damage.__name__), []
    database = Database(f"sqlite:///{story.desk_file}", clock, NoWakeups(), threads=False)
    with closing(sqlite3.connect(story.desk_file)) as connection:
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("CREATE TABLE whole AS SELECT * FROM journal")
        for _ in range(100):
            with connection:
                bad = damage(connection, honest.rows, chance)
            found = database.read_now(lambda unit: check_journal(unit, whole)).flaw
            if found is None or found.sequence not in bad:
                wrong.append((bad, found))
            with connection:
                connection.execute("DELETE FROM journal")
                connection.execute("INSERT INTO journal SELECT * FROM whole")

    assert wrong == []


def test_a_chain_that_lost_its_end_is_seen_by_the_head_that_stood_in_a_digest(
    story: Story, settings: Settings, clock: FixedClock, capsys: pytest.CaptureFixture[str]
) -> None:
    honest = read(story.desk_file, clock)
    shown = f"{honest.sequence:,} ✓ {honest.head[:4]}…{honest.head[-2:]}"
    story.desk("DELETE FROM journal WHERE sequence > ?", honest.sequence - 3)
    story.desk("DELETE FROM facts WHERE name LIKE '%journal%'")

    assert run_verify_journal(settings, clock, head=None, json=False) == 0, "nothing kept: the shorter chain is whole"
    assert run_verify_journal(settings, clock, head=shown, json=True) == 1

    said = json.loads(capsys.readouterr().out.split("\n", 2)[2])
    assert said["first_bad_row"] == honest.sequence - 2


def test_what_is_no_head_and_a_damaged_kept_one_are_said(
    story: Story, settings: Settings, clock: FixedClock, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_verify_journal(settings, clock, head="yesterday", json=False) == 2
    story.desk("UPDATE facts SET value = '{' WHERE name = 'journal.head'")
    assert run_verify_journal(settings, clock, head=None, json=False) == 1

    said = capsys.readouterr().err
    assert "no head" in said and "JOURNAL_HEAD" in said


@pytest.mark.parametrize("text", ["4212:9f3c", "4,212 ✓ 9f3c…e1", " #4212 9F3C...E1 "])
def test_a_head_is_read_as_it_is_shown(text: str) -> None:
    head = parse_head(text)

    assert head is not None and head.sequence == 4212
    assert head.is_of("9f3c" + "0" * 58 + "e1") and not head.is_of("9f3d" + "0" * 58 + "e1")
