"""Time for the market: a port, and the wall clock that fills it when the exchange runs for real."""

from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Anything that tells the time."""

    def now(self) -> datetime:
        """Tell the time as an aware UTC datetime."""
        ...


class WallClock:
    """Read the computer's clock."""

    def now(self) -> datetime:
        """Tell the time as an aware UTC datetime."""
        return datetime.now(UTC)


def milliseconds(at: datetime) -> int:
    """Convert an aware datetime to whole milliseconds since 1970, the unit of every time on the wire."""
    return (at - _EPOCH) // _MILLISECOND


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = datetime(1970, 1, 1, 0, 0, 0, 1000, tzinfo=UTC) - _EPOCH
