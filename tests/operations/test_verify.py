"""The ten invariants: an honest desk keeps them, and each has twins that break it and are found."""

from __future__ import annotations

import json
import os
import secrets
import sqlite3
import time
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from services.domain.errors import Unavailable
from services.operations.evidence import Material
from services.operations.judgement import Status
from services.operations.record_checks import journal_unbroken
from services.operations.venue_book import read_paper_book
from services.operations.verify import holds, run_all_now, score
from services.storage.database import Database
from tests.access.bench import NoWakeups, make_database
from tests.operations.story import Falsify, FixedClock, Story
from tests.trading.rig import ANN, TOM

STOP_AT_VENUE = "UPDATE orders SET state = 'canceled' WHERE type = 'stop' AND state = 'accepted'"
COPY_ORDER = (
    "INSERT INTO orders SELECT 90, {account}, {client_id}, symbol, side, type, role, quantity, price, stop_price,"
    " time_in_force, reduce_only, 'accepted', '0', taken_off, reserve_price, list_id, triggered, rested, reason,"
    " accepted_at, due_at, updated_at"
    " FROM orders WHERE role = 'entry' ORDER BY sequence LIMIT 1"
)
ENTRY = "(SELECT id FROM instructions WHERE purpose = 'entry' ORDER BY created_at DESC LIMIT 1)"
LATE_ENTRY = f"UPDATE instructions SET {{what}} WHERE id = {ENTRY}"
AFTER_ALL = "2026-11-20T13:00:00.000000+00:00"
BEFORE_ALL = "2026-11-20T11:00:00.000000+00:00"


def desk(statement: str, *values: object) -> Falsify:
    return lambda story: story.desk(statement, *values)


def venue(statement: str, *values: object) -> Falsify:
    return lambda story: story.venue(statement, *values)


def both(*steps: Falsify) -> Falsify:
    def all_of(story: Story) -> None:
        for step in steps:
            step(story)

    return all_of


def in_log(text: str) -> Falsify:
    return lambda story: story.log.write_text(text, encoding="utf-8")  # type: ignore[return-value]


def token_shape() -> str:
    return f"{secrets.randbelow(10**9) + 10**9}:{secrets.token_urlsafe(27)}"


def halted_before_all(scope: str, subject: str) -> Falsify:
    return desk(
        "UPDATE journal SET kind = 'halt.halted', facts = json_object('scope', ?, 'subject', ?)"
        " WHERE sequence = (SELECT min(sequence) FROM journal WHERE kind = 'mission.opened')",
        scope,
        subject,
    )


def halt_file_from_the_start(story: Story) -> None:
    file = story.folder / "HALT"
    file.touch()
    long_ago = (story.now - timedelta(hours=1)).timestamp()
    os.utime(file, (long_ago, long_ago))


def unused_link_in_a_notice(story: Story) -> None:
    token = secrets.token_urlsafe(16)
    story.desk(
        "INSERT INTO tokens (id, act, terms, created_at, expires_at) VALUES (?, 'invite', '{}', ?, ?)",
        token,
        BEFORE_ALL,
        AFTER_ALL,
    )
    story.desk("UPDATE notices SET facts = json_object('link', ?)", token)


def secret_over_the_edge_of_a_piece(story: Story) -> None:
    story.log.write_text("x" * ((1 << 20) - 5) + story.secret + "x" * 100, encoding="utf-8")


def secret_in_the_chat(story: Story) -> None:
    story.transcript = f"Sortie: {story.secret}"


