"""One drill from its folder to its result, whatever happens in it."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable
from pathlib import Path

import structlog

from bot.drills.kill import drill_kill
from bot.drills.outage import drill_outage
from bot.drills.restore import drill_restore
from bot.drills.world import drill_settings, running_world
from bot.logging import close_logging, configure_logging, configure_shell_logging
from bot.wiring import Trading
from config.settings import Settings
from services.domain.drills import CutShort, DrillKind, DrillResult, Step, Steps
from services.domain.errors import Misconfigured
from services.domain.ports import Clock
from services.operations.restore import Schema

log = structlog.get_logger()
FOLDER = "drills"
LONGEST_S = 90.0


class RunDrill:
    """Runs drills beside a desk; nothing of the desk is written, and none of its terminals is touched."""

    def __init__(
        self, settings: Settings, clock: Clock, schema: Schema, alter: Callable[[Trading], Trading] = lambda same: same
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._schema = schema
        self._alter = alter

    async def __call__(self, kind: DrillKind, tell: Callable[[Step], None]) -> DrillResult:
        """Run one drill and return how it went; raise Misconfigured for one that this desk cannot have.

        The folder goes when it passed, and stays with its logs when it did not.
        """
        at, began = self._clock.now(), self._clock.monotonic()
        folder = self._settings.desk.state_dir / FOLDER / f"{at:%Y%m%d-%H%M%S}-{kind.value}"
        for place in (folder.parent, folder):
            place.mkdir(mode=0o700, exist_ok=True)
        steps = Steps(tell=tell)
        configure_logging(drill_settings(self._settings, folder), console=False)
        try:
            await self._try(kind, folder, steps)
        except Misconfigured:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        finally:
            close_logging()
            configure_shell_logging(self._settings)
        took = self._clock.monotonic() - began
        result = DrillResult(kind=kind, at=at, took_s=took, steps=tuple(steps.taken), figures=steps.figures)
        if result.passed:
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
        else:
            steps.measure("kept", str(folder))
        return result

    async def _try(self, kind: DrillKind, folder: Path, steps: Steps) -> None:
        try:
            async with asyncio.timeout(LONGEST_S):
                await self._drill(kind, folder, steps)
        except Misconfigured:
            raise
        except CutShort as error:
            log.warning("drill.cut_short", drill=kind.value, step=str(error))
            if all(step.ok for step in steps.taken):
                steps.check("the drill comes to its end", False, str(error))
        except Exception as error:
            log.error("drill.crashed", drill=kind.value, exc_info=error)
            steps.check("the drill comes to its end", False, f"{type(error).__name__}: {error}")

    async def _drill(self, kind: DrillKind, folder: Path, steps: Steps) -> None:
        if kind is DrillKind.RESTORE:
            await drill_restore(self._settings, folder, self._clock, self._schema, steps)
            return
        async with running_world(drill_settings(self._settings, folder), self._alter) as world:
            await (drill_kill if kind is DrillKind.KILL else drill_outage)(world, steps)
