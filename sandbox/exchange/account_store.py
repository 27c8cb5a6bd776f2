"""Keep the accounts in a folder, so that a restarted exchange goes on: one SQLite file that only its owner may read.

As with the chat, what was answered is committed; only a machine that loses power may lose the last seconds.
"""

import json
import os
import sqlite3
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from sandbox.exchange.account_rows import Row, account_from, account_row, execution_from, list_from, order_from
from sandbox.exchange.accounts import Account
from sandbox.exchange.books import Counters
from sandbox.exchange.engine import Engine
from sandbox.exchange.errors import StateError
from sandbox.exchange.orders import Order

_FILE = "exchange.sqlite"
_VERSION = 1
_MODE = 0o600
_TABLE = """
CREATE TABLE IF NOT EXISTS things (kind TEXT NOT NULL, account TEXT NOT NULL, number INTEGER NOT NULL, value TEXT NOT NULL,
PRIMARY KEY (kind, account, number)) WITHOUT ROWID;
"""

Change = tuple[str, str, int, str]


class AccountStore:
    """Read the accounts of a folder once, then write what changed since the last time."""

    def __init__(self, folder: Path, engine: Engine) -> None:
        """Load what is kept into an engine without accounts; that of another market is dropped. Raises StateError."""
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / _FILE
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, _MODE))
        self._engine = engine
        self._written: dict[tuple[str, str, int], object] = {}
        self._open: dict[str, dict[int, None]] = {}
        self._seen_orders: dict[str, int] = {}
        self._told_executions: dict[str, int] = {}
        try:
            self._database = sqlite3.connect(path, isolation_level=None)
            self._database.execute("PRAGMA journal_mode=WAL")
            self._database.execute("PRAGMA synchronous=OFF")
            self._database.executescript(_TABLE)
            self._load()
        except (sqlite3.Error, ValueError, KeyError, TypeError) as error:
            raise StateError(f"{path}: cannot be read ({error!r}); remove it to begin with new accounts") from error

    def flush(self) -> None:
        """Write what changed, in one transaction."""
        changes = list(self._changes())
        if not changes:
            return
        changes.append(("engine", "", 0, _text(self._engine_row())))
        self._database.execute("BEGIN")
        try:
            self._database.executemany("REPLACE INTO things VALUES (?, ?, ?, ?)", changes)
            self._database.execute("COMMIT")
        except sqlite3.Error:
            # Nothing is kept: the next flush writes everything.
            self._database.execute("ROLLBACK")
            self._forget()
            raise

    def _forget(self) -> None:
        for known in (self._written, self._open, self._seen_orders, self._told_executions):
            known.clear()

    def _changes(self) -> Iterator[Change]:
        for account in self._engine.accounts.values():
            row = _text(account_row(account))
            if self._is_new("account", account.name, 0, row):
                yield "account", account.name, 0, row
            for order in self._touched_orders(account):
                if self._is_new("order", account.name, order.id, order):
                    yield "order", account.name, order.id, _text(asdict(order))
            for order_list in account.lists.values():
                if self._is_new("list", account.name, order_list.id, order_list):
                    yield "list", account.name, order_list.id, _text(asdict(order_list))
            known = self._told_executions.get(account.name, 0)
            for execution in account.executions[known:]:
                yield "execution", account.name, execution.id, _text(asdict(execution))
            self._told_executions[account.name] = len(account.executions)

    def _is_new(self, kind: str, account: str, number: int, value: object) -> bool:
        """Tell whether a value is not the one written last; those in the books are replaced, never changed."""
        key = (kind, account, number)
        before = self._written.get(key)
        self._written[key] = value
        return before is not value and before != value

    def _touched_orders(self, account: Account) -> list[Order]:
        """List the orders that are new, open, or were open the last time: no other can have changed."""
        newest = max(account.orders, default=0)
        known, before = self._seen_orders.get(account.name, 0), self._open.get(account.name, {})
        numbers = {**before, **account.open_ids}
        if newest > known:
            numbers |= dict.fromkeys(number for number in account.orders if number > known)
        self._seen_orders[account.name], self._open[account.name] = newest, dict(account.open_ids)
        return [account.orders[number] for number in numbers]

    def _engine_row(self) -> Row:
        return {
            "version": _VERSION,
            "market": _market_name(self._engine),
            "seen": self._engine.seen,
            "counters": asdict(self._engine.books.counters),
        }

    def _load(self) -> None:
        rows = self._database.execute("SELECT kind, account, value FROM things ORDER BY kind, account, number").fetchall()
        kept = next((json.loads(value) for kind, _, value in rows if kind == "engine"), None)
        if kept is None or (kept["version"], kept["market"]) != (_VERSION, _market_name(self._engine)):
            self._database.execute("DELETE FROM things")
            return
        self._engine.seen = kept["seen"]
        self._engine.books.counters = Counters(**kept["counters"])
        by_kind: dict[str, list[tuple[str, Any]]] = {}
        for kind, name, value in rows:
            by_kind.setdefault(kind, []).append((name, json.loads(value)))
        for name, row in by_kind.get("account", []):
            self._engine.accounts[name] = account_from(row)
        for name, row in by_kind.get("order", []):
            _put_order(self._engine.accounts[name], order_from(row))
        for name, row in by_kind.get("list", []):
            order_list = list_from(row)
            self._engine.accounts[name].lists[order_list.id] = order_list
        for name, row in by_kind.get("execution", []):
            self._engine.accounts[name].executions.append(execution_from(row))
        # What has just been read counts as written.
        list(self._changes())


def _put_order(account: Account, order: Order) -> None:
    account.orders[order.id] = order
    account.by_client[order.ticket.symbol, order.ticket.client_id] = order.id
    if order.open:
        account.open_ids[order.id] = None


def _market_name(engine: Engine) -> str:
    return f"{engine.market.source.name}/{engine.market.bar_seconds}"


def _text(row: Row) -> str:
    return json.dumps(row, default=str, separators=(",", ":"))