TWINS: dict[str, tuple[int, Falsify]] = {
    "second order of an instruction": (
        1,
        venue(COPY_ORDER.format(account="account", client_id="substr(client_id, 1, 16) || '07'")),
    ),
    "order of nobody": (1, venue(COPY_ORDER.format(account="account", client_id="'zzzzzzzzzzzzzzzz00'"))),
    "order at another account": (1, venue(COPY_ORDER.format(account="'paper-2001'", client_id="client_id"))),
    "order of an expired instruction": (1, desk(LATE_ENTRY.format(what="state = 'expired', sent_at = NULL"))),
    "accepted and unknown to the venue": (1, venue("DELETE FROM orders WHERE role = 'entry'")),
    "fill not booked": (2, desk("DELETE FROM fills WHERE venue_fill_id = 'p-1'")),
    "fill from nowhere": (2, venue("DELETE FROM fills WHERE sequence = 4")),
    "fill booked at another price": (2, desk("UPDATE fills SET price = '1' WHERE venue_fill_id = 'p-2'")),
    "fill changed at the venue": (2, venue("UPDATE fills SET quantity = '9' WHERE sequence = 3")),
    "fill booked for another order": (2, desk("UPDATE fills SET client_id = 'other' WHERE venue_fill_id = 'p-2'")),
    "position invented": (3, desk("UPDATE positions SET quantity = '1'")),
    "position lost": (3, desk("DELETE FROM positions WHERE quantity <> '0'")),
    "position differs at the venue": (3, venue("UPDATE positions SET quantity = '3' WHERE quantity <> '0'")),
    "fees invented": (3, desk("UPDATE trades SET fees = '0'")),
    "fill applied twice to its trade": (3, desk("UPDATE trades SET entry_quantity = entry_quantity * 2 WHERE number = 1")),
    "more out than in": (3, desk("UPDATE trades SET exit_quantity = '9' WHERE number = 1")),
    "closed with a rest": (3, desk("UPDATE trades SET state = 'closed' WHERE number = 2")),
    "rest called dust": (
        3,
        desk("UPDATE trades SET state = 'closed', dust = CAST(CAST(entry_quantity AS REAL) / 2 AS TEXT) WHERE number = 2"),
    ),
    "committed after it was written": (4, desk(LATE_ENTRY.format(what=f"created_at = '{AFTER_ALL}'"))),
    "claimed after it was written": (4, desk(LATE_ENTRY.format(what=f"sent_at = '{AFTER_ALL}'"))),
    "written and never claimed": (4, desk(LATE_ENTRY.format(what="sent_at = NULL"))),
    "committed without a journal row": (4, desk("DELETE FROM journal WHERE kind = 'trade.fired'")),
    "claimed without a journal row": (4, desk("DELETE FROM journal WHERE kind = 'instruction.sent'")),
    "unknown state": (5, desk("UPDATE orders SET state = 'zombie'")),
    "trade moved off its history": (5, desk("UPDATE trades SET state = 'awaiting_approval' WHERE number = 2")),
    "open trade canceled": (5, desk("UPDATE journal SET kind = 'trade.canceled' WHERE kind = 'trade.closed'")),
    "trade without a history": (5, desk("DELETE FROM journal WHERE kind LIKE 'trade.%'")),
    "history without a trade": (5, desk("DELETE FROM trades WHERE number = 2")),
    "answer without a journal row": (5, desk(LATE_ENTRY.format(what="state = 'rejected'"))),
    "mission reopened": (5, both(desk("UPDATE journal SET kind = 'mission.closed' WHERE kind = 'mission.opened'"))),
    "halt lifted by hand": (5, desk("UPDATE halts SET state = 'active'")),
    "halted twice": (
        5,
        desk("UPDATE journal SET kind = 'halt.halted', facts = (SELECT facts FROM journal WHERE kind = 'halt.halted')"),
    ),
    "entry sent under the halt": (6, halted_before_all("desk", "desk")),
    "entry sent under its person's halt": (6, halted_before_all("person", str(ANN))),
    "entry sent under its instrument's halt": (6, halted_before_all("instrument", "BTC/USDT")),
    "entry sent under its strategy's halt": (6, halted_before_all("strategy", "strategy:trend@1")),
    "entry sent beside the halt file": (6, halt_file_from_the_start),
    "entry sent before reconciliation": (6, desk("DELETE FROM journal WHERE kind = 'reconcile.passed'")),
    "entry sent after a difference": (6, desk("UPDATE journal SET kind = 'reconcile.differs' WHERE kind = 'reconcile.passed'")),
    "entry sent right after a start": (6, desk("UPDATE journal SET kind = 'desk.started' WHERE kind = 'mission.opened'")),
    "entry on an instrument in doubt": (
        6,
        both(
            desk("UPDATE instructions SET terminal_id = 'paper-1002' WHERE purpose = 'protect'"),
            desk("DELETE FROM journal WHERE kind = 'instruction.accepted'"),
        ),
    ),
    "update without an end": (
        7,
        desk("UPDATE updates SET state = 'received', received_at = ? WHERE update_id = 3", BEFORE_ALL),
    ),
    "event never told": (7, desk("UPDATE notices SET state = 'pending', created_at = ?", BEFORE_ALL)),
    "card never shown": (7, desk("UPDATE cards SET shown = 0, created_at = ?", BEFORE_ALL)),
    "interrupted and nobody told": (7, desk("UPDATE updates SET state = 'interrupted' WHERE update_id = 3")),
    "position without a stop": (8, desk("UPDATE orders SET state = 'canceled' WHERE role = 'stop'")),
    "stop for half of it": (8, desk("UPDATE orders SET quantity = '0.00001' WHERE role = 'stop' AND state = 'accepted'")),
    "stop gone at the venue": (8, venue(STOP_AT_VENUE)),
    "entry working under the halt": (8, desk("UPDATE orders SET state = 'accepted' WHERE role = 'entry'")),
    "entry working under the halt, at the venue": (8, venue("UPDATE orders SET state = 'accepted' WHERE role = 'entry'")),
    "kill that does not end": (8, desk("UPDATE kills SET state = 'cancelling', working = 1, phase_at = ?", BEFORE_ALL)),
    "kill that runs without a halt": (
        8,
        both(desk("UPDATE kills SET state = 'cancelling'"), desk("UPDATE halts SET state = 'active' WHERE scope = 'desk'")),
    ),
    "flatten that left a position unnamed": (8, desk("UPDATE kills SET flatten = 1")),
    "secret in the log": (10, lambda story: in_log(f"x {story.secret} y")(story)),
    "secret over the edge of a piece": (10, secret_over_the_edge_of_a_piece),
    "token in the log": (10, in_log(f"GET /bot{token_shape()}/getMe")),
    "key in the log": (10, in_log("-----BEGIN RSA " + "PRIVATE KEY-----")),
    "signed query in the log": (10, in_log(f"?timestamp=1&signature={secrets.token_hex(32)}")),
    "secret in the journal": (10, lambda story: story.desk("UPDATE journal SET facts = json_object('x', ?)", story.secret)),
    "secret in a notice": (10, lambda story: story.desk("UPDATE notices SET facts = json_object('x', ?)", story.secret)),
    "secret in an update": (10, lambda story: story.desk("UPDATE updates SET payload = ?", story.secret)),
    "token in an answer": (10, desk("UPDATE instructions SET answer = ?", token_shape())),
    "secret in the chat": (10, secret_in_the_chat),
    "unused link in a notice": (10, unused_link_in_a_notice),
}


