"""The settings of the kill switch."""

from __future__ import annotations

from pydantic import Field

from config.groups import Group, PositiveSeconds


class KillingSettings(Group):
    """The kill switch: how long it tries before it lists what is left, and how long lifting it takes."""

    rearm_wait_s: PositiveSeconds = Field(default=30, description="From the typed word until entries pass again")
    patience_s: PositiveSeconds = Field(
        default=30, description="How long cancelling, and flattening, may each take before what is left is listed"
    )
    retry_s: PositiveSeconds = Field(default=5, description="From a venue's refusal or silence until it is asked again")
