"""Time that leaps: nothing waits and nothing runs beside the one thread, so that a run can be repeated step by step."""

from __future__ import annotations

import asyncio
import random
import selectors
from collections.abc import Callable
from concurrent.futures import Executor
from datetime import datetime, timedelta
from typing import Any

import structlog

from bot.scheduler import Tick

log = structlog.get_logger()
READING_TAKES_S = 0.00001
_LETTERS = "0123456789abcdefghjkmnpqrstvwxyz"  # pragma: allowlist secret


class LeapingLoop(asyncio.SelectorEventLoop):
    """Goes to the next timer at once when nothing is ready, and does in its own thread what would go to another.

    ``on_step`` is called before each round of the loop, and before and after each job for another thread.
    """

    def __init__(self) -> None:
        self.elapsed = 0.0
        self.on_step: Callable[[], None] = lambda: None
        selector = _LeapingSelector(self)
        super().__init__(selector)

    def time(self) -> float:
        """Return the seconds that passed."""
        return self.elapsed

    def run_in_executor(self, executor: Executor | None, func: Callable[..., Any], *args: Any) -> asyncio.Future[Any]:
        """Do the job now."""
        done: asyncio.Future[Any] = self.create_future()
        self.on_step()
        try:
            done.set_result(func(*args))
        except Exception as error:  # noqa: BLE001 - it belongs to whoever waits for the job
            done.set_exception(error)
        self.on_step()
        return done

    def _run_once(self) -> None:
        self.on_step()
        super()._run_once()  # type: ignore[misc]


class _LeapingSelector(selectors.DefaultSelector):  # type: ignore[valid-type,misc]
    def __init__(self, loop: LeapingLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> Any:
        found = super().select(0)
        if not found and timeout is None:
            raise RuntimeError("nothing will ever happen again")
        if not found and timeout is not None:
            self._loop.elapsed += timeout
        return found


class LeapingClock:
    """A loop's time as wall time; each reading takes a moment, so that no two moments are one."""

    def __init__(self, loop: LeapingLoop, since: datetime) -> None:
        self._loop = loop
        self._since = since

    def now(self) -> datetime:
        self._loop.elapsed += READING_TAKES_S
        return self._since + timedelta(seconds=self._loop.elapsed)

    def monotonic(self) -> float:
        return self._loop.elapsed

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class DrawnIds:
    """Ids that the same run draws again: they sort by time, and ``salt`` keeps one run's from another's."""

    def __init__(self, clock: LeapingClock, salt: str) -> None:
        self._clock = clock
        self._chance = random.Random(salt)
        self._last = 0

    def row(self) -> str:
        return _text(int(self._clock.now().timestamp() * 1000), 10) + _text(self._chance.getrandbits(80), 16)

    def instruction(self) -> str:
        self._last = max(self._last + 1, int(self._clock.now().timestamp() * 1_000_000) % 2**50)
        return _text(self._last, 10) + _text(self._chance.getrandbits(30), 6)

    def secret(self) -> str:
        return _text(self._chance.getrandbits(110), 22)


def _text(value: int, length: int) -> str:
    letters = []
    for _ in range(length):
        value, letter = divmod(value, 32)
        letters.append(_LETTERS[letter])
    return "".join(reversed(letters))


class LeapingTicker:
    """Calls each tick at its pace, in a loop's time, as APScheduler does in the machine's."""

    def __init__(self) -> None:
        self._ticks: dict[str, tuple[float, Tick]] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._hurried: dict[str, asyncio.Event] = {}

    def every(self, seconds: float, name: str, tick: Tick) -> None:
        self._ticks[name] = (seconds, tick)
        self._hurried[name] = asyncio.Event()

    def hurry(self, name: str) -> None:
        if name in self._hurried:
            self._hurried[name].set()

    def next_run(self, _name: str) -> datetime | None:
        return None

    def start(self) -> None:
        for name, (seconds, tick) in self._ticks.items():
            self._tasks[name] = asyncio.get_running_loop().create_task(self._call(name, seconds, tick))

    def stop(self) -> None:
        for task in self._tasks.values():
            task.cancel()

    async def _call(self, name: str, seconds: float, tick: Tick) -> None:
        while True:
            try:
                await tick()
            except Exception as error:
                log.error("tick.failed", tick=name, exc_info=error)
            self._hurried[name].clear()
            try:
                await asyncio.wait_for(self._hurried[name].wait(), seconds)
            except TimeoutError:
                continue