def test_honest_desk_keeps_all_ten(story: Story) -> None:
    results = story.verify()

    assert {n: (r.status, r.detail) for n, r in results.items() if r.status is not Status.OK} == {}
    assert list(results) == list(range(1, 11))
    assert score(list(results.values())) == "10/10"


def test_honest_desk_keeps_all_ten_when_nothing_is_excused(story: Story) -> None:
    story.settled = True

    assert story.failed() == set()


@pytest.mark.parametrize("name", TWINS)
def test_twin_that_breaks_it_is_found(story: Story, name: str) -> None:
    number, falsify = TWINS[name]
    falsify(story)

    assert number in story.failed()


def test_every_invariant_has_a_twin() -> None:
    assert {number for number, _ in TWINS.values()} | {9} == set(range(1, 11))


def test_two_orders_with_one_client_id_are_found(story: Story) -> None:
    books = story.books
    story.books = lambda: [replace(book, orders=(*book.orders, book.orders[0])) for book in books()]  # type: ignore[method-assign]

    assert "shares its client id" in story.verify()[1].detail


@pytest.mark.parametrize("column", ["at", "actor", "kind", "correlation", "facts", "previous", "hash"])
def test_changed_journal_row_is_found(story: Story, column: str) -> None:
    story.desk(f"UPDATE journal SET {column} = ? WHERE sequence = 5", AFTER_ALL)

    assert story.verify()[9].detail.startswith("row 5 does not follow")


