"""Everything that can go wrong: named fault points, and the weather that says which of them do in a run."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable

# Faults that hit one call, with how likely they are at most.
EACH = {
    "chat.call.never_arrives": 0.10,
    "chat.call.reply_lost": 0.10,
    "chat.call.half_reply": 0.06,
    "chat.call.garbled": 0.06,
    "chat.call.server_error": 0.12,
    "chat.call.flood": 0.08,
    "chat.call.late": 0.10,
    "chat.call.timeout": 0.05,
    "chat.poll.never_arrives": 0.10,
    "chat.poll.reply_lost": 0.15,
    "chat.poll.server_error": 0.10,
    "chat.poll.garbled": 0.08,
    "chat.poll.late": 0.15,
    "chat.updates.duplicated": 0.25,
    "chat.updates.reordered": 0.40,
    "chat.updates.replayed": 0.20,
    "venue.write.never_arrives": 0.10,
    "venue.write.reply_lost": 0.15,
    "venue.write.half_reply": 0.15,
    "venue.write.hangs": 0.06,
    "venue.write.taken_and_hangs": 0.25,
    "venue.write.arrives_late": 0.10,
    "venue.write.held_back": 0.08,
    "venue.write.refused": 0.06,
    "venue.read.error": 0.12,
    "venue.read.hangs": 0.02,
    "venue.read.slow": 0.10,
    "venue.fills.late": 0.15,
    "venue.fills.repeated": 0.30,
    "disk.full": 0.02,
    "disk.locked": 0.01,
    "disk.slow": 0.05,
    "paper.disk.full": 0.03,
    "market.error": 0.08,
    "market.slow": 0.10,
    "market.candles.error": 0.20,
    "chart.fails": 0.30,
}
# What lasts a while, with the mean seconds from the end of one spell to the next.
SPELLS = {
    "chat.outage": 200.0,
    "venue.outage": 200.0,
    "disk.full.spell": 240.0,
    "disk.locked.spell": 240.0,
    "everything.slow": 180.0,
    "market.stale": 180.0,
}
# What happens at a moment, with the mean seconds between two of them.
MOMENTS = {
    "market.gap": 120.0,
    "market.spike": 90.0,
    "clock.ahead": 200.0,
    "clock.behind": 200.0,
    "process.restart": 240.0,
    "process.crash": 180.0,
    "process.crash.at_commit": 200.0,
}
# What is on from the beginning, or happens at every start.
STANDING = ("venue.clock.skew", "process.crash.in_start")
POINTS = (*EACH, *SPELLS, *MOMENTS, *STANDING)
SHARES = (0.0, 0.1, 0.25, 0.5)


class Weather:
    """Which faults are on in a run, and how often each fires; ``clear`` ends them all."""

    def __init__(self, seed: int, note: Callable[[str, str], None]) -> None:
        chance = random.Random(f"weather {seed}")
        self._dice = random.Random(f"dice {seed}")
        self._note = note
        # Swarm: what is left out of a run gives the rest room to go on far enough to matter.
        share = chance.choice(SHARES)
        self.on = {point for point in POINTS if chance.random() < share}
        self._rate = {point: EACH[point] * chance.choice((0.1, 0.4, 1.0)) for point in EACH}
        self.fired: Counter[str] = Counter()
        self._lasting: set[str] = set()
        self.cleared = False

    def strikes(self, point: str) -> bool:
        """Tell whether a fault hits this call."""
        if self.cleared or point not in self.on or self._dice.random() >= self._rate[point]:
            return False
        self.count(point)
        return True

    def count(self, point: str) -> None:
        """Note that a fault fired."""
        self.fired[point] += 1
        self._note("fault", point)

    def begin(self, point: str) -> None:
        """Let a spell begin."""
        self._lasting.add(point)
        self.count(point)

    def end(self, point: str) -> None:
        """Let a spell end."""
        self._lasting.discard(point)

    def lasts(self, point: str) -> bool:
        """Tell whether a spell is on."""
        return point in self._lasting and not self.cleared

    @property
    def fair(self) -> bool:
        """Tell whether no spell is on."""
        return self.cleared or not self._lasting

    def between(self, low: float, high: float) -> float:
        """Draw a number, of a delay or a skew."""
        return self._dice.uniform(low, high)

    def clear(self) -> None:
        """End all faults for good."""
        self.cleared = True
