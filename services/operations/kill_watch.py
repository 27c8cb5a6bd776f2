"""A kill watched from another process: how far the desk has come with it, and whether that desk works at all."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from services.domain.errors import SortieError
from services.domain.kills import Kill
from services.domain.ports import Clock
from services.operations.status import READY
from services.storage import desk, kills
from services.storage.counters import get_fact
from services.storage.database import Database, Unit

LOOK_EVERY_S = 0.25
# The stages' rows are stored every five seconds, and each of these beats every second.
HUNG_AFTER = timedelta(seconds=15)
WORKING_STAGES = ("executor", "kill")
STARTING_S = 60.0
LONGEST_S = 150.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """The kill as it was seen last; ``hung`` names the stages that show no life, ``late`` says that nothing ended in time."""

    kill: Kill
    hung: tuple[str, ...] = ()
    late: bool = False


class WatchKill:
    """Follows a kill until it is worked off, or until the desk that should do it shows no life."""

    def __init__(self, database: Database, clock: Clock, holder_pid: int | None) -> None:
        self._database = database
        self._clock = clock
        self._pid = holder_pid

    async def __call__(self, kill: Kill, tell: Callable[[Kill], None]) -> Watched:
        """Watch, telling each change; a database that does not answer for a while is asked again."""
        began = self._clock.monotonic()
        tell(kill)
        while kill.running:
            waited = self._clock.monotonic() - began
            if waited > LONGEST_S:
                return Watched(kill=kill, late=True)
            try:
                seen, quiet = await self._database.read(partial(self._look, kill_id=kill.id, waited=waited))
            except SortieError:
                seen, quiet = kill, ()
            if quiet and seen is not None and seen.running:
                return Watched(kill=seen, hung=quiet)
            if seen is not None and seen != kill:
                tell(seen)
                kill = seen
            await self._clock.sleep(LOOK_EVERY_S)
        return Watched(kill=kill)

    def _look(self, unit: Unit, kill_id: str, waited: float) -> tuple[Kill | None, tuple[str, ...]]:
        # A kill that another one took over is followed in that one.
        newest, known = kills.newest(unit), kills.find(unit, kill_id)
        return newest if known is not None and not known.working else known, self._quiet(unit, waited)

    def _quiet(self, unit: Unit, waited: float) -> tuple[str, ...]:
        if not self._is_ready(unit) and waited < STARTING_S:
            return ()
        last = {row.name: row.last_success for row in desk.all_stages(unit)}
        return tuple(name for name in WORKING_STAGES if (at := last.get(name)) is None or unit.now - at > HUNG_AFTER)

    def _is_ready(self, unit: Unit) -> bool:
        """Tell whether the process that holds the lock has come to its end of starting."""
        said = get_fact(unit, READY)
        return said is not None and said != "" and (self._pid is None or json.loads(said)["pid"] == self._pid)