@pytest.mark.parametrize("column", ["actor", "kind", "correlation", "facts", "previous", "hash"])
def test_any_change_of_any_row_is_found(story: Story, column: str) -> None:
    evidence = story.evidence()
    honest = list(evidence.journal)
    for index, row in enumerate(honest):
        evidence.journal[index] = replace(row, **{column: getattr(row, column) + "!"})
        assert journal_unbroken(evidence).status is Status.FAIL, row.sequence
        evidence.journal[index] = row

    assert journal_unbroken(evidence).status is Status.OK


def test_any_missing_row_is_found_the_last_too(story: Story) -> None:
    evidence = story.evidence()
    honest = list(evidence.journal)
    for index, row in enumerate(honest):
        evidence.journal[:] = honest[:index] + honest[index + 1 :]
        assert journal_unbroken(evidence).status is Status.FAIL, row.sequence


def test_failure_counts_and_names_the_first_offender(story: Story) -> None:
    story.desk("DELETE FROM fills WHERE venue_fill_id IN ('p-1', 'p-2')")

    assert story.verify()[2].detail.startswith("p-1 of paper-1001 is not booked and 1 more; 2 fills")


def test_found_secret_is_not_repeated(story: Story) -> None:
    story.log.write_text(story.secret, encoding="utf-8")

    assert story.secret not in story.verify()[10].detail


def test_used_link_is_no_secret(story: Story) -> None:
    unused_link_in_a_notice(story)
    story.desk("UPDATE tokens SET used_at = ? WHERE act = 'invite'", BEFORE_ALL)

    assert story.failed() == set()


def test_link_handed_over_in_the_chat_is_no_leak(story: Story) -> None:
    unused_link_in_a_notice(story)
    token = story.one("SELECT id FROM tokens WHERE act = 'invite'")
    story.desk("UPDATE notices SET facts = '{}'")
    story.transcript = f"Sortie: t.me/bot?start=invite_{token}"

    assert story.failed() == set()


def test_fresh_news_of_the_venue_is_on_its_way_not_wrong(story: Story) -> None:
    story.desk("DELETE FROM fills WHERE venue_fill_id = 'p-4'")
    story.venue("UPDATE fills SET at = ? WHERE sequence = 4", story.now.isoformat())

    assert story.verify()[2].status is Status.OK
    story.settled = True
    assert story.verify()[2].status is Status.FAIL


def test_desk_that_is_down_is_not_blamed_for_later_news(story: Story) -> None:
    down_since = story.one("SELECT max(booked_at) FROM fills")
    story.desk(
        "INSERT INTO stages (name, period_s, last_success, detail) VALUES ('fills', 10, ?, '')",
        (datetime.fromisoformat(down_since) + timedelta(seconds=4)).isoformat(timespec="microseconds"),
    )
    story.desk("DELETE FROM fills WHERE venue_fill_id = 'p-4'")

    assert story.verify()[2].detail.endswith("1 at the venue not yet booked")


def test_position_that_an_open_incident_names_is_excused(story: Story) -> None:
    story.desk("UPDATE orders SET state = 'canceled' WHERE role = 'stop'")
    story.desk(
        "INSERT INTO incidents (id, code, subject, opened_at, last_at, count, facts)"
        " VALUES ('i', 'STOP_NOT_PLACED', 'trade 2', ?, ?, 1, '{}')",
        BEFORE_ALL,
        BEFORE_ALL,
    )

    assert story.verify()[8].status is Status.OK


