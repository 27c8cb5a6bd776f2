"""An event loop in virtual time, with lives: what a desk started dies with it, at any await, without a last word."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable
from concurrent.futures import Executor
from contextvars import Context, ContextVar, copy_context
from typing import Any, TypeVar, TypeVarTuple
from weakref import WeakKeyDictionary

from tests.one_thread import finish

T = TypeVar("T")
Ts = TypeVarTuple("Ts")
LIFE: ContextVar[int] = ContextVar("life", default=0)
"""Which run of the desk a task belongs to; 0 is the world outside, which never dies."""
MOST_TURNS = 30_000
"""The most turns of the loop within one second."""

TURN_S = 1e-6
"""What a turn takes at least: a wait too short for the clock to show would never end otherwise."""


class Died(BaseException):
    """Raised by a crash point in a unit of work: the process is gone before the next instruction."""


class NothingLeft(Exception):
    """Nobody waits for anything any more: in the real world this would hang for ever."""


class Spinning(Exception):
    """Something runs again and again without time passing: in the real world this would burn a processor."""


class _Jump(selectors.SelectSelector):
    """Never waits: the time until the next timer passes at once."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self._turns = 0
        self._since = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise NothingLeft
        self.now += max(timeout, TURN_S)
        self._turns += 1
        if self.now - self._since >= 1:
            self._turns, self._since = 0, self.now
        if self._turns > MOST_TURNS:
            raise Spinning
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    """Runs what is due, then jumps to the next timer; threads' work runs here too, each thread's in its order.

    ``disk`` says how many seconds a job of an executor takes; it may raise what the job shall fail with instead.
    """

    def __init__(self) -> None:
        self._jump = _Jump()
        super().__init__(self._jump)
        self.disk: Callable[[Executor | None], float] = lambda _: 0.0
        self.on_death: Callable[[], None] = lambda: None
        self._free_at: WeakKeyDictionary[object, float] = WeakKeyDictionary()
        self._dead: set[int] = set()

    def time(self) -> float:
        """Return the virtual seconds since the loop was made."""
        return self._jump.now

    def kill(self, life: int) -> None:
        """Let nothing of that life run any more; its tasks stay where they are."""
        self._dead.add(life)
        for handle in [*self._ready, *self._scheduled]:  # type: ignore[attr-defined]
            if handle._context is not None and handle._context.get(LIFE) == life:
                handle.cancel()

    def call_soon(self, callback: Callable[[*Ts], object], *args: *Ts, context: Context | None = None) -> asyncio.Handle:
        """Call soon, unless the caller's life is over."""
        handle = super().call_soon(callback, *args, context=context)
        if self._dead and self._is_dead(context):
            handle.cancel()
        return handle

    def call_at(
        self, when: float, callback: Callable[[*Ts], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.TimerHandle:
        """Call at a time, unless the caller's life is over."""
        handle = super().call_at(when, callback, *args, context=context)
        if self._dead and self._is_dead(context):
            handle.cancel()
        return handle

    def run_in_executor(  # type: ignore[override]
        self, executor: Executor | None, func: Callable[[*Ts], T], *args: *Ts
    ) -> asyncio.Future[T]:
        """Run a job in its turn after the time that it takes; one that was handed over is carried through."""
        done: asyncio.Future[T] = self.create_future()
        work: Callable[..., T] = func
        try:
            takes = self.disk(executor)
        except Exception as error:  # noqa: BLE001 - whatever is injected is what the job fails with
            takes, work = 0.001, _raiser(error)
        thread: object = executor or self
        self._free_at[thread] = at = max(self._free_at.get(thread, 0.0), self.time()) + takes
        self.call_at(at, self._work, done, work, args)
        return done

    def outside(self, callback: Callable[[], object], after: float) -> None:
        """Do something of the world after a while, whatever becomes of the desk that asks for it."""
        context = copy_context()
        context.run(LIFE.set, 0)
        self.call_later(after, callback, context=context)

    def _work(self, done: asyncio.Future[Any], func: Callable[..., Any], args: tuple[Any, ...]) -> None:
        try:
            finish(done, func, args)
        except Died:
            self.on_death()

    def _is_dead(self, context: Context | None) -> bool:
        return (LIFE.get() if context is None else context.get(LIFE, 0)) in self._dead


def _raiser(error: Exception) -> Callable[..., Any]:
    def fail(*_: object) -> None:
        raise error

    return fail
