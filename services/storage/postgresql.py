"""PostgreSQL as the desk's database: its connections, the writers' lock, and what its errors mean.

asyncpg is an extra; nothing here imports it before an engine connects.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from sqlalchemy import URL, event, make_url, text
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from services.domain.errors import Misconfigured, Unavailable

T = TypeVar("T")
Job = Callable[[Connection], T]
WRITERS_KEY = 0x50271E
DRIVER = "postgresql+asyncpg"
CONNECT_S = 10.0
# A partition of the network gives no answer at all; the longest statement of ours takes a few seconds.
STATEMENT_S = 60.0
ASK_AGAIN_S = 0.2
# Classes of SQLSTATE that say "not now": connection, resources, operator, system; then lock timeout, a session that was
# idle for too long inside a unit, a server that only reads (a standby), no such database, and a refused login.
_PASSING_CLASSES = ("08", "53", "57", "58")
_PASSING = frozenset({"55P03", "25P03", "25006", "3D000", "28000", "28P01"})
_LOCK = text("SELECT pg_advisory_xact_lock(:key), CAST(pg_current_xact_id() AS text) AS xid")
_STATUS = text("SELECT pg_xact_status(CAST(CAST(:xid AS text) AS xid8))")


class CommitLost(Exception):
    """The connection broke while a commit was under way; ``result`` counts if transaction ``xid`` turns out committed."""

    def __init__(self, xid: str, result: object) -> None:
        self.xid = xid
        self.result = result
        super().__init__(xid)


def asyncpg_url(url: str) -> URL:
    """Return the URL for asyncpg, whichever driver it names; libpq's ``sslmode`` becomes asyncpg's ``ssl``."""
    parsed = make_url(url).set(drivername=DRIVER)
    mode = parsed.query.get("sslmode")
    return parsed if mode is None else parsed.difference_update_query(["sslmode"]).update_query_dict({"ssl": mode})


def _connect_options(busy_timeout_s: float, statement_s: float | None) -> dict[str, Any]:
    """Return what every connection is set up with: durable commits, UTC, and an end to every wait."""
    return {
        "timeout": CONNECT_S,
        "command_timeout": statement_s,
        "server_settings": {
            "application_name": "sortie",
            "timezone": "UTC",
            "synchronous_commit": "on",
            "lock_timeout": str(max(1, int(busy_timeout_s * 1000))),
            # A process that was stopped in the middle of a unit would keep every other one from writing.
            "idle_in_transaction_session_timeout": str(int(STATEMENT_S * 1000)),
            "jit": "off",
        },
    }


def postgresql_engine(url: str, busy_timeout_s: float, *, pooled: bool, statement_s: float | None = STATEMENT_S) -> AsyncEngine:
    """Return an engine that connects when first used; raise Misconfigured when the driver is not installed.

    ``statement_s`` is the longest that one statement may take, None for as long as it needs.
    """
    pool: dict[str, Any] = (
        {"pool_size": 5, "max_overflow": 5, "pool_timeout": CONNECT_S, "pool_pre_ping": True}
        if pooled
        else {"poolclass": NullPool}
    )
    try:
        engine = create_async_engine(
            asyncpg_url(url),
            connect_args=_connect_options(busy_timeout_s, statement_s),
            isolation_level="READ COMMITTED",
            hide_parameters=True,
            **pool,
        )
    except ModuleNotFoundError as error:
        raise Misconfigured(
            "NO_DRIVER", cause="PostgreSQL needs asyncpg, which is not installed", fix='pip install "asyncpg>=0.31"'
        ) from error
    event.listen(engine.sync_engine, "before_cursor_execute", _without_nul, retval=True)
    return engine


def _without_nul(
    _connection: Connection, _cursor: object, statement: str, parameters: Any, _context: object, many: bool
) -> tuple[str, Any]:
    """Show the one character that PostgreSQL's text cannot hold as the one that stands for such: people send anything."""
    rows = parameters if many else [parameters]
    if not any(isinstance(value, str) and "\0" in value for row in rows for value in row):
        return statement, parameters
    clean = [tuple(value.replace("\0", "\ufffd") if isinstance(value, str) else value for value in row) for row in rows]
    return statement, clean if many else clean[0]


