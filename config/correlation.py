"""How instruments that move together are found."""

from __future__ import annotations

from decimal import Decimal

from pydantic import Field

from config.groups import Group, PositiveSeconds, Share


class CorrelationSettings(Group):
    """Groups of instruments that move together, measured from closed candles beside the trading."""

    threshold: Share = Field(
        default=Decimal("0.7"), description="Correlation of returns, either way, from which two go together"
    )
    candles: int = Field(default=240, ge=30, le=1000, description="Newest closed candles that are compared")
    least: int = Field(
        default=60, ge=20, le=1000, description="Fewest returns at the same times that two instruments must have"
    )
    every_s: PositiveSeconds = Field(default=60, description="How often it is measured")
    max_age_s: PositiveSeconds = Field(default=900, description="Oldest candle that a measurement may end with")
    required: bool = Field(default=True, description="Whether `risk.group_share` denies without data, or passes and says so")
