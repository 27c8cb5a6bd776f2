"""The unit of work: one write at a time, `BEGIN IMMEDIATE`, the journal row last.

A write unit is a plain function over a synchronous connection, so its body cannot await a network. On SQLite it runs in one
writer thread of ours: a driver that hops threads for each statement costs more than the statements do (see
docs/decisions/0001-one-writer-thread.md). On PostgreSQL the same function runs under ``run_sync``, and the writers of all
processes share one advisory lock (docs/decisions/0009-postgresql.md).
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from typing import Any, TypeVar

import structlog
from sqlalchemy import (
    Engine,
    Executable,
    bindparam,
    create_engine,
    event,
    insert,
    make_url,
    select,
    update,
)
from sqlalchemy.engine import Connection
from sqlalchemy.exc import OperationalError, SQLAlchemyError
from sqlalchemy.pool import QueuePool, StaticPool

from services.domain.crashpoints import reach
from services.domain.errors import AlreadyDone, Unavailable
from services.domain.journal import GENESIS, chain_hash, encode_facts
from services.domain.measures import Meter, Timed, Unmeasured
from services.domain.people import Actor
from services.domain.ports import Clock, Wakeups
from services.domain.states import UpdateState
from services.storage import prepared, tables
from services.storage.postgresql import CommitLost, Postgresql, lock_writers, passing
from services.storage.prepared import Result

log = structlog.get_logger()
T = TypeVar("T")
Body = Callable[["Unit"], T]
LOW_AFTER_URGENT = 8

# A statement that runs often is built once: building it anew costs several times what running it does.
_JOURNAL_HEAD = select(tables.journal.c.sequence, tables.journal.c.hash).order_by(tables.journal.c.sequence.desc()).limit(1)
_JOURNAL_ROW = insert(tables.journal)
_MARK_ACTED = (
    update(tables.updates)
    .where(tables.updates.c.update_id == bindparam("id"), tables.updates.c.state == UpdateState.RECEIVED.value)
    .values(state=UpdateState.ACTED.value)
)


class UpdateTicket:
    """The update being handled; the first write unit under it marks it done. ``answered``: the person saw something."""

    __slots__ = ("answered", "marked", "received_at", "update_id")

    def __init__(self, update_id: int, received_at: datetime | None = None) -> None:
        self.update_id = update_id
        self.received_at = received_at
        self.marked = False
        self.answered = False


current_update: ContextVar[UpdateTicket | None] = ContextVar("current_update", default=None)


class Unit:
    """One transaction: statements, journal rows that are written last, and wake-ups that follow the commit.

    ``received_at`` is when the update came that is being handled, None outside of one.
    """

    __slots__ = ("_driver", "_records", "connection", "now", "received_at", "wakes")

    def __init__(self, connection: Connection, now: datetime, received_at: datetime | None = None) -> None:
        self.connection = connection
        self._driver = prepared.driver_of(connection)
        self.now = now
        self.received_at = received_at
        # In the order in which they were asked for: a set's differs from process to process.
        self.wakes: dict[tuple[str, str], None] = {}
        self._records: list[tuple[str, str, str, str]] = []

    def run(self, statement: Executable, rows: Any = None) -> Result:
        """Execute one statement, with parameters when given: by name, or a sequence of such."""
        values = rows if rows is not None else {}
        if not self.connection.in_transaction():
            self.connection.begin()
        done = prepared.execute(self.connection, self._driver, statement, values) if self._driver is not None else None
        return done if done is not None else self.connection.execute(statement, values)

    def first(self, statement: Executable, **values: object) -> Any:
        """Return the first row, or None; ``values`` are the statement's bound parameters."""
        return self.run(statement, values).first()

    def all(self, statement: Executable, **values: object) -> Sequence[Any]:
        """Return all rows; ``values`` are the statement's bound parameters."""
        return self.run(statement, values).all()

    def record(self, actor: Actor, kind: str, **values: object) -> None:
        """Journal what changed and who did it; the row is written as the unit's last statement."""
        self._records.append((actor.label, kind, actor.correlation, encode_facts(values)))

    def wake(self, stage: str, about: str = "") -> None:
        """Hint a stage of this process that there is work, and where, after the commit."""
        self.wakes[stage, about] = None

    @property
    def recorded(self) -> Sequence[tuple[str, str, str, str]]:
        """Return what was recorded: actor, kind, correlation, and the values as JSON."""
        return self._records

    def write_journal(self) -> None:
        """Append the recorded rows to the chain."""
        if not self._records:
            return
        head = self.first(_JOURNAL_HEAD)
        sequence, previous = (head.sequence, head.hash) if head else (0, GENESIS)
        rows = []
        for actor, kind, correlation, facts in self._records:
            sequence += 1
            digest = chain_hash(
                sequence=sequence, at=self.now, actor=actor, kind=kind, correlation=correlation, facts=facts, previous=previous
            )
            rows.append(
                {
                    "sequence": sequence,
                    "at": self.now,
                    "actor": actor,
                    "kind": kind,
                    "correlation": correlation,
                    "facts": facts,
                    "previous": previous,
                    "hash": digest,
                }
            )
            previous = digest
        self.run(_JOURNAL_ROW, rows)