def passing(error: SQLAlchemyError) -> str | None:
    """Return why the server cannot do it now, or None for an error that another try would meet again."""
    if isinstance(error, PoolTimeout):
        return "all connections are busy"
    if not isinstance(error, DBAPIError) or error.orig is None:
        return None
    state = str(getattr(error.orig, "sqlstate", None) or "")
    if error.connection_invalidated or state in _PASSING or state[:2] in _PASSING_CLASSES:
        return str(error.orig.__cause__ or error.orig)
    return None


def lock_writers(connection: Connection) -> str:
    """Wait until no other unit writes, whatever process it is of; return the transaction's id."""
    xid: str = connection.execute(_LOCK, {"key": WRITERS_KEY}).one().xid
    return xid


class Postgresql:
    """Runs plain functions over connections to one database."""

    def __init__(self, url: str, busy_timeout_s: float, *, pooled: bool) -> None:
        """Connect lazily; without a pool each job has a connection of its own, and any event loop may run it."""
        self._url = url
        self._busy_timeout_s = busy_timeout_s
        self._engine = postgresql_engine(url, busy_timeout_s, pooled=pooled)
        self._writing: set[asyncio.Future[Any]] = set()

    async def write(self, job: Job[T]) -> T:
        """Run a unit to its end even when the caller is canceled meanwhile: nobody could tell what a torn one did."""
        running = asyncio.ensure_future(self._settled(job))
        self._writing.add(running)
        running.add_done_callback(self._ended)
        return await asyncio.shield(running)

    async def read(self, job: Job[T]) -> T:
        """Run ``job`` over one snapshot that cannot write."""
        return await _run(_snapshots(self._engine), job)

    def write_now(self, job: Job[T]) -> T:
        """Run a unit from plain code, beside a running event loop or without one."""
        return self._in_thread(lambda engine: engine, job)

    def read_now(self, job: Job[T]) -> T:
        """Read one snapshot from plain code, beside a running event loop or without one."""
        return self._in_thread(_snapshots, job)

    async def close(self) -> None:
        """Let running units end, then let go of the connections."""
        await asyncio.gather(*self._writing, return_exceptions=True)
        await self._engine.dispose()

    async def _settled(self, job: Job[T]) -> T:
        try:
            return await _run(self._engine, job)
        except CommitLost as lost:
            if await self._committed(lost.xid):
                result: T = lost.result  # type: ignore[assignment]
                return result
            raise Unavailable("DATABASE", reason="the connection broke; the server says that nothing was committed") from lost

    async def _committed(self, xid: str) -> bool:
        """Ask the server, as soon as it answers again, what became of a transaction."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._busy_timeout_s
        while True:
            try:
                status = await _run(self._engine, lambda connection: connection.execute(_STATUS, {"xid": xid}).scalar_one())
            except Unavailable:
                status = None
            except DBAPIError as error:
                if passing(error) is None:
                    raise
                status = None
            if status in ("committed", "aborted"):
                return bool(status == "committed")
            if loop.time() > deadline:
                raise Unavailable("DATABASE", reason=f"the connection broke during the commit of transaction {xid}")
            await asyncio.sleep(ASK_AGAIN_S)

    def _ended(self, running: asyncio.Future[Any]) -> None:
        self._writing.discard(running)
        if not running.cancelled():
            # Asked for, so that a unit whose caller has gone does not fail unheard at the interpreter's end.
            running.exception()

    def _in_thread(self, prepare: Callable[[AsyncEngine], AsyncEngine], job: Job[T]) -> T:
        async def once() -> T:
            engine = postgresql_engine(self._url, self._busy_timeout_s, pooled=False)
            return await _run(prepare(engine), job)

        with ThreadPoolExecutor(1, thread_name_prefix="desk-once") as thread:
            return thread.submit(lambda: asyncio.run(once())).result()


def _snapshots(engine: AsyncEngine) -> AsyncEngine:
    return engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)


async def _run(engine: AsyncEngine, job: Job[T]) -> T:
    try:
        connection = await engine.connect()
    except OSError as error:
        raise Unavailable("DATABASE", reason=str(error) or type(error).__name__) from error
    try:
        return await connection.run_sync(job)
    except TimeoutError as error:
        raise Unavailable("DATABASE", reason=f"no answer within {STATEMENT_S:g} s") from error
    finally:
        await connection.close()
