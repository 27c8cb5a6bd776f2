"""Losses that are planted in copies of the evidence: a judge that does not see each of them proves nothing."""

from __future__ import annotations

import asyncio
import json
import shutil
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

from services.operations.judgement import Status
from services.operations.places import log_files, paper_file
from services.operations.venue_book import VenueBook
from tests.crash.logged import CRASHED
from tests.kills.acts import Answer
from tests.kills.judge import Evidence, Verdict, judge

Plant = Callable[[Evidence], Evidence]


class NothingToPlant(Exception):
    """The campaign left nothing that this loss could be planted in: it was too short to prove the judge."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """One planted loss, and whether a verdict names it."""

    plant: Plant
    seen: Callable[[Verdict], bool]


def _lose_a_fill(evidence: Evidence) -> Evidence:
    return _desk(evidence, "DELETE FROM fills WHERE rowid = (SELECT min(rowid) FROM fills)")


def _forget_an_order(evidence: Evidence) -> Evidence:
    where = "(SELECT instruction_id FROM orders WHERE instruction_id IS NOT NULL AND filled <> '0' LIMIT 1)"
    return _desk(evidence, f"DELETE FROM instructions WHERE id = {where}")


def _place_twice(evidence: Evidence) -> Evidence:
    """Let the paper venue have one order twice; its own file refuses that, so it loses what refuses first."""
    with closing(sqlite3.connect(paper_file(evidence.state))) as connection, connection:
        connection.execute("CREATE TABLE loose AS SELECT * FROM orders")
        again = connection.execute("INSERT INTO loose SELECT * FROM orders ORDER BY sequence LIMIT 1").rowcount
        connection.execute("UPDATE loose SET sequence = sequence + 1000000 WHERE rowid = (SELECT max(rowid) FROM loose)")
        connection.execute("DROP TABLE orders")
        connection.execute("ALTER TABLE loose RENAME TO orders")
    if not again:
        raise NothingToPlant("no order at the paper venue")
    return evidence


def _claim_twice(evidence: Evidence) -> Evidence:
    columns = "sequence + 1000000, at, actor, kind, correlation, facts, previous, hash"
    return _desk(
        evidence,
        f"INSERT INTO journal (sequence, at, actor, kind, correlation, facts, previous, hash) "
        f"SELECT {columns} FROM journal WHERE kind = 'instruction.sent' LIMIT 1",
    )


def _take_a_stop_away(evidence: Evidence) -> Evidence:
    """Let no stop work at any venue, as if each had been lost."""
    with closing(sqlite3.connect(paper_file(evidence.state))) as connection, connection:
        done = connection.execute("UPDATE orders SET state = 'canceled' WHERE role = 'stop' AND state = 'accepted'").rowcount
    gone: VenueBook = replace(evidence.exchange, orders=tuple(each for each in evidence.exchange.orders if not each.live))
    if not done and gone == evidence.exchange:
        raise NothingToPlant("no stop works")
    return replace(evidence, exchange=gone)


def _swallow_an_answer(evidence: Evidence) -> Evidence:
    if not evidence.acts:
        raise NothingToPlant("nobody did anything")
    first, *others = evidence.acts
    return replace(evidence, acts=(replace(first, answer=Answer.NONE), *others))


def _leave_a_command(evidence: Evidence) -> Evidence:
    return _desk(evidence, "UPDATE updates SET state = 'received' WHERE update_id = (SELECT max(update_id) FROM updates)")


def _break_the_journal(evidence: Evidence) -> Evidence:
    return _desk(evidence, "DELETE FROM journal WHERE sequence = (SELECT max(sequence) / 2 FROM journal)")


def _let_a_stage_crash(evidence: Evidence) -> Evidence:
    with log_files(evidence.state)[0].open("a", encoding="utf-8") as log:
        log.write(json.dumps({"event": CRASHED[0], "stage": "planted"}) + "\n")
    return evidence


def _fails(number: int) -> Callable[[Verdict], bool]:
    return lambda verdict: verdict.checks[number - 1].status is Status.FAIL


CONTROLS: Mapping[str, Control] = {
    "a fill is lost": Control(plant=_lose_a_fill, seen=lambda verdict: bool(verdict.lost_fills) and _fails(2)(verdict)),
    "an instruction is lost": Control(plant=_forget_an_order, seen=_fails(1)),
    "an order is placed twice": Control(
        plant=_place_twice, seen=lambda verdict: bool(verdict.duplicates) and _fails(1)(verdict)
    ),
    "an instruction is claimed twice": Control(plant=_claim_twice, seen=lambda verdict: bool(verdict.duplicates)),
    "a stop is lost": Control(plant=_take_a_stop_away, seen=lambda verdict: bool(verdict.naked) and _fails(8)(verdict)),
    "an answer is lost": Control(plant=_swallow_an_answer, seen=lambda verdict: bool(verdict.unanswered)),
    "a command is left": Control(plant=_leave_a_command, seen=_fails(7)),
    "a stage crashes": Control(plant=_let_a_stage_crash, seen=lambda verdict: bool(verdict.crashes)),
    "a journal row is lost": Control(plant=_break_the_journal, seen=_fails(9)),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Controlled:
    """What the judge did not see of what was planted, and what the campaign left no place to plant in."""

    blind: tuple[str, ...]
    not_planted: tuple[str, ...]


async def control_judge(evidence: Evidence, folder: Path) -> Controlled:
    """Plant each loss in a copy of its own and judge it."""
    blind, not_planted = [], []
    for number, (name, control) in enumerate(CONTROLS.items()):
        place = folder / f"control-{number}"
        await asyncio.to_thread(shutil.copytree, evidence.state, place)
        try:
            planted = control.plant(replace(evidence, state=place))
            if not control.seen(await judge(planted)):
                blind.append(f"{name}, and the judge did not see it")
        except NothingToPlant as nothing:
            not_planted.append(f"{name}: {nothing}")
        finally:
            await asyncio.to_thread(shutil.rmtree, place)
    return Controlled(blind=tuple(blind), not_planted=tuple(not_planted))


def _desk(evidence: Evidence, statement: str) -> Evidence:
    """Change the copy of the desk's database as a defect would have."""
    with closing(sqlite3.connect(evidence.state / "sortie.db")) as connection, connection:
        if not connection.execute(statement).rowcount:
            raise NothingToPlant("no such row")
    return evidence
