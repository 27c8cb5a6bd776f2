"""A desk's jobs for its own threads, done on the loop itself: going over and back costs more than what the rigs do there.

What threads change is tried where it matters: by the storage layer's tests, and by those that run the desk's process.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from contextvars import Context
from typing import TypeVar, TypeVarTuple

import pytest

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


@contextmanager
def one_thread() -> Iterator[None]:
    """Let the running loop do each job of a pool in its turn; whoever handed it over goes on afterwards, as with a thread.

    What asks for any thread at all (``asyncio.to_thread``) gets one: it may wait for the loop, or run one of its own. A loop
    that has a way of its own with such jobs keeps it.
    """
    loop = asyncio.get_running_loop()
    if type(loop).run_in_executor is not asyncio.BaseEventLoop.run_in_executor:
        yield
        return
    elsewhere = loop.run_in_executor

    def run_in_executor(pool: Executor | None, job: Callable[[*Ts], T], *args: *Ts) -> asyncio.Future[T]:
        if pool is None:
            return elsewhere(None, job, *args)
        done: asyncio.Future[T] = loop.create_future()
        # A thread does not have its caller's context either.
        loop.call_soon(finish, done, job, args, context=Context())
        return done

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loop, "run_in_executor", run_in_executor)
        yield


def finish(done: asyncio.Future[T], job: Callable[[*Ts], T], args: tuple[*Ts]) -> None:
    """Do a job and tell whoever waits for it; it is done even when nobody does any more, as a thread does what it was given."""
    try:
        result = job(*args)
    except Exception as error:  # noqa: BLE001 - it belongs to whoever waits for the job
        if not done.cancelled():
            done.set_exception(error)
    else:
        if not done.cancelled():
            done.set_result(result)
