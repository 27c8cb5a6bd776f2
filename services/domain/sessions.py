"""Whether a market is open, and until when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A market's hours as they stand: ``changes_at`` is the next opening or close, None where none is in sight."""

    name: str
    is_open: bool
    changes_at: datetime | None = None

    def open_at(self, now: datetime) -> bool:
        """Tell whether the market is open; what was open up to a time is not any more from then on."""
        return self.is_open and (self.changes_at is None or now < self.changes_at)


ALL_HOURS = Session(name="all hours", is_open=True)
# What a row of an older desk says, that did not look.
NOT_MEASURED = Session(name="not measured", is_open=True)
