"""A backup on PostgreSQL goes into a database of its own first, which then takes the name of the old one."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from sqlalchemy import make_url, text
from sqlalchemy.exc import DBAPIError

from services.domain.crashpoints import reach
from services.domain.errors import Unavailable
from services.operations.snapshots import program, run_program
from services.storage.postgresql import postgresql_engine

# Every server has one of them, and one cannot rename the database that one is connected to.
MAINTENANCE = ("postgres", "template1")
LONGEST_NAME = 63
RIGHTS_FIX = "let the desk's role make databases (ALTER ROLE ... CREATEDB) and own its own, and end other connections to it"


class NewDatabase:
    """A fresh database beside the desk's; it is dropped unless it takes the desk's place."""

    def __init__(self, url: str, at: datetime, busy_timeout_s: float) -> None:
        self._desk = make_url(url)
        self._busy_timeout_s = busy_timeout_s
        base = str(self._desk.database)[: LONGEST_NAME - 26]
        self._fresh = f"{base}_restored_{at:%Y%m%d%H%M%S}"
        self._old = f"{base}_replaced_{at:%Y%m%d%H%M%S}"
        self._placed = False
        self.url = self._desk.set(database=self._fresh).render_as_string(hide_password=False)

    async def __aenter__(self) -> Self:
        program("pg_restore")
        await self._command(f"CREATE DATABASE {_quoted(self._fresh)} TEMPLATE template0")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self._placed:
            await self._command(f"DROP DATABASE IF EXISTS {_quoted(self._fresh)} WITH (FORCE)")

    async def fill(self, dump: Path) -> None:
        """Restore a dump into it; raise Unavailable with what the program says when it cannot."""
        asked = ["--no-owner", "--no-privileges", "--exit-on-error", f"--dbname={self._fresh}", str(dump)]
        await run_program("pg_restore", asked, self._desk.set(database=self._fresh))

    async def take_place(self) -> str:
        """Exchange the names of both in one transaction; return the old one's new name."""
        reach("restore.before_rename")
        await self._command(
            f"ALTER DATABASE {_quoted(str(self._desk.database))} RENAME TO {_quoted(self._old)}",
            f"ALTER DATABASE {_quoted(self._fresh)} RENAME TO {_quoted(str(self._desk.database))}",
        )
        self._placed = True
        reach("restore.renamed")
        return self._old

    async def _command(self, *statements: str) -> None:
        level = "AUTOCOMMIT" if len(statements) == 1 else "READ COMMITTED"
        problem = ""
        for name in MAINTENANCE:
            url = self._desk.set(database=name).render_as_string(hide_password=False)
            engine = postgresql_engine(url, self._busy_timeout_s, pooled=False, statement_s=None)
            try:
                connection = await engine.execution_options(isolation_level=level).connect()
            except (DBAPIError, OSError) as error:
                problem = str(error)
                continue
            try:
                for statement in statements:
                    await connection.execute(text(statement))
                await connection.commit()
            except DBAPIError as error:
                cause = str(error.orig.__cause__ or error.orig) if error.orig is not None else str(error)
                raise Unavailable("NOT_REPLACED", cause=cause, fix=RIGHTS_FIX) from error
            finally:
                await connection.close()
            return
        raise Unavailable("NOT_REPLACED", cause=problem, fix=f"let the desk's role connect to one of {', '.join(MAINTENANCE)}")


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
