"""What is left of the call that an entry would follow, as an input of the gate."""

from __future__ import annotations

from datetime import datetime, timedelta

from services.domain.inputs import InputAnswer
from services.domain.ports import QuoteSource
from services.domain.signals import Signal
from services.domain.vitality import vitality_of

# The answer is of one quote; it is asked for anew at each judgement.
HOLDS = timedelta(seconds=2)


class CallVitality:
    """Refuses what is spent: a call of which less than ``least`` points are left. Without a quote it has no data."""

    def __init__(self, quotes: QuoteSource, least: int) -> None:
        self._quotes = quotes
        self._least = least

    def about(self, signal: Signal, now: datetime) -> InputAnswer | None:
        """Return how much of the call is left, and by what it was lost."""
        quote = self._quotes.latest(signal.symbol)
        if quote is None:
            return None
        found = vitality_of(signal, quote, now)
        lost = f"{found.drift:.2f} R off, spread {found.spread:.0%} of R, age {found.age:.0%}"
        said = f"{found.left} {found.freshness.value}: {lost}"
        return InputAnswer(passed=found.left >= self._least, said=said, until=now + HOLDS)
