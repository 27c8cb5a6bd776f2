"""The one owner of background tasks: stages are restarted when they crash, and nothing outlives the stop."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Coroutine

import structlog

log = structlog.get_logger()
RESTART_FIRST_S = 0.5
RESTART_MOST_S = 30.0
HEALTHY_AFTER_S = 60.0
CANCEL_AGAIN_S = 0.5


class TaskNursery:
    """Runs stages for ever and jobs once; a crash is logged with its error and counted."""

    def __init__(
        self, on_crash: Callable[[str, BaseException, str], None] | None = None, error_id: Callable[[], str] | None = None
    ) -> None:
        """``on_crash`` gets the task's name, its error, and the id under which the log has it, which ``error_id`` makes."""
        self._error_id = error_id or _random_id
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._jobs: set[asyncio.Task[None]] = set()
        self._on_crash = on_crash
        self._closing = False

    def stage(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        """Run a stage and start it again, with growing pauses, whenever it ends."""
        self._tasks[name] = asyncio.create_task(self._keep(name, work), name=name)

    def restart(self, name: str) -> None:
        """Cancel a stage that hangs; it starts again."""
        task = self._tasks.get(name)
        if task is not None and not self._closing:
            task.cancel("restart")

    def spawn(self, name: str, job: Coroutine[object, object, None]) -> None:
        """Run a job beside the stages; its crash is logged."""
        task = asyncio.create_task(self._once(name, job), name=name)
        self._jobs.add(task)
        task.add_done_callback(self._jobs.discard)

    async def wait_for_jobs(self, seconds: float) -> bool:
        """Let running jobs end; tell whether all did in time."""
        if self._jobs:
            await asyncio.wait(self._jobs, timeout=seconds)
        return not self._jobs

    async def stop_stage(self, name: str) -> None:
        """End one stage for good."""
        task = self._tasks.pop(name, None)
        if task is not None:
            task.cancel("stop")
            await asyncio.gather(task, return_exceptions=True)

    async def close(self) -> None:
        """Cancel everything and wait until it is gone."""
        self._closing = True
        left: set[asyncio.Task[None]] = {*self._tasks.values(), *self._jobs}
        while left:
            for task in left:
                task.cancel("stop")
            # Python 3.11's wait_for loses a cancellation that comes just as what it waits for is done: it is said again.
            _, left = await asyncio.wait(left, timeout=CANCEL_AGAIN_S)

    async def _keep(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        pause = RESTART_FIRST_S
        loop = asyncio.get_running_loop()
        while True:
            began = loop.time()
            try:
                await work()
                log.warning("stage.ended", stage=name)
            except asyncio.CancelledError as cancelled:
                self._require_restart(name, cancelled)
                log.warning("stage.restarted", stage=name)
            except Exception as error:
                error_id = self._error_id()
                log.error("stage.crashed", stage=name, error_id=error_id, exc_info=error)
                self._report(name, error, error_id)
            if loop.time() - began > HEALTHY_AFTER_S:
                pause = RESTART_FIRST_S
            try:
                await asyncio.sleep(pause)
            except asyncio.CancelledError as cancelled:
                # A stage that is to be restarted while it pauses after a crash starts at once; it must not end here.
                self._require_restart(name, cancelled)
            pause = min(pause * 2, RESTART_MOST_S)

    def _require_restart(self, name: str, cancelled: asyncio.CancelledError) -> None:
        """Raise the cancellation again unless it is the stage's restart."""
        if self._closing or "restart" not in cancelled.args or name not in self._tasks:
            raise cancelled

    async def _once(self, name: str, job: Coroutine[object, object, None]) -> None:
        try:
            await job
        except Exception as error:
            error_id = self._error_id()
            log.error("job.crashed", job=name, error_id=error_id, exc_info=error)
            self._report(name, error, error_id)

    def _report(self, name: str, error: BaseException, error_id: str) -> None:
        if self._on_crash is not None:
            self._on_crash(name, error, error_id)


def _random_id() -> str:
    return secrets.token_hex(4)
