"""Work for a thread of its own behind a bounded queue: whoever hands it over never waits, whatever the disk does."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

import structlog

T = TypeVar("T")
log = structlog.get_logger()
AT_ONCE = 1000


class Behind(Generic[T]):
    """Hands things to one thread in batches, oldest first. A thing that finds the queue full is not taken.

    ``work`` gets each batch, ``idle`` is called when nothing came for ``idle_s`` seconds; what they raise is logged and ends
    nothing. The thread does not keep the process alive.
    """

    def __init__(
        self,
        name: str,
        work: Callable[[list[T]], None],
        *,
        most: int,
        idle: Callable[[], None] = lambda: None,
        idle_s: float = 1.0,
    ) -> None:
        self._name = name
        self._work = work
        self._idle = idle
        self._idle_s = idle_s
        self._queue: queue.Queue[T | None] = queue.Queue(most)
        self._thread: threading.Thread | None = None
        self._ending = threading.Event()

    def start(self) -> None:
        """Begin; what was handed over before is still there."""
        self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
        self._thread.start()

    def offer(self, thing: T) -> bool:
        """Hand something over and return at once; tell whether it was taken."""
        if self._ending.is_set():
            return False
        try:
            self._queue.put_nowait(thing)
        except queue.Full:
            return False
        return True

    def stop(self, wait_s: float) -> bool:
        """Let the thread work off what it has, and wait for that; tell whether it came to its end."""
        self._ending.set()
        if self._thread is None:
            return True
        try:
            self._queue.put(None, timeout=wait_s)
        except queue.Full:
            return False
        self._thread.join(wait_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        while True:
            batch, ended = self._next()
            try:
                if batch:
                    self._work(batch)
                else:
                    self._idle()
            except Exception as error:
                # The edge of the thread: nobody else would hear of it.
                log.error("behind.failed", thread=self._name, count=len(batch), exc_info=error)
            if ended:
                return

    def _next(self) -> tuple[list[T], bool]:
        """Wait for the next things, and tell whether they are the last."""
        batch: list[T] = []
        try:
            thing = self._queue.get(timeout=self._idle_s)
            while thing is not None:
                batch.append(thing)
                if len(batch) == AT_ONCE:
                    return batch, False
                thing = self._queue.get_nowait()
        except queue.Empty:
            return batch, False
        return batch, True
