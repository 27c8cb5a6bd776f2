"""The venue's own file: SQLite in WAL mode, every commit synced, amounts as canonical text.

The revision counts commits. A writer that finds another revision than its book's has been overtaken by another process (a
shell command beside the running desk) and must read the book again before it decides.

The venue calls these plain functions in one thread of its own; each question and each write is one visit there.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from services.domain.crashpoints import reach
from services.domain.errors import Misconfigured, Unavailable
from services.domain.states import LIVE_ORDER_STATES
from services.venues.paper.book import Book, Draft, PaperFill, PaperOrder
from services.venues.paper.rows import (
    dump_account,
    dump_fill,
    dump_order,
    dump_position,
    dump_silence,
    load_account,
    load_fill,
    load_order,
    load_position,
)

VERSION = 3
BUSY_TIMEOUT_MS = 5_000

_SILENCES = "CREATE TABLE silences (account TEXT PRIMARY KEY REFERENCES accounts, ends_at TEXT) STRICT"
_SCHEMA = (
    "CREATE TABLE meta (version INTEGER NOT NULL, revision INTEGER NOT NULL) STRICT",
    "CREATE TABLE accounts (name TEXT PRIMARY KEY, currency TEXT NOT NULL, cash TEXT NOT NULL) STRICT",
    "CREATE TABLE positions (account TEXT NOT NULL REFERENCES accounts, symbol TEXT NOT NULL, quantity TEXT NOT NULL,"
    " cost TEXT NOT NULL, borrow TEXT NOT NULL, since TEXT NOT NULL, PRIMARY KEY (account, symbol)) STRICT",
    "CREATE TABLE orders (sequence INTEGER PRIMARY KEY, account TEXT NOT NULL REFERENCES accounts, client_id TEXT NOT NULL,"
    " symbol TEXT NOT NULL, side TEXT NOT NULL, type TEXT NOT NULL, role TEXT NOT NULL, quantity TEXT NOT NULL, price TEXT,"
    " stop_price TEXT, time_in_force TEXT NOT NULL, reduce_only INTEGER NOT NULL, state TEXT NOT NULL, filled TEXT NOT NULL,"
    " taken_off TEXT NOT NULL, reserve_price TEXT NOT NULL, list_id TEXT, triggered INTEGER NOT NULL,"
    " rested INTEGER NOT NULL, reason TEXT, accepted_at TEXT NOT NULL, due_at TEXT NOT NULL, updated_at TEXT NOT NULL,"
    " UNIQUE (account, client_id)) STRICT",
    "CREATE INDEX orders_state ON orders (state)",
    "CREATE TABLE fills (sequence INTEGER PRIMARY KEY, account TEXT NOT NULL REFERENCES accounts,"
    " order_sequence INTEGER NOT NULL REFERENCES orders, client_id TEXT NOT NULL, symbol TEXT NOT NULL, side TEXT NOT NULL,"
    " quantity TEXT NOT NULL, price TEXT NOT NULL, fee TEXT NOT NULL, fee_currency TEXT NOT NULL, at TEXT NOT NULL,"
    " maker INTEGER) STRICT",
    "CREATE INDEX fills_account ON fills (account, sequence)",
    _SILENCES,
)
# What brings a file of an earlier version to the next one.
_STEPS = {1: "ALTER TABLE fills ADD COLUMN maker INTEGER", 2: _SILENCES}
_LIVE = tuple(state.value for state in LIVE_ORDER_STATES)
_ACCOUNT = ("name", "currency", "cash")
_POSITION = ("account", "symbol", "quantity", "cost", "borrow", "since")
_ORDER_FIXED = (
    *("sequence", "account", "client_id", "symbol", "side", "type", "role", "quantity", "price", "stop_price"),
    *("time_in_force", "reduce_only", "reserve_price", "list_id", "accepted_at", "due_at"),
)
_ORDER_MOVING = ("state", "filled", "taken_off", "triggered", "rested", "reason", "updated_at")
_FILL = (
    *("sequence", "account", "order_sequence", "client_id", "symbol", "side"),
    *("quantity", "price", "fee", "fee_currency", "at", "maker"),
)


def _insert(table: str, columns: Sequence[str]) -> str:
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({', '.join(f':{column}' for column in columns)})"


def _upsert(table: str, key: str, columns: Sequence[str], moving: Sequence[str]) -> str:
    changes = ", ".join(f"{column} = excluded.{column}" for column in moving)
    return f"{_insert(table, columns)} ON CONFLICT ({key}) DO UPDATE SET {changes}"


_PUT_ACCOUNT = _upsert("accounts", "name", _ACCOUNT, ("cash",))
_PUT_POSITION = _upsert("positions", "account, symbol", _POSITION, _POSITION[2:])
_PUT_ORDER = _upsert("orders", "sequence", (*_ORDER_FIXED, *_ORDER_MOVING), _ORDER_MOVING)
_PUT_FILL = _insert("fills", _FILL)
_PUT_SILENCE = _upsert("silences", "account", ("account", "ends_at"), ("ends_at",))


class Store:
    """Load the book and commit drafts; the caller lets one operation run at a time."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection: sqlite3.Connection | None = None

    def open(self) -> None:
        """Open or create the file; raise Misconfigured for a version that is not ours, Unavailable when it cannot be used."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._connection = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False)
            self._connection.row_factory = sqlite3.Row
            for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", f"busy_timeout={BUSY_TIMEOUT_MS}"):
                self._connection.execute(f"PRAGMA {pragma}")
            self._prepare()
        except sqlite3.Error as error:
            self.close()
            raise Unavailable("PAPER_STORE", file=self._path.name, reason=type(error).__name__) from error
        except Misconfigured:
            self.close()
            raise

    def close(self) -> None:
        """Release the file."""
        if self._connection is not None:
            connection, self._connection = self._connection, None
            connection.close()

    def _prepare(self) -> None:
        with self.transaction():
            if not self._rows("SELECT 1 FROM sqlite_master WHERE name = 'meta'"):
                for statement in _SCHEMA:
                    self._db.execute(statement)
                self._db.execute("INSERT INTO meta (version, revision) VALUES (?, 0)", (VERSION,))
            version = self._rows("SELECT version FROM meta")[0]["version"]
            while version in _STEPS:
                self._db.execute(_STEPS[version])
                version += 1
                self._db.execute("UPDATE meta SET version = ?", (version,))
            if version != VERSION:
                raise Misconfigured(
                    "PAPER_STORE_VERSION",
                    file=self._path.name,
                    found=version,
                    expected=VERSION,
                    fix="move the file away, or use the program version that wrote it",
                )

    @property
    def _db(self) -> sqlite3.Connection:
        if self._connection is None:
            raise Unavailable("PAPER_STORE", file=self._path.name, reason="not open")
        return self._connection

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Hold the file's write lock; commit at the end, roll back on any error."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
            reach("paper.commit.before")
            self._db.execute("COMMIT")
            reach("paper.commit.after")
        except BaseException:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise

    def revision(self) -> int:
        """Return the number of commits so far."""
        return int(self._rows("SELECT revision FROM meta")[0]["revision"])

    def load(self) -> Book:
        """Read accounts, open positions, live orders and counters as of one moment."""
        self._db.execute("BEGIN")
        try:
            book = Book(
                revision=self.revision(),
                next_order=self._next("orders"),
                next_fill=self._next("fills"),
            )
            for row in self._rows("SELECT * FROM accounts"):
                book.accounts[row["name"]] = load_account(row)
            for row in self._rows("SELECT * FROM positions WHERE quantity <> '0'"):
                book.put_position(load_position(row))
            for row in self._rows(f"SELECT * FROM orders WHERE state IN ({_marks(_LIVE)})", _LIVE):
                book.put_order(load_order(row))
            for row in self._rows("SELECT * FROM silences WHERE ends_at IS NOT NULL"):
                book.silences[row["account"]] = datetime.fromisoformat(row["ends_at"])
        finally:
            self._db.execute("ROLLBACK")
        return book

    def write(self, draft: Draft) -> None:
        """Write a draft's changes inside the running transaction."""
        self._put(_PUT_ACCOUNT, (dump_account(account) for account in draft.accounts.values()))
        self._put(_PUT_POSITION, (dump_position(position) for position in draft.positions.values()))
        self._put(_PUT_ORDER, (dump_order(order) for order in draft.orders.values()))
        self._put(_PUT_FILL, (dump_fill(fill) for fill in draft.fills))
        self._put(_PUT_SILENCE, (dump_silence(account, end) for account, end in draft.silences.items()))
        self._db.execute("UPDATE meta SET revision = revision + 1")

    def orders(self, account: str, client_ids: Sequence[str]) -> dict[str, PaperOrder]:
        """Return the orders of those client ids that exist, live or final."""
        rows = self._rows(
            f"SELECT * FROM orders WHERE account = ? AND client_id IN ({_marks(client_ids)})", (account, *client_ids)
        )
        return {row["client_id"]: load_order(row) for row in rows}

    def fills_since(self, account: str, sequence: int) -> list[PaperFill]:
        """Return the account's fills after ``sequence``, oldest first."""
        rows = self._rows("SELECT * FROM fills WHERE account = ? AND sequence > ? ORDER BY sequence", (account, sequence))
        return [load_fill(row) for row in rows]

    def _put(self, statement: str, rows: Iterable[dict[str, Any]]) -> None:
        values = list(rows)
        if values:
            self._db.executemany(statement, values)

    def _rows(self, statement: str, values: Sequence[object] = ()) -> list[sqlite3.Row]:
        return self._db.execute(statement, values).fetchall()

    def _next(self, table: str) -> int:
        return int(self._rows(f"SELECT coalesce(max(sequence), 0) + 1 AS next FROM {table}")[0]["next"])


def _marks(values: Sequence[object]) -> str:
    return ", ".join("?" for _ in values)
