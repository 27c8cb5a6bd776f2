"""The group about signals that come from outside over HTTP."""

from __future__ import annotations

from decimal import Decimal

from pydantic import Field

from config.groups import Bps, Group


class IntakeSettings(Group):
    """Signals from outside, at `/v1/signals` of [web]: how far a sender is trusted, and what mutes one."""

    skew_s: int = Field(default=60, ge=5, le=600, description="Most seconds between a sender's clock and the desk's")
    stale_s: int = Field(default=60, ge=5, le=3600, description="Age of an alert, or of a price, from which it is stale")
    per_minute: int = Field(default=30, ge=1, le=6000, description="Alerts a minute from one source; more are turned away")
    repeat_s: int = Field(
        default=60, ge=0, le=3600, description="Time in which an equal body without an id or a signature is the same alert"
    )
    away_bps: Bps = Field(default=Decimal(100), description="Furthest entry from the market that is taken")
    floor_r: Decimal = Field(
        default=Decimal(0), ge=-5, le=5, description="Mean R that a source must be able to reach, or it is muted"
    )
    kept_days: int = Field(default=90, ge=7, le=3650, description="How long alerts are kept, and what a scorecard counts")
