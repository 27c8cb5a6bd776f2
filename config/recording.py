"""What a running desk keeps beside its database, for backtests and replays."""

from __future__ import annotations

from pydantic import Field

from config.groups import Group


class RecordSettings(Group):
    """Files that a running desk writes for later; trading never waits for them."""

    candles: bool = Field(default=False, description="Whether closed candles go into the candle store as they come")
    days: bool = Field(default=False, description="Whether quotes, decisions, instructions and fills go into files of the day")
    keep_days: int = Field(default=14, ge=1, le=3650, description="How many days of recordings are kept")
    most_mb: int = Field(default=2000, ge=1, description="Most megabytes of recordings; the oldest days go first")