class _WriteTurn:
    """A fair lock with two lanes; the urgent one goes first, but never starves the other."""

    def __init__(self) -> None:
        self._held = False
        self._urgent: deque[asyncio.Future[None]] = deque()
        self._normal: deque[asyncio.Future[None]] = deque()
        self._urgent_in_a_row = 0

    async def acquire(self, *, urgent: bool) -> None:
        if not self._held and not self._urgent and not self._normal:
            self._held = True
            return
        turn = asyncio.get_running_loop().create_future()
        (self._urgent if urgent else self._normal).append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.release()
            raise

    def release(self) -> None:
        while self._urgent or self._normal:
            take_urgent = bool(self._urgent) and (not self._normal or self._urgent_in_a_row < LOW_AFTER_URGENT)
            self._urgent_in_a_row = self._urgent_in_a_row + 1 if take_urgent else 0
            turn = (self._urgent if take_urgent else self._normal).popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self._held = False


class Database:
    """The desk's database; ``read`` sees a snapshot, ``write`` is one unit of work."""

    def __init__(
        self,
        url: str,
        clock: Clock,
        wakeups: Wakeups,
        *,
        busy_timeout_s: float = 5.0,
        threads: bool = True,
        meter: Meter | None = None,
    ) -> None:
        """Open lazily; ``threads=False`` is for simulations and shell commands.

        It runs SQLite in the caller's thread, and gives every job on PostgreSQL a connection of its own.
        """
        self._clock = clock
        self._meter: Meter = meter or Unmeasured()
        self._wakeups = wakeups
        self._turn = _WriteTurn()
        self.url = make_url(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self._postgresql: Postgresql | None = None
        self._writer: ThreadPoolExecutor | None = None
        self._readers: ThreadPoolExecutor | None = None
        if self.is_sqlite:
            self._engine = sqlite_engine(url, busy_timeout_s, begin="BEGIN IMMEDIATE", single=True)
            self._read_engine = sqlite_engine(url, busy_timeout_s, begin="BEGIN", single=not threads)
            if threads:
                self._writer = ThreadPoolExecutor(1, thread_name_prefix="desk-writer")
                self._readers = ThreadPoolExecutor(2, thread_name_prefix="desk-reader")
        else:
            self._postgresql = Postgresql(url, busy_timeout_s, pooled=threads)

    async def write(self, body: Body[T], *, urgent: bool = False) -> T:
        """Run ``body`` in one transaction and return its result; nothing stays when it raises.

        Raises AlreadyDone when the update being handled had its effect before, Unavailable when the database cannot be
        written (locked, full, read-only).
        """
        began, update = self._clock.monotonic(), current_update.get()
        received_at = update.received_at if update is not None else None
        ticket = update if update is not None and not update.marked else None
        await self._turn.acquire(urgent=urgent)
        try:
            with _answering():
                result, unit = await self._in_writer(lambda plain: self._write_in(plain, body, ticket, received_at))
        finally:
            self._turn.release()
        self._meter.time(Timed.COMMIT, self._clock.monotonic() - began)
        if ticket is not None:
            ticket.marked = True
        for stage, about in unit.wakes:
            self._wakeups.wake(stage, about)
        if unit.wakes:
            # The woken go first: an order leaves before the tap behind it is answered.
            await asyncio.sleep(0)
        for actor, kind, correlation, facts in unit.recorded:
            log.info("journal.written", kind=kind, actor=actor, correlation=correlation, facts=json.loads(facts))
        return result

    async def read(self, body: Body[T]) -> T:
        """Run ``body`` over one snapshot; it must not write. Raises Unavailable when the database does not answer."""
        now = self._clock.now()
        with _answering():
            if self._postgresql is not None:
                return await self._postgresql.read(lambda plain: body(Unit(plain, now)))

            def in_thread() -> T:
                with self._read_engine.connect() as connection:
                    return body(Unit(connection, now))

            if self._readers is None:
                return in_thread()
            return await asyncio.get_running_loop().run_in_executor(self._readers, in_thread)

    async def glance(self, body: Body[T]) -> T:
        """Read a few rows by their keys, on SQLite without leaving the caller's thread, which costs more than they do.

        In WAL mode a reader waits for nobody; but nothing else runs meanwhile, so what reads lists or reports takes ``read``.
        """
        return self.read_now(body) if self.is_sqlite else await self.read(body)

    def write_now(self, body: Body[T]) -> T:
        """Run one write unit synchronously, for shell commands that have no event loop."""
        with _answering():
            if self._postgresql is not None:
                return self._postgresql.write_now(lambda plain: self._write_in(plain, body, None))[0]
            with self._engine.connect() as connection:
                return self._write_in(connection, body, None)[0]

    def read_now(self, body: Body[T]) -> T:
        """Run one read synchronously, for shell commands that have no event loop."""
        now = self._clock.now()
        with _answering():
            if self._postgresql is not None:
                return self._postgresql.read_now(lambda plain: body(Unit(plain, now)))
            with self._read_engine.connect() as connection:
                return body(Unit(connection, now))

    async def close(self) -> None:
        """Let the running unit end, then release threads and connections."""
        if self._postgresql is not None:
            await self._postgresql.close()
            return
        await self._turn.acquire(urgent=False)
        for pool in (self._writer, self._readers):
            if pool is not None:
                await asyncio.to_thread(pool.shutdown, wait=True)
        self._engine.dispose()
        self._read_engine.dispose()

    async def _in_writer(self, job: Callable[[Connection], T]) -> T:
        if self._postgresql is not None:
            return await self._postgresql.write(job)

        def in_thread() -> T:
            with self._engine.connect() as connection:
                return job(connection)

        if self._writer is None:
            return in_thread()
        return await asyncio.get_running_loop().run_in_executor(self._writer, in_thread)

    def _write_in(
        self, connection: Connection, body: Body[T], ticket: UpdateTicket | None, received_at: datetime | None = None
    ) -> tuple[T, Unit]:
        # Locked first, so that the unit's time is taken when it holds the lock and not when it began to wait for it.
        connection.begin()
        try:
            xid = None if self.is_sqlite else lock_writers(connection)
            unit = Unit(connection, self._clock.now(), received_at)
            if ticket is not None:
                _mark_acted(unit, ticket.update_id)
            result = body(unit)
            unit.write_journal()
            reach("storage.commit.before")
            _commit(connection, xid, (result, unit))
            reach("storage.commit.after")
        except Exception:
            connection.rollback()
            raise
        return result, unit


@contextmanager
def _answering() -> Iterator[None]:
    """Turn what the database cannot do now (locked, full, read-only, gone) into Unavailable."""
    try:
        yield
    except (OperationalError, sqlite3.OperationalError) as error:
        reason = str(error.orig) if isinstance(error, OperationalError) else str(error)
        raise Unavailable("DATABASE", reason=reason) from error
    except SQLAlchemyError as error:
        cause = passing(error)
        if cause is None:
            raise
        raise Unavailable("DATABASE", reason=cause) from error


def _commit(connection: Connection, xid: str | None, result: object) -> None:
    """Commit; on PostgreSQL a connection that breaks here leaves the question whether it did, which CommitLost puts."""
    try:
        connection.commit()
    except (SQLAlchemyError, OSError) as error:
        if xid is None or (isinstance(error, SQLAlchemyError) and passing(error) is None):
            raise
        raise CommitLost(xid, result) from error


def _mark_acted(unit: Unit, update_id: int) -> None:
    marked = unit.run(_MARK_ACTED, {"id": update_id})
    if marked.rowcount == 0:
        raise AlreadyDone("UPDATE_DONE", update_id=update_id)


def sqlite_engine(url: str, busy_timeout_s: float, *, begin: str, single: bool) -> Engine:
    """Return an engine whose every connection has WAL, synchronous=FULL, foreign keys and the busy timeout."""
    memory = make_url(url).database in (None, "", ":memory:")
    pool: Mapping[str, Any] = {"poolclass": StaticPool if memory or single else QueuePool}
    plain = make_url(url).set(drivername="sqlite")
    # What a statement carries, tokens among it, is for no log and no error text.
    engine = create_engine(plain, connect_args={"check_same_thread": False}, hide_parameters=True, **pool)

    @event.listens_for(engine, "connect")
    def _prepare(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
            f"busy_timeout={int(busy_timeout_s * 1000)}",
        ):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        # By the driver: SQLAlchemy's way to run a text costs more than a short unit does.
        raw = connection.connection.dbapi_connection
        assert isinstance(raw, sqlite3.Connection)
        raw.execute(begin)

    return engine


__all__ = ["Body", "Database", "Unit", "UpdateTicket", "current_update", "sqlite_engine"]
