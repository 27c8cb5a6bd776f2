"""Where bars lie in time: the grid of a running market, and the timeframes that are served on it."""

from dataclasses import dataclass

from sandbox.exchange.course import STEPS

_MINUTE = 60
_COMPOSED = {"5m": 300, "15m": 900, "1h": 3600}


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """Bar `index` opens at `opens_at`; every bar lasts `bar` (both in milliseconds)."""

    index: int
    opens_at: int
    bar: int

    def open_time(self, index: int) -> int:
        """Tell when a bar opens."""
        return self.opens_at + (index - self.index) * self.bar

    def index_at(self, at: int) -> int:
        """Find the bar that is open at a time."""
        return self.index + (at - self.opens_at) // self.bar

    def first_from(self, at: int) -> int:
        """Find the first bar that opens at or after a time."""
        return self.index - (self.opens_at - at) // self.bar

    def step_at(self, at: int) -> int:
        """Find how far the open bar has unfolded, in steps from 0."""
        return (at - self.opens_at) % self.bar * STEPS // self.bar

    def step_time(self, index: int, step: int) -> int:
        """Tell when a step of a bar happens, rounded up to the millisecond."""
        return self.open_time(index) - (-step * self.bar // STEPS)


def timeframe_of(bar_seconds: int) -> str:
    """Name the timeframe of one bar: 1m for a minute, else its seconds."""
    return "1m" if bar_seconds == _MINUTE else f"{bar_seconds}s"


def intervals_of(bar_seconds: int) -> dict[str, int]:
    """List the served timeframes and their milliseconds; longer ones are composed where a bar is a minute."""
    composed = _COMPOSED if bar_seconds == _MINUTE else {}
    return {timeframe_of(bar_seconds): bar_seconds * 1000} | {name: 1000 * s for name, s in composed.items()}