def test_what_a_kill_names_as_left_is_an_exception(story: Story) -> None:
    left = {"terminal_id": f"paper-{TOM}", "terminal": "tom-paper", "kind": "refused", "reason": "refused: LOT_SIZE"}
    named = left | {"name": "trade 2", "symbol": "BTC/USDT", "entry": False, "may_end": False}
    story.desk("UPDATE kills SET flatten = 1, leftovers = ?", json.dumps([named]))

    assert story.verify()[8].status is Status.OK

    story.desk("UPDATE kills SET leftovers = ?", json.dumps([named | {"name": "trade 1"}]))

    assert "trade 2 still holds BTC/USDT after the flatten" in story.verify()[8].detail


def test_foreign_order_that_is_marked_is_no_violation(story: Story) -> None:
    story.venue(COPY_ORDER.format(account="account", client_id="'zzzzzzzzzzzzzzzz00'"))
    story.venue("UPDATE orders SET reduce_only = 1 WHERE sequence = 90")
    story.desk(
        "INSERT INTO orders (terminal_id, client_id, symbol, role, side, type, quantity, filled, state, updated_at)"
        " VALUES ('paper-1001', 'zzzzzzzzzzzzzzzz00', 'BTC/USDT', 'foreign', 'buy', 'limit', '1', '0', 'accepted', ?)",
        BEFORE_ALL,
    )

    assert story.failed() == set()
    assert "1 foreign" in story.verify()[1].detail


def test_sender_that_is_down_keeps_its_events(story: Story) -> None:
    story.desk("UPDATE notices SET state = 'pending', created_at = ?", BEFORE_ALL)
    story.desk("INSERT INTO stages (name, period_s, last_success, detail) VALUES ('sender', 10, ?, '')", BEFORE_ALL)

    assert story.verify()[7].status is Status.OK


def test_reminder_for_later_does_not_wait_too_long(story: Story) -> None:
    story.desk("UPDATE notices SET state = 'pending', created_at = ?, not_before = ?", BEFORE_ALL, AFTER_ALL)

    assert story.verify()[7].status is Status.OK


def test_empty_database_has_no_data_and_fails_only_when_all_is_required(tmp_path: Path) -> None:
    make_database(tmp_path / "sortie.db")
    clock = FixedClock(datetime.fromisoformat(AFTER_ALL))
    database = Database(f"sqlite:///{tmp_path / 'sortie.db'}", clock, NoWakeups(), threads=False)

    results = run_all_now(database, Material(books=list))

    assert {result.status for result in results} == {Status.NO_DATA}
    assert holds(results, require_all=False) and not holds(results, require_all=True)


def test_venue_book_that_cannot_be_read_is_an_error_not_a_pass(story: Story) -> None:
    story.venue_file.write_bytes(b"not a database" * 100)

    with pytest.raises(Unavailable, match="PAPER_STORE"):
        story.verify()


def test_missing_venue_book_is_no_data(story: Story) -> None:
    for file in story.folder.glob("paper.db*"):
        file.unlink()

    assert read_paper_book(story.venue_file, FixedClock(story.now)) is None
    assert [story.verify()[number].status for number in (1, 2, 4)] == [Status.NO_DATA] * 3


def test_a_writer_in_another_process_neither_blocks_nor_is_blocked(story: Story) -> None:
    with closing(sqlite3.connect(story.desk_file, isolation_level=None, timeout=0)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("UPDATE positions SET quantity = '77'")

        assert story.failed() == set()
        writer.execute("COMMIT")

    assert 3 in story.failed()


def test_thousand_rows_are_checked_in_a_moment(story: Story) -> None:
    with closing(sqlite3.connect(story.desk_file)) as connection, connection:
        connection.executemany(
            "INSERT INTO updates (update_id, state, payload, received_at) VALUES (?, 'done', '', ?)",
            [(number, BEFORE_ALL) for number in range(100, 1100)],
        )
    story.verify()

    began = time.process_time()
    story.verify()

    assert time.process_time() - began < 0.5
