"""What happened, in order: one hash stands for a whole run."""

from __future__ import annotations

import hashlib
from collections import Counter, deque
from collections.abc import Callable

NEWEST = 200


class Trace:
    """Takes down each event with its time; ``lines`` are the newest ones, or all of them where ``keep`` says so."""

    def __init__(self, time: Callable[[], float], *, keep: bool = False) -> None:
        self._time = time
        self._hash = hashlib.blake2b(digest_size=8)
        self.counts: Counter[str] = Counter()
        self.lines: deque[str] = deque(maxlen=None if keep else NEWEST)

    def note(self, kind: str, what: str) -> None:
        """Take an event down."""
        line = f"{self._time():.6f} {kind} {what}"
        self._hash.update(line.encode())
        self.counts[kind] += 1
        self.lines.append(line)

    @property
    def digest(self) -> str:
        """Return the hash of everything so far."""
        return self._hash.hexdigest()
