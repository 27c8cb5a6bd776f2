"""The settings of circuit breakers, and of what holds a person back."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field, model_validator

from config.groups import Bps, Group, PositiveSeconds, Share

LossInR = Annotated[Decimal, Field(gt=0, le=1)]


class BreakerSettings(Group):
    """Circuit breakers: at what they open, and for how long. Exits and reductions pass every one of them."""

    drawdown: Share = Field(
        default=Decimal("0.10"), description="Fall from the highest equity that opens it, share of the peak"
    )
    loss_from_r: LossInR = Field(
        default=Decimal("0.25"), description="Smallest loss in R that counts as one; less is a scratch"
    )
    streak_warn: int = Field(default=3, ge=1, description="Losses in a row after which a person is warned")
    streak_lock: int = Field(default=4, ge=2, description="Losses in a row after which a person is locked")
    streak_s: PositiveSeconds = Field(default=3600, description="How long a losing streak locks before one entry may try")
    errors: int = Field(default=5, ge=1, description="Writes refused or unknown at a terminal that open it")
    errors_window_s: PositiveSeconds = Field(default=60, description="Within which time")
    errors_s: PositiveSeconds = Field(default=300, description="How long errors stop entries before one may try")
    stale_s: PositiveSeconds = Field(default=30, description="Age of an instrument's quote that opens it")
    calm_s: PositiveSeconds = Field(default=30, description="How long quotes must be fresh again before it closes")
    slippage_bps: Bps = Field(default=Decimal(25), description="Entry worse than its decision price that counts")
    slippage_entries: int = Field(default=3, ge=1, description="Entries in a row beyond it that open it")
    slippage_s: PositiveSeconds = Field(default=1800, description="How long slippage stops entries before one may try")
    by_hand: tuple[Literal["drawdown", "losing_streak", "error_rate", "slippage"], ...] = Field(
        default=("drawdown",), description="Those that only a commander closes"
    )

    @model_validator(mode="after")
    def _agree(self) -> BreakerSettings:
        if self.streak_warn >= self.streak_lock:
            raise ValueError("`streak_warn` is not below `streak_lock`: the warning would never come first")
        return self


class DisciplineSettings(Group):
    """What holds one person back after losses, whatever their role. Exits and reductions always pass."""

    cooldown_s: Annotated[float, Field(ge=0)] = Field(default=300, description="Pause after a loss; 0 for none")
    tilt_losses: int = Field(default=3, ge=2, description="Losses within `tilt_window_s` that lock a person")
    tilt_window_s: PositiveSeconds = Field(default=1800, description="Within which time")
    tilt_lock_s: PositiveSeconds = Field(default=3600, description="From the last of these losses until entries pass again")
    medic_from: Share = Field(default=Decimal("0.05"), description="The person's loss of the day that begins medic mode")
    medic_before: Share = Field(
        default=Decimal("0.6"), description="Share of the daily loss in force at which it begins at the latest"
    )
    medic_risk: Share = Field(default=Decimal("0.5"), description="Share of the usual sizes that is left then")
    medic_positions: int = Field(default=1, ge=1, description="Live trades of the person at the terminal then")
    shots_per_day: int = Field(default=50, ge=1, description="Entries of one person in a trading day")
