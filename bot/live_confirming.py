"""Who started the desk naming terminals as live, and what came of it: in the journal before anything is built."""

from __future__ import annotations

import getpass
from collections.abc import Callable
from typing import TypeVar

from config.settings import Settings
from services.domain.errors import Misconfigured
from services.domain.people import Actor
from services.domain.ports import Clock, Ids
from services.operations.places import shell_database
from services.storage.database import Unit

T = TypeVar("T")


class JournalLive:
    """Journal a confirmation, ``live.confirmed``, and when the build refuses it, ``live.refused`` with the code."""

    def __init__(self, settings: Settings, clock: Clock, ids: Ids, terminals: frozenset[str]) -> None:
        self._settings = settings
        self._clock = clock
        self._terminals = sorted(terminals)
        self._actor = Actor(kind="system", id=0, name=f"shell:{_user()}"[:48], channel="shell", correlation=f"live-{ids.row()}")

    async def __call__(self, build: Callable[[], T]) -> T:
        """Build the desk and return it; raise Misconfigured as the build does. Without a confirmation nothing is journalled."""
        if not self._terminals:
            return build()
        config = self._settings.fingerprint[:12]
        await self._write(lambda unit: unit.record(self._actor, "live.confirmed", terminals=self._terminals, config=config))
        try:
            return build()
        except Misconfigured as error:
            code = error.code
            await self._write(lambda unit: unit.record(self._actor, "live.refused", terminals=self._terminals, code=code))
            raise

    async def _write(self, body: Callable[[Unit], None]) -> None:
        settings = self._settings
        async with shell_database(settings.database_url, self._clock, settings.database.busy_timeout_s) as database:
            await database.write(body)


def _user() -> str:
    """Name who runs this process; an account without a name is no reason not to journal."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"
