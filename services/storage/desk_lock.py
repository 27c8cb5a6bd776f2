"""The lock of the one process that runs a desk on a PostgreSQL database; the server frees it when the process dies."""

from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from services.domain.errors import Unavailable
from services.storage.postgresql import passing, postgresql_engine

RUN_KEY = 0x50271F
_TRY = text("SELECT pg_try_advisory_lock(:key)")
_HELD = text("SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND objid = :key AND pid = pg_backend_pid() AND granted")
_OWNER = text("SELECT owner FROM leases ORDER BY expires_at DESC LIMIT 1")


class PostgresqlLock:
    """A session-level advisory lock on a connection of its own."""

    def __init__(self, url: str, busy_timeout_s: float) -> None:
        self._engine = postgresql_engine(url, busy_timeout_s, pooled=False)
        self._session: AsyncConnection | None = None

    async def take(self) -> bool:
        """Take the lock on a fresh connection; False when another process has it. Raise Unavailable without the server."""
        await self.release()
        try:
            session = await self._engine.connect()
            await session.execution_options(isolation_level="AUTOCOMMIT")
            taken = bool((await session.execute(_TRY, {"key": RUN_KEY})).scalar_one())
        except (DBAPIError, OSError) as error:
            cause = passing(error) if isinstance(error, DBAPIError) else str(error)
            raise Unavailable("DATABASE", reason=cause or str(error)) from error
        if taken:
            self._session = session
        else:
            await session.close()
        return taken

    async def held(self) -> bool:
        """Tell whether the lock is still ours: the server frees it when it loses the connection."""
        if self._session is None:
            return False
        try:
            return (await self._session.execute(_HELD, {"key": RUN_KEY})).first() is not None
        except (DBAPIError, OSError):
            return False

    async def holder(self) -> str:
        """Return who ran the desk last, as its leases say."""
        try:
            async with self._engine.connect() as connection:
                found = (await connection.execute(_OWNER)).first()
        except (DBAPIError, OSError):
            return "unknown"
        return str(found.owner) if found is not None else "unknown"

    async def release(self) -> None:
        """Let go; the connection ends with it."""
        session, self._session = self._session, None
        if session is not None:
            await session.invalidate()
            await session.close()
